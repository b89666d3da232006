"""What happens inside of a table while it is evaluated, for whoever asks: coverage, and tables that are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .errors import LimitExceededError
from .feel.run import Run, Scope, Test, Value

if TYPE_CHECKING:
    from .columns import TableRule
    from .tables import DecisionTable


@dataclass(slots=True, eq=False, repr=False)
class Observation:
    """One evaluation of a table: the values of its columns, the rules that the table found to match, as far as its hit
    policy looks, and of these the rules that led to the result.
    """

    table: DecisionTable
    values: Sequence[Value]
    scope: Scope
    run: Run
    matched: Sequence[TableRule]
    counted: Sequence[TableRule]
    _probe: Run = field(init=False)

    def __post_init__(self) -> None:
        self._probe = Run(self.run.clock)
        self._probe.missing = self.run.missing

    def answer(self, column: int, test: Test) -> bool | None:
        """What a cell of a column says to the column's value: true, false, or None where that can't be told.

        The cell is asked by itself, whatever the cells beside it say. Neither the problems nor the steps of the
        evaluation that is observed are touched: all cells together may take as much as one evaluation, and what is
        asked after that can't be told.
        """
        if self._probe.steps < 0:
            return None
        try:
            return test(self.values[column], self.scope, self._probe)
        except (LimitExceededError, RecursionError):
            self._probe.steps = -1
            return None

    def answers(self, rule: TableRule) -> dict[int, bool | None]:
        """What each cell of a rule says, by the index of its column; one that takes every value is not among them."""
        return {column: self.answer(column, test) for column, test in rule.tests}


Observer: TypeAlias = Callable[[Observation], None]
