from hypothesis import given
from hypothesis import strategies as st

from mlc.model.fairness import LONGEST, fairness_key, fairness_of
from mlc.model.snapshot import Model


def test_a_models_key_is_its_group_else_its_id_else_its_snapshots() -> None:
    assert fairness_of(Model(group="credit", id="m1"), "s1") == "credit"
    assert fairness_of(Model(id="m1"), "s1") == "m1"
    assert fairness_of(Model(group=" \t\n", id="m1"), "s1") == "m1"
    assert fairness_of(Model(), "s1") == "s1"
    assert fairness_of(Model()) == ""


def test_what_looks_the_same_is_the_same_key() -> None:
    assert fairness_key(" credit\u2028 risk\0") == fairness_key("credit risk")


def test_long_names_with_the_same_beginning_are_told_apart_and_fit() -> None:
    one, other = (fairness_key("é" * 200 + end) for end in "ab")
    assert one != other
    assert all(len(key.encode()) <= LONGEST for key in (one, other))
    assert fairness_key("x" * LONGEST) == "x" * LONGEST
    assert fairness_key("x" * (LONGEST + 1)) != "x" * LONGEST


@given(st.text())
def test_every_name_makes_a_key_that_temporal_takes(name: str) -> None:
    key = fairness_key(name, "else")
    assert 0 < len(key.encode()) <= LONGEST
    assert key.isprintable()
    assert fairness_key(key) == key


def test_half_a_surrogate_pair_is_no_reason_not_to_start() -> None:
    assert fairness_key("a\ud800").encode()
