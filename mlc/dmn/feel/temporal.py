"""Temporal values: from ISO 8601 text (DMN 1.5, 10.3.4.1), and their arithmetic (10.3.2.3, Tables 57 and 58)."""

from __future__ import annotations

import re
from datetime import UTC, date, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import TypeAlias

from mlc.dmn.errors import FeelError, Kind

from . import moments, wide
from .decimal128 import NUMBERS
from .run import Value
from .wide import (
    DATE_TIMES,
    DATES,
    DAY,
    DURATIONS,
    SECOND,
    TIMES,
    AnyDate,
    AnyDateTime,
    AnyDuration,
    AnyTime,
    YearsMonthsDuration,
)

Duration: TypeAlias = AnyDuration | YearsMonthsDuration

_DATE = re.compile(r"(-?(?:[1-9]\d{4,8}|\d{4}))-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d(?::\d\d)?|@[\w./+-]+)?", re.ASCII)
_YEARS = re.compile(r"(-)?P(?=\d)(?:(\d{1,12})Y)?(?:(\d{1,12})M)?", re.ASCII)
_DAYS = re.compile(
    r"(-)?P(?=\d|T\d)(?:(\d{1,12})D)?(?:T(?=\d)(?:(\d{1,12})H)?(?:(\d{1,12})M)?(?:(\d{1,12})(\.\d*)?S)?)?", re.ASCII
)


def parse_date(text: str) -> AnyDate:
    """`2026-07-31`; a year has four digits, or up to nine if it needs them. Raises FeelError."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise FeelError(f'"{text}" is not a date')
    year, month, day = map(int, match.groups())
    return moments.make_date(year, month, day)


def parse_zone(text: str | None) -> tzinfo | None:
    """`Z`, `+02:00`, `@Europe/Paris` or nothing. Raises FeelError."""
    if not text:
        return None
    if text in "Zz":  # the specification writes both
        return UTC
    if text.startswith("@"):
        from zoneinfo import ZoneInfo  # it takes a moment to import, and few files name a zone

        try:
            return ZoneInfo(text[1:])
        except (ValueError, OSError, KeyError):
            raise FeelError(f'"{text[1:]}" is not a time zone') from None
    hours, minutes, *seconds = map(int, text[1:].split(":"))
    if hours > 14 or minutes > 59 or (seconds and seconds[0] > 59):
        raise FeelError(f'"{text}" is not an offset')
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)
    if not offset:
        return UTC
    return timezone(-offset if text.startswith("-") else offset)


def _clock(text: str) -> tuple[int, tzinfo | None]:
    """Nanoseconds since midnight, a whole day for 24:00:00, and the zone."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise FeelError(f'"{text}" is not a time')
    hour, minute, second = map(int, match.groups()[:3])
    nanos = ((hour * 60 + minute) * 60 + second) * SECOND + _fraction(match[4])
    if minute > 59 or second > 59 or nanos > DAY:
        raise FeelError(f'"{text}" is not a time')
    return nanos, parse_zone(match[5])


def parse_time(text: str) -> AnyTime:
    """`10:30:00`, with a fraction and an offset or zone if wanted; `24:00:00` is midnight. Raises FeelError."""
    nanos, zone = _clock(text)
    return moments.clock_of(nanos % DAY, zone)


def parse_datetime(text: str) -> AnyDateTime:
    """`2026-07-31T10:30:00`; a date alone is its midnight, and `24:00:00` that of the next day. Raises FeelError."""
    day_text, separator, clock = text.partition("T")
    day = parse_date(day_text)
    if not separator:
        return moments.combine(day, time())
    nanos, zone = _clock(clock)
    if nanos == DAY:
        day = moments.day_of(wide.day_number(day) + 1)
    return moments.combine(day, moments.clock_of(nanos % DAY, zone))


def parse_duration(text: str) -> Duration:
    """`P1Y2M` or `P1DT2H3M4.5S`, with a sign if wanted. Raises FeelError."""
    if match := _YEARS.fullmatch(text):
        sign, years, months = match.groups()
        total = 12 * int(years or 0) + int(months or 0)
        return YearsMonthsDuration(-total if sign else total)
    if match := _DAYS.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:5])
        nanos = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * SECOND + _fraction(match[6])
        return moments.duration_of(-nanos if match[1] else nanos)
    raise FeelError(f'"{text}" is not a duration')


def parse_literal(text: str) -> Value:
    """What an `@"..."` literal stands for (grammar rule 62). Raises FeelError."""
    for parse in (parse_date, parse_time, parse_datetime, parse_duration):
        try:
            return parse(text)
        except FeelError:
            continue
    raise FeelError(f'"{text}" is not a date, time, date and time or duration')


