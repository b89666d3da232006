"""What the rules of a table answer, as far as that is the same whatever the inputs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlc.dmn import elements as dmn
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import FeelSyntaxError, LimitExceededError
from mlc.dmn.feel.run import Code, Run, Value
from mlc.dmn.feel.values import equal, kind_of, text_of
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.tables import OutputColumn, TableRule, fitted

from . import constants
from .budget import Budget

#: An output that is worked out from the inputs.
COMPUTED: Any = object()
#: The output that is a verdict.
PASSES = "passes"


class Outputs:
    """The constant outputs of each rule, in the order of the columns; COMPUTED in the place of the others."""

    def __init__(self, compiled: CompiledTable, model: DecisionModel, vocabulary: Vocabulary, budget: Budget) -> None:
        self.table = compiled.table
        self._model, self._vocabulary, self._budget = model, vocabulary, budget
        self._constant: dict[str, bool] = {}
        self.rows: list[tuple[Value, ...]] = []
        for rule, source in zip(self.table.rules, compiled.box.rules, strict=True):
            parts = zip(source.outputs, self.table.outputs, rule.outputs, strict=True)
            self.rows.append(tuple(self._value(text, output, code, rule) for text, output, code in parts))

    def _value(self, source: dmn.Text, output: OutputColumn, code: Code, rule: TableRule) -> Value:
        if source.text and not self._is_constant(source):
            return COMPUTED
        run = Run()
        run.steps = constants.STEPS
        self._budget.spend(3)
        try:
            return fitted(code({}, run), output, rule, run)
        except (LimitExceededError, RecursionError):
            return COMPUTED

    def _is_constant(self, source: dmn.Text) -> bool:
        if source.text not in self._constant:
            self._budget.spend(2 + len(source.text))
            try:
                script = self._model._graph.compiler.is_script(source)
            except FeelSyntaxError:
                script = True
            self._constant[source.text] = not script and constants.expression(source.text, self._vocabulary).plain
        return self._constant[source.text]

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
        ranks = []
        for output, value in zip(self.table.outputs, row, strict=True):
            order = output.order or []
            ranks.append(next((rank for rank, one in enumerate(order) if equal(one, value) is True), len(order)))
        return (*ranks, rule)

    @property
    def judges(self) -> bool:
        """Whether the table has an output that is a verdict."""
        return PASSES in self.table.names

    def may_pass(self) -> bool:
        """Whether a rule says that the model passes, or may say so."""
        if not self.judges:
            return False
        index = self.table.names.index(PASSES)
        return any(row[index] is COMPUTED or row[index] is True or row[index] == "true" for row in self.rows)
