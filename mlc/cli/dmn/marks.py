"""What matched: the marks that ``mlc dmn show --input`` puts into tables, by the engine's own answers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlc.dmn import DecisionModel, Evaluation
from mlc.dmn.feel.values import text_of
from mlc.dmn.notation import TableView
from mlc.dmn.observation import Observation
from mlc.dmn.report import evaluation_report
from mlc.dmn.tables import DecisionTable

_SIGNS = {False: ("✓", "✗"), True: ("+", "x")}
#: Characters of a value in a table's head.
SHOWN = 60


@dataclass(frozen=True, slots=True)
class TableMarks:
    """The marks of a table: those of its first evaluation, of so many `times`."""

    times: int
    counted: frozenset[int] = frozenset()
    answers: dict[int, dict[int, bool | None]] = field(default_factory=dict)
    values: tuple[str, ...] = ()

    def rule(self, number: int, ascii_only: bool) -> str:
        """In front of a rule's number."""
        yes, _ = _SIGNS[ascii_only]
        if number in self.counted:
            return f"{yes} "
        holds = number in self.answers and all(answer is True for answer in self.answers[number].values())
        return f"({yes}) " if holds else ""

    def cell(self, number: int, column: int, ascii_only: bool) -> str:
        """In front of a cell; nothing where every value passes."""
        if column not in (answers := self.answers.get(number, {})):
            return ""
        yes, no = _SIGNS[ascii_only]
        return {True: f"{yes} ", False: f"{no} ", None: "? "}[answers[column]]

    def value(self, column: int) -> str | None:
        """What the column was asked about."""
        return self.values[column] if column < len(self.values) else None


def legend(ascii_only: bool) -> str:
    """What the marks mean."""
    yes, no = _SIGNS[ascii_only]
    return f"{yes} holds, {no} does not, ? can't be told; ({yes}) a rule that holds and does not count"


class Marks:
    """Keeps the first evaluation of each table."""

    def __init__(self) -> None:
        self.first: dict[DecisionTable, TableMarks] = {}
        self.times: Counter[DecisionTable] = Counter()

    def observe(self, observation: Observation) -> None:
        """The observer to give to `DecisionModel.evaluate`."""
        table = observation.table
        self.times[table] += 1
        if table not in self.first:
            self.first[table] = TableMarks(
                1,
                frozenset(rule.index for rule in observation.counted),
                {rule.index: observation.answers(rule) for rule in table.rules},
                tuple(_short(text_of(value, inner=True)) for value in observation.values),
            )

    def of(self, model: DecisionModel, view: TableView) -> TableMarks:
        """The marks of a table that is shown."""
        for one in model.tables:
            if one.box is view.box and (first := self.first.get(one.table)) is not None:
                return TableMarks(self.times[one.table], first.counted, first.answers, first.values)
        return TableMarks(0)


def marked(
    model: DecisionModel, decision: str | None, inputs: dict[str, Any], now: datetime | None
) -> tuple[Marks, list[str], bool]:
    """Evaluate a decision, or all that no other requires: the marks, what is said of the results, and whether there
    were problems. Raises DmnError when there is no such decision.
    """
    marks, reported = Marks(), False
    lines: list[str] = []
    names = [decision] if decision is not None else model.top_decisions
    for name in names:
        evaluation = model.evaluate(inputs, name, now=now, observer=marks.observe)
        reported = reported or bool(evaluation.problems)
        lines += _report(name, evaluation)
    return marks, lines, reported


def _report(name: str, evaluation: Evaluation) -> Iterator[str]:
    yield f'"{name}"'
    yield from (f"  {line}" for line in evaluation_report(evaluation).splitlines())


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
