"""Input cells that cannot be met, that every value meets, or that compare with what their column never has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from mlc.dmn import elements as dmn
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import FeelSyntaxError, LimitExceededError, Place
from mlc.dmn.feel.parser import parse_unary_tests
from mlc.dmn.feel.run import Test, Value
from mlc.dmn.feel.unary import RELATIONS
from mlc.dmn.feel.values import Range, kind_of, text_of
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.model import DecisionModel
from mlc.dmn.script import is_script

from .closed import Reader, quick_run, reader_of
from .columntypes import Domain, declared_type, domain_of
from .finding import Aspect, Finding, Severity
from .numerals import comma_in_a_number
from .parts import Cell, Part, broken, cell_of
from .spans import IncomparableError, Span, covers_all, is_empty, meet, on_a_line, union, within
from .spelling import closest, typed_constant

_LOOKS_LIKE_A_TEST = re.compile(r"\s*(?:[<>]=?|!=|==?)\s*\S|\s*[\[(].*\.\..*[\])]\s*$")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?!\d)")
_EMPTY = ("", "-")


class Column:
    """An input column: what it is called, what values it has, and what its allowed values are on a line."""

    def __init__(self, table: CompiledTable, index: int, model: DecisionModel) -> None:
        self.clause = clause = table.box.inputs[index]
        self.compiled = column = table.table.inputs[index]
        self.label = column.label
        type_ref = clause.type_ref
        if type_ref is None and column.name is not None:
            type_ref = declared_type(model, table.table.decision, column.name)
        self.domain: Domain = domain_of(model, type_ref, clause.allowed)
        self.reader: Reader = reader_of(model)
        self.language = model.definitions.language
        self.allowed = [test for text in self.domain.allowed if (test := test_of(text)) is not None]
        self.cells = [rule.inputs[index] for rule in table.box.rules]

    def cell(self, text: dmn.Text) -> Cell | None:
        """The parts of a cell; None for one that every value passes, or that is no FEEL."""
        if text.text in _EMPTY or is_script(text.text, text.language or self.language):
            return None
        return cell_of(text.text, self.reader)

    def lines(self) -> list[list[Span]]:
        """The allowed values on a line, one set for each text of them that can be put there."""
        found = []
        for text in self.domain.allowed:
            cell = cell_of(text.text, self.reader)
            spans = None if cell is None or cell.negated else spans_of(cell)
            if spans is not None:
                found.append(spans)
        return found

    def allows(self, value: Value) -> bool:
        """Whether a value is among the allowed ones, as far as that can be told."""
        try:
            return all(test(value, {}, quick_run()) is not False for test in self.allowed)
        except (LimitExceededError, RecursionError):
            return True

    def allowed_text(self) -> str:
        """The allowed values as they are written."""
        return " and ".join(text.text for text in self.domain.allowed)


def check_input_cells(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """All cells of all input columns."""
    unparsed = broken(model)
    for index in range(len(table.box.inputs)):
        column = Column(table, index, model)
        usual = column.domain.kind or _usual_kind(column)
        known: dict[str, list[Finding]] = {}
        for rule, text in zip(table.table.rules, column.cells, strict=True):
            place = rule.place.at(column=column.label)
            if text.text not in known:
                cell = None if place in unparsed else column.cell(text)
                known[text.text] = [] if cell is None else list(_of_cell(cell, column, usual))
            for found in known[text.text]:
                yield Finding(
                    found.severity, found.kind, found.message, place, (), found.values, found.suggestion
                )  # fmt: skip


def spans_of(cell: Cell) -> list[Span] | None:
    """The values that the parts of a cell are passed by, together; None where not all lie on one line."""
    spans: list[Span] = []
    for part in cell.parts:
        found = part.spans()
        if found is None:
            return None
        spans += found
    ends = [end for span in spans for end in (span.low, span.high) if end is not None]
    return spans if on_a_line(ends) else None


def test_of(text: dmn.Text) -> Test | None:
    try:
        return parse_unary_tests(text.text, Vocabulary(), Place())
    except (FeelSyntaxError, RecursionError):
        return None


def _usual_kind(column: Column) -> str | None:
    """The kind that most constants of a column without a type are of."""
    kinds: Counter[str] = Counter()
    for text in column.cells:
        cell = column.cell(text)
        for part in cell.parts if cell is not None else ():
            if not (part.form == "value" and part.ends[0].truth):
                kinds.update({kind_of(value) for value in part.values()})
    (best, times), *others = kinds.most_common(2) or [("", 0)]
    return best if times and (not others or times > others[0][1]) else None


def _of_cell(cell: Cell, column: Column, usual: str | None) -> Iterator[Finding]:
    """What is wrong with one cell; the place is the caller's."""
    mismatches = [part for part in cell.parts if usual is not None and not _fits(part, usual)]
    subtractions = [part for part in mismatches if part.form == "value" and _DATE.fullmatch(_tight(part))]
    mismatches = [part for part in mismatches if part not in subtractions]
    comma = comma_in_a_number(cell, column.cells, whole=column.domain.whole)
    if comma is not None:
        yield column_finding(column, Severity.WARNING, Aspect.DIGITS, comma.message, cell.text, comma.suggestion)
    for part in mismatches:
        yield _mismatch(cell, part, column, usual or "", alone=len(mismatches) == len(cell.parts))
    for part in cell.parts:
        yield from _of_part(cell, part, column)
    if comma is None and not mismatches:
        yield from _together(cell, column)


