"""FEEL's values as Python's: what they are called, when they are equal, how they are ordered and written."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any

from mlc.dmn.errors import FeelError

from . import timeline, wide
from .decimal128 import NUMBERS
from .run import Run, Value
from .wide import YearsMonthsDuration

__all__ = ["DEEPEST", "KINDS", "MOST", "NUMBERS", "ORDERED", "Function", "Outside", "Range", "YearsMonthsDuration",
           "equal", "is_in", "is_too_large", "kind_of", "number_text", "ordered", "pieces", "text_of"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """A FEEL range; an end of None is unbounded.

    `lacking`: an end was asked for and is null. What such a range says of its ends is as if it were unbounded there
    (10.3.2.7), but nothing is known to lie in it: what is missing must not let anything pass. `single`: it is written
    `(= 10)`, with an operator that `[10..10]` has not, so that the two are not equal (Table 53).
    """

    low: Value
    high: Value
    low_closed: bool = True
    high_closed: bool = True
    lacking: bool = False
    single: bool = False

    def contains(self, value: Value) -> bool | None:
        """Whether the value lies in the range; None when it cannot be compared with the ends."""
        if self.lacking:
            return None
        above: bool | None = True
        if self.low is not None:
            above = ordered(operator.ge if self.low_closed else operator.gt, value, self.low)
        if self.high is None or above is False:
            return above
        below = ordered(operator.le if self.high_closed else operator.lt, value, self.high)
        return below if above else (False if below is False else None)


@dataclass(frozen=True, slots=True)
class Outside(Range):
    """`(!= 10)` as a value: all that is not equal to 10. Both ends are 10, and neither is part of it."""

    def contains(self, value: Value) -> bool | None:
        """Whether the value is another one; None when the two do not compare."""
        answer = equal(value, self.low)
        return None if answer is None else not answer


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function as a value; `call` takes the arguments in the order of `parameters`.

    `type` is its type (a `types.Type`), as far as it is known.
    """

    name: str
    parameters: tuple[str, ...]
    call: Callable[[list[Value], Run], Value]
    type: Any = None

    def bind(self, named: Mapping[str, Value]) -> tuple[Function, list[Value]]:
        """What to call with arguments by name, and these in order. Raises FeelError if one is unknown.

        One that is not given is null; `lacking` names those.
        """
        if not named.keys() <= set(self.parameters):
            called = f"{self.name}()" if self.name else "the function"
            raise FeelError(f"{called} takes ({', '.join(self.parameters)}), not ({', '.join(named)})")
        return self, [named.get(parameter) for parameter in self.parameters]

    def lacking(self, named: Mapping[str, Value]) -> list[str]:
        """The parameters that a call by name leaves out and that it should not."""
        return [parameter for parameter in self.parameters if parameter not in named]


KINDS: dict[type, str] = {
    type(None): "null",
    Decimal: "number",
    str: "string",
    bool: "boolean",
    **wide.KIND,
    YearsMonthsDuration: "years and months duration",
    list: "list",
    dict: "context",
    Range: "range",
    Outside: "range",
    Function: "function",
}
ORDERED = frozenset({Decimal, str, date, time, datetime, timedelta, YearsMonthsDuration})
#: Ordered types whose values compare as Python has it.
_PLAIN = frozenset({Decimal, str, date, timedelta, YearsMonthsDuration})
#: Characters of a value that a message shows.
SHOWN = 1_000
#: Parts of a result, and lists and contexts inside of each other.
MOST, DEEPEST = 250_000, 100


def kind_of(value: Value) -> str:
    """FEEL's name for the type of a value."""
    return KINDS.get(type(value), "function")


def ordered(relation: Callable[[Any, Any], bool], left: Value, right: Value) -> bool | None:
    """`relation` of two values of one ordered type (Table 54); None for anything else: nothing else compares across
    types than a date and a date and time.
    """
    kind = type(left)
    if kind is type(right) and kind in _PLAIN:
        return relation(left, right)
    return timeline.in_order(relation, left, right) if timeline.comparable(left, right) else None


def equal(left: Value, right: Value, run: Run | None = None) -> bool | None:
    """FEEL's `=` (Table 53): None when the types differ; null equals null alone.

    What the items of lists and contexts take is charged to `run`. A pair of lists that is inside of both values many
    times is compared once, so that lists made by doubling take no longer than they took to make.
    """
    if left is None or right is None:
        return left is right
    kind = type(left)
    if kind is not type(right) or kind in timeline.CLOCKS:
        return timeline.same(left, right) if timeline.comparable(left, right) else None
    if kind is list or kind is dict:
        return _alike(left, right, run, set())
    return _same_range(left, right) if kind is Range else bool(left == right)


