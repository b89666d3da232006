"""One evaluation: the values of inputs, decisions and decision services, each found out once (DMN 1.5, 10.4)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from .errors import FeelError, Kind, Place
from .feel import calls
from .feel.run import Run, Scope, Value
from .feel.types import ANY, MISFIT, Type, function_of
from .feel.values import Function, kind_of, text_of
from .inputs import SIMPLE, feel_value, read_as
from .requirements import Input, Needs, Service, Unit
from .tables import note_nulls

#: Missing inputs for which a likely misspelling is looked for.
HINTS = 20
_ABSENT: Any = object()


class Evaluator:
    """The values of one evaluation.

    `inputs` are Python values by name. `bound` has FEEL values of input data by id, and `decided` those of decisions:
    both as far as they are known. `ambiguous` are names that inputs of several files have.
    """

    def __init__(self, inputs: Mapping[str, Any], run: Run, ambiguous: frozenset[str] = frozenset()) -> None:
        self.inputs = inputs
        self.run = run
        self.ambiguous = ambiguous
        self.bound: dict[str, Value] = {}
        self.decided: dict[Unit, Value] = {}
        self._converted: dict[int, tuple[Any, Value]] = {}

    def decision(self, unit: Unit) -> Value:
        """A decision's value, of the decision's type or null."""
        if unit in self.decided:
            return self.decided[unit]
        if not unit.has_logic:
            self.run.note(Kind.NO_LOGIC, "the decision has neither a table nor an expression", unit.place)
        scope = self.scope(unit)
        value = self.fit(unit.code(scope, self.run), unit.type, unit.place)
        if unit.read and value is not None:  # an answer of null hides nothing: who reads it finds null
            note_nulls(unit.read, scope, self.run)
        self.decided[unit] = value
        return value

    def service(self, service: Service) -> Value:
        """What a decision service answers when its parameters are the inputs."""
        arguments = [self.input(given) for given, _ in service.parameters]
        return invoke(service, arguments, self.run)

    def function(self, function: Function, place: Place) -> Value:
        """What a business knowledge model answers when its parameters are the inputs."""
        arguments = [self.input(Input(name, ANY, place)) for name in function.parameters]
        return calls.apply(function, arguments, self.run, place)

    def scope(self, unit: Unit) -> Scope:
        """The values that a decision's names stand for."""
        scope = self.values(unit.needs)
        for alias, needs in unit.imported.items():
            scope[alias] = self.values(needs)
        for name, given in unit.optional.items():
            if self.raw(given) is not _ABSENT:
                scope[name] = self.input(given)
        for name, other in unit.exported.items():
            scope.setdefault(name, exported(self.decision(other), name, other))
        return scope

    def values(self, needs: Needs) -> Scope:
        """The values of what is needed of one file."""
        scope: Scope = dict(needs.functions)
        for name, given in needs.inputs.items():
            value = self.input(given)
            if value is not _ABSENT:
                scope[name] = value
        for name, other in needs.decisions.items():
            scope[name] = self.decision(other)
        return scope

    def fit(self, value: Value, wanted: Type, place: Place) -> Value:
        """A result coerced to its type (10.3.2.9.4); null, and noted, when it does not fit."""
        fitted = wanted.fit(value, self.run)
        if fitted is not MISFIT:
            return fitted
        message = f"the result {text_of(value, inner=True)} is not of type {wanted.name} {wanted.note}".rstrip()
        self.run.note(Kind.WRONG_TYPE, message, place)
        return None

    def raw(self, given: Input) -> Any:
        """The Python value of an input. One of an imported file is asked for by its whole name, as "alias.auc", by
        contexts in each other, as {"alias": {"auc": ...}}, and by its last name where no other input has that.
        """
        if given.name in self.inputs:
            return self.inputs[given.name]
        if not given.path:
            return _ABSENT
        value: Any = self.inputs
        for name in given.path:
            value = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is _ABSENT and given.last_name not in self.ambiguous:
            return self.inputs.get(given.last_name, _ABSENT)
        return value

    def input(self, given: Input) -> Value:
        """An input's value. One that is missing is null and noted, unless it may be, or others make it superfluous."""
        if given.id in self.bound:
            return self.bound[given.id]
        raw = self.raw(given)
        if raw is _ABSENT:
            if given.optional or (given.instead and all(other in self.inputs for other in given.instead)):
                return _ABSENT
            return self.unusable(given, Kind.MISSING_INPUT, f"is not given{self.hint(given.name)}")
        return self.read(given, raw)

    def read(self, given: Input, raw: Any) -> Value:
        """The FEEL value of an input, of the input's type or null."""
        try:
            value = self.converted(raw)
        except FeelError as error:
            return self.unusable(given, error.kind, f"cannot be used: {error}")
        if not given.declared:  # the column that asks has the type
            return value
        fitted = read_as(value, given.type, self.run)
        if fitted is MISFIT:
            wanted = ", ".join(filter(None, (given.type.name, given.type.note)))
            shown = text_of(value, inner=True)
            return self.unusable(given, Kind.WRONG_TYPE, f"is {shown}, a {kind_of(value)}, and must be {wanted}")
        return fitted

    def converted(self, raw: Any) -> Value:
        """The FEEL value of a Python one; a list or context that several decisions read is converted once."""
        if type(raw) in SIMPLE:
            return feel_value(raw)
        if id(raw) not in self._converted:
            self._converted[id(raw)] = raw, feel_value(raw)
        return self._converted[id(raw)][1]

    def unusable(self, given: Input, kind: Kind, why: str) -> None:
        """Note an input that counts as null."""
        self.run.missing.update((given.name, given.last_name))
        self.run.note(kind, f'the input "{given.name}" {why}', given.place, given.name)

    def hint(self, name: str) -> str:
        """The input that is given instead, by its likely misspelling: which of the two is right isn't known here."""
        if len(self.run.missing) > HINTS:
            return ""
        from difflib import get_close_matches

        lowered = {key.lower(): key for key in islice(self.inputs, 1_000) if isinstance(key, str)}
        close = get_close_matches(name.lower(), lowered, n=1)
        return f'; "{lowered[close[0]]}" is given: is it meant?' if close else ""