def column_finding(
    column: Column, severity: Severity, kind: Aspect, message: str, text: str, suggestion: str = ""
) -> Finding:
    """A finding about a cell's text, which is the value concerned."""
    return Finding(severity, kind, message, values=((column.label, text),), suggestion=suggestion)


def _fits(part: Part, kind: str) -> bool:
    if part.form == "value" and part.ends[0].truth:
        return True
    return all(kind_of(value) == kind for value in part.values())


def _mismatch(cell: Cell, part: Part, column: Column, kind: str, alone: bool) -> Finding:
    value = next(value for value in part.values() if kind_of(value) != kind)
    declared = column.domain.kind is not None
    what = f"the column has values of type {kind}" if declared else f"the other cells compare with a {kind}"
    message = f"{part.text} compares with a {kind_of(value)}, and {what}: it is never met"
    better = typed_constant(value, kind)
    if better and part.form == "value":
        better = cell.replaced(part, better)
    elif better and part.form == "relation" and kind == "string":
        better = ""  # texts have an order, but hardly the one that is meant
    elif better and part.form == "relation":
        better = cell.replaced(part, f"{part.symbol} {better}")
    elif part.form == "range":
        ends = [typed_constant(end.value, kind) for end in part.ends]
        brackets = "[" if part.low_closed else "(", "]" if part.high_closed else ")"
        better = cell.replaced(part, f"{brackets[0]}{ends[0]}..{ends[1]}{brackets[1]}") if all(ends) else ""
    severity = Severity.ERROR if declared and alone else Severity.WARNING
    return column_finding(column, severity, Aspect.MISMATCH, message, cell.text, better)


def _of_part(cell: Cell, part: Part, column: Column) -> Iterator[Finding]:
    """What may surprise about one test of a cell."""

    def warn(kind: Aspect, message: str, suggestion: str = "", severity: Severity = Severity.WARNING) -> Finding:
        better = cell.replaced(part, suggestion) if suggestion else ""
        return column_finding(column, severity, kind, message, cell.text, better)

    words = [token.text for token in part.tokens if token.kind == "name"]
    if any(end.timed for end in part.ends):
        yield warn(Aspect.CLOCK, "the test depends on the day on which it is made", severity=Severity.HINT)
    if part.form != "value":
        return
    value = part.ends[0].value
    if len(part.tokens) == 3 and part.tokens[1].text == "-" and isinstance(value, Decimal):
        low, high = sorted((part.tokens[0].text, part.tokens[2].text), key=Decimal)
        message = f"{part.text} is a subtraction, whose value is {text_of(value)}; a range is written with two points"
        yield warn(Aspect.NOT_A_RANGE, message, f"[{low}..{high}]")
    elif isinstance(value, Decimal) and (found := _DATE.fullmatch(_tight(part))):
        better = typed_constant(found.group(), "date")
        message = f"{part.text} is a subtraction, whose value is {text_of(value)}; a date is written date(...)"
        dated = column.domain.kind in ("date", "date and time")
        severity = Severity.ERROR if dated and len(cell.parts) == 1 else Severity.WARNING
        yield warn(Aspect.NOT_A_DATE, message if better else f"{message}, and there is no such day", better, severity)
    elif isinstance(value, list) and len(part.tokens) == 5 and part.tokens[2].text == "-":
        low, high = sorted((part.tokens[1].text, part.tokens[3].text), key=Decimal)
        message = f"{part.text} is a list of one difference; a range is written with two points"
        yield warn(Aspect.NOT_A_RANGE, message, f"[{low}..{high}]")
    elif isinstance(value, list) and part.tokens[0].text == "[":
        if len(value) == 2 and all(isinstance(item, Decimal) for item in value):
            low, high = sorted(value)
            message = f"{part.text} is a list: it is met by {text_of(low)} and {text_of(high)} alone, not between them"
            yield warn(Aspect.NOT_A_RANGE, message, f"[{text_of(low)}..{text_of(high)}]")
    elif part.ends[0].truth and ("or" in words or "and" in words) and not isinstance(value, bool):
        better = re.sub(r"\s+or\s+", ", ", part.text) if "and" not in words else ""
        yield warn(Aspect.NEVER_MET, f"{part.text} joins what is neither true nor false: it is never met", better)
    elif part.ends[0].truth and isinstance(value, bool) and column.domain.kind != "boolean":
        kind, word = (Aspect.ALWAYS_MET, "always") if value else (Aspect.NEVER_MET, "never")
        yield warn(kind, f"{part.text} asks nothing of the column's value: it is {word} met")
    elif isinstance(value, str) and column.domain.kind in (None, "string"):
        if _LOOKS_LIKE_A_TEST.match(value):
            better = value.strip() if column.domain.kind is None else ""
            yield warn(Aspect.TEXT_OF_A_TEST, f"{part.text} is a text: only that text meets it", better)
        elif value.strip() in ("-", "null"):
            meant = "any value" if value.strip() == "-" else "a missing value"
            message = f"{part.text} is a text, and not {meant}"
            yield warn(Aspect.TEXT_OF_A_TEST, message, value.strip(), Severity.HINT)


