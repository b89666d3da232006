"""What the analysis of a table may spend. A step is about a microsecond's work."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from mlc.dmn.model import DecisionModel
from mlc.dmn.tables import DecisionTable

#: Steps that all tables of a model may take, each by its share of the cells.
STEPS = 1_500_000
_CELLS: WeakKeyDictionary[DecisionModel, int] = WeakKeyDictionary()


class Exhausted(Exception):
    """There are no steps left. Never leaves this package."""


class Budget:
    """Steps that may still be taken."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    @classmethod
    def of(cls, table: DecisionTable, model: DecisionModel) -> Budget:
        """The share of a table in what its model may take."""
        total = _CELLS.get(model)
        if total is None:
            total = _CELLS[model] = sum(_cells(one.table) for one in model.tables)
        return cls(max(STEPS * _cells(table) // total, 1))

    def part(self, share: int) -> Budget:
        """A budget of one of so many equal parts of what is left, to be taken from this one."""
        part = Budget(self.left // share)
        self.left -= part.left
        return part

    def spend(self, steps: int = 1) -> None:
        """Take steps. Raises Exhausted if there are not so many."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted


def _cells(table: DecisionTable) -> int:
    return 1 + len(table.rules) * len(table.inputs)
