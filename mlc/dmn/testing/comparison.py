"""Whether a result is the expected one, and if not, what differs: by FEEL's types, as the engine has them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.types import MISFIT, type_of
from mlc.dmn.feel.values import Range, equal, kind_of, text_of

#: Characters of a value that a difference shows.
SHOWN = 200
#: Rows of a result without order that are compared each with each.
MOST_ROWS = 300


def difference(expected: Value, result: Value, *, unordered: bool = False, tolerance: Decimal = Decimal(0)) -> str:
    """What differs, as a sentence; "" when nothing does.

    Numbers are equal as decimals, 0.10 is 0.1, and may differ by the tolerance. A text is equal to a date, time or
    duration that it denotes. A context may have more entries than are expected, at every depth; a list may not have
    more items. The items of an `unordered` result may come in any order, unless there are more than MOST_ROWS.
    """
    if unordered and isinstance(expected, list) and isinstance(result, list):
        return _rows(expected, result, tolerance)
    return _compared(expected, result, tolerance, "")


def _compared(expected: Value, result: Value, tolerance: Decimal, path: str) -> str:
    if isinstance(expected, Mapping) and isinstance(result, dict):
        return _contexts(expected, result, tolerance, path)
    if isinstance(expected, list) and isinstance(result, list):
        if len(expected) != len(result):
            return _told(path, f"expected {_items(expected)}, got {_items(result)}")
        pairs = enumerate(zip(expected, result, strict=True), 1)
        return next(filter(None, (_compared(one, other, tolerance, f"{path}[{n}]") for n, (one, other) in pairs)), "")
    if _same(expected, result, tolerance):
        return ""
    if kind_of(expected) != kind_of(result) and expected is not None and result is not None:
        kinds = kind_of(expected), kind_of(result)
        return _told(path, f"expected the {kinds[0]} {_shown(expected)}, got the {kinds[1]} {_shown(result)}")
    return _told(path, f"expected {_shown(expected)}, got {_shown(result)}")


def _contexts(expected: Mapping[str, Value], result: dict[str, Value], tolerance: Decimal, path: str) -> str:
    if not expected and result:
        return _told(path, f"expected the empty context, got {_shown(result)}")
    for name, value in expected.items():
        inner = f"{path}.{name}" if path else name
        if name not in result:
            has = ", ".join(list(result)[:20]) or "nothing"
            return _told(inner, f"expected {_shown(value)}, and the result has no such entry; it has {has}")
        if told := _compared(value, result[name], tolerance, inner):
            return told
    return ""


def _same(expected: Value, result: Value, tolerance: Decimal) -> bool:
    if type(expected) is Decimal and type(result) is Decimal:
        return expected == result or (bool(tolerance) and abs(expected - result) <= tolerance)
    if isinstance(expected, str) and not isinstance(result, str) and result is not None:
        if isinstance(result, Range):
            return expected == text_of(result)
        wanted = type_of(result)
        if wanted.parse is None:
            return False
        expected = wanted.read(expected, Run())
        return expected is not MISFIT and equal(expected, result) is True
    return equal(expected, result) is True


def _rows(expected: list[Value], result: list[Value], tolerance: Decimal) -> str:
    """Find for every expected item one of the result's own: an item that expects little may not take another's."""
    if len(expected) != len(result):
        return f"expected {_items(expected)}, got {_items(result)}"
    if not (told := _compared(expected, result, tolerance, "")) or len(expected) > MOST_ROWS:
        return told
    taken: dict[int, int] = {}
    fitting = [[n for n, item in enumerate(result) if not _compared(row, item, tolerance, "")] for row in expected]
    for row, wanted in enumerate(expected):
        if not _given(row, fitting, taken):
            left = [item for n, item in enumerate(result) if n not in taken]
            return f"expected {_shown(wanted)} (in any order), and what is left is {_shown(left)}"
    return ""


def _given(row: int, fitting: list[list[int]], taken: dict[int, int]) -> bool:
    """Give an expected item one of the result's, for which those that have theirs already may have to change."""
    came: dict[int, int | None] = {}
    waiting: list[tuple[int, int | None]] = [(row, None)]
    for one, of in waiting:
        for n in fitting[one]:
            if n not in came:
                came[n] = of
                if n not in taken:
                    _hand_on(n, row, came, taken)
                    return True
                waiting.append((taken[n], n))
    return False


def _hand_on(last: int, row: int, came: dict[int, int | None], taken: dict[int, int]) -> None:
    """Along the way that was found, everybody takes the next item."""
    here: int | None = last
    while here is not None:
        before = came[here]
        taken[here] = row if before is None else taken[before]
        here = before


def _items(values: list[Value]) -> str:
    return f"{len(values)} item{'' if len(values) == 1 else 's'}, {_shown(values)}"


def _shown(value: Value) -> str:
    text = text_of(value, inner=True)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _told(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message
