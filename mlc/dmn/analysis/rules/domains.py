"""What a column may hold by its declarations: the type of the column, that of the input it reads, allowed values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlc.dmn import elements as dmn
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import Place
from mlc.dmn.feel.parser import parse_unary_tests
from mlc.dmn.feel.run import Run, Test, Value
from mlc.dmn.feel.types import TYPES, Type
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel

if TYPE_CHECKING:
    from mlc.dmn.graph import Graph

_LINE = {"double": "number", "integer": "number", "long": "number"}
_LINES = frozenset({"number", "string", "boolean", "date", "time", "date and time", "days and time duration",
                    "years and months duration"})  # fmt: skip
#: Calls whose answer is never below 0, and a whole number but for the last of them.
_COUNTING = re.compile(r"(count|string length|abs) ?\(")


@dataclass(slots=True)
class Domain:
    """The values that a column may hold.

    `line` is the kind of them, None where nothing says it. `whole`: only whole numbers. `allowed` are the texts that
    restrict them. `opaque`: they are lists or contexts, which have no place on a line.
    """

    line: str | None = None
    whole: bool = False
    opaque: bool = False
    allowed: list[str] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)

    def holds(self, value: Value, run: Run) -> bool:
        """Whether a value that is not null is one of them."""
        if not all(one.accepts(value, run) for one in self.types):
            return False
        return all(test(value, {}, run) is True for test in self.tests)

    def add(self, base: Type) -> None:
        """Restrict it to a built-in type."""
        if base.name == "Any":
            return
        line = _LINE.get(base.name, base.name)
        self.opaque = self.opaque or line not in _LINES
        self.whole = self.whole or base.name in ("integer", "long")
        self.line = line


def domain_of(compiled: CompiledTable, model: DecisionModel, index: int) -> Domain:
    """The domain of an input column."""
    graph = model._graph
    clause, column = compiled.box.inputs[index], compiled.table.inputs[index]
    domain = Domain(types=[column.type])
    path = column.name or " ".join(clause.expression.text.split())
    for reference in (_declared(graph, path), clause.type_ref):
        if reference:
            _follow(graph, reference, domain)
    _bounded(path, domain)
    if column.allowed is not None:
        domain.allowed.append(column.allowed_text)
        domain.tests.append(column.allowed)
    return domain


def _bounded(expression: str, domain: Domain) -> None:
    """Restrict it to what the functions that count can give, where the column is one call of such."""
    found = _COUNTING.match(expression)
    depth = 0
    for index in range(found.end() - 1 if found else 0, len(expression)):
        depth += {"(": 1, ")": -1}.get(expression[index], 0)
        if depth == 0 and index < len(expression) - 1:
            return  # more follows behind the call
    if found is None or depth != 0:
        return
    domain.whole = domain.whole or found[1] != "abs"
    domain.allowed.append(">= 0")
    test = parse_unary_tests(">= 0", Vocabulary(), Place())
    if test is not None:
        domain.tests.append(test)


def _follow(graph: Graph, reference: str, domain: Domain) -> None:
    """Add what a type and those that it is defined by say."""
    for name in (reference, reference.rpartition(":")[2], reference.rpartition("}")[2]):
        if name in graph.types.known:
            domain.types.append(graph.types.known[name])
            break
    seen: set[tuple[int, str]] = set()
    following: str | None = reference
    while following and (id(graph), following) not in seen:
        seen.add((id(graph), following))
        graph, definition = _definition(graph, following)
        if isinstance(definition, Type):
            domain.add(definition)
            return
        if definition is None:
            return
        for text in (definition.allowed, definition.constraint):
            if text is not None and text.text:
                domain.allowed.append(text.text)
        if definition.components or definition.function is not None or definition.is_collection:
            domain.opaque = True
            return
        following = definition.type_ref


def _definition(graph: Graph, reference: str) -> tuple[Graph, dmn.ItemDefinition | Type | None]:
    """What a reference to a type means, and the file that it stands in."""
    for name in (reference, reference.rpartition(":")[2], reference.rpartition("}")[2]):
        if name in graph.types.definitions:
            return graph, graph.types.definitions[name]
        if name in TYPES:
            return graph, TYPES[name]
        for alias, other in graph.imported:
            inner = name.removeprefix(f"{alias}.") if alias else name
            if (not alias or inner != name) and inner in other.types.definitions:
                return other, other.types.definitions[inner]
    return graph, None


def _declared(graph: Graph, path: str) -> str | None:
    """The type that the file declares for an input or a decision, or for a component of one, by its name."""
    elements = {one.variable.name: one.variable.type_ref for one in graph.definitions.decisions}
    elements |= {one.variable.name: one.variable.type_ref for one in graph.definitions.inputs}
    if path in elements:
        return elements[path]
    first, *rest = path.split(".")
    reference = elements.get(first)
    for name in rest:
        if not reference:
            return None
        graph, definition = _definition(graph, reference)
        if not isinstance(definition, dmn.ItemDefinition):
            return None
        part = next((one for one in definition.components if one.name == name), None)
        if part is None or part.allowed or part.constraint or part.components or part.is_collection:
            return None  # what a component says beside its type is left to the type of the column
        reference = part.type_ref
    return reference
