"""A table as a set of boxes: the axes that its columns are, and for each rule the shape of it on each axis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import FeelSyntaxError, LimitExceededError
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel

from . import constants
from .axes import STEPS, Axis, Shape, axis, runs_of, shaped
from .budget import Budget, Exhausted
from .constants import Reading
from .domains import Domain, domain_of

#: Rules of a table of which all pairs are looked at: as bits they take 50 MB.
MOST = 20_000
#: Axes whose atoms, times the rules, are no more bits than this know for each atom the rules that accept it.
_BITS = 4_000_000


#: A call of a function of the clock.
_CLOCK = re.compile(r"\b(?:today|now)\s*\(")


class Beyond(NamedTuple):
    """A cell of which cannot be told what it accepts: the rule (from 0), the column, its text and why."""

    rule: int
    column: int
    text: str
    why: str


@dataclass(slots=True)
class Space:
    """The boxes of a table's rules, and of whatever is added to them; sets of boxes are the bits of an integer.

    `members` has for each axis the set of boxes of each shape, `constrained` the set of those that do not accept all,
    `accept` for each atom the set of boxes that accept it, or None where that would be too much. `possible` are the
    rules that may match, `certain` those of them whose cells are all known. `entangled` are sets of axes whose values
    depend on each other.
    """

    axes: list[Axis]
    count: int
    members: list[list[int]]
    constrained: list[int]
    accept: list[list[int] | None]
    possible: int
    certain: int
    beyond: list[Beyond]
    entangled: list[frozenset[int]]
    added: list[int] = field(default_factory=list)

    def add(self, box: list[int]) -> int:
        """Add a box, given by its masks; returns its set of one."""
        bit = 1 << (self.count + len(self.added))
        self.added.append(bit)
        for index, (one, mask) in enumerate(zip(self.axes, box, strict=True)):
            one.cells.append(len(one.shapes))
            one.shapes.append(Shape(mask, runs_of(mask)))
            self.members[index].append(bit)
            if mask != one.full:
                self.constrained[index] |= bit
            accept = self.accept[index]
            if accept is not None:
                for low, high in one.shapes[-1].runs:
                    for atom in range(low, high):
                        accept[atom] |= bit
        return bit

    def touching(self, index: int, mask: int) -> int:
        """The boxes that accept any atom of a mask on an axis."""
        found = 0
        for shape, members in zip(self.axes[index].shapes, self.members[index], strict=True):
            if shape.mask & mask:
                found |= members
        return found

    def box(self, rule: int) -> list[int]:
        """The masks of a rule."""
        return [one.shape(rule).mask for one in self.axes]


def space_of(compiled: CompiledTable, model: DecisionModel, budget: Budget) -> Space:
    """The space of a table. Raises Exhausted when the budget does not last to read it."""
    table, reader = compiled.table, _Reader(compiled, model, budget)
    if len(table.rules) > MOST:
        raise Exhausted
    axes = [reader.axis(columns) for columns in _alike(compiled) if reader.is_tested(columns)]
    everything = (1 << len(table.rules)) - 1
    members, possible, certain = [], everything, everything
    for one in axes:
        sets = [0] * len(one.shapes)
        for rule, number in enumerate(one.cells):
            sets[number] |= 1 << rule
        members.append(sets)
        for shape, which in zip(one.shapes, sets, strict=True):
            if not shape.mask:
                possible &= ~which
            if not shape.known:
                certain &= ~which
    constrained = [
        sum(which for shape, which in zip(one.shapes, sets, strict=True) if shape.mask != one.full)
        for one, sets in zip(axes, members, strict=True)
    ]
    accept = [
        _accept(one, sets) if len(one.values) * len(table.rules) <= _BITS else None
        for one, sets in zip(axes, members, strict=True)
    ]
    return Space(axes, len(table.rules), members, constrained, accept, possible, possible & certain, reader.beyond,
                 _entangled(compiled, reader.vocabulary, axes))  # fmt: skip


def _accept(one: Axis, members: list[int]) -> list[int]:
    changes = [0] * (len(one.values) + 1)
    for shape, which in zip(one.shapes, members, strict=True):
        for low, high in shape.runs:
            changes[low] ^= which
            changes[high] ^= which
    accept, state = [], 0
    for change in changes[:-1]:
        state ^= change
        accept.append(state)
    return accept


def _alike(compiled: CompiledTable) -> list[list[int]]:
    """The columns by what they test: two with one input expression are one axis."""
    found: dict[str, list[int]] = {}
    for index, column in enumerate(compiled.table.inputs):
        found.setdefault(_path(compiled, index) or f"\0{column.label}{index}", []).append(index)
    return list(found.values())


def _path(compiled: CompiledTable, index: int) -> str:
    column, clause = compiled.table.inputs[index], compiled.box.inputs[index]
    return column.name or " ".join(clause.expression.text.split())


class _Reader:
    """Reads the cells of a table, each text of a column once."""

    def __init__(self, compiled: CompiledTable, model: DecisionModel, budget: Budget) -> None:
        self.compiled, self.table, self.model, self.budget = compiled, compiled.table, model, budget
        names = [name for column in self.table.inputs for name in (column.name, column.variable) if name]
        self.vocabulary: Vocabulary = replace(compiled.vocabulary.inside(*names), free={}, optional={}, instead={})
        self.tests = [dict(rule.tests) for rule in self.table.rules]
        self.beyond: list[Beyond] = []

    def is_tested(self, columns: list[int]) -> bool:
        """Whether a cell of the columns says anything."""
        return any(not _says_nothing(rule.cells[index]) for rule in self.table.rules for index in columns)

    def axis(self, columns: list[int]) -> Axis:
        """The axis that columns with one value make."""
        label = self.table.inputs[columns[0]].label
        domains = [domain_of(self.compiled, self.model, index) for index in columns]
        domain, why = _merged(domains), ""
        named: list[Value] = []
        for text in domain.allowed:
            reading = self.read(text)
            named += reading.constants
            if not reading.plain:
                why = f"what the column may hold, {text}, depends on more than constants"
        if domain.opaque:
            why = f"a value of type {self.table.inputs[columns[0]].type.name} has no place in an order"
        readings: dict[tuple[int, str], Reading] = {}
        for index in columns:
            for rule, source in zip(self.table.rules, self.compiled.box.rules, strict=True):
                text = rule.cells[index]
                if (index, text) not in readings and not _says_nothing(text):
                    compiles = index in self.tests[rule.index - 1] and not self.is_script(source.inputs[index])
                    readings[index, text] = self.read(text) if compiles and not why else Reading((), False)
                    named += readings[index, text].constants
        has_null = any(reading.plain and constants.names_null(text) for (_, text), reading in readings.items())
        self.budget.spend(len(named) * (1 + sum(map(len, domain.allowed)) // 40))
        try:
            made = axis(label, columns, named, Domain() if why else domain, has_null)
            shaped(made, self.shapes(made, readings, why))
        except LimitExceededError:
            made = axis(label, columns, (), Domain(), False)
            shaped(made, self.shapes(made, {}, "the column has too many values to look at each"))
        return made

    def shapes(
        self, made: Axis, readings: dict[tuple[int, str], Reading], why: str
    ) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The mask of each rule on an axis, and the texts that are beyond analysis."""
        run = Run()
        run.steps = STEPS
        masks: dict[tuple[int, str], int] = {}
        for rule, tests in zip(self.table.rules, self.tests, strict=True):
            mask, unknown = made.full, []
            for index in made.columns:
                text = rule.cells[index]
                if _says_nothing(text):
                    continue
                reading = readings.get((index, text))
                if reading is None or not reading.plain:
                    unknown.append(text)
                    self.note(rule.index - 1, index, text, why, reading)
                    continue
                if (index, text) not in masks:
                    pieces = 2 * len(reading.constants) + len(made.segments)
                    self.budget.spend(15 + pieces * (1 + len(text) // 40) + len(made.values) // 2000)
                    masks[index, text] = made.mask(tests[index], reading.constants, run)
                mask &= masks[index, text]
            yield mask, tuple(unknown)

    def note(self, rule: int, index: int, text: str, why: str, reading: Reading | None) -> None:
        """Keep a cell that is beyond analysis, unless it does not compile: that is said already."""
        if index not in self.tests[rule]:
            return
        if not why and self.is_script(self.compiled.box.rules[rule].inputs[index]):
            why = "it is a script"
        elif not why and reading is not None and reading.paths:
            why = f"it depends on {', '.join(sorted(set(reading.paths)))}"
        elif not why and "?" not in text and _CLOCK.search(text):
            why = "it depends on the clock"
        self.beyond.append(Beyond(rule, index, text, why or "it computes with the value"))

    def read(self, text: str) -> Reading:
        """What a text depends on."""
        self.budget.spend(6 if constants.is_simple(text) else 30 + 2 * len(text))
        return constants.cell(text, self.vocabulary)

    def is_script(self, text: object) -> bool:
        """Whether a cell is in another language than FEEL."""
        try:
            return self.model._graph.compiler.is_script(text)  # type: ignore[arg-type]
        except FeelSyntaxError:
            return True


def _says_nothing(text: str) -> bool:
    return text.strip() in ("", "-")


def _merged(domains: list[Domain]) -> Domain:
    """What several columns with one value may hold together."""
    lines = {domain.line for domain in domains if domain.line is not None}
    merged = Domain(next(iter(lines), None), any(one.whole for one in domains))
    merged.opaque = len(lines) > 1 or any(one.opaque for one in domains)
    for one in domains:
        merged.allowed += one.allowed
        merged.types += one.types
        merged.tests += one.tests
    return merged


def _entangled(compiled: CompiledTable, vocabulary: Vocabulary, axes: list[Axis]) -> list[frozenset[int]]:
    """Axes of which one's value depends on what another's does: `auc` and `auc * 2`, a context and a part of it."""
    readers: dict[str, set[int]] = {}
    for number, one in enumerate(axes):
        index = one.columns[0]
        text = _path(compiled, index)
        named = compiled.table.inputs[index].name
        for path in (text,) if named else constants.expression(text, vocabulary).paths:
            readers.setdefault(path, set()).add(number)
    found: dict[frozenset[int], None] = {}
    for path, who in readers.items():
        parts = path.split(".")
        together = who.union(*(readers.get(".".join(parts[:length]), ()) for length in range(1, len(parts))))
        if len(together) > 1:
            found[frozenset(together)] = None
    return list(found)
