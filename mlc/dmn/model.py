"""A decision model: loaded once, evaluated any number of times, from any number of threads."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .errors import DmnError, FeelError, Kind, LimitExceededError, Place, Problem
from .evaluation import Evaluation
from .feel.run import Run, Scope, Value
from .feel.types import ANY, MISFIT
from .feel.values import kind_of, text_of
from .graph import Graph, Input, Unit, exported
from .inputs import feel_value
from .reader import read

#: Missing inputs for which a likely misspelling is looked for.
HINTS = 20
_ABSENT: Any = object()


def load(source: str | Path | bytes, *, name: str | None = None, strict: bool = True) -> DecisionModel:
    """Load a DMN file from its path or its bytes; `name` is what problems call the file, its own name by default.

    Raises DmnError with every problem found, OSError when the file cannot be opened. With `strict=False` only what
    cannot be read at all is an error: the problems are in the model's `.problems`, and what does not compile is null.
    """
    definitions = read(source, name)
    file = name or (None if isinstance(source, bytes) else Path(source).name)
    try:
        graph = Graph(definitions, Place(file))
    except RecursionError:
        raise DmnError(
            Problem(Kind.HOSTILE, "the file's elements refer to each other too deeply", Place(file))
        ) from None
    if strict and graph.problems:
        raise DmnError(graph.problems)
    return DecisionModel(definitions.name or file or "decisions", list(graph.units.values()), graph.problems)


class DecisionModel:
    """The decisions of one file; made by `load`."""

    def __init__(self, name: str, units: list[Unit], problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        self._units = {unit.name: unit for unit in units}
        self._by_id = {unit.id: unit for unit in units}

    @property
    def decisions(self) -> list[str]:
        """Names of all decisions, in the order of the file."""
        return list(self._units)

    @property
    def top_decisions(self) -> list[str]:
        """Names of the decisions that no other decision requires."""
        required = {other.name for unit in self._units.values() for other in unit.requires}
        return [name for name in self._units if name not in required]

    @property
    def inputs(self) -> list[Input]:
        """The inputs that the decisions ask for, each once, with its type and the first place that asks."""
        found: dict[str, Input] = {}
        for unit in self._units.values():
            for given in unit.inputs:
                found.setdefault(given.name, given)
        return list(found.values())

    def outputs(self, decision: str) -> list[str]:
        """The declared output names of a decision that is a table; none of another. Raises DmnError if unknown."""
        table = self._unit(decision).table
        return list(table.names) if table is not None else []

    def hit_policy(self, decision: str) -> str | None:
        """The hit policy of a decision that is a table, with its aggregation if it has one."""
        table = self._unit(decision).table
        return None if table is None else f"{table.hit_policy} {table.aggregation or ''}".strip()

    def evaluate(self, inputs: Mapping[str, Any], decision: str | None = None) -> Evaluation:
        """Evaluate a decision by its name or id; None: the only one that no other requires.

        Raises DmnError when there is no such decision, or several that None could mean. What is wrong with the inputs
        raises nothing: it is in the evaluation's problems.
        """
        unit = self._unit(decision)
        run = Run()
        result: Value = None
        try:
            result = _Evaluator(inputs, run).decision(unit)
        except LimitExceededError as error:
            run.note(Kind.LIMIT, str(error), unit.place)
        except RecursionError:
            run.note(Kind.LIMIT, "the evaluation is nested too deep", unit.place)
        return Evaluation(result, run.matched, list(run.problems))

    def _unit(self, decision: str | None) -> Unit:
        if decision is None:
            top = self.top_decisions
            if len(top) == 1:
                return self._units[top[0]]
            message = f"say which decision: {self._listed(top)}"
            raise DmnError(Problem(Kind.WHICH_DECISION, message, Place(self.name)))
        unit = self._units.get(decision) or self._by_id.get(decision)
        if unit is None:
            message = f'there is no decision "{decision}"; there are {self._listed(self._units)}'
            raise DmnError(Problem(Kind.WHICH_DECISION, message, Place(self.name)))
        return unit

    def _listed(self, names: Mapping[str, Unit] | list[str]) -> str:
        return ", ".join(f'"{name}"' for name in names) or "none"


class _Evaluator:
    """The values of one evaluation: each decision and each input once."""

    def __init__(self, inputs: Mapping[str, Any], run: Run) -> None:
        self.inputs = inputs
        self.run = run
        self.decided: dict[str, Value] = {}

    def decision(self, unit: Unit) -> Value:
        """A decision's value, of the decision's type or null."""
        if unit.id in self.decided:
            return self.decided[unit.id]
        if not unit.has_logic:
            self.run.note(Kind.NO_LOGIC, "the decision has neither a table nor an expression", unit.place)
        value = unit.code(self.scope(unit), self.run)
        fitted = unit.type.fit(value)
        if fitted is MISFIT:
            shown = text_of(value, inner=True)
            message = f"the result {shown} is not of type {unit.type.name} {unit.type.note}".rstrip()
            self.run.note(Kind.WRONG_TYPE, message, unit.place)
            fitted = None
        self.decided[unit.id] = fitted
        return fitted

    def scope(self, unit: Unit) -> Scope:
        """The values that a decision's names stand for."""
        scope: Scope = dict(unit.functions)
        for given in unit.inputs:
            value = self.input(given)
            if value is not _ABSENT:
                scope[given.name] = value
        for name in unit.optional:
            if name in self.inputs:
                scope[name] = self.input(Input(name, ANY, unit.place, declared=False))
        for other in unit.requires:
            scope[other.variable] = self.decision(other)
        for name, other in unit.exported.items():
            scope.setdefault(name, exported(self.decision(other), name, other))
        return scope

    def input(self, given: Input) -> Value:
        """An input's value. One that is missing is null and noted, unless others make it superfluous."""
        name = given.name
        if name not in self.inputs:
            if given.instead and all(other in self.inputs for other in given.instead):
                return _ABSENT
            self.run.missing.add(name)
            self.run.note(Kind.MISSING_INPUT, f'the input "{name}" is not given{self.hint(name)}', given.place, name)
            return None
        raw = self.inputs[name]
        try:
            value = feel_value(raw)
        except FeelError as error:
            self.run.note(error.kind, f'the input "{name}" cannot be used: {error}', given.place, name)
            self.run.missing.add(name)
            return None
        if not given.declared:  # the column that asks has the type
            return value
        fitted = given.type.read(value)
        if fitted is MISFIT:
            shown, wanted = (
                text_of(value, inner=True),
                f"{given.type.name}{', ' * bool(given.type.note)}{given.type.note}",
            )
            message = f'the input "{name}" is {shown}, a {kind_of(value)}, and must be {wanted}'
            self.run.note(Kind.WRONG_TYPE, message, given.place, name)
            self.run.missing.add(name)
            return None
        return fitted

    def hint(self, name: str) -> str:
        """A likely misspelling among the inputs."""
        if len(self.run.missing) > HINTS:
            return ""
        lowered = {key.lower(): key for key in self.inputs if isinstance(key, str)}
        close = get_close_matches(name.lower(), list(lowered)[:1000], n=1)
        return f'; did you mean "{lowered[close[0]]}"?' if close else ""
