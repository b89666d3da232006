"""Dates, times and durations: from ISO 8601 text, and their arithmetic."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from mlc.dmn.errors import FeelError, Kind

from .run import Value
from .values import YearsMonthsDuration

_DATE = re.compile(r"(-?(?:[1-9]\d{4,8}|\d{4}))-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d(?::\d\d)?|@[\w./+-]+)?", re.ASCII)
_YEARS = re.compile(r"(-)?P(?=\d)(?:(\d{1,12})Y)?(?:(\d{1,12})M)?", re.ASCII)
_DAYS = re.compile(
    r"(-)?P(?=\d|T\d)(?:(\d{1,12})D)?(?:T(?=\d)(?:(\d{1,12})H)?(?:(\d{1,12})M)?(?:(\d{1,12})(\.\d+)?S)?)?", re.ASCII
)


def parse_date(text: str) -> date:
    """`2026-07-31`. Raises FeelError."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise FeelError(f'"{text}" is not a date')
    try:
        return date(*map(int, match.groups()))
    except ValueError as error:
        raise FeelError(f'"{text}" is not a date: {error}') from None


def parse_zone(text: str | None) -> tzinfo | None:
    """`Z`, `+02:00`, `@Europe/Paris` or nothing. Raises FeelError."""
    if not text:
        return None
    if text == "Z":
        return UTC
    if text.startswith("@"):
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


def parse_time(text: str) -> time:
    """`10:30:00`, with a fraction and an offset or zone if wanted. Raises FeelError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise FeelError(f'"{text}" is not a time')
    hour, minute, second, fraction, zone = match.groups()
    try:
        return time(int(hour), int(minute), int(second), _micros(fraction), parse_zone(zone))
    except ValueError as error:
        raise FeelError(f'"{text}" is not a time: {error}') from None


def parse_datetime(text: str) -> datetime:
    """`2026-07-31T10:30:00`; a date alone is its midnight. Raises FeelError."""
    day, separator, clock = text.partition("T")
    return datetime.combine(parse_date(day), parse_time(clock) if separator else time())


def parse_duration(text: str) -> timedelta | YearsMonthsDuration:
    """`P1Y2M` or `P1DT2H3M4.5S`, with a sign if wanted. Raises FeelError."""
    if match := _YEARS.fullmatch(text):
        sign, years, months = match.groups()
        total = 12 * int(years or 0) + int(months or 0)
        return YearsMonthsDuration(-total if sign else total)
    if match := _DAYS.fullmatch(text):
        sign, days, hours, minutes, seconds, fraction = match.groups()
        try:
            total_time = timedelta(
                int(days or 0), int(seconds or 0), _micros(fraction), 0, int(minutes or 0), int(hours or 0)
            )
        except OverflowError:
            raise FeelError(f'"{text}" is too long a duration') from None
        return -total_time if sign else total_time
    raise FeelError(f'"{text}" is not a duration')


def parse_literal(text: str) -> Value:
    """What an `@"..."` literal stands for. Raises FeelError."""
    for parse in (parse_date, parse_time, parse_datetime, parse_duration):
        try:
            return parse(text)
        except FeelError:
            continue
    raise FeelError(f'"{text}" is not a date, time, date and time or duration')


def add_months(day: date, months: int) -> date:
    """The same day some months away, or the last day of a shorter month. Raises FeelError out of years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise FeelError(f"the year {year} is out of range", Kind.ARITHMETIC)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def add(left: Value, right: Value) -> Value:
    """Sum of temporal values, NotImplemented for a pair that has none. Raises FeelError on overflow."""
    if isinstance(left, (timedelta, YearsMonthsDuration)) and isinstance(right, (date, time)):
        left, right = right, left
    try:
        if isinstance(right, timedelta):
            if isinstance(left, time):
                moved = datetime.combine(date(2000, 1, 1), left) + timedelta(seconds=right.seconds)
                return moved.timetz()
            if isinstance(left, (timedelta, datetime)):
                return left + right
            if isinstance(left, date):
                return (datetime.combine(left, time()) + right).date()
    except OverflowError as error:
        raise FeelError(str(error), Kind.ARITHMETIC) from None
    if isinstance(right, YearsMonthsDuration):
        if isinstance(left, YearsMonthsDuration):
            return YearsMonthsDuration(left.months + right.months)
        if isinstance(left, date):
            return add_months(left, right.months)
    return NotImplemented


def subtract(left: Value, right: Value) -> Value:
    """Difference of temporal values, NotImplemented for a pair that has none. Raises FeelError."""
    if isinstance(right, timedelta):
        return add(left, -right)
    if isinstance(right, YearsMonthsDuration):
        return add(left, YearsMonthsDuration(-right.months))
    if isinstance(left, date) and isinstance(right, date):
        left, right = _midnight(left), _midnight(right)
    elif isinstance(left, time) and isinstance(right, time):
        left, right = (datetime.combine(date(2000, 1, 1), clock) for clock in (left, right))
    else:
        return NotImplemented
    if (left.tzinfo is None) != (right.tzinfo is None):
        raise FeelError("a time with an offset and one without have no difference")
    # Between two times of one named zone Python would count wall-clock time.
    return left.astimezone(UTC) - right.astimezone(UTC) if left.tzinfo else left - right


def scale(duration: timedelta | YearsMonthsDuration, factor: Decimal) -> timedelta | YearsMonthsDuration:
    """A duration times a number. Raises FeelError on overflow."""
    try:
        if isinstance(duration, YearsMonthsDuration):
            months = duration.months * factor
            if abs(months) >= 10**12:
                raise OverflowError("the duration is too long")
            return YearsMonthsDuration(int(months))
        return timedelta(microseconds=int(_microseconds(duration) * factor))
    except (OverflowError, ArithmeticError) as error:
        raise FeelError(str(error), Kind.ARITHMETIC) from None


def ratio(left: timedelta | YearsMonthsDuration, right: timedelta | YearsMonthsDuration) -> tuple[Decimal, Decimal]:
    """Two durations of one kind as numbers of one unit, to be divided."""
    if isinstance(left, YearsMonthsDuration) and isinstance(right, YearsMonthsDuration):
        return Decimal(left.months), Decimal(right.months)
    assert isinstance(left, timedelta)
    assert isinstance(right, timedelta)
    return _microseconds(left), _microseconds(right)


def _microseconds(duration: timedelta) -> Decimal:
    return Decimal(duration // timedelta(microseconds=1))


def _micros(fraction: str | None) -> int:
    return int((fraction[1:] + "000000")[:6]) if fraction else 0


def _midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time(), UTC)
