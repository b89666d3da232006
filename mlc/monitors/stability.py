"""Stability: how far the shares of buckets have moved, for each predictor (CSI) and for the score (PSI).

For each bucket with the share t of the baseline's records and e of the sample's:

    psi_calc = (e - t) * ln(e / t)    chisq_calc = (e - t)**2 / t    ks_calc = |cumulated t - cumulated e|

The index is the sum of psi_calc as rounded, stability_chisq that of chisq_calc, stability_ks the largest ks_calc.
Proven: all of it, to six decimals, by recomputing what ModelOp has published; two buckets at the baseline's lower 50%
quantile; one for each value of a category; special values first; records counted by their weight. A bucket that one
side lacks has no psi_calc and is left out of the sum, as ModelOp does it: so ``Stability_maxUnmatchedShare`` says how
much lies in such buckets.

Not proven: that the quantile is taken without the weights, and that the bucket of null is the last one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from . import needs
from .columns import Coded, Floats, Integers, coded, column_of, in_order, nothing_in, numbers, text_of
from .columnwise import Progress, by_column
from .errors import MonitorError, NotComparable
from .results import Left, Result, block, extra_columns, extremes, rounded
from .schema import Field, Role, Schema

MISSING = "__MISSING__"
"""The bucket of null. There is one only if there are nulls."""


@dataclass(frozen=True)
class _Side:
    """One of the two frames, with what is needed of every record beside the column under comparison.

    Attributes:
        weights: (n,), or None where each record counts once.
        scored: (n,) weights of the records that have a score, and (n,) these times the score; None where the scores
            are classes with names.
    """

    name: str
    frame: pd.DataFrame
    weights: Floats | None
    scored: tuple[Floats, Floats] | None


@dataclass(frozen=True)
class _Bucketed:
    """A column's records by bucket: ``codes`` of both sides, (n,), are places in ``names``."""

    names: list[str]
    codes: tuple[Integers, Integers]


@dataclass(frozen=True)
class _Analysis:
    """What came of a column, rounded.

    Attributes:
        unmatched: the larger of the two shares that lie in buckets which the other side lacks.
    """

    values: Result
    index: float | None
    unmatched: float


