"""Drift: how far a sample has moved from the baseline, column by column; of the inputs (data), of the score (concept).

Each test is a row of ``drift_tests.TESTS``: Epps-Singleton and Kolmogorov-Smirnov for numbers, Jensen-Shannon and
Kullback-Leibler for numbers and categories, and a summary as ``pandas.DataFrame.describe`` makes it. Null is left out
of all of them; how much of a column is null on each side is in ``nulls``, and ``DataDrift_maxNullShareDifference``
says how far the two are apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import buckets, distributions, needs, statistics
from .columns import Coded, Floats, coded, column_of, nothing_in, numbers
from .columnwise import Progress, by_column
from .distributions import Distribution
from .drift_tests import DEFAULTS, TESTS, DriftSettings, DriftTest
from .errors import MonitorError, NotComparable
from .results import Left, Result, block, extra_columns, extremes, most_first, rounded
from .schema import Field, Role, Schema


@dataclass(frozen=True)
class _Compared:
    """What came of a column.

    Attributes:
        values: by the name of each test its value, or why there is none.
        nulls: the share of null in the baseline and in the sample.
        distribution: for people to look at; None where no chart can be made of it.
    """

    values: Mapping[str, float | NotComparable]
    summary: Result
    nulls: tuple[float, float]
    distribution: Distribution | None
    numerical: bool

    @property
    def moved(self) -> float:
        """How far it has moved, by Jensen-Shannon; those of which that isn't known have moved least."""
        found = self.values.get("Jensen-Shannon")
        return -1.0 if found is None or isinstance(found, NotComparable) else found


