"""Decision tables: the rules that match, and what the hit policy makes of them (DMN 1.5, 8.2.10)."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import Any

from .columns import InputColumn, OutputColumn, TableRule
from .errors import FeelError, Kind, LimitExceededError, Place
from .evaluation import Condition, MatchedRule, Unmatched
from .feel.operators import add
from .feel.plain import Plain
from .feel.reading import Path, nulls
from .feel.run import ENTRY, OBJECT, Run, Scope, Value
from .feel.types import MISFIT
from .feel.values import equal, kind_of, ordered, text_of
from .observation import Observation
from .ruleindex import FEWEST, RuleIndex

HIT_POLICIES = frozenset({"UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT"})
AGGREGATIONS = frozenset({"SUM", "MIN", "MAX", "COUNT"})
_NOTHING: frozenset[str] = frozenset()
_LISTS = frozenset({"RULE ORDER", "OUTPUT ORDER", "COLLECT"})


@dataclass(slots=True, eq=False, repr=False)
class DecisionTable:
    """A compiled table. Calling it with a scope evaluates it and adds the rules that count to the run.

    `plain` has the usual cells of its rules by their texts. `read`: what its expressions read, and where, of which none
    asks whether it is null.
    """

    decision: str
    place: Place
    inputs: list[InputColumn]
    outputs: list[OutputColumn]
    rules: list[TableRule]
    hit_policy: str
    aggregation: str | None = None
    plain: Mapping[str, Plain | None] = field(default_factory=dict)
    read: list[tuple[Path, Place]] = field(default_factory=list)
    names: list[str] = field(init=False)
    tested: list[int] = field(init=False)
    index: RuleIndex[TableRule] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.names = [output.name for output in self.outputs]
        self.tested = sorted({index for rule in self.rules for index, _ in rule.tests})
        if len(self.rules) >= FEWEST:
            self.index = RuleIndex(self.rules, len(self.inputs), self.plain)

    def __call__(self, scope: Scope, run: Run) -> Value:
        values = [self.value(column, scope, run) for column in self.inputs]
        bound = {column.variable: value for column, value in zip(self.inputs, values, strict=True) if column.variable}
        if bound:
            scope = {**scope, **bound}
        if self.read:
            note_nulls(self.read, scope, run, self.asked_for(values, scope))
        matched = self.matching(values, scope, run)
        rows = [(rule, self.row(rule, scope, run)) for rule in matched]
        if not rows:
            run.unmatched[self.decision] = (self, values)
        rows, result = self.decide(rows, scope, run)
        if run.observer is not None:
            run.observer(Observation(self, values, scope, run, matched, [rule for rule, _ in rows]))
        for rule, row in rows:
            run.hold(OBJECT * (4 + len(rule.tests)) + ENTRY * len(row))
            conditions = [
                Condition(self.inputs[index].label, rule.cells[index], values[index]) for index, _ in rule.tests
            ]
            run.matched.append(
                MatchedRule(
                    self.decision, rule.index, rule.id, row, rule.annotation, rule.description, tuple(conditions)
                )
            )
        return result

    def value(self, column: InputColumn, scope: Scope, run: Run) -> Value:
        """The value of a column, of the column's type or null."""
        raw = column.code(scope, run)
        if raw is None:
            if not column.tests_null:
                self.note_null(column, scope, run)
            return None
        value = column.type.read(raw, run) if column.name is not None else column.type.fit(raw, run)
        if value is MISFIT:
            message = f"{text_of(raw, inner=True)} is a {kind_of(raw)}, and the column takes {column.type.name}"
            run.note(Kind.WRONG_TYPE, message, column.place, column.name)
            return None
        if column.allowed is not None and column.allowed(value, scope, run) is not True:
            message = f"{text_of(value, inner=True)} is none of the input values {column.allowed_text}"
            run.note(Kind.NOT_ALLOWED, message, column.place, column.name)
        return value

    def note_null(self, column: InputColumn, scope: Scope, run: Run) -> None:
        """A column's value is null, and no cell asks for that: whether or not a rule matches, it wasn't looked at.

        Where the reason is an input that is missing, that is a problem already.
        """
        if column.name is not None:
            if column.name not in run.missing:
                run.note(Kind.NULL_INPUT, f'the input "{column.name}" is null', column.place, column.name)
                run.nulls.add(column.name)
            return
        if any(path[0] in run.missing for path in column.reads):
            return
        run.note(Kind.NULL_INPUT, f'the value of the column "{column.label}" is null', column.place)
        run.nulls.update(nulls(column.reads, scope))

    def asked_for(self, values: Sequence[Value], scope: Scope) -> set[str]:
        """What is null and was asked for: by the cells of a column that name null, whose value it makes null."""
        found: set[str] = set()
        for index in self.tested:
            column = self.inputs[index]
            if values[index] is None and column.tests_null:
                found.update(name for name in (column.name, column.variable) if name)
                found.update(nulls(column.reads, scope))
        return found

    def unmatched(self, values: Sequence[Value]) -> Unmatched:
        """That no rule matches: which values of the columns that are tested lie in none."""
        shown = tuple((self.inputs[index].label, values[index]) for index in self.tested)
        return Unmatched(self.decision, shown, any(output.default for output in self.outputs))

    def matching(self, values: Sequence[Value], scope: Scope, run: Run) -> list[TableRule]:
        """The rules that match, in order; the first one only where that is all the hit policy looks at."""
        first_only = self.hit_policy == "FIRST"
        matched = []
        run.spend(1 + len(self.rules) // 8)
        for rule in self.rules if self.index is None else self.index.candidates(values, run):
            for index, test in rule.tests:
                answer = test(values[index], scope, run)
                if answer is not True:
                    if answer is None and values[index] is not None:
                        self.note_incomparable(rule, index, values[index], run)
                    break
            else:
                matched.append(rule)
                if first_only:
                    break
        return matched

    def note_incomparable(self, rule: TableRule, index: int, value: Value, run: Run) -> None:
        """A cell gave neither yes nor no for a value that is not null: by the specification the rule does not match."""
        column = self.inputs[index]
        if not rule.reads.get(index, _NOTHING).isdisjoint(run.missing | run.nulls):
            return  # the missing input is a problem already, of its own kind
        message = f"{text_of(value, inner=True)}, a {kind_of(value)}, cannot be put to the test {rule.cells[index]}"
        run.note(Kind.WRONG_TYPE, message, rule.input_place(index, column.label), column.name)

    def row(self, rule: TableRule, scope: Scope, run: Run) -> dict[str, Value]:
        """The outputs of a rule by name."""
        row: dict[str, Value] = {}
        for output, code in zip(self.outputs, rule.outputs, strict=True):
            value = row[output.name] = fitted(code(scope, run), output, rule, run)
            if output.allowed is not None and value is not None and output.allowed(value, scope, run) is not True:
                message = f"the output {text_of(value, inner=True)} is none of {output.allowed_text}"
                run.note(Kind.NOT_ALLOWED, message, rule.output_place(output))
        return row

    def says(self, index: int, run: Run | None = None) -> list[Value]:
        """What the rules say for an output, where that is the same for all inputs; `...` if it depends on them, or on
        the time, or is too much work to find out: for `run`, where several outputs share one.
        """
        run = run or Run()
        said: list[Value] = []
        for rule in self.rules:
            value: Value = ...
            if rule.fixed[index]:
                try:
                    value = fitted(rule.outputs[index]({}, run), self.outputs[index], rule, run)
                except (LimitExceededError, RecursionError):
                    return [*said, *[...] * (len(self.rules) - len(said))]
            said.append(value if run.clock is None else ...)
            run.clock = None
        return said

    def decide(
        self, rows: list[tuple[TableRule, dict[str, Value]]], scope: Scope, run: Run
    ) -> tuple[list[tuple[TableRule, dict[str, Value]]], Value]:
        """The rows that count, and the result by the hit policy."""
        if self.hit_policy in ("PRIORITY", "OUTPUT ORDER"):
            rows = sorted(rows, key=lambda row: [rank(output, row[1][output.name]) for output in self.outputs])
        if self.hit_policy in ("PRIORITY", "FIRST"):
            rows = rows[:1]
        if not rows:
            return rows, self.default(scope, run)
        if self.aggregation:
            return rows, self.aggregate([row for _, row in rows], run)
        if self.hit_policy in _LISTS:
            return rows, [self.compound(row) for _, row in rows]
        numbers = " and ".join(str(rule.index) for rule, _ in rows)
        if self.hit_policy == "UNIQUE" and len(rows) > 1:
            message = f"the hit policy UNIQUE is violated: rules {numbers} match"
            run.note(Kind.UNIQUE_VIOLATION, message, rows[0][0].place)
            return rows, None
        if self.hit_policy == "ANY" and any(equal(row, rows[0][1]) is not True for _, row in rows):
            message = f"the hit policy ANY is violated: rules {numbers} match with different outputs"
            run.note(Kind.ANY_VIOLATION, message, rows[0][0].place)
            return rows, None
        return rows, self.compound(rows[0][1])

    def compound(self, row: dict[str, Value]) -> Value:
        """The one output of a row, or the row."""
        return row[self.names[0]] if len(self.names) == 1 else row

    def default(self, scope: Scope, run: Run) -> Value:
        """The result when no rule matches: the default outputs, else a count of 0, an empty list or null."""
        is_list = self.hit_policy in _LISTS and not self.aggregation
        if any(output.default for output in self.outputs):
            row = {output.name: output.default(scope, run) if output.default else None for output in self.outputs}
            return [self.compound(row)] if is_list else self.compound(row)
        if self.aggregation == "COUNT":
            return Decimal(0)
        return [] if is_list else None

    def aggregate(self, rows: list[dict[str, Value]], run: Run) -> Value:
        """`C+`, `C<`, `C>` and `C#`, for each output by itself."""
        if self.aggregation == "COUNT":
            return Decimal(len(rows))
        return self.compound({name: self.fold([row[name] for row in rows], name, run) for name in self.names})

    def fold(self, values: list[Value], name: str, run: Run) -> Value:
        """One output of all rows as one value; null, and noted, where the values do not go together."""
        fold = _FOLDS.get(self.aggregation or "")
        if fold is None:  # an unknown aggregation: a problem of the model, which was loaded all the same
            return None
        try:
            return fold(values, run)
        except (FeelError, DecimalException) as error:
            place = self.place.at(column=name)
            run.note(Kind.WRONG_TYPE, f"the outputs cannot be aggregated by {self.aggregation}: {error}", place)
            return None


def note_nulls(
    read: Sequence[tuple[Path, Place]], scope: Scope, run: Run, asked_for: Collection[str] = frozenset()
) -> None:
    """What an expression reads is null, and none asks whether it is: whatever comes of it, null wasn't meant.

    What is missing is a problem already, as is what is null where it has been read before.
    """
    for path, place in read:
        for name in nulls([path], scope):
            if path[0] not in run.missing and name not in run.nulls and name not in asked_for:
                run.note(Kind.NULL_INPUT, f'"{name}" is null, and nothing asks whether it is', place, path[0])
                run.nulls.add(name)


def fitted(value: Value, output: OutputColumn, rule: TableRule, run: Run) -> Value:
    """An output of its column's type; null, and noted, when it does not fit.

    As in Camunda, a column of strings writes booleans and numbers out, and one of booleans reads "true" and "false".
    """
    result = output.type.fit(value, run)
    if result is not MISFIT:
        return result
    if output.type.name == "string" and not isinstance(value, (list, dict)):
        return text_of(value)
    if output.type.name == "boolean" and value in ("true", "false"):
        return value == "true"
    message = f"the output {text_of(value, inner=True)} is not of type {output.type.name}"
    run.note(Kind.WRONG_TYPE, message, rule.output_place(output))
    return None


def rank(output: OutputColumn, value: Value) -> int:
    """The place of an output in the order of priority, the highest first; what is not listed comes last."""
    order = output.order or []
    return next((place for place, one in enumerate(order) if equal(one, value) is True), len(order))


def _extreme(values: list[Value], relation: Callable[[Any, Any], bool]) -> Value:
    best = values[0]
    for value in values:
        answer = ordered(relation, value, best)
        if answer is None:
            raise FeelError(f"{kind_of(value)} and {kind_of(best)} have no order")
        best = value if answer else best
    return best


_FOLDS: dict[str, Callable[[list[Value], Run], Value]] = {
    "SUM": lambda values, run: functools.reduce(lambda one, other: add(one, other, run), values),
    "MIN": lambda values, _: _extreme(values, operator.lt),
    "MAX": lambda values, _: _extreme(values, operator.gt),
}
