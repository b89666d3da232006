"""What the usual cells of one column of a large table answer to a value, for all rules at once.

A set of rules is an integer with a bit for each rule; a change of a set, the bits that change and by how many places
they are shifted: most changes are of one rule.
"""

from __future__ import annotations

import functools
import operator
from bisect import bisect_left
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from .feel.plain import Plain
from .feel.run import Run, Value
from .feel.values import NUMBERS

#: A column has a set after every so many changes between numbers, unless these would be more than so many sets.
APART, KEPT = 8, 1_500
#: Stands for every string that a cell does not name: XML has no such character.
_OTHER = "\0"

Change = tuple[int, int]


class _Shape:
    """What cells of one form, with their numbers and strings in one order, answer to all that they can tell apart.

    `numbers` are the answers below the first of their numbers, at it, between it and the next, and so on; `steps` tells
    where in these yes becomes no or the other way round. `other` is the answer to a string that is none of their own,
    and `named` tells which of their own have another one. `constants` are the answers to null, true and false.
    """

    def __init__(self, plain: Plain, points: list[Decimal]) -> None:
        """That of a cell, whose numbers in order are `points`, by asking its test."""
        test, run = plain.test, Run()
        probes = [Decimal(0)]
        if points:
            one = Decimal(1)
            probes = [NUMBERS.subtract(points[0], one)]
            for point, following in pairwise([*points, NUMBERS.add(points[-1], one)]):
                probes += [point, NUMBERS.divide(NUMBERS.add(point, following), Decimal(2))]
        self.numbers = [test(value, {}, run) for value in probes]
        passed = pairwise(answer is True for answer in self.numbers)
        self.steps = [step for step, (one_side, other_side) in enumerate(passed) if one_side is not other_side]
        strings = [test(value, {}, run) for value in plain.strings]
        self.other = test(_OTHER, {}, run)
        self.named = [
            at
            for at, value in enumerate(plain.strings)
            if (strings[at] is True) is not (self.other is True) and plain.strings.index(value) == at
        ]
        self.constants = {value: test(value, {}, run) for value in (None, True, False)}
        # Whether they can be compared with all numbers or with none, and so for strings.
        self.is_uniform = all(
            len({answer is None for answer in one}) == 1 for one in (self.numbers, [*strings, self.other])
        )


class Column:
    """The cells of one column, each with the rules that have it, by their numbers from 0. `others` are the rules whose
    cell is an expression, and `count` is how many rules there are.

    For numbers there are the `points` at which cells change their answers, and for each point how many of the `changes`
    come `before` it, and how many have come `by` then when it is reached. `kept` has every `apart`th set between them.
    """

    def __init__(self, cells: Iterable[tuple[Plain, list[int]]], others: list[int], count: int) -> None:
        shapes: dict[str, tuple[_Shape, list[int]]] = {}
        strings: dict[str, list[Change]] = {}
        steps: dict[Decimal, tuple[list[Change], list[Change]]] = {}
        for plain, rules in cells:
            points = sorted(set(plain.numbers))
            key = plain.form
            if len(plain.numbers) > 1 or len(plain.strings) > 1:
                key += f" {[*map(points.index, plain.numbers)]} {[*map(plain.strings.index, plain.strings)]}"
            if key not in shapes:
                shapes[key] = (_Shape(plain, points), [])
            shape, having = shapes[key]
            having += rules
            if shape.is_uniform:
                change = (rules[0], 1) if len(rules) == 1 else (0, _set_of(rules))
                for at in shape.named:
                    strings.setdefault(plain.strings[at], []).append(change)
                for step in shape.steps:
                    steps.setdefault(points[step // 2], ([], []))[step % 2].append(change)
        groups = [(shape, _set_of(rules)) for shape, rules in shapes.values() if shape.is_uniform]
        outside = (_set_of(rules) for shape, rules in shapes.values() if not shape.is_uniform)
        self.others = _set_of(others) | _union(outside)
        free = (1 << count) - 1 & ~(self.others | _union(rules for _, rules in groups))  # those that have no cell here
        self.constants: dict[Value, tuple[int, int]] = {}
        for value in (None, True, False):
            yes = free | _union(rules for shape, rules in groups if shape.constants[value])
            unclear = 0 if value is None else _union(rules for shape, rules in groups if shape.constants[value] is None)
            self.constants[value] = yes, self.others | unclear
        self.unclear_strings = self.others | _union(rules for shape, rules in groups if shape.other is None)
        self.unclear_numbers = self.others | _union(rules for shape, rules in groups if shape.numbers[0] is None)
        self.take_strings(strings, free | _union(rules for shape, rules in groups if shape.other))
        self.take_numbers(steps, free | _union(rules for shape, rules in groups if shape.numbers[0]))

    def answers(self, value: Value) -> tuple[int, int] | None:
        """The rules that pass a value, and those to look at: their cell is an expression, or cannot be compared with
        the value. None for a value of a kind that only the cells themselves can tell about.
        """
        kind = type(value)
        if kind is Decimal:
            return self.passing_number(value), self.unclear_numbers
        if kind is str:
            found = self.frequent.get(value)
            if found is None:
                found = _changed(self.other_string, self.strings.get(value, ()))
            return found, self.unclear_strings
        return self.constants[value] if value is None or kind is bool else None

    def take_strings(self, changes: dict[str, list[Change]], other: int) -> None:
        """Keep what changes for each string; `frequent` has whole sets for those that many cells name."""
        self.strings, self.other_string = changes, other
        often = [value for value, found in changes.items() if len(found) > APART][:KEPT]
        self.frequent = {value: _changed(other, changes[value]) for value in often}

    def take_numbers(self, steps: dict[Decimal, tuple[list[Change], list[Change]]], lowest: int) -> None:
        """Keep what changes at each number and behind it, in order, and the sets between."""
        self.points = sorted(steps)
        self.changes: list[Change] = []
        self.before: list[int] = []
        self.by: list[int] = []
        for point in self.points:
            at, behind = steps[point]
            self.before.append(len(self.changes))
            self.by.append(len(self.changes) + len(at))
            self.changes += at
            self.changes += behind
        self.before.append(len(self.changes))
        self.apart = max(APART, len(self.changes) // KEPT + 1)
        self.kept = [lowest]
        for start in range(0, len(self.changes), self.apart):
            self.kept.append(_changed(self.kept[-1], self.changes[start : start + self.apart]))

    def passing_number(self, value: Decimal) -> int:
        """The rules that a number passes, but for those that are unclear."""
        index = bisect_left(self.points, value)
        is_point = index < len(self.points) and self.points[index] == value
        count = self.by[index] if is_point else self.before[index]
        start = count // self.apart
        return _changed(self.kept[start], self.changes[start * self.apart : count])


def _set_of(rules: list[int]) -> int:
    """The set of rules by their numbers, from 0."""
    bits = bytearray(max(rules, default=0) // 8 + 1)
    for number in rules:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def _union(sets: Iterable[int]) -> int:
    return functools.reduce(operator.or_, sets, 0)


def _changed(rules: int, changes: Iterable[Change]) -> int:
    for shift, bits in changes:
        rules ^= bits << shift
    return rules
