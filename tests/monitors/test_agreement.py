"""What is computed here agrees with scipy, scikit-learn and pandas on random data, small and large."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitors.frames import LABELLED, MEASURED, field, frame, named, numerical, plain, schema
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics

from mlc.monitors import MonitorError, statistics
from mlc.monitors.classification import classification
from mlc.monitors.drift import data_drift
from mlc.monitors.errors import NotComparable
from mlc.monitors.performance import regression
from mlc.monitors.stability import stability

few = settings(max_examples=40, deadline=None, derandomize=True)
finite = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 3))
samples = st.lists(finite, min_size=8, max_size=60)
seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, size: int, kind: str) -> np.ndarray:
    """Sorted numbers of one of a few shapes, with ties where the kind says so."""
    random = np.random.default_rng(seed)
    shapes = {
        "normal": lambda: random.normal(random.uniform(-1, 1), random.uniform(0.5, 2), size),
        "heavy": lambda: random.standard_t(2, size),
        "ties": lambda: random.poisson(7, size).astype(float),
        "skewed": lambda: random.lognormal(0, 1, size),
    }
    return np.sort(shapes[kind]())


@given(samples, samples)
@few
def test_small_samples_have_scipys_tests(one: list[float], other: list[float]) -> None:
    baseline, sample = np.sort(one), np.sort(other)
    assert statistics.kolmogorov_smirnov(baseline, sample) == stats.ks_2samp(one, other).pvalue
    try:
        found = statistics.epps_singleton(baseline, sample)
    except NotComparable:
        assert len({*one, *other}) < 5 or stats.iqr([*one, *other]) == 0
    else:
        assert found == pytest.approx(stats.epps_singleton_2samp(one, other).pvalue, abs=1e-4)


@pytest.mark.parametrize("kind", ["normal", "heavy", "ties", "skewed"])
@given(seed=seeds, sizes=st.tuples(st.integers(10_001, 40_000), st.integers(5, 40_000)))
@settings(few, max_examples=5)
def test_large_samples_have_scipys_tests(kind: str, seed: int, sizes: tuple[int, int]) -> None:
    baseline, sample = drawn(seed, sizes[0], kind), drawn(seed + 1, sizes[1], kind)
    assert statistics.kolmogorov_smirnov(baseline, sample) == pytest.approx(
        stats.ks_2samp(baseline, sample).pvalue, abs=1e-9
    )
    assert statistics.epps_singleton(baseline, sample) == pytest.approx(
        stats.epps_singleton_2samp(baseline, sample).pvalue, abs=1e-6
    )


@pytest.mark.parametrize("kind", ["normal", "heavy", "ties", "skewed"])
@pytest.mark.parametrize("size", [7, 300, 20_000])
@given(seed=seeds)
@settings(few, max_examples=3)
def test_densities_are_scipys(kind: str, size: int, seed: int) -> None:
    baseline, sample = drawn(seed, size, kind), drawn(seed + 1, size, kind)
    if baseline[0] == baseline[-1] or sample[0] == sample[-1]:
        return
    at = np.linspace(min(baseline[0], sample[0]), max(baseline[-1], sample[-1]), 100)
    ours = statistics.densities(baseline, sample, 100)
    scipys = [stats.gaussian_kde(each)(at) for each in (baseline, sample)]
    for one, other in zip(ours, scipys, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=other.max() * 1e-8)
    assert statistics.jensen_shannon(*ours) == pytest.approx(float(jensenshannon(*scipys)), abs=5e-5)


@given(samples, samples, st.integers(1, 12), st.sampled_from(["baseline", "both"]))
@few
def test_buckets_are_numpys_histogram(one: list[float], other: list[float], buckets: int, which: Any) -> None:
    baseline, sample = np.sort(one), np.sort(other)
    low, high = baseline[0], baseline[-1]
    if which == "both" or low == high:
        low, high = min(low, sample[0]), max(high, sample[-1])
    found = statistics.shares(baseline, sample, buckets, which)
    if low == high:
        assert [each.tolist() for each in found] == [[1.0], [1.0]]
        return
    ends = np.linspace(low, high, buckets + 1)
    for ours, values in zip(found, (baseline, sample), strict=True):
        counted = np.histogram(np.clip(values, low, high), ends)[0] / len(values)
        np.testing.assert_allclose(ours, counted, atol=1e-12)


shares = st.lists(st.integers(0, 9), min_size=2, max_size=8).filter(any)


@given(st.data())
@few
def test_distances_of_categories_are_scipys(data: st.DataObject) -> None:
    p = np.array(data.draw(shares), float)
    q = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(p), max_size=len(p)).filter(any)), float)
    p, q = p / p.sum(), q / q.sum()
    assert statistics.jensen_shannon(p, q) == pytest.approx(np.nan_to_num(jensenshannon(p, q)), abs=1e-9)
    forth, back = stats.entropy(p, q), stats.entropy(q, p)
    if math.isinf(forth) and math.isinf(back):
        with pytest.raises(NotComparable):
            statistics.kullback_leibler(p, q)
    else:
        assert statistics.kullback_leibler(p, q) == (back if math.isinf(forth) else forth)


@given(st.lists(finite, min_size=1, max_size=40))
@few
def test_the_summary_is_pandas_describe(values: list[float]) -> None:
    described = pd.Series(values).describe()
    found = statistics.summary(np.sort(values), 4)
    assert list(found) == list(described.index)
    for key, value in found.items():
        assert (value is None) is bool(np.isnan(described[key]))
        assert value is None or value == pytest.approx(described[key], abs=1e-3, rel=1e-9)


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=40))
@few
def test_regression_is_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    labels, scores = (np.array(each) for each in zip(*pairs, strict=True))
    result = plain(regression(frame(label=labels, score=scores), MEASURED))
    assert result["mae"] == pytest.approx(metrics.mean_absolute_error(labels, scores), abs=1e-3)
    assert result["rmse"] == pytest.approx(metrics.root_mean_squared_error(labels, scores), abs=1e-3)
    if labels.min() < labels.max():
        assert result["r2_score"] == pytest.approx(metrics.r2_score(labels, scores), abs=1e-3, rel=1e-6)
    else:
        assert result["r2_score"] is None


def rounded(value: float) -> float | None:
    return None if np.isnan(value) else pytest.approx(value, abs=5e-5)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1, max_size=40))
@few
def test_two_classes_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    labels, scores = (np.array(each) for each in zip(*pairs, strict=True))
    described = schema(
        field("label", "label", "categorical", positiveClassLabel="b"), field("score", "score", "categorical")
    )
    result = plain(classification(frame(label=labels, score=scores), described))
    asked = {"labels": ["b"], "average": None, "zero_division": np.nan}
    rates = [each[0] for each in metrics.precision_recall_fscore_support(labels, scores, **asked)[:3]]
    if "b" not in {*labels, *scores}:
        rates = [np.nan] * 3
    assert [result[key] for key in ("precision", "recall", "f1_score")] == [rounded(rate) for rate in rates]
    assert result["accuracy"] == rounded(metrics.accuracy_score(labels, scores))
    both = len(set(labels)) == 2
    assert result["auc"] == (rounded(metrics.roc_auc_score(labels == "b", scores == "b")) if both else None)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40),
    st.sampled_from(["macro", "micro", "weighted"]),
)
@few
def test_several_classes_are_scikit_learns(pairs: list[tuple[int, int]], average: str) -> None:
    labels, scores = (np.array([*each, *range(4)]) for each in zip(*pairs, strict=True))
    result = plain(classification(frame(label=labels, score=scores), LABELLED, average=average))  # type: ignore[arg-type]
    rates = metrics.precision_recall_fscore_support(labels, scores, average=average, zero_division=np.nan)[:3]
    assert [result[key] for key in ("precision", "recall", "f1_score")] == [rounded(rate) for rate in rates]
    matrix = metrics.confusion_matrix(labels, scores, normalize="all")
    assert [list(row.values()) for row in result["confusion_matrix"]] == [[rounded(x) for x in row] for row in matrix]
    assert result["auc"] is None


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=40), st.floats(0, 1))
@few
def test_a_threshold_divides_a_numerical_score(pairs: list[tuple[bool, float]], threshold: float) -> None:
    labels, scores = (np.array(each) for each in zip(*pairs, strict=True))
    described = schema(field("label", "label", "categorical"), field("score", "score", threshold=threshold))
    result = plain(classification(frame(label=labels, score=scores), described))
    assert result["accuracy"] == rounded(metrics.accuracy_score(labels, scores >= threshold))
    assert result["auc"] == (rounded(metrics.roc_auc_score(labels, scores)) if len(set(labels)) == 2 else None)


@given(samples, samples)
@few
def test_every_index_of_stability_is_the_sum_over_its_table(one: list[float], other: list[float]) -> None:
    described = schema(field("x"), field("score", "score"))
    baseline, sample = frame(x=one, score=one), frame(x=other, score=other)
    result = plain(stability(baseline, sample, described))
    rows = named(result, "stability", "Stability Analysis")["x"]["stability_analysis_table"]
    cut = float(np.quantile(one, 0.5, method="lower")) + 0.0
    if min(one) < max(one):
        assert [row["bucket"] for row in rows] == [f"(-inf, {cut}]", f"({cut}, inf]"]
        assert [row["train_count"] for row in rows] == [sum(x <= cut for x in one), sum(x > cut for x in one)]
        assert [row["eval_count"] for row in rows] == [sum(x <= cut for x in other), sum(x > cut for x in other)]
    total = sum(row["psi_calc"] for row in rows if row["psi_calc"] is not None)
    known = any(row["psi_calc"] is not None for row in rows)
    assert result["x_CSI"] == (pytest.approx(total, abs=2e-6) if known else None)


@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(), st.floats()), min_size=1, max_size=30))
@few
def test_whatever_a_column_holds_the_result_is_plain(values: list) -> None:
    described = schema(field("x"), field("y", data_class="categorical"), field("score", "score"))
    held = pd.Series(values, dtype=object)
    good = np.arange(len(held), dtype=float)
    both = pd.DataFrame({"x": held, "y": held, "score": good})
    plain(stability(both, both, described))
    with suppress(MonitorError):  # no column can be compared
        plain(data_drift(both, both, described))


def test_threads_change_no_figure() -> None:
    random = np.random.default_rng(0)
    names = [f"c{n}" for n in range(12)]
    baseline, sample = (pd.DataFrame({name: random.normal(size=12_000) for name in [*names, "score"]}) for _ in "12")
    told: list[tuple[str, int, int]] = []
    described = numerical(*names)
    alone = data_drift(baseline, sample, described, workers=1)
    assert data_drift(baseline, sample, described, workers=4, progress=lambda *each: told.append(each)) == alone
    assert sorted(name for name, _, _ in told) == sorted(names)
    assert [(done, of) for _, done, of in told] == [(n, 12) for n in range(1, 13)]


def test_what_progress_raises_ends_the_work() -> None:
    names = [f"c{n}" for n in range(12)]
    both = pd.DataFrame(dict.fromkeys([*names, "score"], np.arange(40.0)))
    told: list[int] = []

    def stop(_: str, done: int, __: int) -> None:
        told.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data_drift(both, both, numerical(*names), progress=stop)
    assert told == [1]


def test_what_is_wrong_with_the_code_is_raised_and_not_taken_for_bad_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(statistics, "summary", broken)
    both = frame(a=[1.0, 2.0], score=[1.0, 2.0])
    with pytest.raises(ZeroDivisionError):
        data_drift(both, both, numerical("a"))
