"""Output cells: what they give, and whether it goes together with their column and the hit policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from mlc.dmn import elements as dmn
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import Place
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.types import MISFIT
from mlc.dmn.feel.values import kind_of, text_of
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script
from mlc.dmn.tables import OutputColumn

from .closed import Closed, quick_run, reader_of
from .columntypes import domain_of
from .finding import Aspect, Finding, Severity
from .inputcells import test_of
from .spelling import closest, typed_constant

_ADDED = frozenset({"number", "days and time duration", "years and months duration"})


def check_output_cells(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """All cells of all output columns, and what the hit policy makes of them."""
    for index, (clause, column) in enumerate(zip(table.box.outputs, table.table.outputs, strict=True)):
        yield from _aggregated(table, index, model)
        default = clause.default
        if default is not None and default.text:
            place = table.table.place.at(column=column.name)
            yield from _of_cell(default, clause, column, place, model)
        cells = [rule.outputs[index] for rule in table.box.rules]
        filled = [cell.text for cell in cells if cell.text]
        for rule, cell in zip(table.table.rules, cells, strict=True):
            place = rule.place.at(column=column.name)
            if cell.text:
                yield from _of_cell(cell, clause, column, place, model)
            else:
                yield _empty(filled, column, place)


def _empty(filled: list[str], column: OutputColumn, place: Place) -> Finding:
    """An output cell in which nothing stands: remarks are often left out, what decides is not."""
    truths = column.type.name == "boolean" or (filled and all(text in ("true", "false") for text in filled))
    severity = Severity.WARNING if truths or column.name == "passes" or len(filled) > 1 and not _remarks(filled) else (
        Severity.HINT
    )  # fmt: skip
    usual = Counter(filled).most_common(1)[0][0] if filled else ""
    say = f"; other rules say {usual}" if usual and len(usual) < 60 else ""
    return Finding(
        severity, Aspect.EMPTY_OUTPUT, f'the rule gives no "{column.name}": the output is null{say}', place,
        values=((column.name, ""),), suggestion="null" if severity is Severity.HINT else "",
    )  # fmt: skip


def _remarks(filled: list[str]) -> bool:
    """Whether a column looks like one of remarks: texts that are hardly ever the same."""
    return all(text.startswith('"') for text in filled) and len(set(filled)) * 2 > len(filled)


def _of_cell(
    cell: dmn.Text, clause: dmn.OutputClause, column: OutputColumn, place: Place, model: DecisionModel
) -> Iterator[Finding]:
    if is_script(cell.text, cell.language or model.definitions.language):
        return
    found = reader_of(model).closed(cell.text)
    if found is None:
        return
    if found.timed:
        message = f"{cell.text} depends on the day on which it is worked out"
        yield _finding(Severity.HINT, Aspect.CLOCK, message, cell, column, place)
    if found.problems or found.value is None:
        return  # what is wrong inside of it is told by itself
    value = _fitted(found.value, column)
    if value is MISFIT:
        kind = column.type.name
        message = f"the output {cell.text} is a {kind_of(found.value)}, and the column gives {kind}"
        better = typed_constant(found.value, domain_of(model, clause.type_ref).kind or "")
        outside = not column.type.accepts(found.value, quick_run()) and column.type.note
        if outside and kind_of(found.value) == domain_of(model, clause.type_ref).kind:
            texts = " and ".join(text.text for text in domain_of(model, clause.type_ref).allowed)
            message = f"the output {cell.text} is none of the allowed values {texts}"
            better = closest(found.value, texts, reader_of(model))
            yield _finding(Severity.ERROR, Aspect.OUTSIDE_VALUES, message, cell, column, place, better)
            return
        yield _finding(Severity.ERROR, Aspect.MISMATCH, message, cell, column, place, better)
        return
    if clause.allowed is not None and (test := test_of(clause.allowed)) is not None:
        if test(value, {}, quick_run()) is False or column.allowed_text and test(value, {}, quick_run()) is None:
            message = f"the output {cell.text} is none of the allowed values {clause.allowed.text}"
            better = closest(value, clause.allowed.text, reader_of(model))
            yield _finding(Severity.ERROR, Aspect.OUTSIDE_VALUES, message, cell, column, place, better)
    if column.order and not any(value == one and type(value) is type(one) for one in column.order):
        message = f"the output {cell.text} is not in the list of priorities: it comes after all others"
        yield _finding(Severity.WARNING, Aspect.OUTSIDE_VALUES, message, cell, column, place)
    elif isinstance(value, Decimal) and cell.text.count("-") == 1 and not cell.text.startswith("-"):
        message = f"{cell.text} is a subtraction, whose value is {text_of(value)}"
        yield _finding(Severity.HINT, Aspect.NOT_A_RANGE, message, cell, column, place)


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


def _aggregated(table: CompiledTable, index: int, model: DecisionModel) -> Iterator[Finding]:
    """Outputs that the aggregation cannot take."""
    aggregation = table.table.aggregation
    if aggregation not in ("SUM", "MIN", "MAX"):
        return
    clause, column = table.box.outputs[index], table.table.outputs[index]
    kind = domain_of(model, clause.type_ref).kind
    reader = reader_of(model)
    wrong: dict[int, str] = {}
    for rule in table.table.rules:
        text = table.box.rules[rule.index - 1].outputs[index].text
        found: Closed | None = reader.closed(text) if text else Closed(None)
        if found is None or found.problems:
            continue
        given = "null" if found.value is None else kind_of(found.value)
        if given not in _ADDED and not (aggregation != "SUM" and given not in ("boolean", "null", "string")):
            wrong[rule.index] = given
    if kind is not None and kind not in _ADDED and (aggregation == "SUM" or kind in ("string", "boolean")):
        what = f"values of type {kind}"
    elif wrong:
        what = f"a {next(iter(wrong.values()))} (rule {next(iter(wrong))})"
    else:
        return
    severity = Severity.WARNING if aggregation != "SUM" and kind == "string" else Severity.ERROR
    yield Finding(
        severity, Aspect.AGGREGATION, f"{aggregation} takes numbers, and the column gives {what}",
        table.table.place.at(column=column.name), tuple(wrong),
        suggestion="leave out the aggregation, or make the outputs numbers",
    )  # fmt: skip


def _finding(
    severity: Severity, kind: Aspect, message: str, cell: dmn.Text, column: OutputColumn, place: Place, better: str = ""
) -> Finding:
    return Finding(severity, kind, message, place, values=((column.name, cell.text),), suggestion=better)
