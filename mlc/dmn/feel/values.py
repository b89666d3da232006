"""FEEL's values as Python's: what they are called, when they are equal, how they are ordered and written."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from mlc.dmn.errors import FeelError

from .run import Run, Value

#: Arithmetic as IEEE 754-2008 decimal128, which the DMN specification asks for (10.3.2.3.1).
NUMBERS = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)


@dataclass(frozen=True, slots=True, order=True)
class YearsMonthsDuration:
    """A years and months duration, which is no fixed number of days."""

    months: int

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"{'-' if self.months < 0 else ''}P{text}"


@dataclass(frozen=True, slots=True)
class Range:
    """A FEEL range; an end of None is unbounded."""

    low: Value
    high: Value
    low_closed: bool = True
    high_closed: bool = True

    def contains(self, value: Value) -> bool | None:
        """Whether the value lies in the range; None when it cannot be compared with the ends."""
        above: bool | None = True
        if self.low is not None:
            above = ordered(operator.ge if self.low_closed else operator.gt, value, self.low)
        if self.high is None or above is False:
            return above
        below = ordered(operator.le if self.high_closed else operator.lt, value, self.high)
        return below if above else (False if below is False else None)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function as a value; `call` takes the arguments in the order of `parameters`."""

    name: str
    parameters: tuple[str, ...]
    call: Callable[[list[Value], Run], Value]

    def bind(self, named: Mapping[str, Value]) -> list[Value]:
        """Arguments given by name, in order. Raises FeelError when one is missing or unknown."""
        if set(named) != set(self.parameters):
            raise FeelError(f"{self.name}() takes ({', '.join(self.parameters)}), not ({', '.join(named)})")
        return [named[parameter] for parameter in self.parameters]


KINDS: dict[type, str] = {
    type(None): "null",
    Decimal: "number",
    str: "string",
    bool: "boolean",
    date: "date",
    time: "time",
    datetime: "date and time",
    timedelta: "days and time duration",
    YearsMonthsDuration: "years and months duration",
    list: "list",
    dict: "context",
    Range: "range",
    Function: "function",
}
ORDERED = frozenset({Decimal, str, date, time, datetime, timedelta, YearsMonthsDuration})


def kind_of(value: Value) -> str:
    """FEEL's name for the type of a value."""
    return KINDS.get(type(value), "function")


def ordered(relation: Callable[[Any, Any], bool], left: Value, right: Value) -> bool | None:
    """`relation` of two values of one ordered type; None for anything else, since nothing compares across types."""
    kind = type(left)
    if kind is not type(right) or kind not in ORDERED:
        return None
    try:
        return relation(left, right)
    except TypeError:  # a time with an offset beside one without
        return None


def equal(left: Value, right: Value) -> bool | None:
    """FEEL's `=`: None when the types differ; null equals null alone."""
    if left is None or right is None:
        return left is right
    if type(left) is not type(right):
        return None
    if isinstance(left, list):
        return len(left) == len(right) and all(equal(a, b) is True for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) is True for key in left)
    return bool(left == right)


def is_in(value: Value, test: Value) -> bool | None:
    """Whether a value satisfies the value of a unary test: is equal to it, lies in the range or the list that it is."""
    if isinstance(test, Range) and not isinstance(value, Range):
        return test.contains(value)
    if isinstance(test, list):
        if isinstance(value, list) and equal(value, test):
            return True
        answers = [is_in(value, item) for item in test]
        return True if True in answers else (None if answers and all(a is None for a in answers) else False)
    return equal(value, test)


def number_text(number: Decimal) -> str:
    """A number without exponent and without trailing zeros behind the point."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def duration_text(duration: timedelta) -> str:
    """A days and time duration in ISO 8601."""
    seconds, sign = abs(duration), "-" if duration < timedelta() else ""
    hours, rest = divmod(seconds.seconds, 3600)
    minutes, whole = divmod(rest, 60)
    fraction = f".{seconds.microseconds:06d}".rstrip("0") if seconds.microseconds else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    clock += f"{whole}{fraction}S" if whole or fraction else ""
    days = f"{seconds.days}D" if seconds.days else ""
    return f"{sign}P{days}T{clock}" if clock else (f"{sign}P{days}" if days else "PT0S")


def clock_text(value: time | datetime) -> str:
    """A time, or a date and time, in ISO 8601; the offset last, `Z` for UTC, a named zone behind `@`."""
    text = value.replace(tzinfo=None).isoformat()
    text = text.rstrip("0") if value.microsecond else text
    zone = getattr(value.tzinfo, "key", None)
    if zone:
        return f"{text}@{zone}"
    offset = value.utcoffset()
    if offset is None:
        return text
    if not offset:
        return f"{text}Z"
    minutes, seconds = divmod(int(abs(offset).total_seconds()), 60)
    tail = f":{seconds:02d}" if seconds else ""
    return f"{text}{'-' if offset < timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}{tail}"


def text_of(value: Value, inner: bool = False) -> str:  # noqa: PLR0911 - one return for each type
    """A value as FEEL's `string()` writes it; strings inside of lists and contexts are quoted."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if inner else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, (time, datetime)):
        return clock_text(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, list):
        return "[" + ", ".join(text_of(item, True) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {text_of(item, True)}" for key, item in value.items()) + "}"
    if isinstance(value, Range):
        low, high = (("" if end is None else text_of(end, True)) for end in (value.low, value.high))
        return f"{'[' if value.low_closed else '('}{low}..{high}{']' if value.high_closed else ')'}"
    if isinstance(value, Function):
        return f"function {value.name}({', '.join(value.parameters)})"
    return "null" if value is None else str(value)
