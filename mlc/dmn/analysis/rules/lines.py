"""The ordered sets of values that a column may have, each seen as a line on which constants are points.

A line tells the place of a value on it, finds a value between two places if there is one (between two dates a day
apart there is none), and writes a value as FEEL does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from decimal import ROUND_FLOOR, Decimal, DecimalException
from typing import Any

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import moments, wide
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.values import NUMBERS, kind_of, text_of
from mlc.dmn.feel.wide import DAY, SECOND, YearsMonthsDuration

#: Units of a clock in which a value between two others is looked for, the coarsest first, in nanoseconds.
_UNITS = (DAY, 3600 * SECOND, 60 * SECOND, SECOND, 1_000_000, 1)
#: The most that an offset differs from UTC.
_FURTHEST = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Line:
    """The values of one kind. `key` gives a value's place, `between` a value strictly between two places (None: no
    bound on that side), or None if there is none. `first` are the points that it has whether or not a cell names them.
    """

    kind: str
    key: Callable[[Value], Any]
    between: Callable[[Any, Any], Value]
    first: tuple[Value, ...] = ()


def line_of(value: Value) -> str | None:
    """The name of the line that a value lies on; None for a list, a context and whatever else has no order.

    A time with an offset and one without do not compare: they lie on two lines.
    """
    kind = kind_of(value)
    if kind in ("time", "date and time"):
        return f"{kind} with offset" if wide.position(value)[0] else kind
    return kind if kind in LINES else None


def feel(value: Value) -> str:
    """A value as a literal of FEEL, or a call that makes it."""
    kind = kind_of(value)
    if kind in ("date", "time", "date and time"):
        return f'{kind}("{text_of(value)}")'
    if kind.endswith("duration"):
        return f'duration("{text_of(value)}")'
    return text_of(value, inner=True)


def _number_between(low: Decimal | None, high: Decimal | None) -> Decimal | None:
    if low is None or high is None:
        return _whole_between(low, high)
    if high - low > 2:
        return _whole_between(low, high)
    middle = NUMBERS.divide(NUMBERS.add(low, high), Decimal(2))
    return middle if low < middle < high else None


def _whole_between(low: Decimal | None, high: Decimal | None) -> Decimal | None:
    if low is None:
        found = Decimal(0) if high is None else NUMBERS.minus(_whole_above(NUMBERS.minus(high)))
    else:
        found = _whole_above(low)
    return found if found.is_finite() and (high is None or found < high) else None


def _whole_above(number: Decimal) -> Decimal:
    """The next whole number, or the next one that a number of so many digits can be; infinity above the last one."""
    above = NUMBERS.add(number.to_integral_value(rounding=ROUND_FLOOR), Decimal(1))
    if above > number:
        return above
    try:
        return NUMBERS.next_plus(number)
    except DecimalException:
        return Decimal("Infinity")


def _text_between(low: str | None, high: str | None) -> str | None:
    """The next string behind one is that with the least of all characters added."""
    if low is None:
        return "" if high is None or high else None
    if high is None:
        return f"{low}~"
    return next((text for text in (f"{low}~", f"{low} ", f"{low}\0") if low < text < high), None)


def _counted(make: Callable[[int], Value], units: tuple[int, ...] = (1,)) -> Callable[[Any, Any], Value]:
    """`between` of values that are whole numbers of something; the coarsest unit that finds one."""

    def between(low: int | None, high: int | None) -> Value:
        for unit in units:
            found = low + unit if low is not None else 0 if high is None else high - unit
            if high is not None and found >= high:
                continue
            try:
                value = make(found)
            except (FeelError, ValueError, OverflowError):
                continue
            if value is not None:
                return value
        return None

    return between


def _clock(nanos: int) -> Value:
    return moments.clock_of(nanos, None) if 0 <= nanos < DAY else None


def _clock_with_offset(nanos: int) -> Value:
    """A time at a place in UTC: with an offset that shifts it into the day."""
    if 0 <= nanos < DAY:
        return moments.clock_of(nanos, UTC)
    offset = _FURTHEST if nanos < 0 else -_FURTHEST
    local = nanos + wide.nanoseconds(offset)
    return moments.clock_of(local, timezone(offset)) if 0 <= local < DAY else None


def _place(value: Value) -> int:
    return wide.position(value)[1]


_ANY_DAY = 739_000  # a day in the 21st century, where a column of dates names none
LINES: dict[str, Line] = {
    line.kind: line
    for line in (
        Line("null", lambda _: 0, lambda *_: None, (None,)),
        Line("boolean", int, lambda *_: None, (False, True)),
        Line("number", lambda value: value, _number_between),
        Line("string", lambda value: value, _text_between),
        Line("date", _place, _counted(lambda number: moments.day_of(number or _ANY_DAY))),
        Line("time", _place, _counted(_clock, _UNITS[1:])),
        Line("time with offset", _place, _counted(_clock_with_offset, _UNITS[1:])),
        Line("date and time", _place, _counted(lambda n: moments.moment_of(n or _ANY_DAY * DAY, None), _UNITS)),
        Line("date and time with offset", _place, _counted(lambda n: moments.moment_of(n, UTC), _UNITS)),
        Line("days and time duration", _place, _counted(moments.duration_of, _UNITS)),
        Line("years and months duration", lambda value: value.months, _counted(YearsMonthsDuration)),
    )
}
#: Numbers of a column whose type has whole numbers alone.
WHOLE = Line("number", lambda value: value, _whole_between)
#: What a column without a type holds, of which no cell says more than that it is there.
ANYTHING = Line("anything", lambda value: value, lambda *_: "any")