def _fraction(digits: str | None) -> int:
    return int((digits[1:] + "000000000")[:9]) if digits else 0


# -- arithmetic ----------------------------------------------------------------------------------------------------


def add_months(day: AnyDate, months: int) -> AnyDate:
    """The same day some months away, or the last day of a shorter month. Raises FeelError beyond the last year."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return moments.make_date(year, month + 1, min(day.day, days_in_month(year, month + 1)))


def days_in_month(year: int, month: int) -> int:
    """28 to 31."""
    first = date((year - 1) % wide.CYCLE_YEARS + 1, month, 1)
    return 31 if month == 12 else (first.replace(month=month + 1) - first).days


def add(left: Value, right: Value) -> Value:  # noqa: PLR0911 - one return for each pair that has a sum
    """Sum of temporal values, NotImplemented for a pair that has none. Raises FeelError on overflow."""
    if type(right) not in DURATIONS and not isinstance(right, YearsMonthsDuration):
        left, right = right, left
    one = type(left)
    if isinstance(right, YearsMonthsDuration):
        if isinstance(left, YearsMonthsDuration):
            return YearsMonthsDuration(left.months + right.months)
        if one in DATES:
            return add_months(left, right.months)
        if one in DATE_TIMES:
            return moments.combine(add_months(wide.date_of(left), right.months), wide.time_of(left))
    elif type(right) in DURATIONS:
        nanos = wide.nanoseconds(right)
        if one in DURATIONS:
            return moments.duration_of(wide.nanoseconds(left) + nanos)
        if one in DATES:
            return moments.day_of(wide.day_number(left) + nanos // DAY)
        if one in TIMES:
            return moments.clock_of((wide.nanoseconds(left) + nanos) % DAY, left.tzinfo)
        if one in DATE_TIMES:
            return moments.moment_of(wide.position(left)[1] + nanos, left.tzinfo)
    return NotImplemented


def subtract(left: Value, right: Value) -> Value:
    """Difference of temporal values, NotImplemented for a pair that has none. Raises FeelError."""
    if type(right) in DURATIONS or isinstance(right, YearsMonthsDuration):
        return add(left, negative(right))
    kinds = {wide.KIND.get(type(left)), wide.KIND.get(type(right))}
    if kinds == {"time"} or kinds <= {"date", "date and time"}:
        (zoned, one), (other_zoned, other) = _position(left), _position(right)
        if zoned != other_zoned:
            raise FeelError("a value with an offset and one without have no difference")
        return moments.duration_of(one - other)
    return NotImplemented


def _position(value: Value) -> tuple[bool, int]:
    """In nanoseconds; a date stands for its midnight in UTC (10.3.2.3.5)."""
    zoned, place = wide.position(value)
    return (True, place * DAY) if type(value) in DATES else (zoned, place)


def negative(duration: Duration) -> Duration:
    """The duration backwards."""
    if isinstance(duration, YearsMonthsDuration):
        return YearsMonthsDuration(-duration.months)
    return moments.duration_of(-wide.nanoseconds(duration))


def scale(duration: Duration, factor: Decimal) -> Duration:
    """A duration times a number; what is smaller than a month, or a nanosecond, is cut off. Raises FeelError."""
    return _whole(duration, NUMBERS.multiply(amount(duration), factor))


def divide(duration: Duration, divisor: Decimal) -> Duration:
    """A duration divided by a number, cut off in the same way. Raises FeelError, and DivisionByZero."""
    return _whole(duration, NUMBERS.divide(amount(duration), divisor))


def _whole(kind: Duration, size: Decimal) -> Duration:
    if abs(size) > moments.LONGEST:
        raise FeelError("the duration is too long", Kind.ARITHMETIC)
    return YearsMonthsDuration(int(size)) if isinstance(kind, YearsMonthsDuration) else moments.duration_of(int(size))


def amount(duration: Duration) -> Decimal:
    """The number of months, or of nanoseconds."""
    return Decimal(duration.months if isinstance(duration, YearsMonthsDuration) else wide.nanoseconds(duration))


def date_in(value: Value) -> AnyDate | None:
    """The date of a date or of a date and time; None for anything else."""
    if type(value) in DATE_TIMES:
        return wide.date_of(value)
    return value if type(value) in DATES else None


def midnight(day: AnyDate) -> AnyDateTime:
    """The date and time that a date converts to: midnight in UTC (10.3.2.9.4)."""
    return moments.combine(day, time(tzinfo=UTC))
