"""Constants that have no value: 1/0, a text divided by a text, a day and thirty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from mlc.dmn.analysis.cells.parts import cell_of, split, text_of_tokens
from mlc.dmn.analysis.closed import Reader
from mlc.dmn.analysis.finding import Aspect
from mlc.dmn.feel.lexer import Token
from mlc.dmn.feel.values import kind_of, text_of

from .calls import Fault

_DAYS = ("date", "date and time")


def constants_without_value(text: str, reader: Reader, *, is_cell: bool) -> Iterator[Fault]:
    """The constants in an input cell, or the expression of an output cell, that cannot be worked out."""
    cell = cell_of(text, reader) if is_cell else None
    if cell is not None:
        for part in cell.parts:
            reason = next((end.problems[0].message for end in part.ends if end.problems), "")
            if reason:
                behind = part.tokens[1:] if part.form == "relation" else part.tokens
                better = _mended(text, behind, reader) if part.form != "range" else ""
                better = f"{part.symbol} {better}" if better and part.symbol else better
                yield _fault(part.text, reason, cell.replaced(part, better) if better else "")
    elif not is_cell:
        whole = reader.closed(text)
        if whole is not None and whole.problems:
            yield _fault(text, whole.problems[0].message, _mended(text, reader.tokens(text) or [], reader))


def _fault(text: str, reason: str, better: str) -> Fault:
    return Fault(Aspect.BAD_CONSTANT, f"{text} cannot be worked out: {reason}", better)


def _mended(text: str, tokens: Sequence[Token], reader: Reader) -> str:
    """Days that are added as a number, and a number that is joined to a text, as FEEL has it."""
    for sign in ("+", "-"):
        pieces = split(tokens, sign)
        if len(pieces) != 2 or not all(pieces):
            continue
        texts = [text_of_tokens(text, piece) for piece in pieces]
        left, right = (reader.closed(one) for one in texts)
        if left is None or right is None:
            continue
        if kind_of(left.value) in _DAYS and isinstance(right.value, Decimal) and right.value % 1 == 0:
            return f'{texts[0]} {sign} duration("P{text_of(right.value)}D")'
        if sign == "+" and {kind_of(left.value), kind_of(right.value)} == {"string", "number"}:
            joined = [
                f"string({one})" if isinstance(end.value, Decimal) else one
                for one, end in zip(texts, (left, right), strict=True)
            ]
            return " + ".join(joined)
    return ""
