"""What the rules of a table answer, as far as that is the same whatever the inputs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import equal, kind_of, text_of
from mlc.dmn.tables import DecisionTable, rank

from .budget import Budget

#: An output that is worked out from the inputs, as `DecisionTable.says` has it.
COMPUTED: Any = ...
#: The output that is a verdict.
PASSES = "passes"


class Outputs:
    """The constant outputs of each rule, in the order of the columns; COMPUTED in the place of the others."""

    def __init__(self, table: DecisionTable, budget: Budget) -> None:
        self.table = table
        budget.spend(3 * len(table.rules) * len(table.outputs))
        run = Run()
        columns = [table.says(index, run) for index in range(len(table.outputs))]
        self.rows: list[tuple[Value, ...]] = list(zip(*columns, strict=True))

    def is_known(self, rule: int) -> bool:
        """Whether all outputs of a rule are constant."""
        return COMPUTED not in self.rows[rule]

    def alike(self, rule: int, other: int) -> bool | None:
        """Whether two rules answer the same; None if that depends on the inputs."""
        known = True
        for one, two in zip(self.rows[rule], self.rows[other], strict=True):
            if one is COMPUTED or two is COMPUTED:
                known = False
            elif equal(one, two) is not True:
                return False
        return True if known else None

    def kinds(self) -> dict[tuple[str, ...], int]:
        """The sets of rules that answer the same, where all that they answer is constant."""
        found: dict[tuple[str, ...], int] = {}
        for rule, row in enumerate(self.rows):
            if self.is_known(rule):
                key = tuple(f"{kind_of(value)} {text_of(value)}" for value in row)
                found[key] = found.get(key, 0) | 1 << rule
        return found

    def text(self, rule: int) -> str:
        """What a rule answers, to be shown."""
        return ", ".join("(computed)" if value is COMPUTED else text_of(value, inner=True) for value in self.rows[rule])

    def precedence(self) -> list[tuple[int, ...] | None]:
        """For each rule a key by which the rule that counts under PRIORITY comes first; None if that is computed."""
        return [self._key(rule, row) if self.is_known(rule) else None for rule, row in enumerate(self.rows)]

    def _key(self, rule: int, row: Sequence[Value]) -> tuple[int, ...]:
        return (*(rank(output, value) for output, value in zip(self.table.outputs, row, strict=True)), rule)

    @property
    def judges(self) -> bool:
        """Whether the table has an output that is a verdict."""
        return PASSES in self.table.names

    def may_pass(self) -> bool:
        """Whether a rule says that the model passes, or may say so."""
        if not self.judges:
            return False
        index = self.table.names.index(PASSES)
        return any(row[index] is COMPUTED or _is_yes(row[index]) for row in self.rows)


def _is_yes(value: Value) -> bool:
    """As verdicts read it: words count in upper and lower case."""
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")
