"""Small frames, with the arithmetic beside them."""

from __future__ import annotations

from math import log, sqrt

import pytest
from monitors.frames import LABELLED, field, frame, named, plain, scalars, schema

from mlc.monitors import MonitorError
from mlc.monitors.classification import classification
from mlc.monitors.drift import DriftSettings, concept_drift, data_drift
from mlc.monitors.stability import stability

COLOUR = schema(field("colour", data_class="categorical"), field("score", "score"))
SCORE = [0.0, 1.0, 2.0, 3.0]


def table(result: dict, column: str, *keys: str) -> list[tuple]:
    rows = named(result, "stability", "Stability Analysis")[column]["stability_analysis_table"]
    return [tuple(row[key] for key in keys) for row in rows]


def test_each_category_is_a_bucket_and_null_is_the_last_one() -> None:
    # shares of red, green (sorted: green, red) and null: baseline 2/4, 1/4, 1/4; sample 1/4, 2/4, 1/4
    baseline = frame(colour=["red", "red", "green", None], score=SCORE)
    sample = frame(colour=["red", "green", "green", None], score=SCORE)
    result = plain(stability(baseline, sample, COLOUR))
    assert table(result, "colour", "bucket", "train_count", "eval_count") == [
        *(("green", 1, 2), ("red", 2, 1), ("__MISSING__", 1, 1))
    ]
    # (1/2 - 1/4) ln 2 for green, (1/4 - 1/2) ln(1/2) for red, 0 for null
    assert result["colour_CSI"] == round(0.25 * log(2), 6) * 2
    # mean scores of the baseline: green 2, red (0 + 1) / 2, null 3; of the sample: green (1 + 2) / 2, red 0, null 3
    assert table(result, "colour", "train_mean_score", "eval_mean_score", "score_mean_diff") == [
        *((2.0, 1.5, -0.5), (0.5, 0.0, -0.5), (3.0, 3.0, 0.0))
    ]


def test_a_bucket_that_one_side_lacks_is_left_out_of_the_sum_and_told() -> None:
    # shares of a, b, c: baseline 3/4, 1/4, 0; sample 1/4, 0, 3/4: only a counts, (1/4 - 3/4) ln(1/3)
    baseline = frame(colour=["a", "a", "a", "b"], score=SCORE)
    sample = frame(colour=["a", "c", "c", "c"], score=SCORE)
    result = plain(stability(baseline, sample, COLOUR))
    assert table(result, "colour", "bucket", "psi_calc") == [("a", round(0.5 * log(3), 6)), ("b", None), ("c", None)]
    assert result["colour_CSI"] == round(0.5 * log(3), 6)
    assert table(result, "colour", "chisq_calc") == [(round(0.25 / 0.75, 6),), (0.25,), (None,)]
    assert (result["Stability_maxUnmatchedShare"], result["Stability_maxUnmatchedShareFeature"]) == (0.75, "colour")


def test_two_sides_without_a_common_bucket_have_no_index_and_not_a_good_one() -> None:
    result = plain(stability(frame(colour=["a"] * 4, score=SCORE), frame(colour=["b"] * 4, score=SCORE), COLOUR))
    assert (result["colour_CSI"], result["CSI_maxCSIValue"], result["CSI_maxCSIValueFeature"]) == (
        *(None, None, "colour_CSI"),
    )
    assert result["not_computed"] == [
        {
            "column": "colour",
            "test": "stability_index",
            "reason": "baseline and sample have no bucket in common",
        }
    ]
    assert result["Stability_maxUnmatchedShare"] == 1.0


def test_a_single_value_is_one_bucket_and_more_buckets_may_be_asked_for() -> None:
    described = schema(field("one"), field("many"), field("score", "score"))
    both = frame(one=[7] * 4, many=[1, 2, 3, 4], score=SCORE)
    result = plain(stability(both, both, described, buckets=4))
    assert table(result, "one", "bucket") == [("(-inf, inf]",)]
    # lower quantiles of 1, 2, 3, 4 at 1/4, 2/4, 3/4 of the places 0 to 3: places 0, 1, 2
    assert table(result, "many", "bucket") == [("(-inf, 1.0]",), ("(1.0, 2.0]",), ("(2.0, 3.0]",), ("(3.0, inf]",)]


def test_special_values_that_leave_nothing_are_said() -> None:
    described = schema(field("x", specialValues=[1]), field("y"), field("score", "score"))
    both = frame(x=[1] * 4, y=SCORE, score=SCORE)
    assert plain(stability(both, both, described))["not_compared"] == [
        {"column": "x", "reason": "in the baseline all of its values are null or special"}
    ]
    described = schema(field("x", specialValues=["none"]), field("y"), field("score", "score"))
    assert "one of its specialValues is text" in plain(stability(both, both, described))["not_compared"][0]["reason"]


