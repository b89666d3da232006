"""What all charts share: a sheet of a fixed width in units of about a pixel on a phone, texts that fit, axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from .markup import CUT, Markup, element, joined, visible
from .scale import Scale, beside

WIDTH = 360.0
"""Of every chart; shown it is as wide as there is room, up to a third more."""
LETTER = 6.6
"""Width of a letter of the charts' font, at most on average."""
BROAD = frozenset("mwMW@%&\N{EM DASH}\N{HORIZONTAL ELLIPSIS}")
"""Letters that are a good deal wider."""
LEFT, RIGHT = 52.0, 12.0
"""Room beside what is drawn, for an axis' values on the left."""


def sheet(title: str, description: str, height: float, *drawn: Markup | None) -> Markup:
    """A chart, with what stands in for it where it can't be seen."""
    return element(
        "svg",
        element("title", visible(title)),
        element("desc", visible(description, 1_000)),
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        role="img",
        class_="chart",
    )


def fitted(text: str, width: float) -> str:
    """A text that takes no more than a width, cut where it must be."""
    text = visible(text, 400)
    room = width / LETTER
    for place, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1.9 if letter in BROAD else 1
        if room < 0:
            return text[: max(place - 1, 0)] + CUT
    return text


def label(text: str, x: float, y: float, *, anchor: str = "start", kind: str = "label", width: float = WIDTH) -> Markup:
    """A text at a place."""
    return element("text", fitted(text, width), x=x, y=y, text_anchor=anchor, class_=f"chart-{kind}")


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=f"chart-{kind}")


def box(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    """A rectangle. One of no width is still seen where there is something."""
    return element("rect", x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), class_=f"chart-{kind}")


def axis_below(scale: Scale, y: float, most: int = 5) -> Markup:
    """The values of a scale from left to right, below a line."""
    drawn = [line(scale.start, y, scale.end, y, "axis")]
    room, last = (scale.end - scale.start) / most, -WIDTH
    for tick in scale.ticks(most):
        text, x = beside(tick), scale(tick)
        half = len(text) * LETTER / 2
        if x - half < last or x + half > WIDTH:  # it would lie on the one before it, or beyond the sheet
            continue
        last = x + half + LETTER
        drawn += [line(x, y, x, y + 3, "axis"), label(text, x, y + 15, anchor="middle", width=max(room, 60))]
    return joined(drawn)


def axis_left(scale: Scale, texts: Iterable[tuple[float, str]], end: float) -> Markup:
    """Lines across at some values of a scale that goes upwards, with their texts on the left."""
    drawn: list[Markup] = []
    for value, text in texts:
        y = scale(value)
        drawn.append(line(LEFT, y, end, y, "grid"))
        drawn.append(label(text, LEFT - 5, y + 4, anchor="end", width=LEFT - 3))
    return joined(drawn)


def legend(names: Sequence[str], start: float = LEFT) -> Markup:
    """Which of two is which, in the first line of a chart: the first is filled, the second an outline."""
    kinds = ("before", "after")
    room = (WIDTH - start) / 2
    drawn: list[Markup] = []
    x = start
    for name, kind in zip(names, kinds, strict=True):
        text = fitted(name, room - 24)
        drawn += [box(x, 4, 12, 10, kind), label(text, x + 17, 13)]
        x += 17 + len(text) * LETTER + 16
    return joined(drawn)