def _same_range(one: Range, other: Range) -> bool:
    """Whether two ranges have the same ends and operator, and include the same of the ends that there are."""
    lows, highs = (one.low, other.low), (one.high, other.high)
    return one.single is other.single and all(
        equal(*ends) is True and (ends[0] is None or closed[0] is closed[1])
        for ends, closed in (
            (lows, (one.low_closed, other.low_closed)),
            (highs, (one.high_closed, other.high_closed)),
        )
    )


def _alike(left: Any, right: Any, run: Run | None, known: set[tuple[int, int]]) -> bool:
    """Whether two lists or contexts are equal; `known` has the pairs that have been looked at already."""
    if left is right or (pair := (id(left), id(right))) in known:
        return True
    if len(left) != len(right):
        return False
    if run is not None:
        run.spend(1 + len(left) // 8)
    if isinstance(left, dict):
        if left.keys() != right.keys():
            return False
        left, right = left.values(), [right[key] for key in left]
    for one, other in zip(left, right, strict=True):
        nested = isinstance(one, (list, dict)) and type(one) is type(other)
        if not (_alike(one, other, run, known) if nested else equal(one, other)):
            return False
    known.add(pair)
    return True


def is_in(value: Value, test: Value, run: Run | None = None) -> bool | None:
    """Whether a value satisfies the value of a unary test (Table 55, `in`): is equal to it, lies in the range that it
    is, or is equal to or lies in an item of the list that it is. None when nothing there can be compared with it.
    """
    if isinstance(test, Range) and not isinstance(value, Range):
        return test.contains(value)
    if isinstance(test, list):
        if isinstance(value, list) and equal(value, test, run):
            return True
        if run is not None:
            run.spend(len(test) // 8)
        comparable = not test
        for item in test:
            answer = item.contains(value) if isinstance(item, Range) else equal(value, item, run)
            if answer:
                return True
            comparable = comparable or answer is False
        return False if comparable else None
    return equal(value, test, run)


def number_text(number: Decimal) -> str:
    """A number without exponent and without trailing zeros behind the point."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def text_of(value: Value, inner: bool = False) -> str:
    """A value as `string()` writes it. `inner`: as it stands in a list, where strings are quoted, for a person to read;
    what is very long is cut off.
    """
    if not inner:
        return "".join(pieces(value))
    text = ""
    for piece in pieces(value, inner=True):
        text += piece if len(piece) <= SHOWN else piece[:SHOWN]
        if len(text) > SHOWN:
            return text[:SHOWN] + "..."
    return text


def is_too_large(value: Value) -> bool:
    """Whether a value is more than a caller should be handed: has more than MOST parts, or is nested too deep.

    A value made by doubling takes little memory here, and fills any that it is written to.
    """
    waiting: list[tuple[Any, int]] = [([value], 0)]
    count = 0
    while waiting:
        parts, depth = waiting.pop()
        count += len(parts)
        if count > MOST or depth > DEEPEST:
            return True
        for part in parts.values() if isinstance(parts, dict) else parts:
            if isinstance(part, (list, dict)):
                waiting.append((part, depth + 1))
            elif isinstance(part, str):
                count += len(part) // 64
    return count > MOST


def pieces(value: Value, inner: bool = False, colon: str = ": ") -> Iterator[str]:
    """The text of a value, bit by bit, however deep it is; strings inside of lists and contexts are quoted.

    `colon` stands between the key and the value of an entry.
    """
    waiting = [iter([("", value)])]
    ends = [""]
    while True:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            end = ends.pop()
            if not waiting:
                return
            yield end
            continue
        mark, item = entry
        if len(waiting) > 1:
            yield mark
        if isinstance(item, list):
            waiting.append(zip(_marks(), item, strict=False))
            ends.append("]")
            yield "["
        elif isinstance(item, dict):
            marks = (f"{mark}{key}{colon}" for mark, key in zip(_marks(), item, strict=False))
            waiting.append(zip(marks, item.values(), strict=False))
            ends.append("}")
            yield "{"
        else:
            yield _quoted(item) if inner and isinstance(item, str) else _plain(item)
        inner = True


def _marks() -> Iterator[str]:
    """What stands in front of each item."""
    yield ""
    yield from repeat(", ")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(value: Value) -> str:  # noqa: PLR0911 - one return for each type
    """A value that is no list and no context."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number_text(value)
    kind = type(value)
    if kind in wide.TIMES or kind in wide.DATE_TIMES:
        return wide.clock_text(value)
    if kind in wide.DURATIONS:
        return wide.duration_text(value)
    if isinstance(value, Outside):
        return f"(!= {text_of(value.low, inner=True)})"
    if isinstance(value, Range):
        low, high = (("" if end is None else text_of(end, inner=True)) for end in (value.low, value.high))
        return f"{'[' if value.low_closed else '('}{low}..{high}{']' if value.high_closed else ')'}"
    if isinstance(value, Function):
        return f"function {value.name}({', '.join(value.parameters)})"
    return "null" if value is None else str(value)
