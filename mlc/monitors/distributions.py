"""Distributions of columns within a result, for people to look at: records of both sides by bucket or by category.

``result["distributions"]`` is this project's own key. It is bounded whatever the data are: the columns that have moved
most come first, and how many were left out is said.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

KEY = "distributions"
MOST_COLUMNS = 100
MOST_BYTES = 128 * 1024
"""Of all columns together, as JSON."""
MOST_CATEGORIES = 20
LONGEST_CATEGORY = 80
"""Characters of a category's text; the end of a longer one is cut."""
MOST_BUCKETS = 40
"""More than are ever made: what is read may be somebody else's."""

Count = int | float
Both = tuple[Count, Count]
NONE: Both = (0, 0)


@dataclass(frozen=True)
class Distribution:
    """Records of the baseline and of the sample by bucket, or by category.

    Attributes:
        baseline, sample: (n,) records of each bucket or category; weighted ones where records have weights.
        edges: (n + 1,) of buckets of numbers, rising; a bucket has its lower end, the last one both. Empty for
            categories.
        categories: (n,) texts; empty for buckets.
        below, above: records of both sides beyond the first and the last edge.
        others: records of the categories that are not among ``categories``, of which there are ``other_categories``.
        nulls: records of both sides without a value.
    """

    column: str
    baseline: tuple[Count, ...]
    sample: tuple[Count, ...]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    below: Both = NONE
    above: Both = NONE
    other_categories: int = 0
    others: Both = NONE
    nulls: Both = NONE


def told(distributions: Iterable[Distribution]) -> dict[str, Any]:
    """The part of a result with these distributions, as many of the first ones as there is room for."""
    columns: list[dict[str, Any]] = []
    left_out, room = 0, MOST_BYTES
    for each in distributions:
        column = _written(each)
        size = len(json.dumps(column))
        if len(columns) >= MOST_COLUMNS or size > room:
            left_out += 1
        else:
            columns.append(column)
            room -= size
    return {KEY: {"columns": columns, "columns_left_out": left_out}} if columns or left_out else {}


def read(result: Mapping[str, Any]) -> tuple[list[Distribution], int]:
    """The distributions of a result, and how many were left out of it. What is of another form is not read."""
    part = result.get(KEY)
    listed = part.get("columns") if isinstance(part, dict) else None
    if not isinstance(listed, list):
        return [], 0
    found = [each for column in listed[:MOST_COLUMNS] if (each := _distribution(column))]
    left_out = part.get("columns_left_out") if isinstance(part, dict) else None
    more = left_out if isinstance(left_out, int) and not isinstance(left_out, bool) and left_out > 0 else 0
    return found, more + max(len(listed) - MOST_COLUMNS, 0)


def _written(each: Distribution) -> dict[str, Any]:
    """Without what there is nothing of."""
    column: dict[str, Any] = {"column": each.column}
    column |= {"edges": list(each.edges)} if each.edges else {"categories": [_cut(name) for name in each.categories]}
    column |= {"baseline": list(each.baseline), "sample": list(each.sample)}
    if each.other_categories:
        column["other_categories"] = each.other_categories
    more = {"below": each.below, "above": each.above, "others": each.others, "nulls": each.nulls}
    return column | {name: list(both) for name, both in more.items() if any(both)}


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_CATEGORY else name[: LONGEST_CATEGORY - 3] + "..."


def _distribution(column: Any) -> Distribution | None:
    if not isinstance(column, dict) or not isinstance(column.get("column"), str):
        return None
    sides = [_counts(column.get(side)) for side in ("baseline", "sample")]
    edges = _edges(column.get("edges"))
    names = column.get("categories")
    categories = tuple(str(name) for name in names[:MOST_BUCKETS]) if isinstance(names, list) and not edges else ()
    if not 0 < len(sides[0]) == len(sides[1]) == (len(edges) - 1 if edges else len(categories)):
        return None
    more = column.get("other_categories")
    return Distribution(
        column["column"],
        sides[0],
        sides[1],
        edges,
        categories,
        other_categories=more if isinstance(more, int) and more > 0 else 0,
        **{name: _both(column.get(name)) for name in ("below", "above", "others", "nulls")},
    )


def _counts(listed: Any) -> tuple[Count, ...]:
    found = tuple(_numbers(listed))
    return found if all(count >= 0 for count in found) else ()


def _edges(listed: Any) -> tuple[float, ...]:
    found = tuple(float(edge) for edge in _numbers(listed))
    rising = len(found) > 1 and all(one < other for one, other in pairwise(found))
    return found if rising and math.isfinite(found[-1] - found[0]) else ()


def _both(listed: Any) -> Both:
    found = _counts(listed)
    return (found[0], found[1]) if len(found) == 2 else NONE


def _numbers(listed: Any) -> Iterator[Count]:
    """All of a list's numbers, or none if one of them is none, or beyond what a float can add."""
    if not isinstance(listed, list) or len(listed) > MOST_BUCKETS + 1:
        return
    if all(isinstance(each, int | float) and not isinstance(each, bool) and _sane(each) for each in listed):
        yield from listed


def _sane(number: Count) -> bool:
    return math.isfinite(number) if isinstance(number, float) else abs(number) < 10**300
