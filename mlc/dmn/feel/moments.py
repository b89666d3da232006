"""Making temporal values from whole numbers: one of Python's own types where that holds it, else a wide one."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, tzinfo

from mlc.dmn.errors import FeelError, Kind

from .wide import (
    CYCLE_DAYS,
    CYCLE_YEARS,
    DAY,
    LAST_YEAR,
    SECOND,
    AnyDate,
    AnyDateTime,
    AnyDuration,
    AnyTime,
    WideDate,
    WideDateTime,
    WideDuration,
    WideTime,
    nanoseconds,
    near,
)

#: Longest duration, in nanoseconds: more than between any two dates.
LONGEST = 10**30
_LAST_DAY = date.max.toordinal()


def make_date(year: int, month: int, day: int) -> AnyDate:
    """The date of its parts. Raises FeelError when there is no such day."""
    try:
        if MINYEAR <= year <= MAXYEAR:
            return date(year, month, day)
        if abs(year) > LAST_YEAR:
            raise ValueError(f"year {year} is out of range")
        date((year - 1) % CYCLE_YEARS + 1, month, day)
    except ValueError as error:
        raise FeelError(f"there is no such date: {error}") from None
    return WideDate(year, month, day)


def day_of(number: int) -> AnyDate:
    """The date with that number. Raises FeelError beyond the last year."""
    if 1 <= number <= _LAST_DAY:
        return date.fromordinal(number)
    cycles, rest = divmod(number - 1, CYCLE_DAYS)
    inside = date.fromordinal(rest + 1)
    year = inside.year + cycles * CYCLE_YEARS
    if abs(year) > LAST_YEAR:
        raise FeelError(f"the year {year} is out of range", Kind.ARITHMETIC)
    return WideDate(year, inside.month, inside.day)


def clock_of(nanos: int, zone: tzinfo | None) -> AnyTime:
    """The time so many nanoseconds, less than a day's, after midnight."""
    if nanos % 1000:
        return WideTime(nanos, zone)
    seconds, fraction = divmod(nanos, SECOND)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, fraction // 1000, zone)


def combine(day: AnyDate, clock: AnyTime) -> AnyDateTime:
    """The date and time of both."""
    if isinstance(day, date) and isinstance(clock, time):
        return datetime.combine(day, clock)
    return WideDateTime(day, clock)


def duration_of(nanos: int) -> AnyDuration:
    """The duration of so many nanoseconds. Raises FeelError when it is too long."""
    if abs(nanos) > LONGEST:
        raise FeelError("the duration is too long", Kind.ARITHMETIC)
    try:
        return WideDuration(nanos) if nanos % 1000 else timedelta(microseconds=nanos // 1000)
    except OverflowError:
        return WideDuration(nanos)


def moment_of(utc: int, zone: tzinfo | None) -> AnyDateTime:
    """The date and time at a position, as the clocks of its zone show it."""
    if zone is not None:
        number, nanos = divmod(utc, DAY)
        local = near(number, nanos, UTC).astimezone(zone)
        utc += nanoseconds(local.utcoffset() or timedelta())
    number, nanos = divmod(utc, DAY)
    return combine(day_of(number), clock_of(nanos, zone))
