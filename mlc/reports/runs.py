"""A monitor's values over its last runs on the same snapshot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlc import charts
from mlc.charts import Markup, element, written
from mlc.model.moment import in_utc
from mlc.model.result import TestResultRecord
from mlc.reports.conditions import Asked, asked_of
from mlc.reports.room import Room, table_within
from mlc.reports.values import number, scalars
from mlc.reports.verdicts import badge

MOST_RUNS, MOST_METRICS = 30, 12
SIZE = 60_000
_EVER = datetime.min.replace(tzinfo=UTC)


def runs_of(result: TestResultRecord, earlier: Sequence[TestResultRecord]) -> list[TestResultRecord]:
    """The last runs up to a result, the oldest first, itself at the end. Those of which nobody knows when are left
    out, and so are later ones.
    """
    until = in_utc(result.created) if result.created else None
    before = {
        other.id: other
        for other in earlier
        if other.id != result.id and other.created and (until is None or in_utc(other.created) <= until)
    }
    ordered = sorted(before.values(), key=lambda other: (in_utc(other.created) if other.created else _EVER, other.id))
    return [*ordered[-(MOST_RUNS - 1) :], result]


def runs_section(runs: Sequence[TestResultRecord]) -> Markup:
    """A chart for each metric that is judged, and for the first others, run by run."""
    room = Room(SIZE)
    result = runs[-1]
    if len(runs) < 2:
        said = "There is no earlier result of the same kind on this snapshot to compare with."
        return element("section", element("h2", "Over the last runs"), element("p", said))
    asked = asked_of(result.verdict) if result.verdict else []
    drawn = []
    for metric in _metrics(result.values, asked, runs):
        made = _course(metric, runs, [each for each in asked if each.metric == metric])
        if not room.takes(made):
            break
        drawn.append(made)
    rows = [[when(run.created), badge(run.verdict), _link(run.id)] for run in reversed(runs)]
    table = table_within(room, ("Run", "Verdict", "Result"), rows)
    return element("section", element("h2", "Over the last runs"), element("div", *drawn, class_="grid"), table)


def when(moment: datetime | None) -> str:
    """To the minute."""
    return f"{in_utc(moment):%Y-%m-%d %H:%M} UTC" if moment else "at an unknown time"


def _link(result_id: str) -> Markup:
    return element("code", charts.visible(result_id, 80))


def _metrics(values: Mapping[str, Any], asked: Sequence[Asked], runs: Sequence[TestResultRecord]) -> list[str]:
    """What is judged first, then extremes of columns, then the others; of numbers that an earlier run has, too."""
    judged = [each.metric for each in asked]
    extremes = [name for name in values if f"{name}Feature" in values]
    candidates = dict.fromkeys([*judged, *extremes, *scalars(values)])
    found = []
    for name in candidates:
        if number(values.get(name)) is not None and any(number(run.values.get(name)) is not None for run in runs[:-1]):
            found.append(name)
            if len(found) == MOST_METRICS:
                break
    return found


def _course(metric: str, runs: Sequence[TestResultRecord], asked: Sequence[Asked]) -> Markup:
    values = [number(run.values.get(metric)) for run in runs]
    there = [value for value in values if value is not None]
    thresholds: dict[float, str] = {}
    for each in asked:
        for end in (each.low, each.high):
            if math.isfinite(end) and len(thresholds) < 6:
                thresholds.setdefault(end, f"{written(end)} (rule {each.rule})")
    told = (
        f"{len(there)} values from {written(min(there))} to {written(max(there))}, the last one {written(values[-1])}. "
        + (f"Thresholds: {', '.join(thresholds.values())}." if thresholds else "")
    )
    drawing = charts.course(
        metric, told, values, (when(runs[0].created)[:10], when(runs[-1].created)[:10]), list(thresholds.items())
    )
    rows = [[when(run.created), written(value)] for run, value in zip(runs, values, strict=True)]
    return charts.figure(f"{metric}: {written(values[-1])}", drawing, ("Run", "Value"), reversed(rows))
