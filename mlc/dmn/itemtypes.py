"""The types of a model: the built-in ones and its item definitions."""

from __future__ import annotations

from collections.abc import Iterable

from . import elements as dmn
from .errors import FeelSyntaxError, Kind, Place, Problem
from .feel.parser import parse_unary_tests
from .feel.run import Run, Test, Value
from .feel.types import ANY, FUNCTION, TYPES, Type, context_of, list_of
from .feel.vocabulary import Vocabulary


class ItemTypes:
    """Finds types by reference. Problems with definitions and references are appended to `problems`."""

    def __init__(self, definitions: Iterable[dmn.ItemDefinition], place: Place, problems: list[Problem]) -> None:
        self.definitions = {definition.name: definition for definition in definitions}
        self.known: dict[str, Type] = dict(TYPES)
        self.place = place
        self.problems = problems
        self.pending: set[str] = set()
        self.members: list[str] = []
        for name in self.definitions:
            self.find(name, place)

    def find(self, reference: str | None, place: Place) -> Type:
        """The type that a typeRef means; Any for none. A prefix (`feel:string`) is of no importance."""
        if not reference:
            return ANY
        for name in (reference, reference.rpartition(":")[2], reference.rpartition("}")[2]):
            if name in self.definitions and name not in self.pending and self.known.get(name) is TYPES.get(name):
                self.pending.add(name)
                self.known[name] = self.make(self.definitions[name])
                self.pending.discard(name)
            if name in self.known:
                return self.known[name]
        if reference in self.pending:  # a type inside of itself: its members are not looked into
            return ANY
        self.problems.append(Problem(Kind.UNKNOWN_TYPE, f'there is no type "{reference}"', place))
        return ANY

    def make(self, definition: dmn.ItemDefinition) -> Type:
        if definition.is_function:
            return FUNCTION
        if definition.components:
            components = {component.name: self.make(component) for component in definition.components}
            self.members += components
            found = context_of(components, definition.name)
        else:
            found = self.find(definition.type_ref, self.place)
        if definition.is_collection:
            found = list_of(found)
        if definition.allowed is not None and definition.allowed.text:
            found = self.restricted(found, definition)
        return found

    def restricted(self, base: Type, definition: dmn.ItemDefinition) -> Type:
        """A type with allowed values; those of a collection restrict its items."""
        assert definition.allowed is not None
        try:
            test = parse_unary_tests(definition.allowed.text, Vocabulary(types=self.known), self.place)
        except FeelSyntaxError as error:
            message = f'the allowed values of type "{definition.name}" do not parse: {error}'
            self.problems.append(Problem(Kind.SYNTAX, message, self.place))
            return base
        if test is None:
            return base
        return Type(
            definition.name,
            lambda value: base.accepts(value) and allows(test, value, definition.is_collection),
            base.parse,
            base.is_list,
            f"which allows only {definition.allowed.text}",
        )


def allows(test: Test, value: Value, is_collection: bool = False) -> bool:
    """Whether a value, or each item of a list, passes a test of allowed values."""
    values = value if is_collection and isinstance(value, list) else [value]
    return all(test(item, {}, Run()) is True for item in values)
