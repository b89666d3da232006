"""Ranges as FEEL writes them: with two ends in brackets, or a comparison without its left side."""

from __future__ import annotations

from mlc.dmn.errors import Kind

from .cursor import Cursor, Node, constant
from .run import Code, Run, Scope, Value
from .values import Outside, Range, kind_of


def range_from(parser: Cursor, low: Node, low_closed: bool) -> Node:
    """The rest of a range whose low end has been read."""
    parser.expect("..")
    high = parser.endpoint()
    if not parser.at("]", ")", "["):
        raise parser.unexpected('expected the end of a range: "]", ")" or "["')
    high_closed = parser.advance().text == "]"
    low_code, high_code = low.code, high.code
    # The grammar has no null at an end (10.3.1.2, endpoint); an end that turns out to be null is another thing.
    null_is_written = any(end.constant and end.code({}, Run()) is None for end in (low, high))

    def make(scope: Scope, run: Run) -> Value:
        low_end, high_end = low_code(scope, run), high_code(scope, run)
        lacking = low_end is None or high_end is None
        if lacking or kind_of(low_end) != kind_of(high_end):
            message = f"there is no range from {kind_of(low_end)} to {kind_of(high_end)}"
            run.note(Kind.WRONG_TYPE, message, parser.place)
            if not lacking or null_is_written or low_end is high_end:
                return None
        return Range(low_end, high_end, low_closed, high_closed, lacking)

    found = make({}, Run()) if low.constant and high.constant else None
    return Node(make) if found is None else constant(found)


def _one_ended(symbol: str, code: Code) -> Code:
    """`(< 10)` and the like; `(= 10)` is the range from 10 to 10 (10.3.2.7). Null where the end is."""
    closed = "=" in symbol

    def make(scope: Scope, run: Run) -> Range | None:
        end = code(scope, run)
        if end is None:
            return None
        if symbol == "=":
            return Range(end, end, single=True)
        if symbol == "!=":
            return Outside(end, end, False, False)
        return Range(None, end, False, closed) if symbol.startswith("<") else Range(end, None, closed, False)

    return make


def one_ended(parser: Cursor) -> Node:
    """A comparison without its left side, which is a range (10.3.2.7): `< 10`."""
    symbol = parser.advance().text
    return Node(_one_ended(symbol, parser.endpoint().code))
