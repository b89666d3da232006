"""The form of a test result: flat scalars for decision tables, and lists of test blocks for people.

A scalar that can't be computed is there and null, with its reason beside it: a decision table that asks for it then
reports a null input, which is no pass. It is never left out, and never a number that stands for "none".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Result = dict[str, Any]
"""What a monitor yields: plain JSON, without not-a-number and infinity."""


@dataclass
class Left:
    """What could not be compared or computed, and why: reasons are ends of sentences.

    Attributes:
        columns: reason by the column's name.
        statistics: reason by column and test, or by the name of a metric alone.
    """

    columns: dict[str, str] = field(default_factory=dict)
    statistics: dict[tuple[str, str], str] = field(default_factory=dict)

    def told(self) -> Result:
        """The part of a result that says so: two counts for decision tables, and a table for each that is not 0."""
        result: Result = {
            "not_compared_count": len(self.columns),
            "not_computed_count": len(self.statistics),
        }
        if self.columns:
            result["not_compared"] = [{"column": name, "reason": why} for name, why in self.columns.items()]
        if self.statistics:
            result["not_computed"] = [
                {"column": column, "test": test, "reason": why} for (column, test), why in self.statistics.items()
            ]
        return result


def rounded(value: float | None, decimals: int) -> float | None:
    """A number as results have it: null where it is none, and never minus zero."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), decimals) + 0.0


def block(name: str, category: str, kind: str, values: object, metric: str | None = None) -> Result:
    """A test block. Its id is made of category, type and metric."""
    made: Result = {"test_name": name, "test_category": category, "test_type": kind}
    if metric:
        made["metric"] = metric
    made["test_id"] = "_".join(part for part in (category, kind, metric) if part)
    made["values"] = values
    return made


def extremes(values: Mapping[str, float | None], key: str, feature: str = "{}") -> Result:
    """The largest and the smallest of the values that there are, and whose they are.

    Args:
        key: the scalar's key with ``{}`` where "max" or "min" goes; that of the feature has ``Feature`` behind it.
        feature: how a feature is named, with ``{}`` for its name.
    """
    found = {name: value for name, value in values.items() if value is not None}
    result: Result = {}
    for word, choose in (("max", max), ("min", min)):
        name = choose(found, key=found.__getitem__) if found else next(iter(values), None)
        result[key.format(word)] = None if name is None else values[name]
        result[f"{key.format(word)}Feature"] = None if name is None else feature.format(name)
    return result


def most_first(values: Mapping[str, float | None], *, descending: bool) -> dict[str, float | None]:
    """Values in the order in which they tell most, null at the end."""

    def place(item: tuple[str, float | None]) -> tuple[bool, float]:
        value = item[1]
        return value is None, 0.0 if value is None else -value if descending else value

    return dict(sorted(values.items(), key=place))


def extra_columns(known: Iterable[str], frames: Mapping[str, Iterable[object]]) -> Result:
    """Columns that the schema doesn't name, and that nobody compares: a table, if there are any."""
    names = set(known)
    found: dict[str, set[str]] = {}
    for which, columns in frames.items():
        for column in columns:
            if str(column) not in names:
                found.setdefault(str(column), set()).add(which)
    if not found:
        return {}
    return {"not_in_schema": [{"column": name, "in": " and ".join(sorted(there))} for name, there in found.items()]}
