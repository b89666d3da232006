"""Which rules and cells of a model's tables its cases have reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mlc.dmn.boxes import CompiledTable
from mlc.dmn.feel.run import Test
from mlc.dmn.model import DecisionModel
from mlc.dmn.observation import Observation
from mlc.dmn.tables import DecisionTable


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int

    @property
    def percent(self) -> float:
        """Rounded down to a tenth, so that only all of them are 100; of nothing it is 0."""
        return self.part * 1000 // self.whole / 10 if self.whole else 0.0

    def reaches(self, percent: float) -> bool:
        """Whether it is at least so much; nothing reaches anything but 0."""
        return self.part * 100 >= percent * self.whole if self.whole else percent == 0

    def __str__(self) -> str:
        return f"{self.part} of {self.whole} ({self.percent:g}%)" if self.whole else "none"


class ColumnCoverage(NamedTuple):
    """An input column: in how many of its cells was the answer once true and once not, and the rules where it wasn't.

    A cell that every value passes is not counted.
    """

    label: str
    cells: Share
    never_true: list[int]
    never_false: list[int]


@dataclass(slots=True, eq=False)
class TableCoverage:
    """What cases reached of a table. `counted` are the times that a rule led to the result, by its number; `matched`
    are the rules whose conditions were met at least once, whether or not the hit policy made something of that.
    """

    name: str
    table: DecisionTable
    evaluations: int = 0
    counted: Counter[int] = field(default_factory=Counter)
    matched: set[int] = field(default_factory=set)
    _waiting: dict[tuple[int, int], tuple[Test, bool | None]] = field(init=False)

    def __post_init__(self) -> None:
        # the cells that have not been both yet: what they were so far
        self._waiting = {(rule.index, column): (test, None) for rule in self.table.rules for column, test in rule.tests}

    def observe(self, observation: Observation) -> None:
        """Take an evaluation of the table into account."""
        self.evaluations += 1
        self.counted.update(rule.index for rule in observation.counted)
        self.matched.update(rule.index for rule in observation.matched)
        if self.table.hit_policy == "FIRST" and observation.matched:  # the table looks no further, and this does
            for rule in self.table.rules[observation.matched[0].index :]:
                if rule.index not in self.matched and all(observation.answer(*test) is True for test in rule.tests):
                    self.matched.add(rule.index)
        for cell, (test, before) in list(self._waiting.items()):
            answer = observation.answer(cell[1], test) is True
            if before is None:
                self._waiting[cell] = (test, answer)
            elif answer is not before:
                del self._waiting[cell]

    @property
    def hit_policy(self) -> str:
        """With its aggregation, if it has one."""
        return f"{self.table.hit_policy} {self.table.aggregation or ''}".strip()

    @property
    def rules(self) -> Share:
        """The rules that led to a result at least once."""
        return Share(len(self.counted), len(self.table.rules))

    @property
    def cells(self) -> Share:
        """The cells whose answer was once true and once not."""
        whole = sum(len(rule.tests) for rule in self.table.rules)
        return Share(whole - len(self._waiting), whole)

    @property
    def never_matched(self) -> list[int]:
        """The rules whose conditions were never met."""
        return [rule.index for rule in self.table.rules if rule.index not in self.matched]

    @property
    def never_counted(self) -> list[int]:
        """The rules that matched and never led to a result: under this hit policy another one always won."""
        return [rule.index for rule in self.table.rules if rule.index in self.matched and not self.counted[rule.index]]

    @property
    def columns(self) -> list[ColumnCoverage]:
        """Column by column."""
        tested = Counter(column for rule in self.table.rules for column, _ in rule.tests)
        missing: dict[tuple[int, bool], list[int]] = {}
        open_cells: Counter[int] = Counter()
        for (rule, column), (_, was) in self._waiting.items():
            open_cells[column] += 1
            for answer in (True, False):
                if was is not answer:
                    missing.setdefault((column, answer), []).append(rule)
        return [
            ColumnCoverage(
                head.label,
                Share(tested[column] - open_cells[column], tested[column]),
                missing.get((column, True), []),
                missing.get((column, False), []),
            )
            for column, head in enumerate(self.table.inputs)
        ]


class Coverage:
    """What cases reached of all tables of a file; those of files that it imports are not looked at."""

    def __init__(self, model: DecisionModel) -> None:
        names = _names(model.tables)
        self.tables = [TableCoverage(name, one.table) for name, one in zip(names, model.tables, strict=True)]
        self._of = {each.table: each for each in self.tables}

    def observe(self, observation: Observation) -> None:
        """The observer to give to `DecisionModel.evaluate`."""
        if (found := self._of.get(observation.table)) is not None:
            found.observe(observation)

    @property
    def rules(self) -> Share:
        """The rules of all tables that led to a result."""
        return _sum(each.rules for each in self.tables)

    @property
    def cells(self) -> Share:
        """The cells of all tables whose answer was once true and once not."""
        return _sum(each.cells for each in self.tables)


def _sum(shares: Iterable[Share]) -> Share:
    found = list(shares)
    return Share(sum(each.part for each in found), sum(each.whole for each in found))


def _names(tables: list[CompiledTable]) -> list[str]:
    """The decision that each table stands in; of several in one with their numbers."""
    times = Counter(one.table.decision for one in tables)
    passed: Counter[str] = Counter()
    names = []
    for one in tables:
        name = one.table.decision
        passed[name] += 1
        names.append(name if times[name] == 1 else f"{name}, table {passed[name]}")
    return names