def stability(
    baseline: pd.DataFrame,
    sample: pd.DataFrame,
    schema: Schema,
    *,
    buckets: int = 2,
    max_categories: int = 1_000,
    decimals: int = 6,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Stability indices of the predictors and of the score.

    Args:
        buckets: into how many a numerical column is divided at the baseline's quantiles.
        max_categories: columns of more are not compared.

    Raises:
        MonitorError: the schema doesn't suffice, a frame is empty, a weight is bad, or no column can be compared.
    """
    if problems := needs.stability(schema):
        raise MonitorError(problems)
    nothing_in({"baseline": baseline, "sample": sample})
    score = schema.having(Role.SCORE)[0]
    sides = tuple(
        _Side(which, frame, weights := _weights(frame, schema, which), _scored(frame, score, weights))
        for which, frame in (("baseline", baseline), ("sample", sample))
    )
    fields = [*schema.having(Role.PREDICTOR), score]

    def work(field: Field) -> _Analysis:
        return _analysis(_bucketed(field, sides, buckets, max_categories), sides, decimals)

    left = Left()
    analyses: dict[str, _Analysis] = {}
    for field, found in by_column(fields, work, workers=workers, progress=progress):
        if isinstance(found, NotComparable):
            left.columns[field.name] = str(found)
        else:
            analyses[field.name] = found
            if found.index is None:
                left.statistics[field.name, "stability_index"] = "baseline and sample have no bucket in common"
    if not analyses:
        raise MonitorError(f"The column {name!r} can't be compared: {why}." for name, why in left.columns.items())
    return (
        _result(fields, analyses)
        | left.told()
        | extra_columns(
            (field.name for field in schema.fields), {"baseline": baseline.columns, "sample": sample.columns}
        )
    )


def _result(fields: list[Field], analyses: Mapping[str, _Analysis]) -> Result:
    indices = {field.name: each.index if (each := analyses.get(field.name)) else None for field in fields}
    predictors = {field.name: indices[field.name] for field in fields if field.role is Role.PREDICTOR}
    score = fields[-1].name
    result = extremes(predictors, "CSI_{}CSIValue", "{}_CSI")
    # Under a name that a decision table can ask for without knowing the score's.
    result["PSI_maxPSIValue"] = result[f"{score}_PSI"] = indices[score]
    result |= {f"{name}_CSI": value for name, value in predictors.items()}
    unmatched = extremes({name: each.unmatched for name, each in analyses.items()}, "Stability_{}UnmatchedShare")
    result |= {key: value for key, value in unmatched.items() if key.startswith("Stability_max")}
    values = {field.name: analyses[field.name].values for field in fields if field.name in analyses}
    result["stability"] = [block("Stability Analysis", "stability", "stability_analysis", values)]
    return result


def _weights(frame: pd.DataFrame, schema: Schema, which: str) -> Floats | None:
    """The records' weights, if the schema has any: all of them there, none negative, not all of them 0."""
    for field in schema.having(Role.WEIGHT):
        try:
            found = numbers(column_of(frame, field.name, which))
        except NotComparable as why:
            raise MonitorError([f"The weight {field.name!r} can't be used: {why}."]) from why
        if bad := int((~(found >= 0)).sum()):
            raise MonitorError(
                [f"The weight {field.name!r} is null or negative in {bad:,} of the {which}'s {len(found):,} records."]
            )
        if not 0 < found.sum() < np.inf:
            raise MonitorError([f"The weight {field.name!r} of the {which}'s records adds up to {found.sum()}."])
        return found
    return None


def _scored(frame: pd.DataFrame, score: Field, weights: Floats | None) -> tuple[Floats, Floats] | None:
    """What the mean score of each bucket is made of."""
    try:
        scores = numbers(column_of(frame, score.name, ""))
    except NotComparable:
        return None
    there = ~np.isnan(scores)
    counted = there.astype(np.float64) if weights is None else weights * there
    return counted, counted * np.where(there, scores, 0.0)


def _bucketed(field: Field, sides: tuple[_Side, ...], buckets: int, limit: int) -> _Bucketed:
    columns = {side.name: column_of(side.frame, field.name, side.name) for side in sides}
    if field.numerical:
        return _by_quantile(field, [_told(which, numbers, column) for which, column in columns.items()], buckets)
    return _by_category(field, [_told(which, coded, column, limit) for which, column in columns.items()], limit)


def _told(which: str, read: Any, *arguments: Any) -> Any:
    """Read a column; the reason why it can't be names its frame."""
    try:
        return read(*arguments)
    except NotComparable as why:
        raise NotComparable(f"in the {which} {why}") from why


def _by_quantile(field: Field, read: list[Floats], buckets: int) -> _Bucketed:
    """Special values, intervals that end at quantiles of the rest of the baseline, and null."""
    groups = [[float(value) for value in group] for group in field.special_values if _numeric(group)]
    special = [value for group in groups for value in group]
    rest = read[0][~np.isnan(read[0])]
    rest = rest[~np.isin(rest, special)] if special else rest
    if not len(rest):
        raise NotComparable("in the baseline all of its values are null or special")
    places = (np.arange(1, buckets) / buckets * (len(rest) - 1)).astype(np.int64)  # of the lower quantiles
    several = buckets > 1 and rest.min() < rest.max()
    cuts = np.unique(np.partition(rest, places)[places]) + 0.0 if several else np.array([])  # no bucket ends at -0.0
    ends = [-np.inf, *cuts.tolist(), np.inf]
    names = [_special_name(group) for group in groups]
    names += [f"({low}, {high}]" for low, high in pairwise(ends)]
    codes = []
    for values in read:
        found = np.full(len(values), len(groups), np.int64)
        for cut in cuts:  # of few cuts faster than a search for each value
            found += values > cut
        for place, group in enumerate(groups):
            found[np.isin(values, group)] = place
        found[np.isnan(values)] = len(names)
        codes.append(found)
    return _with_missing(names, codes)


def _by_category(field: Field, read: list[Coded], limit: int) -> _Bucketed:
    """Special values, each other value by itself, and null."""
    place: dict[str, int] = {}
    names: list[str] = []
    for number, group in enumerate(field.special_values):
        names.append(_special_name(group))
        place |= {text_of(value): number for value in group}
    for name in in_order({name for each in read for name in each.names} - place.keys()):
        place[name] = len(names)
        names.append(name)
    if len(names) > limit:
        raise NotComparable(f"it has {len(names):,} different values, and up to {limit:,} are compared")
    codes = [
        np.array([*(place[name] for name in each.names), len(names)], dtype=np.int64)[each.codes]  # -1: the last one
        for each in read
    ]
    return _with_missing(names, codes)


def _with_missing(names: list[str], codes: list[Integers]) -> _Bucketed:
    """With the bucket of null, whose code is behind all others, if anything is in it."""
    there = any(bool((each == len(names)).any()) for each in codes)
    return _Bucketed([*names, MISSING] if there else names, (codes[0], codes[1]))


def _numeric(group: tuple[Any, ...]) -> bool:
    if all(isinstance(value, int | float) for value in group):
        return True
    raise NotComparable("it is numerical, and one of its specialValues is text")


def _special_name(group: Iterable[object]) -> str:
    """As ModelOp writes it: each value with a space behind it."""
    return "".join(f"{text_of(value)} " for value in group)


def _analysis(bucketed: _Bucketed, sides: tuple[_Side, ...], decimals: int) -> _Analysis:
    number = len(bucketed.names)
    counted = [_counts(codes, side, number) for codes, side in zip(bucketed.codes, sides, strict=True)]
    (train, train_score), (eval_, eval_score) = counted
    t, e = train / train.sum(), eval_ / eval_.sum()
    both = (t > 0) & (e > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        psi = np.where(both, (e - t) * np.log(e / t), np.nan)
        chisq = np.where(t > 0, (e - t) ** 2 / t, np.nan)
    cumulated_t, cumulated_e = t.cumsum(), e.cumsum()
    ks = np.abs(cumulated_t - cumulated_e)
    columns = {
        "train_percent": t,
        "eval_percent": e,
        "train_mean_score": train_score,
        "eval_mean_score": eval_score,
        "score_mean_diff": eval_score - train_score,
        "train_cum_percent": cumulated_t,
        "eval_cum_percent": cumulated_e,
        "ks_calc": ks,
        "chisq_calc": chisq,
        "psi_calc": psi,
    }
    table: list[Result] = [
        {"bucket": name, "train_count": _count(train[row], decimals), "eval_count": _count(eval_[row], decimals)}
        | {key: rounded(values[row], decimals) for key, values in columns.items()}
        for row, name in enumerate(bucketed.names)
    ]
    index = _sum(table, "psi_calc", decimals) if both.any() else None
    values = {
        "stability_analysis_table": table,
        "stability_index": index,
        "stability_chisq": _sum(table, "chisq_calc", decimals),
        "stability_ks": rounded(float(ks.max()), decimals),
    }
    unmatched = rounded(max(float(t[e == 0].sum()), float(e[t == 0].sum())), decimals) or 0.0
    return _Analysis(values, index, unmatched)


def _sum(table: list[Result], key: str, decimals: int) -> float | None:
    """The sum of a column of the table, of its rounded values, as ModelOp adds them."""
    return rounded(math.fsum(row[key] for row in table if row[key] is not None), decimals)


def _counts(codes: Integers, side: _Side, number: int) -> tuple[Floats, Floats]:
    """Weighted records of each bucket, (buckets,), and their mean score; not a number where there is none."""
    counts = np.bincount(codes, side.weights, number).astype(np.float64)
    if side.scored is None:
        return counts, np.full(number, np.nan)
    having, total = (np.bincount(codes, each, number) for each in side.scored)
    with np.errstate(divide="ignore", invalid="ignore"):
        return counts, np.where(having > 0, total / having, np.nan)


def _count(value: float, decimals: int) -> int | float:
    return int(value) if math.isfinite(value) and float(value).is_integer() else round(float(value), decimals)
