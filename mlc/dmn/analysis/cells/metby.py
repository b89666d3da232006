"""By which values a cell as a whole is met: by none, by all, or by no more than by a part of it."""

from __future__ import annotations

from decimal import Decimal

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.feel.primary import RELATIONS
from mlc.dmn.feel.values import Range, text_of

from .inputcolumn import Column, spans_of
from .parts import Cell, Part
from .spans import Span, covers_all, is_empty, meet, on_a_line, union, within


def on_the_line(cell: Cell, column: Column) -> Finding | None:  # noqa: PLR0911 - one for each kind
    spans = spans_of(cell)
    if not spans:
        return _of_truths(cell, column)
    whole = column.domain.whole and all(isinstance(end, Decimal) for s in spans for end in (s.low, s.high) if end)
    merged = union(spans, whole)
    if cell.negated and covers_all(merged):
        return column.finding(Severity.WARNING, Aspect.NEVER_MET, f"{cell.text} is met by no value", cell.text)
    if not merged and not cell.negated:
        message = f"{cell.text} is met by no {'whole number' if whole and union(spans) else 'value'}"
        return column.finding(Severity.WARNING, Aspect.NEVER_MET, message, cell.text, _turned(cell))
    if not merged or covers_all(merged):
        message = f"{cell.text} is met by every value: a comma is read as or"
        if cell.negated or len(cell.parts) == 1:
            message = f"{cell.text} is met by every value"
        return column.finding(Severity.WARNING, Aspect.ALWAYS_MET, message, cell.text, _conjunction(cell))
    if not cell.negated:
        for line in column.lines():
            ends = [end for span in (*merged, *line) for end in (span.low, span.high) if end is not None]
            if on_a_line(ends) and not meet(merged, line, whole):
                message = f"{cell.text} is met by none of the allowed values {column.allowed_text()}"
                return column.finding(Severity.WARNING, Aspect.OUTSIDE_VALUES, message, cell.text)
    empty = [part for part in cell.parts if not union(part.spans() or [], whole)]
    if empty and any(part.spans() for part in empty):
        part = next(part for part in empty if part.spans())
        message = f"{part.text} is met by no value, so that the rest of {cell.text} decides"
        return column.finding(Severity.WARNING, Aspect.NEVER_MET, message, cell.text)
    return _redundant(cell, column)


def _of_truths(cell: Cell, column: Column) -> Finding | None:
    """A cell that both true and false meet."""
    values = [value for part in cell.parts for value in part.values() if part.form == "value"]
    if not cell.negated and True in values and False in values and all(isinstance(value, bool) for value in values):
        message = f"{cell.text} is met by both true and false"
        return column.finding(Severity.HINT, Aspect.ALWAYS_MET, message, cell.text, "-")
    return None


def _redundant(cell: Cell, column: Column) -> Finding | None:
    if len(cell.parts) > 50:
        return None
    for index, part in enumerate(cell.parts):
        for other_index, other in enumerate(cell.parts):
            inner, outer = part.spans() or [], other.spans() or []
            if index == other_index or not inner or not outer:
                continue
            if all(any(within(one, two) for two in outer) for one in inner):
                if index < other_index and all(any(within(two, one) for one in inner) for two in outer):
                    continue  # the same twice: the second is the superfluous one
                message = f"{part.text} asks no more than {other.text}: the two are read as or"
                return column.finding(Severity.HINT, Aspect.REDUNDANT_TEST, message, cell.text)
    return None


def _turned(cell: Cell) -> str:
    """A single range the right way round, or closed where it goes from a value to itself."""
    part = cell.parts[0]
    if len(cell.parts) > 1:
        return ""
    if part.form == "range":
        low, high = (text_of(end.value, inner=True) for end in part.ends)
        if not is_empty(Span(part.ends[0].value, True, part.ends[1].value, True)) and low != high:
            return f"[{_source(part, 0)}..{_source(part, 1)}]"
        texts = [_source(part, 0), _source(part, 1)]
        if low == high:
            return texts[0]
        begin, end = "[" if part.high_closed else "(", "]" if part.low_closed else ")"
        return f"{begin}{texts[1]}..{texts[0]}{end}"
    if part.form == "value" and isinstance(part.ends[0].value, Range):
        found = part.ends[0].value
        return text_of(Range(found.high, found.low, found.high_closed, found.low_closed))
    return ""


def _source(part: Part, which: int) -> str:
    """An end of a range as it is written."""
    inner = part.text[1:-1]
    return inner.split("..", 1)[which].strip() if inner.count("..") == 1 else ""


def _conjunction(cell: Cell) -> str:
    """What was probably meant by two tests that together are met by all."""
    if len(cell.parts) != 2 or cell.negated:
        return ""
    texts = {part.symbol: part.text[len(part.symbol) :].strip() for part in cell.parts if part.symbol in RELATIONS}
    if [part.symbol for part in cell.parts] == ["!=", "!="]:
        return f"not({', '.join(part.text[2:].strip() for part in cell.parts)})"
    low, high = next((s for s in (">", ">=") if s in texts), ""), next((s for s in ("<", "<=") if s in texts), "")
    if not low or not high:
        return ""
    return f"{'[' if low == '>=' else '('}{texts[low]}..{texts[high]}{']' if high == '<=' else ')'}"
