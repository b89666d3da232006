"""The axes of a table: what each of its columns may hold, cut into atoms on which no cell changes its answer.

The constants that the cells of a column compare with are points; between two points nothing can change. So one value
stands for each atom, and the engine itself, asked what a cell says of it, is the judge. A cell becomes a mask: the bit
of each atom whose values it accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from mlc.dmn.feel.run import Run, Test, Value

from .domains import Domain
from .lines import ANYTHING, LINES, WHOLE, Line, line_of

#: Steps that all cells of one axis may take when they are put to their values.
STEPS = 2_000_000


@dataclass(slots=True)
class Segment:
    """One line of an axis: its atoms begin at `start`, one before each of its `points`, one on each, one behind all.

    `places` are the points' places on the line, in order. Not every atom exists: `Axis.number` says which do.
    """

    line: Line
    start: int
    points: list[Value]
    places: dict[Any, int]

    @property
    def stop(self) -> int:
        """Where the next line's atoms begin."""
        return self.start + 2 * len(self.points) + 1


class Shape(NamedTuple):
    """What a cell accepts: a mask of atoms, its runs (from, to), and whether it is `known` or only bounds what it is.

    `texts` are those of the cells that are beyond analysis.
    """

    mask: int
    runs: tuple[tuple[int, int], ...]
    texts: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the mask is what the cells accept, and not only as much as they can accept."""
        return not self.texts


@dataclass(slots=True)
class Axis:
    """A value that one or several columns test: `columns` are their indexes, `label` what the first one is called.

    `values` has one value for each atom that exists and `places` where in the segments that is; `number` tells for each
    place how many atoms stand before it. `open_` are strings that nothing names, where nothing says which are allowed;
    `between` all atoms that are no points. `cells` has the shape of each rule by its index in `shapes`.
    """

    label: str
    columns: list[int]
    segments: list[Segment]
    values: list[Value]
    number: list[int]
    places: list[int] = field(default_factory=list)
    open_: int = 0
    between: int = 0
    shapes: list[Shape] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)

    @property
    def full(self) -> int:
        """The mask of all atoms."""
        return (1 << len(self.values)) - 1

    def shape(self, rule: int) -> Shape:
        """What a rule accepts."""
        return self.shapes[self.cells[rule]]

    def mask(self, test: Test, constants: Sequence[Value], run: Run) -> int:
        """The atoms that a test accepts whose answer changes at these constants only. Raises LimitExceededError."""
        mask = 0
        for low, high in self._pieces(constants):
            first, last = self.number[low], self.number[high]
            if first < last and test(self.values[first], {}, run) is True:
                mask |= (1 << last) - (1 << first)
        return mask

    def _pieces(self, constants: Sequence[Value]) -> Iterator[tuple[int, int]]:
        """The places at which these constants cut the segments."""
        found = [(line_of(constant), constant) for constant in constants]
        for segment in self.segments:
            cuts = {segment.start, segment.stop}
            for kind, constant in found:
                if kind == segment.line.kind:
                    index = segment.start + 2 * segment.places[segment.line.key(constant)] + 1
                    cuts |= {index, index + 1}
            for point in range(len(segment.line.first)):  # null, true and false are never alike
                cuts |= {segment.start + 2 * point + 1, segment.start + 2 * point + 2}
            ordered = sorted(cuts)
            yield from pairwise(ordered)


def axis(label: str, columns: list[int], constants: Iterable[Value], domain: Domain, has_null: bool) -> Axis:
    """The axis of a column whose cells and allowed values name these constants. Raises LimitExceededError."""
    named: dict[str, dict[Any, Value]] = {}
    for constant in constants:
        kind = line_of(constant)
        if kind is not None and kind != "null":
            named.setdefault(kind, {})[LINES[kind].key(constant)] = constant
    if domain.line is not None:
        named = {kind: points for kind, points in named.items() if kind.removesuffix(" with offset") == domain.line}
        named = named or {domain.line: {}}
    segments: list[Segment] = []
    lines = [WHOLE if kind == "number" and domain.whole else LINES[kind] for kind in sorted(named)] or [ANYTHING]
    for line in [LINES["null"], *lines] if has_null else lines:
        points = named.get(line.kind, {}) | {line.key(value): value for value in line.first}
        places = {place: index for index, place in enumerate(sorted(points))}
        start = segments[-1].stop if segments else 0
        segments.append(Segment(line, start, [points[place] for place in places], places))
    return _with_values(Axis(label, columns, segments, [], []), domain)


def _with_values(made: Axis, domain: Domain) -> Axis:
    """Find a value for each atom that has one."""
    run = Run()
    run.steps = STEPS
    exists: list[bool] = []
    for segment in made.segments:
        ends = [None, *segment.places, None]
        for index, place in enumerate(ends[:-1]):
            if index:
                exists.append(_take(made, segment.points[index - 1], len(exists), domain, run))
            value = segment.line.between(place, ends[index + 1])
            exists.append(value is not None and _take(made, value, len(exists), domain, run))
            if exists[-1]:
                bit = 1 << (len(made.values) - 1)
                made.between |= bit
                if segment.line.kind == "string" and not domain.allowed:
                    made.open_ |= bit
    made.number = [0, *accumulate(exists)]
    return made


def _take(made: Axis, value: Value, place: int, domain: Domain, run: Run) -> bool:
    """Take a value for the atom at a place, unless the domain does not hold it."""
    if value is not None and made.segments[-1].line is not ANYTHING and not domain.holds(value, run):
        return False
    made.values.append(value)
    made.places.append(place)
    return True


def runs_of(mask: int) -> tuple[tuple[int, int], ...]:
    """The runs of bits of a mask, each as (first, behind the last)."""
    runs = []
    start = 0
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        length = (~mask & (mask + 1)).bit_length() - 1
        mask >>= length
        runs.append((start + gap, start + gap + length))
        start += gap + length
    return tuple(runs)


def shaped(made: Axis, shapes: Iterable[tuple[int, tuple[str, ...]]]) -> None:
    """Give an axis the shape of each rule."""
    known: dict[tuple[int, tuple[str, ...]], int] = {}
    for mask, texts in shapes:
        if (mask, texts) not in known:
            known[mask, texts] = len(known)
            made.shapes.append(Shape(mask, runs_of(mask), texts))
        made.cells.append(known[mask, texts])
