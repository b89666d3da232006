"""Boxes as an author writes them: the cell for a mask of an axis, and conditions on several axes in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .axes import Axis, Segment, runs_of
from .lines import LINES, WHOLE, feel

#: Tests of one cell, and columns of one condition, that a sentence has.
SHOWN = 8
#: Tests of one cell that are written out at all.
MOST = 100
#: Lines on which the next value behind another can be named.
_COUNTED = (WHOLE, LINES["date"], LINES["years and months duration"])
_SIMPLE = frozenset({"null", "string", "anything"})


def cell(axis: Axis, mask: int, most: int = MOST) -> str:
    """The unary tests that accept the atoms of a mask, and no others that exist."""
    return _joined(_tests(axis, mask), most)


def values(axes: Sequence[Axis], box: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """The cells of a box by the labels of their columns, without those that accept everything."""
    return tuple((axis.label, cell(axis, mask)) for axis, mask in zip(axes, box, strict=True) if mask != axis.full)


def example(axis: Axis, mask: int) -> tuple[str, bool]:
    """A value that a mask accepts, and that it is one; where nothing names such a value, the cell for all of them."""
    null = 1 if axis.segments[0].line.kind == "null" and axis.number[2] else 0
    if axis.segments[-1].line.kind == "anything" and mask & ~null:
        return cell(axis, mask), False
    named = (mask & ~axis.open_ & ~null) or (mask & ~axis.open_)
    if not named:
        return cell(axis, mask), False
    return feel(axis.values[(named & -named).bit_length() - 1]), True


def is_single(axis: Axis, mask: int) -> bool:
    """Whether a mask accepts one value alone."""
    tests = _tests(axis, mask)
    return len(tests) == 1 and tests[0][1]


def phrase(label: str, test: str, single: bool) -> str:
    """One cell as a condition."""
    if single:
        return f"{label} = {test}"
    if test.startswith("not("):
        return f"{label} is {test}"
    if test == "-":
        return f"{label} is anything"
    if test.startswith(("<", ">")) and "," not in test:
        return f"{label} {test}"
    return f"{label} in ({test})" if "," in test else f"{label} in {test}"


def condition(axes: Sequence[Axis], box: Sequence[int]) -> str:
    """A box as one condition; "every value" for the whole space."""
    found = []
    for axis, mask in zip(axes, box, strict=True):
        if mask != axis.full:
            tests = _tests(axis, mask)
            found.append(phrase(axis.label, _joined(tests, SHOWN), len(tests) == 1 and tests[0][1]))
    return conjunction(found) or "every value"


def conjunction(phrases: Sequence[str]) -> str:
    """Conditions that all hold."""
    shown = list(phrases[:SHOWN])
    if len(phrases) > SHOWN:
        shown.append(f"{len(phrases) - SHOWN} more columns")
    return " and ".join(shown)


def _joined(tests: list[tuple[str, bool]], most: int) -> str:
    texts = [text for text, _ in tests[:most]]
    if len(tests) > most:
        texts.append(f"... {len(tests) - most} more")
    if texts and texts[0] == "not(":
        return f"not({', '.join(texts[1:])})"
    return ", ".join(texts)


def _tests(axis: Axis, mask: int) -> list[tuple[str, bool]]:
    """The tests for a mask, each with whether it is a single value; the first one is "not(" where they are excluded."""
    if mask == axis.full:
        return [("-", False)]
    has_null = axis.segments[0].line.kind == "null"
    if has_null and mask == axis.full & ~1:
        return [("not(", False), ("null", True)]
    between = axis.between
    if {segment.line.kind for segment in axis.segments} <= _SIMPLE and between and mask & between == between:
        # What is excluded is named; null passes not(...), too, unless it is excluded.
        excluded = axis.full & ~mask
        return [("not(", False), *(test for segment in axis.segments for test in _of_segment(axis, segment, excluded))]
    return [test for segment in axis.segments for test in _of_segment(axis, segment, mask)]


def _of_segment(axis: Axis, segment: Segment, mask: int) -> Iterator[tuple[str, bool]]:
    first, last = axis.number[segment.start], axis.number[segment.stop]
    for low, high in runs_of(mask & ((1 << last) - (1 << first))):
        places = [place - segment.start for place in axis.places[low:high]]
        if segment.line.kind == "string":
            yield from _texts(segment, places)
        else:
            yield _range(segment, places[0], places[-1])


def _texts(segment: Segment, places: list[int]) -> Iterator[tuple[str, bool]]:
    """The tests for strings: nobody reads "from one word to the next" where no string between them is allowed."""
    start = 0
    for index in range(1, len(places) + 1):
        if index == len(places) or places[index] != places[index - 1] + 1:
            yield _range(segment, places[start], places[index - 1])
            start = index


def _range(segment: Segment, first: int, last: int) -> tuple[str, bool]:
    """The test for a run of places of a segment, and whether it is a single value."""
    line, points = segment.line, segment.points
    low, low_closed = (points[first // 2 - (first % 2 == 0)], first % 2 == 1) if first else (None, False)
    high, high_closed = (points[last // 2], last % 2 == 1) if last < 2 * len(points) else (None, False)
    if first and last < 2 * len(points):
        if line in _COUNTED:
            low, low_closed = (low if low_closed else line.between(line.key(low), None)), True
            high, high_closed = (high if high_closed else line.between(None, line.key(high))), True
        if low_closed and high_closed and line.key(low) == line.key(high):
            return feel(low), True
        return f"{'[' if low_closed else '('}{feel(low)}..{feel(high)}{']' if high_closed else ')'}", False
    if first:
        return f"{'>=' if low_closed else '>'} {feel(low)}", False
    if last < 2 * len(points):
        return f"{'<=' if high_closed else '<'} {feel(high)}", False
    return f"? instance of {line.kind.removesuffix(' with offset')}", False
