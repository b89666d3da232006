"""The types of a model (DMN 1.5, 7.3.3): the built-in ones, its item definitions, and those of the files it imports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from . import elements as dmn
from .errors import FeelSyntaxError, Findings, Kind, Place
from .feel.dialects import FEEL, Dialect
from .feel.parser import parse_unary_tests
from .feel.run import Run, Test, Value
from .feel.types import ANY, TYPES, Type, conforms, context_of, function_of, list_of
from .feel.values import Function
from .feel.vocabulary import Vocabulary


class ItemTypes:
    """Finds types by reference. What is wrong with definitions and references is reported to `findings`.

    `imported` has the types of other files by the names that this one gives to the files.
    """

    def __init__(
        self,
        definitions: Iterable[dmn.ItemDefinition],
        place: Place,
        findings: Findings,
        imported: Iterable[tuple[str, ItemTypes]] = (),
        dialect: Dialect = FEEL,
    ) -> None:
        self.definitions = {definition.name: definition for definition in definitions}
        self.place = place
        self.dialect = dialect
        self.report = findings.report
        self.own: dict[str, Type] = {}
        self.known: dict[str, Type] = dict(TYPES)
        self.members: list[str] = []
        self._pending: set[str] = set()
        for alias, types in imported:
            prefix = f"{alias}." if alias else ""
            self.members += types.members
            self.known.update((f"{prefix}{name}", found) for name, found in types.own.items())
        for name in self.definitions:
            self.find(name, place)

    def find(self, reference: str | None, place: Place) -> Type:
        """The type that a typeRef means; Any for none. A prefix (`feel:string`) is of no importance."""
        if not reference:
            return ANY
        for name in (reference, reference.rpartition(":")[2], reference.rpartition("}")[2]):
            if name in self._pending:
                return self._recursive(name)
            if name in self.definitions and name not in self.own:
                self._define(name)
            if name in self.known:
                return self.known[name]
        self.report(Kind.UNKNOWN_TYPE, f'there is no type "{reference}"', place)
        return ANY

    def answer(self, reference: str | None, place: Place) -> Type:
        """The type of what a function answers, by the type of the function or by that of the answer itself."""
        found = self.find(reference, place)
        if found.form != "function":
            return found
        return found.parts[-1] if found.parts else ANY

    def allowed(self, reference: str | None) -> dmn.Text | None:
        """The allowed values of a type that is defined here, as written."""
        definition = self.definitions.get(reference or "")
        return None if definition is None else definition.allowed

    def vocabulary(self) -> Vocabulary:
        """For a text in which only types have names."""
        return Vocabulary(types=self.known, dialect=self.dialect)

    def _define(self, name: str) -> None:
        self._pending.add(name)
        self.own[name] = self.known[name] = self._make(self.definitions[name], name)
        self._pending.discard(name)

    def _recursive(self, name: str) -> Type:
        """A type inside of its own components, looked up when a value is there to be looked at."""
        is_list = self.definitions[name].is_collection
        whole = Type(
            name, lambda value, run: name in self.own and self.own[name].whole.accepts(value, run), None, is_list
        )
        return replace(
            whole,
            accepts=lambda value, run: name in self.own and self.own[name].accepts(value, run),
            unrestricted=whole,
        )

    def _make(self, definition: dmn.ItemDefinition, whose: str) -> Type:
        """The type of a definition or of a component; `whose` names the definition that it stands in."""
        place = self.place.at(type=whose, line=definition.line)
        if definition.function is not None:
            parameters = [self.find(parameter.type_ref, place) for parameter in definition.function.parameters]
            return _function_type(parameters, self.find(definition.function.answer, place))
        if definition.components:
            components = {component.name: self._make(component, whose) for component in definition.components}
            self.members += components
            note = f"a context with {', '.join(components)}"
            found = replace(context_of(components, definition.name), note=note)
        elif self._goes_round(definition):
            self.report(Kind.CYCLE, "the type is defined by itself", place)
            return ANY
        else:
            found = self.find(definition.type_ref, place)
        found = self._restricted(found, definition.allowed, definition.name, place)
        if definition.is_collection:
            found = list_of(found)
        return self._restricted(found, definition.constraint, definition.name, place)

    def _goes_round(self, definition: dmn.ItemDefinition) -> bool:
        """Whether plain references lead from a definition back to it, with no component between them."""
        passed: set[str] = set()
        following: dmn.ItemDefinition | None = definition
        while (
            following is not None
            and not following.components
            and following.name not in passed
            and following.name not in self.own
        ):
            passed.add(following.name)
            following = self.definitions.get(following.type_ref or "")
        return following is definition and definition.name in passed

    def _restricted(self, base: Type, values: dmn.Text | None, name: str, place: Place) -> Type:
        """A type with fewer values."""
        if values is None or not values.text:
            return base
        try:
            if values.outside:
                raise FeelSyntaxError(dmn.OUTSIDE)
            test = parse_unary_tests(values.text, self.vocabulary(), place)
        except FeelSyntaxError as error:
            self.report(Kind.SYNTAX, f'the allowed values of "{name}" do not parse: {error}', place)
            return base
        if test is None:
            return base
        note = f"which allows only {values.text}"

        def accepts(value: Value, run: Run) -> bool:
            return base.accepts(value, run) and allows(test, value, run)

        return replace(base, name=name, accepts=accepts, note=note, unrestricted=base.whole)


def _function_type(parameters: list[Type], answer: Type) -> Type:
    """The type of functions that take and answer these, as far as a function says what it takes and answers."""
    wanted = function_of(parameters, answer)

    def accepts(value: Value, _: Run) -> bool:
        if not isinstance(value, Function) or value.type is None:
            return isinstance(value, Function)
        said: tuple[Type, ...] = value.type.parts
        if len(said) != len(wanted.parts):
            return False
        parts = (one if mine is ANY else mine for mine, one in zip(said, wanted.parts, strict=True))
        return conforms(replace(wanted, parts=tuple(parts)), wanted)

    return replace(wanted, accepts=accepts)


def allows(test: Test, value: Value, run: Run) -> bool:
    """Whether a value passes a test of allowed values; what the test finds wrong is of no interest."""
    known = len(run.problems)
    answer = test(value, {}, run)
    while len(run.problems) > known:
        run.problems.popitem()
    return answer is True
