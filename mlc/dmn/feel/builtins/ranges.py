"""Functions of ranges (DMN 1.5, 10.3.4.9, Table 78), and `range` (10.3.4.1).

The table defines each function by cases of included and excluded ends. Here an end is a place: where an excluded end
is, the range begins just behind it, or ends just before it. Then every definition is a comparison of places, a point is
the range from itself to itself, and an unbounded end lies beyond everything.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlc.dmn.errors import FeelError, FeelSyntaxError, Kind
from mlc.dmn.feel import temporal
from mlc.dmn.feel.decimal128 import NUMBERS
from mlc.dmn.feel.lexer import Token, tokenize, unquote
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.values import Outside, Range, equal, kind_of, ordered, text_of

from .signature import builtin


@dataclass(frozen=True, slots=True)
class _Place:
    """A value, -1 or 1 for just before or behind it; `beyond` is -1 or 1 for an unbounded end."""

    value: Value
    side: int
    beyond: int = 0

    def _compare(self, other: _Place, relation: Callable[[Any, Any], bool]) -> bool:
        if self.beyond or other.beyond:
            return relation(self.beyond, other.beyond)
        if equal(self.value, other.value):
            return relation(self.side, other.side)
        answer = ordered(relation, self.value, other.value)
        if answer is None:
            raise FeelError(f"{kind_of(self.value)} and {kind_of(other.value)} have no order", Kind.WRONG_TYPE)
        return answer

    def __lt__(self, other: _Place) -> bool:
        return self._compare(other, operator.lt)

    def __le__(self, other: _Place) -> bool:
        return self._compare(other, operator.le)

    def is_at(self, other: _Place) -> bool:
        """Whether both are the same place."""
        return self <= other <= self


def _is_range(value: Value) -> bool:
    """Whether a value is a range, with ends that are known. Raises FeelError for one that lacks an end."""
    if isinstance(value, Outside):
        raise FeelError(f"{text_of(value)} has no ends that could be compared", Kind.WRONG_TYPE)
    if isinstance(value, Range) and value.lacking:
        raise FeelError("an end of the range is null", Kind.WRONG_TYPE)
    return isinstance(value, Range)


def _low(value: Value) -> _Place:
    if not _is_range(value):
        return _Place(value, 0)
    return _Place(value.low, 0 if value.low_closed else 1, -1 if value.low is None else 0)


def _high(value: Value) -> _Place:
    if not _is_range(value):
        return _Place(value, 0)
    return _Place(value.high, 0 if value.high_closed else -1, 1 if value.high is None else 0)


@builtin("before(point1: point, point2: point)")
@builtin("before(point: point, range: range)")
@builtin("before(range: range, point: point)")
@builtin("before(range1: range, range2: range)")
def before(one: Value, other: Value) -> bool:
    """Whether the first lies wholly before the second: `before([1..10), 10)`."""
    return _high(one) < _low(other)


@builtin("after(point1: point, point2: point)")
@builtin("after(point: point, range: range)")
@builtin("after(range: range, point: point)")
@builtin("after(range1: range, range2: range)")
def after(one: Value, other: Value) -> bool:
    """Whether the first lies wholly behind the second."""
    return before(other, one)


@builtin("meets(range1: range, range2: range)")
def meets(one: Range, other: Range) -> bool:
    """Whether the first ends where the second starts, and both include the place."""
    return _high(one).is_at(_low(other))


@builtin("met by(range1: range, range2: range)")
def met_by(one: Range, other: Range) -> bool:
    """Whether the second meets the first."""
    return meets(other, one)


@builtin("overlaps(range1: range, range2: range)")
def overlaps(one: Range, other: Range) -> bool:
    """Whether the two have something in common."""
    return _low(other) <= _high(one) and _low(one) <= _high(other)


@builtin("overlaps before(range1: range, range2: range)")
def overlaps_before(one: Range, other: Range) -> bool:
    """Whether the first starts before the second, and ends in it."""
    return _low(one) < _low(other) <= _high(one) <= _high(other)


@builtin("overlaps after(range1: range, range2: range)")
def overlaps_after(one: Range, other: Range) -> bool:
    """Whether the second overlaps before the first."""
    return overlaps_before(other, one)


@builtin("finishes(point: point, range: range)")
@builtin("finishes(range1: range, range2: range)")
def finishes(one: Value, other: Range) -> bool:
    """Whether the two end at one place, and the first does not start before the second."""
    return _high(one).is_at(_high(other)) and _low(other) <= _low(one)


@builtin("finished by(range: range, point: point)")
@builtin("finished by(range1: range, range2: range)")
def finished_by(one: Range, other: Value) -> bool:
    """Whether the second finishes the first."""
    return finishes(other, one)


@builtin("includes(range: range, point: point)")
@builtin("includes(range1: range, range2: range)")
def includes(one: Range, other: Value) -> bool:
    """Whether the second lies wholly in the first."""
    return _low(one) <= _low(other) and _high(other) <= _high(one)


@builtin("during(point: point, range: range)")
@builtin("during(range1: range, range2: range)")
def during(one: Value, other: Range) -> bool:
    """Whether the second includes the first."""
    return includes(other, one)


@builtin("starts(point: point, range: range)")
@builtin("starts(range1: range, range2: range)")
def starts(one: Value, other: Range) -> bool:
    """Whether the two start at one place, and the first does not end behind the second."""
    return _low(one).is_at(_low(other)) and _high(one) <= _high(other)


@builtin("started by(range: range, point: point)")
@builtin("started by(range1: range, range2: range)")
def started_by(one: Range, other: Value) -> bool:
    """Whether the second starts the first."""
    return starts(other, one)


@builtin("coincides(point1: point, point2: point)")
@builtin("coincides(range1: range, range2: range)")
def coincides(one: Value, other: Value) -> bool:
    """Whether the two start and end at the same places."""
    return _low(one).is_at(_low(other)) and _high(one).is_at(_high(other))


_LITERALS: Mapping[str, Callable[[str], Value]] = {
    "date": temporal.parse_date,
    "time": temporal.parse_time,
    "date and time": temporal.parse_datetime,
    "duration": temporal.parse_duration,
}


@builtin("range(from: string)")
def range_from(text: str) -> Range:
    """The range that a text writes, with literals at its ends: `range("[18..21)")`, `range("(..2]")`."""
    wrong = FeelError(f'range(): "{text[:80]}" is not a range')
    try:
        *tokens, _ = tokenize(text)
    except FeelSyntaxError:
        raise wrong from None
    middle = [index for index, token in enumerate(tokens) if token.text == ".." and token.kind == "symbol"]
    if len(middle) != 1 or tokens[0].text not in ("[", "(", "]") or tokens[-1].text not in ("]", ")", "["):
        raise wrong
    low, high = _endpoint(tokens[1 : middle[0]], wrong), _endpoint(tokens[middle[0] + 1 : -1], wrong)
    made = Range(low, high, tokens[0].text == "[", tokens[-1].text == "]")
    unbounded = (low is None, high is None)
    if all(unbounded) or (low is None and made.low_closed) or (high is None and made.high_closed):
        raise wrong
    if not any(unbounded) and not ordered(operator.le, low, high):
        raise FeelError(f'range(): the ends of "{text[:80]}" are not of one type in ascending order')
    return made


def _endpoint(tokens: list[Token], wrong: FeelError) -> Value:
    """The value of a literal; None of none."""
    match [(token.kind, token.text) for token in tokens]:
        case []:
            return None
        case [("number", digits)]:
            return NUMBERS.create_decimal(digits)
        case [("symbol", "-"), ("number", digits)]:
            return NUMBERS.create_decimal(f"-{digits}")
        case [("string", _)]:
            return unquote(tokens[0])
        case [("symbol", "@"), ("string", _)]:
            return temporal.parse_literal(unquote(tokens[1]))
        case [*words, ("symbol", "("), ("string", _), ("symbol", ")")]:
            parse = _LITERALS.get(" ".join(text for _, text in words))
            if parse is not None:
                return parse(unquote(tokens[-2]))
    raise wrong
