"""Input cells that cannot be met, that every value meets, or that compare with what their column never has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from mlc.dmn.analysis.facts import facts_of
from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.analysis.spelling import quoted, typed_constant
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.feel.values import kind_of, text_of
from mlc.dmn.model import DecisionModel

from .dates import unquoted_dates, unquoted_dates_told
from .inputcolumn import Column
from .metby import on_the_line
from .numerals import comma_in_a_number
from .parts import Cell, Part
from .spans import IncomparableError

_LOOKS_LIKE_A_TEST = re.compile(r"\s*(?:[<>]=?|!=|==?)\s*\S|\s*[\[(].*\.\..*[\])]\s*$|\s*not\s*\(.+\)\s*$", re.DOTALL)
#: Several words in one text, such as "PROD, DEV".
_WORDS = re.compile(r"[^\W\d][\w.-]*(?:\s*[,;|]\s*[^\W\d][\w.-]*)+")
#: A text, and a star before or behind it.
_STARRED = re.compile(r"(\*?)([^*]+)(\*?)")


def check_input_cells(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
    """All cells of all input columns."""
    unparsed = facts_of(model).unparsed
    for index in range(len(table.box.inputs)):
        column = Column(table, index, model)
        usual = column.domain.kind or _usual_kind(column)
        known: dict[str, list[Finding]] = {}
        for rule, text in zip(table.table.rules, column.cells, strict=True):
            if text.text not in known:
                is_broken = unparsed and rule.place.at(column=column.label) in unparsed
                cell = None if is_broken else column.cell(text)
                known[text.text] = [] if cell is None else list(_of_cell(cell, column, usual))
            for found in known[text.text]:
                yield replace(found, place=rule.place.at(column=column.label))


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
    dates = unquoted_dates(cell, usual)
    yield from unquoted_dates_told(cell, dates, column, usual)
    told = {id(part) for part in dates}
    parts = [part for part in cell.parts if id(part) not in told]
    mismatches = [part for part in parts if usual is not None and not _fits(part, usual)]
    comma = comma_in_a_number(cell, column.cells, whole=column.domain.whole)
    if comma is not None:
        yield column.finding(Severity.WARNING, Aspect.DIGITS, comma.message, cell.text, comma.suggestion)
    for part in mismatches:
        yield _mismatch(cell, part, column, usual or "", alone=len(mismatches) == len(cell.parts))
    for part in parts:
        yield from _of_part(cell, part, column)
    if comma is None and not mismatches and not dates:
        yield from _together(cell, column)


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
    if any(end.timed for end in part.ends):
        better = ""  # a constant of today would be another test tomorrow
    severity = Severity.ERROR if declared and alone else Severity.WARNING
    return column.finding(severity, Aspect.MISMATCH, message, cell.text, better)


def _of_part(cell: Cell, part: Part, column: Column) -> Iterator[Finding]:
    """What may surprise about one test of a cell."""

    def warn(kind: Aspect, message: str, suggestion: str = "", severity: Severity = Severity.WARNING) -> Finding:
        better = cell.replaced(part, suggestion) if suggestion else ""
        return column.finding(severity, kind, message, cell.text, better)

    words = [token.text for token in part.tokens if token.kind == "name"]
    if any(end.timed for end in part.ends):
        yield warn(Aspect.CLOCK, "the test depends on the day on which it is made", severity=Severity.HINT)
    if part.text == "?" and column.domain.kind not in (None, "boolean"):
        yield warn(Aspect.ALWAYS_MET, "? is the value itself: it is always met", "-")
    if part.form != "value":
        return
    value = part.ends[0].value
    if len(part.tokens) == 3 and part.tokens[1].text == "-" and isinstance(value, Decimal):
        low, high = sorted((part.tokens[0].text, part.tokens[2].text), key=Decimal)
        message = f"{part.text} is a subtraction, whose value is {text_of(value)}; a range is written with two points"
        yield warn(Aspect.NOT_A_RANGE, message, f"[{low}..{high}]")
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
        yield from _of_text(value, part, column, warn)


def _of_text(value: str, part: Part, column: Column, warn: Callable[..., Finding]) -> Iterator[Finding]:
    """What may surprise about a text that a cell compares with."""
    if _LOOKS_LIKE_A_TEST.match(value):
        better = value.strip() if column.domain.kind is None else ""
        yield warn(Aspect.TEXT_OF_A_TEST, f"{part.text} is a text: only that text meets it", better)
    elif value.strip() in ("-", "null"):
        meant = "any value" if value.strip() == "-" else "a missing value"
        message = f"{part.text} is a text, and not {meant}"
        yield warn(Aspect.TEXT_OF_A_TEST, message, value.strip(), Severity.HINT)
    elif column.allowed:
        return  # whether they have it is another question
    elif value.strip() and value != value.strip():
        message = f"{part.text} has spaces at its ends: only a text that has them, too, meets it"
        yield warn(Aspect.TEXT_OF_A_TEST, message, quoted(value.strip()))
    elif _WORDS.fullmatch(value):
        message = f"{part.text} is one text: neither of the words in it meets it"
        words = [quoted(word.strip()) for word in re.split("[,;|]", value)]
        yield warn(Aspect.TEXT_OF_A_TEST, message, ", ".join(words), Severity.HINT)
    elif (found := _STARRED.fullmatch(value)) is not None:
        test = "contains" if found[1] and found[3] else "ends with" if found[1] else "starts with"
        if found[1] or found[3]:
            message = f"{part.text} is met by that text alone: a star stands for nothing else"
            yield warn(Aspect.TEXT_OF_A_TEST, message, f"{test}(?, {quoted(found[2])})", Severity.HINT)


def _together(cell: Cell, column: Column) -> Iterator[Finding]:
    """What the tests of a cell are together: met by no value, by all, or by more than the author may think."""
    outside = [v for part in cell.parts if part.form == "value" for v in part.values() if not column.allows(v)]
    outside = [value for value in outside if not cell.negated]
    for value in outside:
        near = column.reader.closest(value, column.allowed_text())
        shown = text_of(value, inner=True)
        part = next(part for part in cell.parts if value in part.values())
        better = cell.replaced(part, near) if near and len(part.values()) == 1 else ""
        message = f"{shown} is none of the allowed values {column.allowed_text()}: it is never met"
        yield column.finding(Severity.WARNING, Aspect.OUTSIDE_VALUES, message, cell.text, better)
    try:
        found = None if outside else on_the_line(cell, column)
    except (IncomparableError, ArithmeticError):
        return
    if found is not None:
        yield found