def data_drift(
    baseline: pd.DataFrame,
    sample: pd.DataFrame,
    schema: Schema,
    *,
    settings: DriftSettings = DEFAULTS,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Drift of the inputs: of the predictors, or of the fields that the schema calls drift candidates.

    Proven by ModelOp's published results: tests, keys (``<column>_js_distance`` and the like), decimals.

    Raises:
        MonitorError: the schema doesn't suffice, a frame is empty, or no column can be compared.
    """
    if problems := needs.data_drift(schema):
        raise MonitorError(problems)
    fields = needs.compared_for_drift(schema)
    compared, left = _compared(fields, {"baseline": baseline, "sample": sample}, settings, workers, progress)
    result: Result = {}
    blocks = []
    for test in TESTS:
        of_it = [field.name for field in fields if field.numerical or test.of_shares]
        values = _values(test, of_it, compared, left, settings.decimals)
        result |= {f"{name}{test.suffix}": value for name, value in values.items()}
        result |= extremes(values, f"DataDrift_{{}}{test.scalar}")
        blocks.append(_block(test, "data_drift", values, compared))
    apart = {name: rounded(abs(each.nulls[0] - each.nulls[1]), settings.decimals) for name, each in compared.items()}
    result |= {key: value for key, value in extremes(apart, "DataDrift_{}NullShareDifference").items() if "max" in key}
    result["data_drift"] = [*blocks, _summary("data_drift", compared)]
    return result | _told(schema, compared, left, {"baseline": baseline, "sample": sample}, settings)


def concept_drift(
    baseline: pd.DataFrame,
    sample: pd.DataFrame,
    schema: Schema,
    *,
    settings: DriftSettings = DEFAULTS,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Drift of the score, by the same tests. Of classes that are numbers all four are made, as ModelOp does it.

    Raises:
        MonitorError: the schema doesn't suffice, a frame is empty, or the score can't be compared.
    """
    if problems := needs.concept_drift(schema):
        raise MonitorError(problems)
    fields = schema.having(Role.SCORE)
    compared, left = _compared(fields, {"baseline": baseline, "sample": sample}, settings, workers, progress)
    result: Result = {}
    blocks = []
    for test in TESTS:
        values = _values(test, [field.name for field in fields], compared, left, settings.decimals)
        result |= extremes(values, f"ConceptDrift_{{}}{test.scalar}Value")
        blocks.append(_block(test, "concept_drift", values, compared))
    result["concept_drift"] = [*blocks, _summary("concept_drift", compared)]
    return result | _told(schema, compared, left, {"baseline": baseline, "sample": sample}, settings)


def _compared(
    fields: Sequence[Field],
    frames: Mapping[str, pd.DataFrame],
    settings: DriftSettings,
    workers: int | None,
    progress: Progress | None,
) -> tuple[dict[str, _Compared], Left]:
    nothing_in(dict(frames))
    left, compared = Left(), dict[str, _Compared]()

    def work(field: Field) -> _Compared:
        return _of_numbers(field, frames, settings) if field.numerical else _of_categories(field, frames, settings)

    for field, found in by_column(fields, work, workers=workers, progress=progress):
        if isinstance(found, NotComparable):
            left.columns[field.name] = str(found)
        else:
            compared[field.name] = found
    if not compared:
        raise MonitorError(f"The column {name!r} can't be compared: {why}." for name, why in left.columns.items())
    return compared, left


def _read(field: Field, frames: Mapping[str, pd.DataFrame], how: Callable[[Any], Any]) -> list[Any]:
    """The column of both frames; the reason why one can't be read names it."""
    columns = {which: column_of(frame, field.name, which) for which, frame in frames.items()}
    found = []
    for which, column in columns.items():
        try:
            found.append(how(column))
        except NotComparable as why:
            raise NotComparable(f"in the {which} {why}") from why
    return found


def _ordered(values: Floats) -> tuple[Floats, float]:
    """The numbers that are not null, sorted, and the share of null."""
    there = values[~np.isnan(values)]
    if not len(there):
        raise NotComparable("all of its values are null")
    there.sort()
    return there, 1 - len(there) / len(values)


def _of_numbers(field: Field, frames: Mapping[str, pd.DataFrame], settings: DriftSettings) -> _Compared:
    (baseline, lost), (sample, lost_too) = _read(field, frames, lambda column: _ordered(numbers(column)))
    values = {test.name: _tried(test.of_numbers, baseline, sample, settings) for test in TESTS}
    summary = {
        "baseline": statistics.summary(baseline, settings.decimals),
        "sample": statistics.summary(sample, settings.decimals),
    }
    nulls = _nulls(frames, len(baseline), len(sample))
    distribution = buckets.of_numbers(field.name, baseline, sample, nulls)
    return _Compared(values, summary, (lost, lost_too), distribution, numerical=True)


def _of_categories(field: Field, frames: Mapping[str, pd.DataFrame], settings: DriftSettings) -> _Compared:
    baseline, sample = _read(field, frames, lambda column: _counted(coded(column, settings.max_categories)))
    names = list(dict.fromkeys([*baseline, *sample]))
    shares = [np.array([side.get(name, 0) for name in names], np.float64) for side in (baseline, sample)]
    shares = [each / each.sum() for each in shares]
    values: dict[str, float | NotComparable] = {}
    for test in TESTS:
        if test.of_shares:
            values[test.name] = _tried(test.of_shares, *shares)
    if field.role is Role.SCORE:
        values |= _as_numbers(field, frames, settings)
    summary = {"baseline": _described(baseline), "sample": _described(sample)}
    lost = [
        1 - sum(side.values()) / len(frame) for side, frame in zip((baseline, sample), frames.values(), strict=True)
    ]
    nulls = _nulls(frames, sum(baseline.values()), sum(sample.values()))
    distribution = buckets.of_categories(field.name, baseline, sample, nulls)
    return _Compared(values, summary, (lost[0], lost[1]), distribution, numerical=False)


def _nulls(frames: Mapping[str, pd.DataFrame], *there: int) -> tuple[int, int]:
    """Records without a value on each side."""
    baseline, sample = (len(frame) - count for frame, count in zip(frames.values(), there, strict=True))
    return baseline, sample


def _as_numbers(
    field: Field, frames: Mapping[str, pd.DataFrame], settings: DriftSettings
) -> dict[str, float | NotComparable]:
    """The tests of numbers, of classes that are numbers."""
    tests = [test for test in TESTS if not test.of_shares]
    try:
        (baseline, _), (sample, _) = _read(field, frames, lambda column: _ordered(numbers(column)))
    except NotComparable:
        return {test.name: NotComparable("its categories are no numbers") for test in tests}
    return {test.name: _tried(test.of_numbers, baseline, sample, settings) for test in tests}


def _tried(compute: Callable[..., float], *arguments: Any) -> float | NotComparable:
    """A statistic, or why there is none."""
    try:
        found = compute(*arguments)
    except NotComparable as why:
        return why
    return found if np.isfinite(found) else NotComparable("it is beyond what a float holds")


def _counted(column: Coded) -> dict[str, int]:
    """Records by category, null left out."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
    if not counts.sum():
        raise NotComparable("all of its values are null")
    return dict(zip(column.names, counts.tolist(), strict=True))


def _described(counts: Mapping[str, int]) -> Result:
    """Count, number of categories, the most frequent one and how often it is there: of ties the one met first."""
    top = max(counts, key=counts.__getitem__)
    return {"count": sum(counts.values()), "unique": len(counts), "top": top, "freq": counts[top]}


def _values(
    test: DriftTest, names: Sequence[str], compared: Mapping[str, _Compared], left: Left, decimals: int
) -> dict[str, float | None]:
    """A test's value for each column that it is for: null where there is none, which is told in ``left``."""
    values: dict[str, float | None] = {}
    for name in names:
        found = compared[name].values.get(test.name) if name in compared else None
        if isinstance(found, NotComparable):
            left.statistics[name, test.name] = str(found)
            found = None
        values[name] = rounded(found, decimals)
    return values


def _block(test: DriftTest, category: str, values: Mapping[str, float | None], compared: Mapping[str, Any]) -> Result:
    shown = {name: value for name, value in values.items() if name in compared}
    return block(test.name, category, test.kind, most_first(shown, descending=test.distance), test.metric)


def _summary(category: str, compared: Mapping[str, _Compared]) -> Result:
    values = {
        kind: {name: each.summary for name, each in compared.items() if each.numerical is numerical}
        for kind, numerical in (("numerical_comparisons", True), ("categorical_comparisons", False))
    }
    return block("Summary", category, "summary", values, "pandas_describe")


def _told(
    schema: Schema,
    compared: Mapping[str, _Compared],
    left: Left,
    frames: Mapping[str, pd.DataFrame],
    settings: DriftSettings,
) -> Result:
    """What is beside the tests: nulls, what was left out, and columns that the schema doesn't know."""
    nulls = [
        {"column": name, "baseline": rounded(lost, settings.decimals), "sample": rounded(lost_too, settings.decimals)}
        for name, each in compared.items()
        for lost, lost_too in [each.nulls]
        if lost or lost_too
    ]
    told = ({"nulls": nulls} if nulls else {}) | left.told()
    in_order = sorted(compared.values(), key=lambda each: each.moved, reverse=True)
    told |= distributions.told(each.distribution for each in in_order if each.distribution)
    names = (field.name for field in schema.fields)
    return told | extra_columns(names, {which: frame.columns for which, frame in frames.items()})
