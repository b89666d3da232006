"""Whether boxes cover a space: a point that lies in none of them, and the largest boxes of such points."""

from __future__ import annotations

from collections.abc import Iterator

from .axes import Axis
from .budget import Budget
from .space import Space

#: A point: the number of an atom for each axis.
Point = list[int]


def uncovered(space: Space, covers: int, box: list[int], budget: Budget) -> Point | None:
    """A point of a box that lies in none of the boxes `covers`. Raises Exhausted.

    Axis by axis the boxes are told apart that are still there; the axis that tells the most apart comes first, and a
    set of boxes that has been seen to cover the rest is not looked at again.
    """
    for index, mask in enumerate(box):
        covers &= space.touching(index, mask)
        budget.spend(1 + len(space.axes[index].shapes) // 8)
    everything = tuple(range(len(space.axes)))
    known: set[tuple[int, tuple[int, ...]]] = set()
    path: dict[int, int] = {}
    waiting: list[tuple[int, tuple[int, ...], Iterator[tuple[int, int]], tuple[int, tuple[int, ...]]]] = []
    alive, remaining = covers, everything
    while True:
        if not alive:
            return [path.get(index, _first(mask)) for index, mask in enumerate(box)]
        axis, remaining = _widest(space, alive, remaining)
        budget.spend(1 + len(remaining) * (1 + alive.bit_length() // 5_000))
        key = (alive, remaining)
        if axis is not None and key not in known:
            rest = tuple(one for one in remaining if one != axis)
            waiting.append((axis, rest, iter(_split(space, axis, alive, box[axis], budget)), key))
        while waiting:
            axis, remaining, following, key = waiting[-1]
            step = next(following, None)
            if step is not None:
                alive, path[axis] = step
                break
            known.add(key)
            path.pop(axis, None)
            waiting.pop()
        else:
            return None


def _first(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _widest(space: Space, alive: int, remaining: tuple[int, ...]) -> tuple[int | None, tuple[int, ...]]:
    """The axis that most of the boxes are restricted on, and those on which any is; None if one of them covers all."""
    best, most, free = None, 0, alive
    useful = []
    for index in remaining:
        restricted = alive & space.constrained[index]
        if restricted:
            useful.append(index)
            free &= ~restricted
            count = restricted.bit_count()
            if count > most:
                best, most = index, count
    return (None if free else best), tuple(useful)


def _split(space: Space, index: int, alive: int, inside: int, budget: Budget) -> list[tuple[int, int]]:
    """The sets of boxes that are still there on the atoms of an axis, the smallest first, each with such an atom."""
    axis, accept = space.axes[index], space.accept[index]
    restricted = alive & space.constrained[index]
    found: dict[int, int] = {}
    if accept is not None and len(accept) <= 2 * restricted.bit_count():
        budget.spend(1 + len(accept) * (1 + alive.bit_length() // 5_000) // 4)
        for atom, boxes in enumerate(accept):
            if inside >> atom & 1:
                found.setdefault(alive & boxes, atom)
    else:
        budget.spend(1 + restricted.bit_count() * (1 + alive.bit_length() // 5_000))
        free = alive ^ restricted
        for low, high, boxes in _pieces(axis, restricted):
            part = (inside >> low) & ((1 << (high - low)) - 1)
            if part:
                found.setdefault(free | boxes, low + _first(part))
    return sorted(found.items(), key=lambda item: item[0].bit_count())


def _pieces(axis: Axis, restricted: int) -> Iterator[tuple[int, int, int]]:
    """The pieces of an axis on which the same boxes of a set are there."""
    changes: dict[int, int] = {}
    while restricted:
        bit = restricted & -restricted
        restricted ^= bit
        for low, high in axis.shape(bit.bit_length() - 1).runs:
            changes[low] = changes.get(low, 0) ^ bit
            changes[high] = changes.get(high, 0) ^ bit
    place, state = 0, 0
    for following in sorted(changes):
        if following > place:
            yield place, following, state
        state ^= changes[following]
        place = following
    if place < len(axis.values):
        yield place, len(axis.values), state


def widened(space: Space, covers: int, point: Point, budget: Budget) -> list[int]:
    """The masks of a box around a point that no box of `covers` touches, and that no further atom could be added to."""
    box = [1 << atom for atom in point]
    touching = [covers & space.touching(index, mask) for index, mask in enumerate(box)]
    # `before` is what touches the axes already widened, `behind[index]` what touches all those behind it.
    behind = [covers] * (len(box) + 1)
    for index in range(len(box) - 1, -1, -1):
        behind[index] = behind[index + 1] & touching[index]
    before = covers
    for index, axis in enumerate(space.axes):
        budget.spend(1 + len(axis.shapes) // 8)
        others = before & behind[index + 1]
        taken = 0
        for shape, members in zip(axis.shapes, space.members[index], strict=True):
            if members & others:
                taken |= shape.mask
        box[index] = axis.full & ~taken
        before &= space.touching(index, box[index])
    return box