def test_classes_with_names_have_no_mean_score() -> None:
    described = schema(field("x"), field("score", "score", "categorical"))
    both = frame(x=SCORE, score=["yes", "no", "no", "no"])
    result = plain(stability(both, both, described))
    assert table(result, "x", "train_mean_score", "score_mean_diff") == [(None, None), (None, None)]
    assert result["score_PSI"] == 0.0


def test_distances_of_categories_by_hand() -> None:
    # p = 3/4, 1/4; q = 1/4, 3/4; m = 1/2, 1/2: KL(p, m) = 3/4 ln(3/2) + 1/4 ln(1/2), and KL(q, m) is the same
    result = plain(data_drift(frame(colour=list("aaab"), score=SCORE), frame(colour=list("abbb"), score=SCORE), COLOUR))
    assert result["colour_js_distance"] == round(sqrt(0.75 * log(1.5) + 0.25 * log(0.5)), 4)
    assert result["colour_kl_divergence"] == round(0.75 * log(3) - 0.25 * log(3), 4)


def test_a_divergence_is_infinite_one_way_and_then_taken_the_other_way() -> None:
    # p = 1/2, 1/2; q = 1, 0: sum(p ln(p/q)) is infinite, sum(q ln(q/p)) = ln 2
    one, other = frame(colour=list("aabb"), score=SCORE), frame(colour=list("aaaa"), score=SCORE)
    assert plain(data_drift(one, other, COLOUR))["colour_kl_divergence"] == round(log(2), 4)
    assert plain(data_drift(other, one, COLOUR))["colour_kl_divergence"] == round(log(2), 4)
    result = plain(data_drift(one, frame(colour=list("bbcc"), score=SCORE), COLOUR))
    assert result["colour_kl_divergence"] is None
    assert "infinite" in result["not_computed"][0]["reason"]


def test_buckets_of_numbers_by_hand() -> None:
    # two buckets of 0 to 3, [0, 1.5) and [1.5, 3]: p = 1/2, 1/2; q = 1/4, 3/4
    described = schema(field("x"), field("score", "score"))
    result = plain(
        data_drift(frame(x=[0, 1, 2, 3]), frame(x=[0, 2, 3, 3]), described, settings=DriftSettings(buckets=2))
    )
    assert result["x_kl_divergence"] == round(0.5 * log(2) + 0.5 * log(2 / 3), 4)


def test_one_number_far_away_hides_no_drift() -> None:
    # buckets of the baseline's 0 to 4: a fifth in each; of the sample all but one above 4, in the last one with it
    described = schema(field("x"), field("score", "score"))
    baseline, sample = frame(x=[0, 1, 2, 3, 4]), frame(x=[5, 5, 5, 5, 1e9])
    assert plain(data_drift(baseline, sample, described))["x_kl_divergence"] == round(log(5), 4)
    hidden = plain(data_drift(baseline, sample, described, settings=DriftSettings(ends="both")))
    assert hidden["x_kl_divergence"] == round(log(1 / 0.8), 4)


def test_long_tails_are_compared_by_quantiles() -> None:
    # lower quantiles of 1, 2, 3, 4, 1e9 at 1/4, 2/4, 3/4 of the places 0 to 4: 2, 3, 4; two, one, one and one of five
    described = schema(field("x"), field("score", "score"))
    baseline, sample = frame(x=[1, 2, 3, 4, 1e9]), frame(x=[1, 1, 2, 2, 5])
    asked = DriftSettings(points=0, buckets=4, ends="quantiles")
    result = plain(data_drift(baseline, sample, described, settings=asked))
    # p = 2/5, 1/5, 1/5, 1/5; q = 4/5, 0, 0, 1/5: the other way, q ln(q/p) = 4/5 ln 2
    assert result["x_kl_divergence"] == round(0.8 * log(2), 4)
    # m = 3/5, 1/10, 1/10, 1/5
    to_m = 0.4 * log(2 / 3) + 2 * 0.2 * log(2) + 0.8 * log(4 / 3)
    assert result["x_js_distance"] == round(sqrt(to_m / 2), 4)
    assert plain(data_drift(baseline, sample, described))["x_js_distance"] != result["x_js_distance"]


def test_a_baseline_of_one_number_does_not_hide_that_the_sample_has_moved() -> None:
    described = schema(field("x"), field("score", "score"))
    result = plain(data_drift(frame(x=[1, 1, 1]), frame(x=[1, 2, 3]), described))
    assert result["x_kl_divergence"] == round(log(3), 4)


