"""The decision tables of a file as they are written: columns, rules and cells, whether or not they can be evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import elements as dmn
from .document import content, parse
from .errors import Place
from .evaluation import asks
from .model import MAX_BYTES
from .reader import read

_ANYTHING = re.compile(r"\s*-?\s*")


@dataclass(frozen=True, slots=True)
class RuleOutline:
    """A row: its cells, inputs first, as their texts stand in the file."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class TableOutline:
    """A decision table. A column is called by its label and, where that is another one, by the input that it reads."""

    decision: str
    hit_policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[RuleOutline, ...]

    def conditions(self, rule: RuleOutline) -> list[str]:
        """What a rule asks, column by column, without those that take any value."""
        pairs = zip(self.inputs, rule.inputs, strict=False)
        return [asks(column, cell) for column, cell in pairs if not _ANYTHING.fullmatch(cell)]

    def says(self, rule: RuleOutline) -> list[str]:
        """What a rule answers, output by output."""
        return [f"{name} = {cell}" for name, cell in zip(self.outputs, rule.outputs, strict=False) if cell]


def outline(data: bytes, *, name: str | None = None, max_bytes: int = MAX_BYTES) -> list[TableOutline]:
    """The decision tables of a file, in its order. What other files say that it imports is not looked at.

    Raises DmnError when it is no DMN file, or one that does harm.
    """
    place = Place(name)
    return list(_tables(read(parse(content(data, place, max_bytes), place), place)))


def _tables(definitions: dmn.Definitions) -> Iterator[TableOutline]:
    for decision in definitions.decisions:
        box = decision.expression
        while isinstance(box, dmn.Typed):
            box = box.expression
        if isinstance(box, dmn.Table):
            yield TableOutline(
                decision.name,
                f"{box.hit_policy} {box.aggregation or ''}".strip(),
                tuple(_column(clause) for clause in box.inputs),
                tuple(clause.name or clause.label for clause in box.outputs),
                tuple(
                    RuleOutline(
                        tuple(cell.text for cell in rule.inputs),
                        tuple(cell.text for cell in rule.outputs),
                        rule.annotation or rule.description,
                    )
                    for rule in box.rules
                ),
            )


def _column(clause: dmn.InputClause) -> str:
    reads = " ".join((clause.expression.text or clause.variable or "").split())
    return clause.label if not reads or reads == clause.label else f"{clause.label} [{reads}]"
