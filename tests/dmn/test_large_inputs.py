"""Inputs of a million items: an answer, or a problem that says which limit was met, within a second of CPU."""

from __future__ import annotations

import time
from collections import UserDict
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from dmn_text import decision, dmn, input_data
from hypothesis import given
from hypothesis import strategies as st

import mlc.dmn
from mlc.dmn import DecisionModel, Evaluation, Kind
from mlc.dmn.errors import FeelError
from mlc.dmn.feel.values import pieces, text_of
from mlc.dmn.inputs import PARTS, feel_value

MILLION = 1_000_000
TYPES = "".join(
    f'<itemDefinition name="{name}s" isCollection="true"><typeRef>{name}</typeRef></itemDefinition>'
    for name in ("number", "integer", "date", "string")
)


@cache
def floats() -> list[float]:
    """Here and below: made where they are wanted, as each process of a test run reads this file."""
    return [number / 7 for number in range(MILLION)]


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    """Well under a second on a machine of one's own; the bound is wider because machines are shared."""
    start = time.thread_time()
    yield
    assert time.thread_time() - start < 10


def model(text: str, type_ref: str | None = None) -> DecisionModel:
    return mlc.dmn.load(dmn(TYPES, input_data("x", type_ref), decision("d", text, inputs=["x"])))


def evaluated(text: str, value: Any, type_ref: str | None = None) -> Evaluation:
    return model(text, type_ref).evaluate({"x": value})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("count(x)", MILLION),
        ("x[1]", 0),
        ("x[-1] > 142856", True),
        ("max(x) - min(x) > 142856", True),
        ("mean(x) > 71428", True),
        ("sum(x) / count(x) > 71428", True),
        ("x = null", False),
    ],
)
def test_what_looks_at_every_number_once_is_answered(text, wanted) -> None:
    evaluation = evaluated(text, floats(), "numbers")
    assert (evaluation.result, evaluation.problems) == (wanted, [])


@pytest.mark.parametrize(
    "text",
    [
        *["x[item > 5]", "for i in x return i + 1", "sort(x)", "distinct values(x)", "string(x)", "x"],
        *["some i in x satisfies i < 0", "median(x)", "x = for i in x return i"],
    ],
)
def test_what_takes_more_meets_a_limit(text) -> None:
    evaluation = evaluated(text, floats()[:260_000])
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (None, [Kind.LIMIT])


