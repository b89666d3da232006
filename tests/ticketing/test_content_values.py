"""Results as people read them: names, numbers, differences."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc.ticketing.content.evidence import Evidence, ModelCard, ResultFact
from mlc.ticketing.content.results import comparison, metric_table
from mlc.ticketing.content.values import MOST_LEAVES, difference, flat, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.912345678, "0.912346"),
        (1.0, "1"),
        (-0.0, "0"),
        (1234567.891, "1234567.89"),
        (123456.789, "123457"),
        (0.00001234, "1.234e-05"),
        (12_345_678, "12345678"),
        (10**400, "1.00000e+400"),
        (1e300, "1.00000e+300"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (None, "null"),
        (True, "true"),
        ("text", "text"),
        ([1], "1 value"),
        ([[0, 1]] * 7, "7 values"),
        ({}, "0 values"),
    ],
)
def test_a_value_is_shown_in_a_few_digits(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        (0.3, 0.1, "-0.2"),
        (0.1, 0.3, "+0.2"),
        (0.5, 0.5, "0"),
        (1000, 1200, "+200"),
        (10**400, 10**400 + 1, "+1"),
        (10**400, 1.5, "-1.00000e+400"),
        (None, None, "-"),
        (None, 0.4, "changed"),
        (float("nan"), float("nan"), "-"),
        (float("nan"), 0.4, "changed"),
        (0.4, float("inf"), "changed"),
        ("a", "a", "-"),
        ("a", "b", "changed"),
        (True, 1, "changed"),
        ([1, 2], [1, 2], "-"),
        ([1, 2], [1, 3], "changed"),
    ],
)
def test_a_difference_has_its_sign_or_says_whether_something_changed(before: object, now: object, text: str) -> None:
    assert difference(before, now) == text


@settings(deadline=None)
@given(st.floats() | st.integers() | st.text() | st.none(), st.floats() | st.integers() | st.booleans())
def test_any_two_values_can_be_compared(before: object, now: object) -> None:
    assert difference(before, now)
    assert shown(now)


def test_nested_values_have_dotted_names_and_those_of_the_top_level_come_first() -> None:
    values: dict[str, Any] = {
        "by_group": {"women": {"tpr": 0.9}, "men": {"tpr": 0.8}},
        "performance": [
            {"test_id": "perf_a", "test_name": "A", "test_category": "p", "test_type": "a", "values": {"auc": 0.9}},
            {"test_id": "perf_b", "metric": "ks", "values": {"ks": 0.4}},
        ],
        "rows": [{"x": 1}, {"x": 2}],
        "curve": [[0, 0], [1, 1]],
        "auc": 0.9,
        "empty": {},
    }
    assert flat(values) == {
        "curve": [[0, 0], [1, 1]],
        "auc": 0.9,
        "empty": {},
        "by_group.women.tpr": 0.9,
        "by_group.men.tpr": 0.8,
        "performance.perf_a.values.auc": 0.9,
        "performance.perf_b.metric": "ks",
        "performance.perf_b.values.ks": 0.4,
        "rows.0.x": 1,
        "rows.1.x": 2,
    }


def test_long_lists_deep_nesting_and_very_many_values_have_an_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"d": deep}
    assert list(flat(deep)) == [".".join("d" * 9)]
    assert flat({"rows": [{"x": 1}] * 50}) == {"rows": [{"x": 1}] * 50}
    assert len(flat({str(n): n for n in range(3 * MOST_LEAVES)})) == MOST_LEAVES


@settings(deadline=None)
@given(st.recursive(st.none() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_any_json_can_be_shown(value: object) -> None:
    for leaf in flat({"value": value}).values():
        assert isinstance(shown(leaf), str)


def test_metrics_stand_beside_those_of_the_last_deployed_snapshot_new_and_vanished_ones_named() -> None:
    table = metric_table({"auc": 0.94, "recall": None, "ks": math.nan}, {"auc": 0.91, "f1": 0.8, "ks": 0.3})
    assert table.header == ["Metric", "Before", "Now", "Difference"]
    assert table.rows == [
        ["auc", "0.91", "0.94", "+0.03"],
        ["recall", "-", "null", "new"],
        ["ks", "0.3", "NaN", "changed"],
        ["f1", "0.8", "-", "no longer there"],
    ]
    words = json.dumps(table.rows)
    assert not any(word in words for word in ("better", "worse", "improved", "dropped"))


def evidence(**values: Any) -> Evidence:
    previous = ModelCard(snapshot_id="s1", snapshot_name="v11")
    return Evidence(previous=previous, result=ResultFact(id="t2", values={"a": 1}, inputs={"new.csv": "11"}), **values)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"old.csv": "11"}, " Both were measured on the same data."),
        ({"new.csv": "22"}, " Both were measured on different data."),
        ({}, ""),
    ],
)
def test_a_comparison_says_with_which_result_and_whether_on_the_same_data(inputs: dict[str, str], said: str) -> None:
    before = ResultFact(id="t1", values={"b": 1}, created="2026-10-01 09:05 UTC", inputs=inputs)
    first, *others = comparison(evidence(before=before), metric_table({"a": 1}, {"b": 1}))
    assert first == f"Before: test result t1 (2026-10-01 09:05 UTC) of v11, the last deployed snapshot.{said}"
    assert others == ["New: a.", "No longer there: b."]


def test_without_an_earlier_result_the_ticket_says_so_and_why() -> None:
    table = metric_table({"a": 1}, None)
    assert table.header == ["Metric", "Value"]
    assert list(comparison(evidence(), table)) == [
        "The last deployed snapshot, v11, has no test result of its own to compare with."
    ]
    assert list(comparison(evidence(before_known=False), table)) == [
        "The last deployed snapshot, v11, could not be asked for its test result."
    ]


def test_many_new_metrics_are_not_all_named() -> None:
    table = metric_table({f"m{n}": n for n in range(30)}, {})
    said = list(comparison(evidence(before=ResultFact(id="t", values={})), table))
    assert said[1] == "New: m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 20 more."


def block(**values: Any) -> dict[str, Any]:
    return {"performance": [{"test_id": "classification", "test_name": "C", "values": values}]}


def names(now: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    return [row[0] for row in metric_table(now, before).rows]


def test_a_metric_that_stands_in_a_test_block_as_well_is_shown_once() -> None:
    shares = {"confusion": [{"0": 0.1, "1": 0.9}]}
    assert names({"auc": 0.9, **shares, **block(auc=0.9, **shares)}) == ["auc", "confusion.0.0", "confusion.0.1"]
    assert names({"auc": 0.9, **block(auc=0.9)}, {"auc": 0.8, **block(auc=0.8)}) == ["auc"]
    assert names({"auc": 0.9, **block(auc=0.9)}, {"auc": 0.8}) == ["auc"]


def test_what_only_looks_like_the_same_metric_is_shown_as_well() -> None:
    nested = "performance.classification.values.auc"
    assert names({"auc": 0.9, **block(auc=0.8)}) == ["auc", nested]  # another value
    assert names(block(auc=0.9)) == [nested]  # nowhere else
    assert names({"n": 5, "group": {"n": 5}}) == ["n", "group.n"]  # in no test block
    changed = metric_table({"auc": 0.9, **block(auc=0.9)}, {"auc": 0.9, **block(auc=0.7)}).rows
    assert [row[:3] for row in changed] == [["auc", "0.9", "0.9"], [nested, "0.7", "0.9"]]  # another value before


def test_what_a_monitor_keeps_for_charts_is_no_metric() -> None:
    column = {"column": "age", "categories": ["a", "b"], "baseline": [1, 2], "sample": [3, 4]}
    drawn = {"auc": 0.9, "distributions": {"columns": [column], "columns_left_out": 0}}
    assert metric_table(drawn, None).rows == [["auc", "0.9"]]
    assert metric_table(drawn, {"auc": 0.8}).rows == [["auc", "0.8", "0.9", "+0.1"]]
    assert metric_table({"auc": 0.9}, drawn).rows == [["auc", "0.9", "0.9", "0"]]
    own = {"distributions": {"mean": 3}}
    assert metric_table(own, None).rows == [["distributions.mean", "3"]], "a metric of somebody else's of that name"
