"""Two distributions in one chart: of numbers as steps over their range, of categories as pairs of bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .drawing import LEFT, RIGHT, WIDTH, axis_below, axis_left, box, label, legend, line, sheet
from .markup import Markup, element, joined
from .scale import Scale, nice_step, share

HEIGHT = 150.0
TOP = 24.0
TAIL = 26.0
"""Room at an end for what lies beyond the range."""
ROW = 38.0


@dataclass(frozen=True)
class Beyond:
    """Shares of both sides that lie beyond an end of the range."""

    before: float = 0.0
    after: float = 0.0

    def __bool__(self) -> bool:
        return self.before > 0 or self.after > 0


@dataclass(frozen=True)
class Steps:
    """Two distributions of numbers over the same buckets.

    Attributes:
        edges: (n + 1,) ends of the buckets, rising.
        before, after: (n,) shares.
        below, above: what lies beyond.
    """

    edges: Sequence[float]
    before: Sequence[float]
    after: Sequence[float]
    below: Beyond = field(default_factory=Beyond)
    above: Beyond = field(default_factory=Beyond)


@dataclass(frozen=True)
class Pairs:
    """Two distributions over the same categories.

    Attributes:
        before, after: (n,) shares, as many as ``categories``.
        rest: what is said below of all other categories.
    """

    categories: Sequence[str]
    before: Sequence[float]
    after: Sequence[float]
    rest: str = ""


def steps(title: str, description: str, names: tuple[str, str], what: Steps) -> Markup:
    """Numbers: the first distribution filled, the second as an outline over it.

    Raises:
        ValueError: there are not as many shares as buckets.
    """
    if not len(what.edges) - 1 == len(what.before) == len(what.after) > 0:
        raise ValueError("each side needs a share for each bucket")
    tallest = max(*what.before, *what.after, what.below.before, what.below.after, what.above.before, what.above.after)
    upwards, ticks = _upwards(tallest, TOP + HEIGHT)
    start, end = LEFT + (TAIL if what.below else 0), WIDTH - RIGHT - (TAIL if what.above else 0)
    along = Scale(what.edges[0], what.edges[-1], start, end)
    floor = TOP + HEIGHT
    drawn = [
        legend(names),
        axis_left(upwards, ticks, WIDTH - RIGHT),
        element("path", d=_outline(along, upwards, what.edges, what.before, floor), class_="chart-before"),
        element("path", d=_outline(along, upwards, what.edges, what.after, floor), class_="chart-after"),
    ]
    for beyond, x, sign in ((what.below, LEFT, "\N{LESS-THAN SIGN}"), (what.above, end + 6, "\N{GREATER-THAN SIGN}")):
        if beyond:
            for value, kind in ((beyond.before, "before"), (beyond.after, "after")):
                y = upwards(value)
                drawn.append(box(x, y, TAIL - 6, floor - y, kind))
            drawn.append(label(sign, x + (TAIL - 6) / 2, floor + 15, anchor="middle"))
    return sheet(title, description, floor + 22, *drawn, axis_below(along, floor))


def pairs(title: str, description: str, names: tuple[str, str], what: Pairs) -> Markup:
    """Categories, one below the other: a pair of bars for each, with their shares.

    Raises:
        ValueError: there are not as many shares as categories, or none.
    """
    before, after = what.before, what.after
    if not len(what.categories) == len(before) == len(after) > 0:
        raise ValueError("each side needs a share for each category")
    tallest = max(*before, *after) or 1.0
    along = Scale(0, tallest, 0.0, WIDTH - RIGHT - 48)
    drawn = [legend(names, 0.0)]
    for place, (name, one, other) in enumerate(zip(what.categories, before, after, strict=True)):
        y = TOP + place * ROW
        drawn.append(label(name, 0, y + 11, width=WIDTH - RIGHT))
        for offset, value, kind in ((16, one, "before"), (26, other, "after")):
            width = along(value)
            drawn.append(box(0, y + offset, width, 7, kind))
            drawn.append(label(share(value), width + 4, y + offset + 7, kind="value"))
    bottom = TOP + len(what.categories) * ROW
    if what.rest:
        drawn.append(label(what.rest, 0, bottom + 14, kind="value"))
    axis = line(0, TOP, 0, bottom, "axis")
    return sheet(title, description, bottom + (20 if what.rest else 2), joined(drawn), axis)


def _upwards(tallest: float, floor: float) -> tuple[Scale, list[tuple[float, str]]]:
    """A scale of shares from 0 to a round one above the tallest, and what stands beside it."""
    step = nice_step((tallest or 1.0) / 4)
    count = max(1, -int(-(tallest or 1.0) / step // 1))
    scale = Scale(0, count * step, floor, TOP + 4)
    return scale, [(place * step, share(place * step)) for place in range(count + 1)]


def _outline(along: Scale, upwards: Scale, edges: Sequence[float], shares: Sequence[float], floor: float) -> str:
    """The steps of a distribution as a path from the floor to the floor."""
    path = [f"M{along(edges[0]):.1f} {floor:.1f}"]
    for place, value in enumerate(shares):
        path.append(f"V{upwards(value):.1f}H{along(edges[place + 1]):.1f}")
    return "".join([*path, f"V{floor:.1f}"])
