"""Which rules of a table meet and which lie within which, for all pairs at once: sets of rules are bits of integers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from operator import or_

from .axes import Axis
from .budget import Budget
from .space import Space

#: Axes with no more shapes, or no more atoms, than this have them compared one by one.
_FEW = 64


class Relations:
    """For each rule the set of rules that it meets, and the set of those that it lies within, itself included.

    On an axis with many shapes only their hulls are compared. A pair of which one has several runs there is compared
    again when it is asked for: those rules are `loose`.
    """

    def __init__(self, space: Space, budget: Budget) -> None:
        self.space, self.budget = space, budget
        self.meets = [space.possible] * space.count
        self.within = [space.possible] * space.count
        self.loose = 0
        self.loose_axes: list[int] = []
        for index, axis in enumerate(space.axes):
            budget.spend(1 + (len(axis.cells) + len(axis.shapes) * _FEW // 8) * (1 + space.count // 5_000) // 2)
            pairs = self._pairs(index, axis)
            for rule in range(space.count):
                meets, within = pairs[axis.cells[rule]]
                self.meets[rule] &= meets
                self.within[rule] &= within

    def _pairs(self, index: int, axis: Axis) -> list[tuple[int, int]]:
        """For each shape of an axis the rules whose shapes meet it, and those whose shapes contain it."""
        members, accept = self.space.members[index], self.space.accept[index]
        count = len(members)
        if accept is not None and len(accept) <= _FEW:
            return [self._by_atoms(accept, mask.mask) for mask in axis.shapes]
        if count <= _FEW:
            return [self._by_shapes(axis, members, shape.mask) for shape in axis.shapes]
        bounds = [(shape.runs[0][0], shape.runs[-1][1]) if shape.runs else (0, 0) for shape in axis.shapes]
        several = [number for number, shape in enumerate(axis.shapes) if len(shape.runs) > 1]
        if several:
            self.loose_axes.append(index)
            for number in several:
                self.loose |= members[number]
        by_low = sorted(range(count), key=lambda number: bounds[number][0])
        by_high = sorted(range(count), key=lambda number: bounds[number][1])
        lows, highs = [bounds[number][0] for number in by_low], [bounds[number][1] for number in by_high]
        begun = [0, *accumulate((members[number] for number in by_low), or_)]
        ended = [0, *accumulate((members[number] for number in by_high), or_)]
        return [
            (
                begun[bisect_left(lows, high)] & ~ended[bisect_right(highs, low)],
                begun[bisect_right(lows, low)] & ~ended[bisect_left(highs, high)],
            )
            for low, high in bounds
        ]

    def _by_atoms(self, accept: list[int], mask: int) -> tuple[int, int]:
        meets, within = 0, -1
        for atom, boxes in enumerate(accept):
            if mask >> atom & 1:
                meets |= boxes
                within &= boxes
        return meets, within

    def _by_shapes(self, axis: Axis, members: list[int], mask: int) -> tuple[int, int]:
        meets = within = 0
        for other, boxes in zip(axis.shapes, members, strict=True):
            if other.mask & mask:
                meets |= boxes
                if not mask & ~other.mask:
                    within |= boxes
        return meets, within

    def meeting(self, rule: int, among: int) -> int:
        """The rules of a set that a rule meets. Raises Exhausted."""
        return self._checked(rule, self.meets[rule] & among & ~(1 << rule), self._meet)

    def containing(self, rule: int, among: int) -> int:
        """The rules of a set that a rule lies within. Raises Exhausted."""
        return self._checked(rule, self.within[rule] & among & ~(1 << rule), self._lies)

    def _checked(self, rule: int, found: int, holds: Callable[[Axis, int, int], bool]) -> int:
        doubtful = found if self.loose >> rule & 1 else found & self.loose
        for other in bits(doubtful):
            self.budget.spend(len(self.loose_axes))
            if not all(holds(self.space.axes[axis], rule, other) for axis in self.loose_axes):
                found ^= 1 << other
        return found

    @staticmethod
    def _meet(axis: Axis, rule: int, other: int) -> bool:
        return axis.shape(rule).mask & axis.shape(other).mask != 0

    @staticmethod
    def _lies(axis: Axis, rule: int, other: int) -> bool:
        return axis.shape(rule).mask & ~axis.shape(other).mask == 0


def bits(number: int) -> Iterator[int]:
    """The members of a set."""
    while number:
        bit = number & -number
        number ^= bit
        yield bit.bit_length() - 1