def _tight(part: Part) -> str:
    return part.text.replace(" ", "")


def _together(cell: Cell, column: Column) -> Iterator[Finding]:
    """What the tests of a cell are together: met by no value, by all, or by more than the author may think."""
    outside = [v for part in cell.parts if part.form == "value" for v in part.values() if not column.allows(v)]
    outside = [value for value in outside if not cell.negated]
    for value in outside:
        near = closest(value, column.allowed_text(), column.reader)
        shown = text_of(value, inner=True)
        part = next(part for part in cell.parts if value in part.values())
        better = cell.replaced(part, near) if near and len(part.values()) == 1 else ""
        message = f"{shown} is none of the allowed values {column.allowed_text()}: it is never met"
        yield column_finding(column, Severity.WARNING, Aspect.OUTSIDE_VALUES, message, cell.text, better)
    try:
        found = None if outside else _on_the_line(cell, column)
    except (IncomparableError, ArithmeticError):
        return
    if found is not None:
        yield found


def _on_the_line(cell: Cell, column: Column) -> Finding | None:  # noqa: PLR0911 - one for each kind
    spans = spans_of(cell)
    if not spans:
        return _of_truths(cell, column)
    whole = column.domain.whole and all(isinstance(end, Decimal) for s in spans for end in (s.low, s.high) if end)
    merged = union(spans, whole)
    if cell.negated and covers_all(merged):
        return column_finding(column, Severity.WARNING, Aspect.NEVER_MET, f"{cell.text} is met by no value", cell.text)
    if not merged and not cell.negated:
        message = f"{cell.text} is met by no {'whole number' if whole and union(spans) else 'value'}"
        return column_finding(column, Severity.WARNING, Aspect.NEVER_MET, message, cell.text, _turned(cell))
    if not merged or covers_all(merged):
        message = f"{cell.text} is met by every value: a comma is read as or"
        if cell.negated or len(cell.parts) == 1:
            message = f"{cell.text} is met by every value"
        return column_finding(column, Severity.WARNING, Aspect.ALWAYS_MET, message, cell.text, _conjunction(cell))
    if not cell.negated:
        for line in column.lines():
            ends = [end for span in (*merged, *line) for end in (span.low, span.high) if end is not None]
            if on_a_line(ends) and not meet(merged, line, whole):
                message = f"{cell.text} is met by none of the allowed values {column.allowed_text()}"
                return column_finding(column, Severity.WARNING, Aspect.OUTSIDE_VALUES, message, cell.text)
    empty = [part for part in cell.parts if not union(part.spans() or [], whole)]
    if empty and any(part.spans() for part in empty):
        part = next(part for part in empty if part.spans())
        message = f"{part.text} is met by no value, so that the rest of {cell.text} decides"
        return column_finding(column, Severity.WARNING, Aspect.NEVER_MET, message, cell.text)
    return _redundant(cell, column)


def _of_truths(cell: Cell, column: Column) -> Finding | None:
    """A cell that both true and false meet."""
    values = [value for part in cell.parts for value in part.values() if part.form == "value"]
    if not cell.negated and True in values and False in values and all(isinstance(value, bool) for value in values):
        message = f"{cell.text} is met by both true and false"
        return column_finding(column, Severity.HINT, Aspect.ALWAYS_MET, message, cell.text, "-")
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
                return column_finding(column, Severity.HINT, Aspect.REDUNDANT_TEST, message, cell.text)
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
