"""Bad data gets a sentence: a column that can't be compared is named and left out, and the others are computed."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from monitors.frames import LABELLED, MEASURED, field, frame, named, numerical, plain, scalars, schema

from mlc.monitors import MonitorError
from mlc.monitors.classification import classification
from mlc.monitors.drift import concept_drift, data_drift
from mlc.monitors.performance import regression
from mlc.monitors.stability import stability

N = 40
GOOD = np.arange(N, dtype=float)
NUMBERS = schema(field("good"), field("bad"), field("score", "score"))
CATEGORIES = schema(field("good"), field("bad", data_class="categorical"), field("score", "score"))


def side(bad: Any) -> pd.DataFrame:
    return frame(good=GOOD, bad=bad, score=GOOD)


def with_one(value: object, rest: object = 1.0) -> pd.Series:
    return pd.Series([rest] * (N - 1) + [value], dtype=object)


NOT_NUMBERS = {
    "text": (["a"] * N, "40 of its 40 values are no numbers, the first of them text"),
    "one text": (with_one("a"), "1 of its 40 values are no numbers, the first of them text"),
    "one empty text": (with_one(""), "the first of them text"),
    "one list": (with_one([1]), "the first of them of the type list"),
    "one date": (with_one(dt.date(2026, 1, 1)), "the first of them of the type date"),
    "a number beyond": (with_one(10**400), "the first of them a number beyond what a float holds"),
    "infinity": (np.where(GOOD == 3, np.inf, GOOD), "1 of its 40 values are infinite"),
    "minus infinity": (np.where(GOOD < 2, -np.inf, GOOD), "2 of its 40 values are infinite"),
    "infinity in text": (with_one("inf"), "1 of its 40 values are infinite"),
    "dates": (pd.date_range("2026-01-01", periods=N), "it holds dates"),
    "dates with a zone": (pd.date_range("2026-01-01", periods=N, tz="Europe/Berlin"), "it holds dates"),
    "periods": (pd.period_range("2026-01", periods=N, freq="M"), "it holds dates"),
    "spans": (pd.to_timedelta(GOOD, unit="s"), "it holds spans of time"),
    "complex": (GOOD + 1j, "it holds complex numbers"),
    "null": ([None] * N, "all of its values are null"),
    "nan": ([np.nan] * N, "all of its values are null"),
    "pandas' null": (pd.array([pd.NA] * N, dtype="Int64"), "all of its values are null"),
}


@pytest.mark.parametrize("which", ["baseline", "sample"])
@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_a_numerical_column_of_something_else_is_named_and_the_others_are_compared(kind: str, which: str) -> None:
    bad, said = NOT_NUMBERS[kind]
    frames = {"baseline": side(GOOD), "sample": side(GOOD)} | {which: side(bad)}
    result = plain(data_drift(frames["baseline"], frames["sample"], NUMBERS))
    assert [(row["column"], said in row["reason"], which in row["reason"]) for row in result["not_compared"]] == [
        ("bad", True, True)
    ]
    assert (result["not_compared_count"], result["bad_ks_pvalue"], result["good_ks_pvalue"]) == (1, None, 1.0)
    assert "bad" not in named(result, "data_drift", "Kolmogorov-Smirnov")
    for word in ("max", "min"):
        key = f"DataDrift_{word}Kolmogorov-SmirnovPValue"
        assert (result[key], result[f"{key}Feature"]) == (1.0, "good")


NOT_CATEGORIES = {
    "lists": ([[1]] * N, "it holds lists"),
    "dates": (pd.date_range("2026-01-01", periods=N), "it holds dates"),
    "null": ([None] * N, "all of its values are null"),
    "prose": (["x" * 501] * N, "texts of up to 501 characters"),
    "endless numbers": ([10**5000] * N, "whole numbers of thousands of digits"),
}


@pytest.mark.parametrize("kind", NOT_CATEGORIES)
def test_a_categorical_column_of_something_else_is_named(kind: str) -> None:
    bad, said = NOT_CATEGORIES[kind]
    result = plain(data_drift(side(["a", "b"] * 20), side(bad), CATEGORIES))
    assert [said in row["reason"] for row in result["not_compared"]] == [True]
    assert (result["bad_js_distance"], result["good_js_distance"]) == (None, 0.0)


def test_ten_thousand_categories_are_not_compared() -> None:
    many = frame(good=np.arange(10_000.0), bad=[f"k{n}" for n in range(10_000)], score=np.arange(10_000.0))
    for result in (data_drift(many, many, CATEGORIES), stability(many, many, CATEGORIES)):
        assert "it has 10,000 different values, and up to 1,000 are compared" in result["not_compared"][0]["reason"]


def test_categories_that_are_many_only_together_are_not_compared_for_stability() -> None:
    result = stability(
        side([f"a{n}" for n in range(N)]), side([f"b{n}" for n in range(N)]), CATEGORIES, max_categories=50
    )
    assert "it has 80 different values" in result["not_compared"][0]["reason"]


@pytest.mark.parametrize("compute", [data_drift, stability])
def test_a_column_that_one_side_lacks_is_named(compute: Any) -> None:
    result = plain(compute(side(GOOD), side(GOOD).drop(columns="bad"), NUMBERS))
    assert result["not_compared"] == [{"column": "bad", "reason": "the sample has no such column"}]
    result = plain(compute(side(GOOD).drop(columns="bad"), side(GOOD), NUMBERS))
    assert result["not_compared"] == [{"column": "bad", "reason": "the baseline has no such column"}]


@pytest.mark.parametrize("compute", [data_drift, stability])
def test_a_column_that_is_there_twice_is_named(compute: Any) -> None:
    twice = pd.concat([side(GOOD), frame(bad=GOOD)], axis=1)
    result = plain(compute(side(GOOD), twice, NUMBERS))
    assert result["not_compared"] == [{"column": "bad", "reason": "the sample has 2 columns of this name"}]


def test_columns_that_the_schema_does_not_know_are_told_and_do_no_harm() -> None:
    result = plain(data_drift(side(GOOD).assign(x=1, y=2), side(GOOD).assign(y=3), NUMBERS))
    assert result["not_in_schema"] == [{"column": "x", "in": "baseline"}, {"column": "y", "in": "baseline and sample"}]
    assert result["not_compared_count"] == 0


@pytest.mark.parametrize("compute", [data_drift, concept_drift, stability])
def test_where_no_column_can_be_compared_there_is_no_result(compute: Any) -> None:
    with pytest.raises(MonitorError) as error:
        compute(frame(other=[1]), frame(other=[1]), NUMBERS)
    assert "'score' can't be compared" in str(error.value) or "'good' can't be compared" in str(error.value)


@pytest.mark.parametrize("compute", [data_drift, concept_drift, stability])
@pytest.mark.parametrize("which", [0, 1])
def test_an_empty_frame_is_said(compute: Any, which: int) -> None:
    frames = [side(GOOD), side(GOOD)]
    frames[which] = frames[which].iloc[:0]
    with pytest.raises(MonitorError, match=f"The {('baseline', 'sample')[which]} has no rows"):
        compute(*frames, NUMBERS)


def test_what_is_no_frame_is_said() -> None:
    with pytest.raises(MonitorError, match="The sample must be a data frame, and is of the type list"):
        data_drift(side(GOOD), [1], NUMBERS)  # type: ignore[arg-type]


def test_two_schemas_are_said_before_anything_is_read() -> None:
    from mlc.monitors import read_schema

    with pytest.raises(MonitorError, match="exactly one input schema, and there are 2"):
        read_schema([{"type": "record"}, {"type": "record"}])


def test_a_constant_column_has_no_epps_singleton_and_says_why() -> None:
    result = plain(data_drift(side(np.ones(N)), side(np.ones(N)), NUMBERS))
    assert (result["bad_ks_pvalue"], result["bad_es_pvalue"], result["not_compared_count"]) == (1.0, None, 0)
    assert {row["test"] for row in result["not_computed"] if row["column"] == "bad"} == {
        *("Epps-Singleton", "Jensen-Shannon")
    }
    assert result["not_computed_count"] == len(result["not_computed"])


def test_a_column_that_has_become_constant_drifts() -> None:
    result = plain(data_drift(side(GOOD), side(np.ones(N)), NUMBERS))
    assert result["DataDrift_minKolmogorov-SmirnovPValueFeature"] == "bad"
    assert result["bad_ks_pvalue"] < 0.001


def test_three_rows_are_compared_as_far_as_they_go() -> None:
    few = side(GOOD).iloc[:3]
    result = plain(data_drift(few, few, NUMBERS))
    assert (result["good_ks_pvalue"], result["good_es_pvalue"]) == (1.0, None)
    assert "five numbers on each side" in result["not_computed"][0]["reason"]
    assert plain(stability(few, few, NUMBERS))["good_CSI"] == 0.0


def test_one_row_is_compared_as_far_as_it_goes() -> None:
    one = side(GOOD).iloc[:1]
    for compute in (data_drift, concept_drift, stability):
        plain(compute(one, one, NUMBERS))
    assert plain(regression(frame(label=[1.0], score=[2.0]), MEASURED))["r2_score"] is None


def test_booleans_are_numbers_or_categories_as_the_schema_says() -> None:
    flags, ones = side([True, False] * 20), side([1.0, 0.0] * 20)
    assert plain(data_drift(flags, ones, NUMBERS))["bad_ks_pvalue"] == 1.0
    texts = side(["True", "False"] * 20)
    assert plain(data_drift(flags, texts, CATEGORIES))["bad_js_distance"] == 0.0


@pytest.mark.parametrize(
    "same", [[str(n) for n in range(N)], [Decimal(n) for n in range(N)], pd.array(range(N), dtype="Int64"), range(N)]
)
def test_numbers_of_all_kinds_are_the_same_numbers(same: Any) -> None:
    result = plain(data_drift(side(GOOD), side(same), NUMBERS))
    assert (result["not_compared_count"], result["bad_js_distance"]) == (0, 0.0)


def test_one_one_point_oh_and_its_text_are_one_category() -> None:
    baseline, sample = side([0, 1] * 20), side(pd.Series([0.0, "1", 1, "0"] * 10, dtype=object))
    assert plain(data_drift(baseline, sample, CATEGORIES))["bad_js_distance"] == 0.0
    assert plain(stability(baseline, sample, CATEGORIES))["bad_CSI"] == 0.0


def test_mixed_types_are_categories_by_their_text() -> None:
    mixed = side(pd.Series([1, "a", 2.5, None] * 10, dtype=object))
    result = plain(data_drift(mixed, mixed, CATEGORIES))
    assert named(result, "data_drift", "Summary")["categorical_comparisons"]["bad"]["sample"]["unique"] == 3


def test_half_of_a_surrogate_pair_can_be_stored() -> None:
    half = side(pd.Series(["\ud800", "b"] * 20, dtype=object))
    json.dumps(plain(stability(half, half, CATEGORIES)), ensure_ascii=False).encode()
    assert plain(data_drift(half, half, CATEGORIES))["bad_js_distance"] == 0.0


def test_huge_whole_numbers_are_compared_as_floats() -> None:
    huge = side(pd.Series([10**30 + n for n in range(N)], dtype=object))
    assert plain(data_drift(huge, huge, NUMBERS))["not_compared_count"] == 0


def test_numbers_near_the_end_of_floats_never_give_infinity() -> None:
    ends = side(np.linspace(-1, 1, N) * 1.7e308)
    for compute in (data_drift, stability):
        plain(compute(ends, ends, NUMBERS))
    tiny = side(GOOD * 5e-324)
    plain(data_drift(tiny, tiny, NUMBERS))
    found = plain(regression(frame(label=[1e300, -1e300], score=[-1e300, 1e300]), MEASURED))
    assert (found["rmse"], found["not_computed_count"]) == (None, 2)


def test_a_column_of_which_most_has_become_null_is_seen() -> None:
    result = plain(data_drift(side(GOOD), side(np.where(GOOD < 36, np.nan, GOOD)), NUMBERS))
    assert result["nulls"] == [{"column": "bad", "baseline": 0.0, "sample": 0.9}]
    assert result["DataDrift_maxNullShareDifference"] == 0.9
    assert result["DataDrift_maxNullShareDifferenceFeature"] == "bad"


def test_data_without_a_score_is_said_by_who_needs_it() -> None:
    bare = side(GOOD).drop(columns="score")
    with pytest.raises(MonitorError, match="'score' can't be compared: the baseline has no such column"):
        concept_drift(bare, bare, NUMBERS)
    result = plain(stability(bare, bare, NUMBERS))
    assert (result["score_PSI"], result["good_CSI"], result["not_compared_count"]) == (None, 0.0, 1)


@pytest.mark.parametrize("compute", [regression, classification])
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"score": [1, 0]}, "The label 'label' can't be used: the sample has no such column."),
        ({"label": [1, 0]}, "The score 'score' can't be used: the sample has no such column."),
        ({"label": [], "score": []}, "The sample has no rows."),
        ({"label": [None, 1.0], "score": [1.0, None]}, "None of the 2 records has both a label"),
        ({"label": [[1], [2]], "score": [1, 0]}, "The label 'label' can't be used"),
    ],
)
def test_performance_without_label_or_score_is_said(compute: Any, columns: dict, said: str) -> None:
    with pytest.raises(MonitorError) as error:
        compute(frame(**columns), MEASURED if compute is regression else LABELLED)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("bad", "said"), [("a", "text"), (np.inf, "1 of its 3 values are infinite"), ([2], "of the type list")]
)
def test_a_score_that_is_no_number_is_no_regression(bad: object, said: str) -> None:
    scores = pd.Series([1.0, 2.0, bad], dtype=object)
    with pytest.raises(MonitorError, match=said):
        regression(frame(label=[1.0, 2.0, 3.0], score=scores), MEASURED)


def test_records_without_a_label_are_counted() -> None:
    result = plain(regression(frame(label=[1.0, None, 3.0], score=[1.0, 2.0, None]), MEASURED))
    assert (result["records_measured"], result["records_left_out"], result["mae"]) == (1, 2, 0.0)


@pytest.mark.parametrize(
    ("scores", "labels", "null"),
    [
        ([1, 1, 0], [1, 1, 1], {"auc"}),
        ([0, 1, 0], [0, 0, 0], {"auc", "recall"}),
        ([0, 0, 0], [0, 1, 0], {"precision"}),
        ([0, 0, 0], [0, 0, 0], {"auc", "recall", "precision", "f1_score"}),
    ],
)
def test_what_one_class_leaves_undefined_is_null_and_says_why(scores: list, labels: list, null: set[str]) -> None:
    result = plain(classification(frame(score=scores, label=labels), LABELLED))
    assert {key for key, value in scalars(result).items() if value is None} == null
    assert {row["test"] for row in result.get("not_computed", [])} == null


@pytest.mark.parametrize("bad", [[-1.0] * N, [np.nan] + [1.0] * (N - 1), [0.0] * N, ["a"] * N, [np.inf] * N])
def test_a_bad_weight_is_said(bad: list) -> None:
    described = schema(field("good"), field("score", "score"), field("w", "weight"))
    with pytest.raises(MonitorError, match="The weight 'w'"):
        stability(side(GOOD).assign(w=1.0), side(GOOD).assign(w=bad), described)


def test_an_index_that_repeats_does_no_harm() -> None:
    again = side(GOOD).set_index(pd.Index([0] * N))
    for compute in (data_drift, concept_drift, stability):
        assert plain(compute(again, again, NUMBERS))["not_compared_count"] == 0


def test_frames_are_left_as_they_are() -> None:
    shuffled = side(GOOD[::-1].copy())
    before = shuffled.copy(deep=True)
    for compute in (data_drift, concept_drift, stability):
        compute(shuffled, shuffled, numerical("good", "bad"))
    pd.testing.assert_frame_equal(shuffled, before)