def invoke(service: Service, arguments: list[Value], run: Run) -> Value:
    """What a decision service answers: its output decision's value, or a context of those of several.

    Nothing but the arguments gets in: an input that the service does not list is missing inside of it. A service
    without an output decision answers nothing: null, and noted.
    """
    if not service.outputs:
        run.note(Kind.NO_LOGIC, "the decision service has no output decision, so it has no answer", service.place)
        return None
    inner = Evaluator({}, run)
    for (given, replaced), value in zip(service.parameters, arguments, strict=True):
        if replaced is None:
            inner.bound[given.id] = value
        else:
            inner.decided[replaced] = value
    values = {unit.variable: inner.decision(unit) for unit in service.outputs}
    result = next(iter(values.values())) if len(service.outputs) == 1 else values
    return inner.fit(result, service.type, service.place)


def as_function(service: Service) -> Function:
    """A decision service as a value of FEEL. An argument that does not fit its parameter's type refuses the call."""

    def call(arguments: list[Value], run: Run) -> Value:
        if len(arguments) != len(service.parameters):
            count = len(service.parameters)
            wanted = "1 argument" if count == 1 else f"{count or 'no'} arguments"
            raise FeelError(f"the decision service {service.name} takes {wanted}, not {len(arguments)}")
        values = []
        for (given, _), argument in zip(service.parameters, arguments, strict=True):
            value = given.type.fit(argument, run)
            if value is MISFIT:
                shown = text_of(argument, inner=True)
                raise FeelError(f'"{given.name}" is {shown}, not of type {given.type.name}', Kind.WRONG_TYPE)
            values.append(value)
        return invoke(service, values, run)

    asked = [given for given, _ in service.parameters]
    kind = function_of([given.type for given in asked], service.type)
    return Function(service.name, tuple(given.last_name for given in asked), call, kind)


def exported(value: Value, name: str, unit: Unit) -> Value:
    """One output of a table's result: of every row, where the result has several."""
    if unit.table is not None and len(unit.table.names) == 1:
        return value
    if isinstance(value, list):
        return [row.get(name) for row in value if isinstance(row, dict)]
    return value.get(name) if isinstance(value, dict) else None