def test_data_drift_compares_the_candidates_and_no_others() -> None:
    described = schema(
        field("x"),
        field("left", driftCandidate=False),
        field("kept", "non_predictor", driftCandidate=True),
        field("id", "identifier", None),
        field("score", "score"),
        field("label", "label"),
    )
    both = frame(x=SCORE, kept=SCORE, score=SCORE)
    result = plain(data_drift(both, both, described))
    assert {key for key in scalars(result) if key.endswith("_ks_pvalue")} == {"x_ks_pvalue", "kept_ks_pvalue"}
    assert result["not_compared_count"] == 0


def test_scalars_of_tests_that_no_column_has_are_null_and_there() -> None:
    both = frame(colour=list("aabb"), score=SCORE)
    result = plain(data_drift(both, both, COLOUR))
    keys = [
        f"DataDrift_{word}{test}"
        for word in ("max", "min")
        for test in ("Kolmogorov-SmirnovPValue", "Epps-SingletonPValue")
    ]
    assert {key: result[key] for key in keys} == dict.fromkeys(keys)
    assert "colour_ks_pvalue" not in result


def test_names_of_classes_have_no_test_of_numbers_for_concept_drift() -> None:
    described = schema(field("score", "score", "categorical"))
    result = plain(concept_drift(frame(score=list("aabb")), frame(score=list("abbb")), described))
    assert result["ConceptDrift_maxKolmogorov-SmirnovPValueValue"] is None
    assert {row["reason"] for row in result["not_computed"]} == {"its categories are no numbers"}
    assert result["ConceptDrift_maxJensen-ShannonDistanceValue"] > 0


def test_p_values_are_listed_smallest_first_and_distances_largest_first() -> None:
    described = schema(field("still"), field("moved"), field("score", "score"))
    baseline = frame(still=range(40), moved=range(40))
    result = plain(data_drift(baseline, frame(still=range(40), moved=range(100, 140)), described))
    for test in ("Kolmogorov-Smirnov", "Jensen-Shannon"):
        assert list(named(result, "data_drift", test)) == ["moved", "still"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["good", "bad"], r"Which of its classes \(bad and good\) is the positive one must be said"),
        (["1", "2"], r"Which of its classes \(1 and 2\)"),
    ],
)
def test_the_positive_class_is_asked_for_where_it_is_not_known(labels: list[str], said: str) -> None:
    with pytest.raises(MonitorError, match=said):
        classification(frame(label=labels, score=labels), LABELLED)


def test_a_positive_class_that_no_record_has_is_said() -> None:
    described = schema(
        field("label", "label", "categorical", positiveClassLabel="yess"), field("score", "score", "categorical")
    )
    with pytest.raises(MonitorError, match=r"positiveClassLabel of the label 'label' is neither of its classes"):
        classification(frame(label=["yes", "no"], score=["no", "no"]), described)
    only = plain(classification(frame(label=["no", "no"], score=["no", "no"]), described))
    assert (only["accuracy"], only["precision"], only["recall"], only["auc"]) == (1.0, None, None, None)


@pytest.mark.parametrize(
    ("labels", "positive", "names"),
    [
        ([1, 1], None, {"0", "1"}),
        ([True, True], None, {"False", "True"}),
        (["no", "no"], "yes", {"no", "yes"}),
        (["yes", "yes"], "yes", {"not yes", "yes"}),
    ],
)
def test_a_threshold_works_where_only_one_class_has_a_label(
    labels: list, positive: str | None, names: set[str]
) -> None:
    described = schema(
        field("label", "label", "categorical", positiveClassLabel=positive), field("score", "score", threshold=0.5)
    )
    result = plain(classification(frame(label=labels, score=[0.5, 0.4]), described))
    assert result["accuracy"] == 0.5
    assert {name for row in result["confusion_matrix"] for name in row} == names


def test_a_class_that_is_never_predicted_lowers_the_average() -> None:
    # precision of 0, 1, 2: 1/1, 1/2, never predicted: 0; each is true for one of three records
    result = plain(classification(frame(label=[0, 1, 2], score=[0, 1, 1]), LABELLED))
    assert result["precision"] == 0.5


def test_a_threshold_does_not_divide_three_classes() -> None:
    described = schema(field("label", "label", "categorical"), field("score", "score", threshold=0.5))
    with pytest.raises(MonitorError, match="has 3 classes, and a threshold on the score divides two"):
        classification(frame(label=[0, 1, 2], score=[0.1, 0.2, 0.9]), described)


def test_labels_of_many_values_are_no_classes() -> None:
    with pytest.raises(MonitorError, match="it has 101 different values, and up to 100 are compared"):
        classification(frame(label=range(101), score=range(101)), LABELLED)
