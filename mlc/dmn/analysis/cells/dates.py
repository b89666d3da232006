"""Dates that are written as in a letter: 2026-07-31 is a subtraction in FEEL, and 31/7/2026 a division."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.analysis.spelling import typed_constant
from mlc.dmn.feel.values import text_of

from .inputcolumn import Column
from .parts import Cell, Part

_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_OTHERS = re.compile(r"\d{4}/\d{1,2}/\d{1,2}|(\d{1,2})([/-])\d{1,2}\2\d{4}")
#: Dates of one cell that are told. Who writes more of them has seen enough.
MOST = 20
_DAYS = ("date", "date and time")


def unquoted_dates(cell: Cell, kind: str | None) -> list[Part]:
    """The tests of a cell that were meant as dates. Other forms than ISO 8601's are so in a column of dates alone."""
    return [part for part in cell.parts if any(_is_date(text, kind) for text in _ends(part))]


def _is_date(text: str, kind: str | None) -> bool:
    return _ISO.fullmatch(text) is not None or (kind in _DAYS and _OTHERS.fullmatch(text) is not None)


def _ends(part: Part) -> list[str]:
    """What a test compares with, as it is written, without spaces."""
    text = part.text.replace(" ", "")
    if part.form == "relation":
        return [text[len(part.symbol) :]]
    if part.form == "range":
        return text[1:-1].split("..")
    return [text] if part.form == "value" else []


def unquoted_dates_told(cell: Cell, dates: list[Part], column: Column, kind: str | None) -> Iterator[Finding]:
    """What is wrong with these tests, and the cell that was meant."""
    dates = dates[:MOST]
    meant = [(part, _meant(part, kind)) for part in dates]
    better = cell.replaced_all(meant) if all(text for _, text in meant) else ""
    severity = Severity.ERROR if column.domain.kind in _DAYS and len(cell.parts) == 1 else Severity.WARNING
    for part, text in meant:
        first = next(text for text in _ends(part) if _is_date(text, kind))
        what = "a division" if "/" in first else "a subtraction"
        values = [end.value for end in part.ends]
        if part.form == "value" and isinstance(values[0], Decimal) and "/" not in first:
            what += f", whose value is {text_of(values[0])}"
        message = f"{part.text if part.form == 'value' else first} is {what}; a date is written date(...)"
        if not text:
            message += ", and there is no such day" if _ISO.fullmatch(first) else ", its year first"
        yield column.finding(severity, Aspect.NOT_A_DATE, message, cell.text, better)


def _meant(part: Part, kind: str | None) -> str:
    """The test with constants for its dates; "" where it is not clear which they are."""
    found = [typed_constant(text, kind if kind in _DAYS else "date") for text in _ends(part)]
    if not all(found):
        return ""
    if part.form == "range":
        return f"{part.text[0]}{found[0]}..{found[1]}{part.text[-1]}"
    return f"{part.symbol} {found[0]}" if part.symbol else found[0]
