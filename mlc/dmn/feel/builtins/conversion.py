"""From one type to another."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, DecimalException

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import temporal
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.values import NUMBERS, YearsMonthsDuration, equal, kind_of

from .signature import builtin

_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@builtin("number(from: string, grouping separator: string?, decimal separator: string?)")
def number(text: str, grouping: str | None = None, point: str | None = None) -> Decimal:
    """The number that a text writes."""
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (point and point == grouping):
        raise FeelError("number(): the separators must be different ones of space, comma and point")
    plain = text.replace(grouping, "") if grouping else text
    plain = plain.replace(point, ".") if point else plain
    if not _NUMBER.fullmatch(plain):
        raise FeelError(f'number(): "{text}" is not a number')
    try:
        return NUMBERS.create_decimal(plain)
    except DecimalException:
        raise FeelError("number(): the number is out of range") from None


def _whole(*numbers: Decimal) -> list[int]:
    if any(part != int(part) for part in numbers):
        raise FeelError("the parts of a date or time must be whole numbers")
    return [int(part) for part in numbers]


@builtin("date(from: Any)")
def date_from(value: Value) -> date:
    """The date of a text or of a date and time."""
    if isinstance(value, str):
        return temporal.parse_date(value)
    if isinstance(value, datetime):
        return value.date()
    if type(value) is date:
        return value
    raise FeelError(f"date(): {kind_of(value)} has no date")


@builtin("date(year: number, month: number, day: number)")
def date_of(year: Decimal, month: Decimal, day: Decimal) -> date:
    """The date of a year, month and day."""
    try:
        return date(*_whole(year, month, day))
    except (ValueError, OverflowError) as error:
        raise FeelError(f"date(): {error}") from None


@builtin("time(from: Any)")
def time_from(value: Value) -> time:
    """The time of a text or of a date and time."""
    if isinstance(value, str):
        return temporal.parse_time(value)
    if isinstance(value, datetime):
        return value.timetz()
    if isinstance(value, time):
        return value
    if type(value) is date:
        return temporal.parse_time("00:00:00Z")
    raise FeelError(f"time(): {kind_of(value)} has no time")


@builtin("time(hour: number, minute: number, second: number, offset: days and time duration?)")
def time_of(hour: Decimal, minute: Decimal, second: Decimal, offset: timedelta | None = None) -> time:
    """The time of an hour, minute and second; these may have a fraction."""
    whole = int(second)
    try:
        zone = None if offset is None else timezone(offset)
        whole_hour, whole_minute = _whole(hour, minute)
        return time(whole_hour, whole_minute, whole, int((second - whole) * 1_000_000), zone)
    except (ValueError, OverflowError) as error:
        raise FeelError(f"time(): {error}") from None


@builtin("date and time(from: Any)")
def date_and_time_from(value: Value) -> datetime:
    """The date and time of a text, or the midnight of a date."""
    if isinstance(value, str):
        return temporal.parse_datetime(value)
    if isinstance(value, datetime):
        return value
    if type(value) is date:
        return datetime.combine(value, time())
    raise FeelError(f"date and time(): {kind_of(value)} is none")


@builtin("date and time(date: Any, time: time)")
def date_and_time_of(day: Value, clock: time) -> datetime:
    """The date and time of a date and a time."""
    if not isinstance(day, date):
        raise FeelError(f"date and time(): {kind_of(day)} has no date")
    return datetime.combine(date_from(day), clock)


@builtin("duration(from: string)")
def duration(text: str) -> timedelta | YearsMonthsDuration:
    """The duration that a text writes."""
    return temporal.parse_duration(text)


@builtin("is(value1: Any, value2: Any)")
def identical(value1: Value, value2: Value) -> bool:
    """Whether two values are of one type and equal, an offset included."""
    same = equal(value1, value2) is True
    if same and isinstance(value1, (time, datetime)):
        return bool(value1.utcoffset() == value2.utcoffset())
    return same
