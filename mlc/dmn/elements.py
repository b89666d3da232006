"""The elements of a DMN file that matter here, as read: nothing is checked or compiled yet.

`line` is the line of the XML on which an element begins, counted from 1; None for one that was not read from a file.
They are never compared or shown, and are made without the methods for it: for so many classes that is a good part of
the time that the import of this package takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

#: What is wrong with a text that is `outside`.
OUTSIDE = "it stands outside of <text>, where it is not read"


@dataclass(slots=True, eq=False, repr=False)
class Text:
    """Text in an expression language; `language` is None where the file does not say.

    `outside`: it stands where no element `text` is around it, so that nobody knows whether it counts.
    """

    text: str
    language: str | None = None
    line: int | None = None
    outside: bool = False


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
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class OutputClause:
    """An output column. `allowed` holds the output values, which also are the priorities."""

    name: str | None
    label: str
    type_ref: str | None = None
    allowed: Text | None = None
    default: Text | None = None
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Rule:
    """A row."""

    id: str | None
    inputs: list[Text]
    outputs: list[Text]
    annotation: str = ""
    description: str = ""
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Table:
    """A decision table (8.3.1)."""

    inputs: list[InputClause]
    outputs: list[OutputClause]
    rules: list[Rule]
    hit_policy: str = "UNIQUE"
    aggregation: str | None = None
    label: str | None = None
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Literal:
    """A literal expression (10.2.1.2)."""

    text: Text


@dataclass(slots=True, eq=False, repr=False)
class ContextEntry:
    """An entry of a context; one without a variable is the context's result."""

    variable: Variable | None
    expression: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Context:
    """A boxed context (10.2.1.4)."""

    entries: list[ContextEntry]


@dataclass(slots=True, eq=False, repr=False)
class Invocation:
    """A boxed invocation (10.2.1.3)."""

    function: Expression | None
    bindings: list[ContextEntry]


@dataclass(slots=True, eq=False, repr=False)
class FunctionDefinition:
    """A boxed function (10.2.1.7); `kind` is FEEL, Java or PMML, `type_ref` the type of what it answers."""

    parameters: list[Variable]
    body: Expression | None
    kind: str = "FEEL"
    type_ref: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class ListExpression:
    """A boxed list (10.2.1.5)."""

    items: list[Expression | None]


@dataclass(slots=True, eq=False, repr=False)
class Relation:
    """A boxed table of values (10.2.1.6): a list of contexts."""

    columns: list[Variable]
    rows: list[list[Expression | None]]


@dataclass(slots=True, eq=False, repr=False)
class Conditional:
    """A boxed if, then, else (10.2.1.8)."""

    condition: Expression | None
    one: Expression | None
    other: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Filter:
    """A boxed filter (10.2.1.9)."""

    items: Expression | None
    match: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Loop:
    """A boxed `for`, `some` or `every` (10.2.1.10)."""

    kind: str
    variable: str
    items: Expression | None
    body: Expression | None


@dataclass(slots=True, eq=False, repr=False)
class Typed:
    """Any of these with a type of its own, to which its value is coerced (7.3.1)."""

    expression: Expression
    type_ref: str


Expression: TypeAlias = (
    "Table | Literal | Context | Invocation | FunctionDefinition | ListExpression"
    " | Relation | Conditional | Filter | Loop | Typed"
)


@dataclass(slots=True, eq=False, repr=False)
class FunctionItem:
    """What the functions of a type take and answer (7.3.3)."""

    parameters: list[Variable]
    answer: str | None


@dataclass(slots=True, eq=False, repr=False)
class ItemDefinition:
    """A type (7.3.3). `allowed` restricts the items of a collection, `constraint` (DMN 1.5) the collection."""

    name: str
    type_ref: str | None = None
    is_collection: bool = False
    components: list[ItemDefinition] = field(default_factory=list)
    allowed: Text | None = None
    constraint: Text | None = None
    function: FunctionItem | None = None
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class InputData:
    """A value that comes from outside (6.3.11). `named`: a variable says by which name expressions know it."""

    id: str
    variable: Variable
    line: int | None = None
    named: bool = True


@dataclass(slots=True, eq=False, repr=False)
class Decision:
    """A decision (6.3.7); the requirements are references, `#id` or `namespace#id`."""

    id: str
    name: str
    variable: Variable
    expression: Expression | None
    inputs: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    knowledge: list[str] = field(default_factory=list)
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Knowledge:
    """A business knowledge model (6.3.9): a named function."""

    id: str
    name: str
    variable: Variable
    function: FunctionDefinition | None
    knowledge: list[str] = field(default_factory=list)
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Service:
    """A decision service (6.3.10): decisions as a function of input data and of other decisions. All are references."""

    id: str
    name: str
    variable: Variable
    outputs: list[str]
    encapsulated: list[str]
    decisions: list[str]
    inputs: list[str]
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Import:
    """Another file whose elements this one uses (6.3.3); `name` qualifies their names, unless it is empty."""

    name: str
    namespace: str
    location: str | None
    kind: str
    line: int | None = None


@dataclass(slots=True, eq=False, repr=False)
class Definitions:
    """A whole file (6.3.2). `dialect` is that of its FEEL, as far as the file declares one."""

    name: str
    namespace: str
    language: str | None
    imports: list[Import]
    types: list[ItemDefinition]
    inputs: list[InputData]
    decisions: list[Decision]
    knowledge: list[Knowledge]
    services: list[Service]
    dialect: str = "feel"

    def invocables(self) -> list[Knowledge | Service]:
        """What can be called by its name."""
        return [*self.knowledge, *self.services]

    def all(self) -> list[InputData | Decision | Knowledge | Service]:
        """Every element of the requirements graph."""
        return [*self.inputs, *self.decisions, *self.knowledge, *self.services]
