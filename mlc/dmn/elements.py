"""The elements of a DMN file that matter here, as read: nothing is checked or compiled yet.

They are never compared or shown, and are made without the methods for it: for so many classes that is a good part of
the time that the import of this package takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True, eq=False, repr=False)
class Text:
    """Text in an expression language; `language` is None where the file does not say."""

    text: str
    language: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class Variable:
    """A name with the type that it should have."""

    name: str
    type_ref: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class InputClause:
    """An input column. `variable` is Camunda's `inputVariable`; `allowed` the text of the input values."""

    label: str
    expression: Text
    variable: str | None = None
    type_ref: str | None = None
    allowed: Text | None = None


@dataclass(slots=True, eq=False, repr=False)
class OutputClause:
    """An output column. `allowed` holds the output values, which also are the priorities."""

    name: str | None
    label: str
    type_ref: str | None = None
    allowed: Text | None = None
    default: Text | None = None


@dataclass(slots=True, eq=False, repr=False)
class Rule:
    """A row."""

    id: str | None
    inputs: list[Text]
    outputs: list[Text]
    annotation: str = ""
    description: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Table:
    """A decision table."""

    inputs: list[InputClause]
    outputs: list[OutputClause]
    rules: list[Rule]
    hit_policy: str = "UNIQUE"
    aggregation: str | None = None
    label: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class Literal:
    """A literal expression."""

    text: Text


@dataclass(slots=True, eq=False, repr=False)
class ContextEntry:
    """An entry of a context; one without a variable is the context's result."""

    variable: Variable | None
    expression: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Context:
    """A boxed context."""

    entries: list[ContextEntry]


@dataclass(slots=True, eq=False, repr=False)
class Invocation:
    """A boxed invocation."""

    function: Expression | None
    bindings: list[ContextEntry]


@dataclass(slots=True, eq=False, repr=False)
class FunctionDefinition:
    """A boxed function; `kind` is FEEL, Java or PMML."""

    parameters: list[Variable]
    body: Expression | None
    kind: str = "FEEL"
    type_ref: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class ListExpression:
    """A boxed list."""

    items: list[Expression | None]


@dataclass(slots=True, eq=False, repr=False)
class Relation:
    """A boxed table of values: a list of contexts."""

    columns: list[str]
    rows: list[list[Expression | None]]


@dataclass(slots=True, eq=False, repr=False)
class Conditional:
    """A boxed if, then, else."""

    condition: Expression | None
    one: Expression | None
    other: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Filter:
    """A boxed filter."""

    items: Expression | None
    match: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Loop:
    """A boxed `for`, `some` or `every`."""

    kind: str
    variable: str
    items: Expression | None
    body: Expression | None


Expression: TypeAlias = (
    "Table | Literal | Context | Invocation | FunctionDefinition | ListExpression"
    " | Relation | Conditional | Filter | Loop"
)


@dataclass(slots=True, eq=False, repr=False)
class ItemDefinition:
    """A type."""

    name: str
    type_ref: str | None = None
    is_collection: bool = False
    components: list[ItemDefinition] = field(default_factory=list)
    allowed: Text | None = None
    is_function: bool = False


@dataclass(slots=True, eq=False, repr=False)
class InputData:
    """A value that comes from outside."""

    id: str
    variable: Variable


@dataclass(slots=True, eq=False, repr=False)
class Decision:
    """A decision; the requirements are ids."""

    id: str
    name: str
    variable: Variable
    expression: Expression | None
    inputs: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    knowledge: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Knowledge:
    """A business knowledge model: a named function."""

    id: str
    name: str
    variable: Variable
    function: FunctionDefinition | None
    knowledge: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Definitions:
    """A whole file."""

    name: str
    language: str | None
    types: list[ItemDefinition]
    inputs: list[InputData]
    decisions: list[Decision]
    knowledge: list[Knowledge]

    def ids(self) -> Iterator[tuple[str, str]]:
        """Id and name of every element of the requirements graph."""
        for data in self.inputs:
            yield data.id, data.variable.name
        for decision in self.decisions:
            yield decision.id, decision.name
        for model in self.knowledge:
            yield model.id, model.name