@pytest.mark.parametrize(
    ("make", "type_ref", "wanted"),
    [
        (lambda: list(range(MILLION)), "integers", MILLION),
        (lambda: tuple(range(MILLION)), None, MILLION),
        (lambda: [1, 2.5] * (MILLION // 2), "numbers", MILLION),
        (lambda: [str(number) for number in range(MILLION)], "strings", MILLION),
        (lambda: [True, None] * (MILLION // 2), None, MILLION),
        (lambda: [[number] for number in range(PARTS // 5)], None, PARTS // 5),
        (lambda: {str(number): number / 7 for number in range(MILLION)}, None, 1),
        (lambda: UserDict({str(number): number for number in range(MILLION)}), None, 1),
    ],
    ids=["whole numbers", "tuple", "mixed", "strings", "booleans", "lists", "context", "mapping"],
)
def test_a_million_of_any_kind_can_be_an_input(make: Callable[[], Any], type_ref, wanted) -> None:
    evaluation = evaluated("count(x)", make(), type_ref)
    assert (evaluation.result, evaluation.problems) == (wanted, [])


TOO_MUCH: dict[str, tuple[Callable[[], Any], str | None, Kind]] = {
    "two million": (lambda: [1] * (2 * MILLION), None, Kind.LIMIT),
    "lists, the first ones one": (lambda: [[1]] * 3 + [[number] for number in range(MILLION)], None, Kind.LIMIT),
    "contexts": (lambda: [{"a": number, "b": 1} for number in range(MILLION // 2)], None, Kind.LIMIT),
    "no number at the end": (lambda: [*floats(), float("nan")], None, Kind.NOT_A_NUMBER),
    "no number that may be touched": (lambda: [*floats()[:9], Decimal("sNaN")], "numbers", Kind.NOT_A_NUMBER),
    "an object": (lambda: [*floats()[:9], object()], "numbers", Kind.WRONG_TYPE),
    "a text at the end": (lambda: [*floats(), "1"], "numbers", Kind.LIMIT),
    "a list for a number": (floats, "number", Kind.WRONG_TYPE),
    "fractions for whole numbers": (floats, "integers", Kind.LIMIT),
    "texts for dates": (lambda: ["2026-07-31"] * MILLION, "dates", Kind.LIMIT),
    "texts for numbers": (lambda: ["2026-07-31"] * 1_000, "numbers", Kind.WRONG_TYPE),
    "a context for numbers": (lambda: {str(number): number for number in range(MILLION)}, "numbers", Kind.WRONG_TYPE),
    "a range": (lambda: range(10**12), None, Kind.WRONG_TYPE),
    "a set": (lambda: {1, 2}, None, Kind.WRONG_TYPE),
}


@pytest.mark.parametrize(("make", "type_ref", "kind"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_is_too_much_or_does_not_fit_is_a_problem(make: Callable[[], Any], type_ref, kind) -> None:
    evaluation = evaluated("count(x)", make(), type_ref)
    assert kind in [problem.kind for problem in evaluation.problems]
    assert all(len(str(problem)) < 3_000 for problem in evaluation.problems)


@pytest.mark.parametrize("name", ["numpy", "pandas"])
def test_an_array_is_refused_in_a_word(name) -> None:
    module = pytest.importorskip(name)
    array = module.arange(MILLION) if name == "numpy" else module.Series(range(MILLION))
    (problem,) = evaluated("count(x) = 1", array).problems
    assert (problem.kind, problem.input) == (Kind.WRONG_TYPE, "x")
    assert len(str(problem)) < 200


def test_an_input_that_nobody_asks_for_is_not_looked_at() -> None:
    class Untouchable(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            raise AssertionError("somebody looked")

    evaluation = model("count(x)").evaluate({"x": [1], "y": Untouchable([1])})
    assert (evaluation.result, evaluation.problems) == (1, [])


def test_an_input_that_many_decisions_read_is_converted_once() -> None:
    many = "".join(decision(f"d{n}", "count(x)", inputs=["x"]) for n in range(20))
    top = decision("all", " + ".join(f"d{n}" for n in range(20)), decisions=[f"d{n}" for n in range(20)])
    evaluation = mlc.dmn.load(dmn(input_data("x"), many, top)).evaluate({"x": floats()})
    assert (evaluation.result, evaluation.problems) == (20 * MILLION, [])


def test_a_missing_input_among_a_million_others_is_told_quickly() -> None:
    inputs = dict.fromkeys(map(str, range(MILLION)), 1)
    names = [f"input {n}" for n in range(20)]
    data = dmn(*map(input_data, names), decision("d", " + ".join(names), inputs=names))
    assert len(mlc.dmn.load(data).evaluate(inputs).problems) == 20


def test_a_table_shows_a_long_value_cut_off() -> None:
    data = dmn(
        decision(
            "d",
            "<decisionTable><input><inputExpression><text>x</text></inputExpression></input><output name='o'/>"
            "<rule><inputEntry><text>&lt; 1</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>"
            "<rule><inputEntry><text>count(?) > 1</text></inputEntry><outputEntry><text>2</text></outputEntry></rule>"
            "</decisionTable>",
        )
    )
    evaluation = mlc.dmn.load(data).evaluate({"x": floats()})
    assert evaluation.result == 2
    assert all(len(str(problem)) < 3_000 for problem in evaluation.problems)
    assert len(str(evaluation.matched_rules[0].conditions[0])) < 2_000


def test_a_list_that_is_in_another_many_times_is_converted_once() -> None:
    value: list[Any] = [1.5]
    for _ in range(45):
        value = [value, value]
    assert evaluated("count(x)", value).result == 2
    evaluation = evaluated("x", value)
    assert [problem.kind for problem in evaluation.problems] == [Kind.LIMIT]


@given(st.lists(st.one_of(st.floats(), st.integers(), st.decimals(), st.text(max_size=2), st.booleans(), st.none())))
def test_many_values_together_become_what_each_of_them_becomes(values) -> None:
    alone, wrong = [], False
    for value in values:
        try:
            alone.append(feel_value(value))
        except FeelError:
            wrong = True
    for together in (values, tuple(values), [*values, *values, *values]):
        if wrong:
            with pytest.raises(FeelError):
                feel_value(together)
            continue
        found = feel_value(together)
        assert list(map(repr, found[: len(alone)])) == list(map(repr, alone))


@given(st.lists(st.integers(10**33, 10**36), min_size=8))
def test_a_list_of_long_whole_numbers_is_rounded_as_each_of_them_is(values) -> None:
    assert feel_value(values) == [feel_value(value) for value in values]


def test_a_datetime_of_a_library_is_no_datetime() -> None:
    class Stamp(datetime):
        pass

    with pytest.raises(FeelError):
        feel_value([Stamp(2026, 7, 31)] * 10)


def test_the_text_of_a_value_is_made_bit_by_bit() -> None:
    value = {"a": [Decimal(1), "x", []], "b": {}, "c": [[Decimal(2)], {"d": None}]}
    assert text_of(value) == '{a: [1, "x", []], b: {}, c: [[2], {d: null}]}'
    assert (text_of("x"), text_of("x", inner=True), text_of([])) == ("x", '"x"', "[]")
    first = pieces([1] * MILLION)
    start = time.thread_time()
    assert [next(first), next(first), next(first)] == ["[", "", "1"]
    assert time.thread_time() - start < 0.5
