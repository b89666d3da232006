"""A value over the last runs, with the thresholds that it is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .drawing import LEFT, LETTER, RIGHT, WIDTH, axis_left, label, line, sheet
from .markup import Markup, element, joined
from .scale import beside, scale_of

TOP, HEIGHT = 12.0, 96.0


def course(
    title: str,
    description: str,
    values: Sequence[float | None],
    ends: tuple[str, str],
    thresholds: Sequence[tuple[float, str]] = (),
) -> Markup:
    """Values one after the other, in equal distances; the last one stands out, and where there is none is a gap.

    Args:
        ends: what is written below the first and the last.
        thresholds: values that get a line across, each with its text.
    """
    there = [value if value is not None and math.isfinite(value) else None for value in values]
    numbers = [value for value in there if value is not None]
    floor = TOP + HEIGHT
    upwards = scale_of([*numbers, *(value for value, _ in thresholds)], floor, TOP, margin=0.12)
    start, end = LEFT + 14, WIDTH - RIGHT - 4
    places = [start + (end - start) * place / max(len(there) - 1, 1) for place in range(len(there))]
    drawn = [axis_left(upwards, [(tick, beside(tick)) for tick in upwards.ticks(4)], WIDTH - RIGHT)]
    taken: list[float] = []
    for value, text in thresholds:
        y = upwards(value)
        drawn.append(line(LEFT, y, WIDTH - RIGHT, y, "threshold"))
        if all(abs(y - other) > 12 for other in taken):
            drawn.append(label(text, LEFT + 2, y - 3, kind="threshold-label", width=WIDTH - LEFT - RIGHT))
            taken.append(y)
    drawn.append(
        element("path", d=_path(places, [None if v is None else upwards(v) for v in there]), class_="chart-line")
    )
    for x, found in zip(places, there, strict=True):
        if found is not None:
            last = x == places[-1]
            drawn.append(
                element(
                    "circle",
                    cx=x,
                    cy=upwards(found),
                    r=4.5 if last else 2.5,
                    class_="chart-now" if last else "chart-dot",
                )
            )
    half = (WIDTH - LEFT - RIGHT) / 2 - LETTER
    first, latest = ends
    drawn.append(line(LEFT, floor, WIDTH - RIGHT, floor, "axis"))
    if len(there) > 1:
        drawn.append(label(first, LEFT, floor + 15, width=half))
    drawn.append(label(latest, WIDTH - RIGHT, floor + 15, anchor="end", width=half))
    return sheet(title, description, floor + 20, joined(drawn))


def _path(places: Sequence[float], heights: Sequence[float | None]) -> str:
    """A line from each value to the next one, broken where there is none."""
    path, pen = [], "M"
    for x, y in zip(places, heights, strict=True):
        if y is None:
            pen = "M"
        else:
            path.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
    return "".join(path)
