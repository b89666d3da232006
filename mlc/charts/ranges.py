"""Where a value lies in the ranges that rules ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .drawing import LETTER, WIDTH, axis_below, box, fitted, label, line, sheet
from .markup import Markup, element
from .scale import scale_of, written

LANE = 26.0
TOP = 22.0


@dataclass(frozen=True)
class Range:
    """A range of values: what is asked, from where to where (infinite where it has no end), and what it says.

    Attributes:
        kind: ``good``, ``bad`` or ``plain``: what it means that the value is in it.
    """

    text: str
    low: float = -math.inf
    high: float = math.inf
    kind: str = "plain"


def ranges(title: str, description: str, value: float, asked: Sequence[Range]) -> Markup:
    """A line for the value, across one lane for each range. A range without an end goes on to the sheet's border."""
    ends = [end for each in asked for end in (each.low, each.high) if math.isfinite(end)]
    along = scale_of(_from_zero([value, *ends]), 6.0, WIDTH - 6, margin=0.25)
    floor = TOP + len(asked) * LANE
    drawn, texts = [], []
    for place, each in enumerate(asked):
        y = TOP + place * LANE
        start = along.start if each.low == -math.inf else along(each.low)
        end = along.end if each.high == math.inf else along(each.high)
        drawn.append(box(start, y + 15, max(end - start, 2.0), 7, f"range-{each.kind}"))
        drawn += [
            line(along(edge), y + 13, along(edge), y + 24, "edge")
            for edge in (each.low, each.high)
            if math.isfinite(edge)
        ]
        texts.append(label(each.text, 6, y + 11, width=WIDTH - 12))
    x = along(value)
    text = fitted(written(value), 120)
    half = len(text) * LETTER / 2 + 2
    beside = min(max(x, half), WIDTH - half)
    marker = element("path", d=f"M{x:.1f} {TOP - 1:.1f}l-4 -6h8z", class_="chart-now")
    drawn += [
        line(x, TOP - 2, x, floor, "now-line"),
        marker,
        label(text, beside, TOP - 10, anchor="middle", kind="now-label"),
    ]
    return sheet(title, description, floor + 22, *drawn, *texts, axis_below(along, floor))


def _from_zero(values: list[float]) -> list[float]:
    """With 0, where none is below it and it is near enough for the others to be told apart."""
    low, high = min(values), max(values)
    return [*values, 0.0] if 0 <= low <= 10 * (high - low) else values
