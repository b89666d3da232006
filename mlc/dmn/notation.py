"""A model's elements as DMN's notation has them: tables with their heads, all else as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from . import elements as dmn
from .model import DecisionModel

#: The letters of hit policies (DMN 1.5, 8.2.10), which begin their names; and the signs of COLLECT's aggregations.
_SIGNS = {"SUM": "+", "MIN": "<", "MAX": ">", "COUNT": "#"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what its head says, line by line (name, expression, type, values), and the texts of its cells."""

    kind: str
    head: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableView:
    """A decision table as it is written. The kinds of columns are "input", "output" and "annotation", in this order."""

    box: dmn.Table
    policy: str
    columns: tuple[Column, ...]
    rules: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, so many steps to the right."""

    text: str
    depth: int = 0


Part: TypeAlias = Line | TableView
Element: TypeAlias = dmn.Decision | dmn.Knowledge | dmn.Service


def elements_of(model: DecisionModel, name: str | None = None) -> list[Element]:
    """The decisions, functions and services of a file, or those with a name or an id."""
    definitions = model.definitions
    found: list[Element] = [*definitions.decisions, *definitions.knowledge, *definitions.services]
    return [each for each in found if name is None or name in (each.name, each.id)]


def notation(model: DecisionModel, element: Element) -> Iterator[Part]:
    """An element, from its name on."""
    yield Line(f'{_WORDS[type(element)]} "{element.name}"{_of(element.variable.type_ref)}')
    names = {
        each.id: f'{_SHORT[type(each)]} "{each.variable.name}"'
        + (_of(each.variable.type_ref) if isinstance(each, dmn.InputData) else "")
        for each in model.definitions.all()
    }
    for word, references in _references(element):
        if references:
            told = [names.get(href.rpartition("#")[2], href) for href in references]
            yield Line(f"{word}: {', '.join(told)}", 1)
    if isinstance(element, dmn.Service):
        return
    types = {each.name: each.allowed.text for each in model.definitions.types if each.allowed is not None}
    logic = element.function if isinstance(element, dmn.Knowledge) else element.expression
    yield from _parts(logic, types, 1)


def letter_of(table: dmn.Table) -> str:
    """The hit policy as DMN writes it in a table's corner: U, A, P, F, R, O, C, C+ and so on."""
    sign = _SIGNS.get((table.aggregation or "").strip().upper(), "")
    return f"{table.hit_policy.strip()[:1].upper() or 'U'}{sign}"


_WORDS = {dmn.Decision: "decision", dmn.Knowledge: "function", dmn.Service: "decision service"}
_SHORT = {dmn.InputData: "input", dmn.Decision: "decision", dmn.Knowledge: "function", dmn.Service: "service"}


def _references(element: Element) -> list[tuple[str, list[str]]]:
    if isinstance(element, dmn.Decision):
        return [("requires", [*element.inputs, *element.decisions, *element.knowledge])]
    if isinstance(element, dmn.Knowledge):
        return [("requires", element.knowledge)]
    return [
        ("takes", [*element.inputs, *element.decisions]),
        ("answers", element.outputs),
        ("encapsulates", element.encapsulated),
    ]


def _of(type_ref: str | None) -> str:
    return f": {type_ref}" if type_ref else ""


def _parts(box: dmn.Expression | None, types: dict[str, str], depth: int) -> Iterator[Part]:  # noqa: PLR0912
    """The parts of an expression: one case for each kind of box."""

    def inner(word: str, part: dmn.Expression | None) -> Iterator[Part]:
        yield Line(word, depth)
        yield from _parts(part, types, depth + 1)

    match box:
        case None:
            yield Line("(no expression)", depth)
        case dmn.Typed(expression, _):
            yield from _parts(expression, types, depth)
        case dmn.Literal(text):
            yield from (Line(line, depth) for line in text.text.strip().splitlines() or ["(empty)"])
        case dmn.Table():
            yield view(box, types)
        case dmn.Context(entries):
            for entry in entries:
                head = f"{entry.variable.name}{_of(entry.variable.type_ref)} =" if entry.variable else "result ="
                yield from inner(head, entry.expression)
        case dmn.Invocation(function, bindings):
            yield from inner("call", function)
            for binding in bindings:
                yield from inner(f"with {binding.variable.name} =" if binding.variable else "with", binding.expression)
        case dmn.FunctionDefinition(parameters, body, kind):
            told = ", ".join(f"{one.name}{_of(one.type_ref)}" for one in parameters)
            language = "" if kind.upper() == "FEEL" else f" in {kind}"
            yield from inner(f"function({told}){language}", body)
        case dmn.ListExpression(items):
            for item in items:
                yield from inner("item", item)
        case dmn.Relation(columns, rows):
            for number, row in enumerate(rows, 1):
                yield Line(f"row {number}", depth)
                for column, cell in zip(columns, row, strict=False):
                    yield Line(f"{column.name} =", depth + 1)
                    yield from _parts(cell, types, depth + 2)
        case dmn.Conditional(condition, one, other):
            for word, part in (("if", condition), ("then", one), ("else", other)):
                yield from inner(word, part)
        case dmn.Filter(items, condition):
            yield from inner("filter", items)
            yield from inner("match", condition)
        case dmn.Loop(kind, variable, items, body):
            yield from inner(f"{kind} {variable} in", items)
            yield from inner("return" if kind == "for" else "satisfies", body)


def view(box: dmn.Table, types: dict[str, str]) -> TableView:
    """A table; `types` has the allowed values of types by their names."""
    columns = [
        Column("input", _input_head(clause, types), tuple(_cell(rule.inputs, index) for rule in box.rules))
        for index, clause in enumerate(box.inputs)
    ]
    columns += [
        Column("output", _output_head(clause, box, types), tuple(_cell(rule.outputs, index) for rule in box.rules))
        for index, clause in enumerate(box.outputs)
    ]
    notes = tuple(rule.annotation or rule.description for rule in box.rules)
    if any(notes):
        columns.append(Column("annotation", ("annotation",), notes))
    return TableView(box, letter_of(box), tuple(columns), len(box.rules))


def _cell(cells: list[dmn.Text], index: int) -> str:
    return (cells[index].text.strip() if index < len(cells) else "(missing)") or "-"


def _input_head(clause: dmn.InputClause, types: dict[str, str]) -> tuple[str, ...]:
    reads = " ".join((clause.expression.text or clause.variable or "").split())
    return _head(clause.label or reads, "" if reads == clause.label else reads, clause.type_ref, clause.allowed, types)


def _output_head(clause: dmn.OutputClause, box: dmn.Table, types: dict[str, str]) -> tuple[str, ...]:
    name = clause.name or clause.label or box.label or ""
    default = f"default: {clause.default.text}" if clause.default is not None and clause.default.text else ""
    label = clause.label if clause.label != name else ""
    return (*_head(name, label, clause.type_ref, clause.allowed, types), *filter(None, [default]))


def _head(
    name: str, second: str, type_ref: str | None, allowed: dmn.Text | None, types: dict[str, str]
) -> tuple[str, ...]:
    values = allowed.text if allowed is not None and allowed.text else types.get(type_ref or "", "")
    second = f"[{second}]" if second and second != name else ""
    return tuple(filter(None, [name or "(no name)", second, type_ref, values and f"{{{values}}}"]))
