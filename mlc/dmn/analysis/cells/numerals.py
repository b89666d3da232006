"""Numbers as people write them elsewhere: 0,7 and 1,000 are two tests in FEEL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from mlc.dmn import elements as dmn
from mlc.dmn.feel.lexer import Token

from .parts import Cell, Part

_RELATIONS = frozenset({"<", "<=", ">", ">=", "=", "!="})
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MORE_THOUSANDS = re.compile(r"(?:,\d{3})+(?:\.\d+)?(?![\d.])")
#: The two halves of `1.000,50` and of `1,000.50`, as they are written in different countries.
_POINTS, _FRACTION = re.compile(r"[1-9]\d{0,2}\.\d{3}"), re.compile(r"\d{3}\.\d+")


class Comma(NamedTuple):
    """What a comma in a number comes to, and the cell with the number that was probably meant."""

    message: str
    suggestion: str


def comma_in_a_number(cell: Cell, column: Sequence[dmn.Text], *, whole: bool = False) -> Comma | None:
    """Two tests of a cell that may have been meant as one number.

    Behind a relation (`>= 0,7`) there is no doubt. A bare `0,7` may be a list of two values: it is taken for one number
    where a column that isn't of `whole` numbers has a zero before the comma, or fractions in other cells.
    """
    for index, (left, right) in enumerate(zip(cell.parts, cell.parts[1:], strict=False)):
        first, second = left.tokens[-1], right.tokens[0]
        if not _adjacent(first, second, left, right):
            continue
        after_relation = left.tokens[0].text in _RELATIONS
        if not after_relation and not second.text.isdigit():
            continue
        if not after_relation and not _is_one_number(cell, index, (first.text, second.text), column, whole):
            continue
        grouped = _THOUSANDS.fullmatch(f"{first.text},{second.text}") is not None and not first.text.startswith("0")
        number = first.text.replace(".", "") + ("" if grouped else ".") + second.text
        start, end = left.tokens[0].position, second.position + len(second.text)
        if grouped and (more := _MORE_THOUSANDS.match(cell.text, end)):
            number, end = number + more[0].replace(",", ""), more.end()
        meant = cell.text[start : first.position] + number
        message = f"{cell.text[start:end]} is two tests, {left.text} and {right.text}, of which one is enough"
        return Comma(message, cell.text[:start] + meant + cell.text[end:])
    return None


def _adjacent(first: Token, second: Token, left: Part, right: Part) -> bool:
    """Whether two numbers have nothing but a comma between them."""
    return (
        first.kind == second.kind == "number"
        and (first.text.isdigit() or _POINTS.fullmatch(first.text) is not None)
        and (second.text.isdigit() or (first.text.isdigit() and _FRACTION.fullmatch(second.text) is not None))
        and second.position == first.position + len(first.text) + 1
        and len(right.tokens) == 1
        and (len(left.tokens) <= 3)
    )


def _is_one_number(cell: Cell, index: int, digits: tuple[str, str], column: Sequence[dmn.Text], whole: bool) -> bool:
    first, second = digits
    if len(cell.parts) != 2 or index or cell.negated or whole:
        return False
    if not first.isdigit():  # 1.000,5: nobody writes a fraction of zeros
        return first.endswith(".000")
    if first == "0" or (second.startswith("0") and len(second) > 1):
        return True
    return any(re.search(r"\d\.\d|[<>]=?\s*\d+,\d", text.text) for text in column if text.text != cell.text)
