"""What a compiled decision table is made of: its columns and its rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import elements as dmn
from .errors import Place
from .feel.reading import Path
from .feel.run import Code, Test, Value
from .feel.types import Type


@dataclass(slots=True, eq=False, repr=False)
class InputColumn:
    """A compiled input column. `name` is the input that it reads, None for an expression, which reads `reads`.

    `tests_null`: a cell names null or asks for it, so that null is a value like any other. So it is where no cell tests
    anything, each being `-`: nothing comes of the value then. `allowed` is the test of input values.
    """

    label: str
    code: Code
    type: Type
    place: Place
    name: str | None = None
    variable: str | None = None
    allowed: Test | None = None
    allowed_text: str = ""
    tests_null: bool = True
    reads: list[Path] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class OutputColumn:
    """A compiled output column.

    `allowed` is the test of output values; `order` lists them from the highest priority to the lowest, where needed.
    `index` counts the output columns from 0.
    """

    name: str
    type: Type
    allowed: Test | None = None
    allowed_text: str = ""
    order: list[Value] | None = None
    default: Code | None = None
    index: int = 0


@dataclass(slots=True, eq=False, repr=False)
class TableRule:
    """A compiled rule; a column that every value passes has no test. `source` is the element that it was made of.

    `fixed`: which outputs read nothing. `reads`: the names that the cell of a column reads, if it reads any.
    """

    index: int
    id: str | None
    tests: list[tuple[int, Test]]
    outputs: list[Code]
    cells: list[str]
    place: Place
    annotation: str = ""
    description: str = ""
    source: dmn.Rule | None = None
    fixed: tuple[bool, ...] = ()
    reads: dict[int, frozenset[str]] = field(default_factory=dict)

    def input_place(self, index: int, label: str) -> Place:
        """The place of the cell in an input column."""
        return self.place.at(
            column=label, line=self.place.line if self.source is None else self.source.inputs[index].line
        )

    def output_place(self, column: OutputColumn) -> Place:
        """The place of the cell in an output column."""
        line = self.place.line if self.source is None else self.source.outputs[column.index].line
        return self.place.at(column=column.name, line=line)
