"""Columns as distributions to look at, from what the tests of drift have sorted or counted already."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .columns import Floats, in_order, text_of
from .distributions import MOST_CATEGORIES, Distribution

BUCKETS = 20
"""About as many: their width is a round number."""
FEW = 12
"""Numbers of so few different values are shown value by value."""
SMALLEST, LARGEST = 1e-290, 1e300
"""A range below the one is divided without looking for round numbers; one above the other not at all."""
TAIL = 0.01
"""The share at each end that lies beyond the buckets where it would make all others narrow."""
NEAR = 0.25
"""An end that is no farther beyond the rest than this share of its range is among the buckets."""


def of_numbers(name: str, baseline: Floats, sample: Floats, nulls: tuple[int, int]) -> Distribution | None:
    """Two sorted samples, (n,) and (m,), not empty, in buckets of a round width over the range of both.

    Far values are counted beyond the ends. None where the numbers are too far apart.
    """
    values = _different(baseline) | _different(sample)
    if len(values) <= FEW:
        distinct = np.array(sorted(values))
        counts = [
            np.searchsorted(side, distinct, "right") - np.searchsorted(side, distinct) for side in (baseline, sample)
        ]
        texts = tuple(text_of(value) for value in distinct)
        return Distribution(name, tuple(counts[0].tolist()), tuple(counts[1].tolist()), categories=texts, nulls=nulls)
    edges = _edges(*_range(baseline, sample))
    if len(edges) < 2:
        return None
    inside, below, above = [], [], []
    for side in (baseline, sample):
        places = np.searchsorted(side, edges)
        places[-1] = np.searchsorted(side, edges[-1], "right")
        inside.append(tuple(np.diff(places).tolist()))
        below.append(int(places[0]))
        above.append(len(side) - int(places[-1]))
    return Distribution(
        name,
        inside[0],
        inside[1],
        edges=tuple(edges.tolist()),
        below=(below[0], below[1]),
        above=(above[0], above[1]),
        nulls=nulls,
    )


def of_categories(
    name: str, baseline: Mapping[str, int], sample: Mapping[str, int], nulls: tuple[int, int]
) -> Distribution:
    """Two sides, records by category; the most frequent categories of both together, in a person's order."""
    total = {each: baseline.get(each, 0) + sample.get(each, 0) for each in (*baseline, *sample)}
    chosen = in_order(sorted(total, key=total.__getitem__, reverse=True)[:MOST_CATEGORIES])
    sides = [tuple(side.get(each, 0) for each in chosen) for side in (baseline, sample)]
    rest = [sum(side.values()) - sum(counts) for side, counts in zip((baseline, sample), sides, strict=True)]
    return Distribution(
        name,
        sides[0],
        sides[1],
        categories=tuple(chosen),
        other_categories=len(total) - len(chosen),
        others=(rest[0], rest[1]),
        nulls=nulls,
    )


def _different(ordered: Floats) -> set[float]:
    """The different values of a sorted sample, or so many that they are more than few."""
    found: set[float] = set()
    place = 0
    while place < len(ordered) and len(found) <= FEW:
        found.add(float(ordered[place]))
        place = int(np.searchsorted(ordered, ordered[place], "right"))
    return found


def _range(baseline: Floats, sample: Floats) -> tuple[float, float]:
    """From where to where both are shown."""
    sides = (baseline, sample)
    low, high = (
        choose(side[int(share * (len(side) - 1))] for side in sides) for choose, share in ((min, TAIL), (max, 1 - TAIL))
    )
    first, last = min(side[0] for side in sides), max(side[-1] for side in sides)
    if low == high:
        return float(first), float(last)
    with np.errstate(over="ignore", invalid="ignore"):
        near = NEAR * (high - low)
        return float(first if first >= low - near else low), float(last if last <= high + near else high)


def _edges(low: float, high: float) -> Floats:
    """Ends of buckets that hold a range, rising; empty if it is too wide."""
    width = high - low
    if not 0 < width < LARGEST:
        return np.array([])
    if width > SMALLEST and max(abs(low), abs(high)) < width * 1e9:
        power = 10.0 ** math.floor(math.log10(width / BUCKETS))
        step = next((power * part for part in (1, 2, 5) if power * part * BUCKETS >= width), power * 10)
        places = range(math.floor(low / step), math.ceil(high / step) + 1)
        edges = np.array([float(f"{place * step:.12g}") + 0.0 for place in places])
        if (np.diff(edges) > 0).all() and edges[0] <= low and high <= edges[-1]:
            return edges
    return np.unique(np.linspace(low, high, BUCKETS + 1))
