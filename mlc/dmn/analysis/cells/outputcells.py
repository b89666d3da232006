"""Output cells: what they give, and whether it goes together with their column and the hit policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from mlc.dmn import elements as dmn
from mlc.dmn.analysis.closed import Closed, Reader, quick_run
from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.analysis.spelling import typed_constant
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.columns import OutputColumn
from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.parser import parse_expression
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.types import MISFIT, TYPES
from mlc.dmn.feel.values import kind_of, text_of
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .columntypes import Domain, domain_of
from .inputcolumn import test_of

#: Empty cells of a column from which on, if they are a quarter of it, they are told once, as no slip.
HABIT = 3
_MOMENTS = {"date", "time", "date and time"}


class _Output(NamedTuple):
    """An output column."""

    clause: dmn.OutputClause
    column: OutputColumn
    domain: Domain
    reader: Reader
    language: str | None

    def finding(self, severity: Severity, kind: Aspect, message: str, cell: dmn.Text, suggestion: str = "") -> Finding:
        """A finding about a cell; the place is the caller's."""
        return Finding(severity, kind, message, values=((self.column.name, cell.text),), suggestion=suggestion)


def check_output_cells(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """All cells of all output columns, and what the hit policy makes of them."""
    for index, (clause, column) in enumerate(zip(table.box.outputs, table.table.outputs, strict=True)):
        domain = domain_of(model, clause.type_ref, clause.allowed)
        output = _Output(clause, column, domain, facts_of(model).reader, model.definitions.language)
        yield from _aggregated(table, index, output)
        if clause.default is not None and clause.default.text:
            place = table.table.place.at(column=column.name)
            yield from (replace(found, place=place) for found in _of_cell(clause.default, output))
        cells = [rule.outputs[index] for rule in table.box.rules]
        yield from _empty(table, output, cells)
        for rule, cell in zip(table.table.rules, cells, strict=True):
            if cell.text:
                found = _of_cell(cell, output)
                yield from (replace(one, place=rule.place.at(column=column.name)) for one in found)


def _empty(table: CompiledTable, output: _Output, cells: list[dmn.Text]) -> Iterator[Finding]:
    """Output cells in which nothing stands: remarks are often left out, and so is what has a default; what decides is
    not.
    """
    name = output.column.name
    filled = [cell.text for cell in cells if cell.text]
    empty = [number for number, cell in enumerate(cells, 1) if not cell.text]
    if not empty:
        return
    truths = output.domain.kind == "boolean" or (filled and all(text in ("true", "false") for text in filled))
    decides = truths or name == "passes"
    habit = not decides and len(empty) >= HABIT and len(empty) * 4 >= len(cells)
    slip = decides or (not habit and len(filled) > 1 and not _remarks(filled))
    usual = Counter(filled).most_common(1)[0][0] if filled else ""
    say = f"; other rules say {usual}" if usual and len(usual) < 60 else ""
    who = f"{len(empty)} rules give" if habit else "the rule gives"
    message = f'{who} no "{name}": the output is null{say}'
    found = output.finding(
        Severity.WARNING if slip else Severity.HINT, Aspect.EMPTY_OUTPUT, message, cells[empty[0] - 1]
    )
    for number in empty[:1] if habit else empty:
        place = table.table.rules[number - 1].place.at(column=name)
        yield replace(found, place=place, rules=tuple(empty) if habit else ())


def _remarks(filled: list[str]) -> bool:
    """Whether a column looks like one of remarks: texts that are hardly ever the same."""
    return all(text.startswith('"') for text in filled) and len(set(filled)) * 2 > len(filled)


def _of_cell(cell: dmn.Text, output: _Output) -> Iterator[Finding]:
    if is_script(cell.text, cell.language or output.language):
        return
    found = output.reader.closed(cell.text)
    if found is None:
        column = output.column
        if truth_of(cell.text, column) and column.type.name not in ("boolean", "string", "Any"):
            message = f"the output {cell.text} is true or false, and the column gives {column.type.name}"
            yield output.finding(Severity.ERROR, Aspect.MISMATCH, message, cell)
        return
    if found.timed:
        message = f"{cell.text} depends on the day on which it is worked out"
        yield output.finding(Severity.HINT, Aspect.CLOCK, message, cell)
    if found.problems or found.value is None:
        return  # what is wrong inside of it is told by itself
    yield from _of_value(found.value, cell, output)


def _of_value(given: Value, cell: dmn.Text, output: _Output) -> Iterator[Finding]:
    column, allowed = output.column, " and ".join(text.text for text in output.domain.allowed)
    value = _fitted(given, column)
    if value is MISFIT and kind_of(given) != output.domain.kind:
        message = f"the output {cell.text} is a {kind_of(given)}, and the column gives {column.type.name}"
        kind = output.domain.kind or ""
        better = typed_constant(given, kind) or (typed_constant(cell.text, kind) if kind in _MOMENTS else "")
        yield output.finding(Severity.ERROR, Aspect.MISMATCH, message, cell, better)
    elif value is MISFIT and output.domain.whole and given != given.to_integral_value():
        message = f"the output {cell.text} is no whole number, and the column gives {column.type.name}"
        yield output.finding(Severity.ERROR, Aspect.MISMATCH, message, cell)
    elif value is MISFIT or _outside(value, output):
        message = f"the output {cell.text} is none of the allowed values {allowed}"
        better = output.reader.closest(given, allowed)
        yield output.finding(Severity.ERROR, Aspect.OUTSIDE_VALUES, message, cell, better)
    elif column.order and not any(value == one and type(value) is type(one) for one in column.order):
        message = f"the output {cell.text} is not in the list of priorities: it comes after all others"
        yield output.finding(Severity.WARNING, Aspect.OUTSIDE_VALUES, message, cell)
    elif isinstance(value, Decimal) and cell.text.count("-") == 1 and not cell.text.startswith("-"):
        message = f"{cell.text} is a subtraction, whose value is {text_of(value)}"
        yield output.finding(Severity.HINT, Aspect.NOT_A_RANGE, message, cell)


def _outside(value: Value, output: _Output) -> bool:
    """Whether an evaluation says that an output is not among the allowed ones."""
    allowed = output.column.allowed
    test = test_of(output.clause.allowed) if allowed is not None and output.clause.allowed is not None else None
    return test is not None and test(value, {}, quick_run()) is not True


def truth_of(text: str, column: OutputColumn) -> bool:
    """Whether an expression gives a boolean by its form: a comparison, or two of them with `and` between."""
    if column.type.name not in TYPES:
        return False
    try:
        return parse_expression(text, Vocabulary(), Place()).truth
    except (FeelSyntaxError, RecursionError):
        return False


def _fitted(value: Value, column: OutputColumn) -> Value:
    """The output as an evaluation makes it fit its column."""
    result = column.type.fit(value, quick_run())
    if result is not MISFIT:
        return result
    if column.type.name == "string" and not isinstance(value, (list, dict)):
        return text_of(value)
    if column.type.name == "boolean" and value in ("true", "false"):
        return value == "true"
    return MISFIT


def _aggregated(table: CompiledTable, index: int, output: _Output) -> Iterator[Finding]:
    """Outputs that the aggregation cannot take."""
    aggregation, kind = table.table.aggregation, output.domain.kind
    if aggregation not in ("SUM", "MIN", "MAX"):
        return
    refused = frozenset({"string", "boolean", "null"} | (_MOMENTS if aggregation == "SUM" else set()))
    wrong: dict[int, str] = {}
    for number, rule in enumerate(table.box.rules, 1):
        text = rule.outputs[index].text
        found = output.reader.closed(text) if text else Closed(None)
        if found is not None and not found.problems and kind_of(found.value) in refused:
            wrong[number] = kind_of(found.value)
    if kind is not None and kind in refused:
        what = f"values of type {kind}"
    elif wrong:
        number, given = next(iter(wrong.items()))
        what = f"{'null' if given == 'null' else f'a {given}'} (rule {number})"
    else:
        return
    message = f"{aggregation} takes numbers, and the column gives {what}"
    advice = "leave out the aggregation, or make the outputs numbers"
    severity = Severity.WARNING if aggregation != "SUM" and kind == "string" else Severity.ERROR
    place = table.table.place.at(column=output.column.name)
    yield Finding(severity, Aspect.AGGREGATION, message, place, tuple(wrong), suggestion=advice)
