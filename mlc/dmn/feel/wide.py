"""Dates, times, dates and times, and days and time durations: Python's own types, and wider ones for what these lack.

FEEL counts years from -999,999,999 to 999,999,999 (DMN 1.5, 10.3.2.3.5 and 10.3.4.1) and its seconds are decimals, of
which nine places are kept here. A value that `datetime.date`, `time`, `datetime` or `timedelta` can hold is one of
these, always (`moments` sees to it); only others are a `WideDate`, `WideTime`, `WideDateTime` or `WideDuration`. The
two sorts compare with each other; `str` gives a wide value in ISO 8601. All arithmetic is on whole numbers: the days of
the proleptic Gregorian calendar (day 1 is 1 January of year 1, as in `date.toordinal`), the nanoseconds of a day.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, TypeAlias

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
#: The calendar repeats itself after 400 years, which are whole weeks.
CYCLE_YEARS, CYCLE_DAYS = 400, 146_097
LAST_YEAR = 999_999_999

_MICROSECOND = timedelta(microseconds=1)
_LAST_DAY = date.max.toordinal()


class _Wide:
    """Order and equality across both sorts of a kind, by `position`."""

    __slots__ = ()

    def _compare(self, other: object, relation: Callable[[Any, Any], bool]) -> bool:
        if KIND.get(type(self)) != KIND.get(type(other)):
            return NotImplemented  # type: ignore[no-any-return]
        mine, its = position(self), position(other)
        if mine[0] != its[0]:
            if relation in (operator.eq, operator.ne):
                return relation is operator.ne
            raise TypeError("one of the two has an offset and the other has none")
        return bool(relation(mine, its))

    def __eq__(self, other: object) -> bool:
        return self._compare(other, operator.eq)

    def __lt__(self, other: object) -> bool:
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> bool:
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> bool:
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> bool:
        return self._compare(other, operator.ge)

    def __hash__(self) -> int:
        return hash(position(self))


@dataclass(frozen=True, slots=True, eq=False)
class WideDate(_Wide):
    """A date in a year before 1 or after 9999; year 0 is the one before year 1."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        return f"{'-' if self.year < 0 else ''}{abs(self.year):04d}-{self.month:02d}-{self.day:02d}"


@dataclass(frozen=True, slots=True, eq=False)
class WideTime(_Wide):
    """A time of the day with a fraction finer than a microsecond: nanoseconds since midnight, and the zone if any."""

    nanoseconds: int
    tzinfo: tzinfo | None = None

    @property
    def hour(self) -> int:
        """From 0 to 23."""
        return self.nanoseconds // (3600 * SECOND)

    @property
    def minute(self) -> int:
        """From 0 to 59."""
        return self.nanoseconds // (60 * SECOND) % 60

    @property
    def second(self) -> int:
        """From 0 to 59, without the fraction."""
        return self.nanoseconds // SECOND % 60

    def utcoffset(self) -> timedelta | None:
        """The offset; None without one, and for a named zone, whose offset depends on the day."""
        return self.tzinfo.utcoffset(None) if self.tzinfo is not None else None

    def __str__(self) -> str:
        return clock_text(self)


@dataclass(frozen=True, slots=True, eq=False)
class WideDateTime(_Wide):
    """A date and time of which one is wide."""

    day_part: date | WideDate
    time_part: time | WideTime

    @property
    def tzinfo(self) -> tzinfo | None:
        """The zone, if there is one."""
        return self.time_part.tzinfo

    def utcoffset(self) -> timedelta | None:
        """The offset from UTC at that moment."""
        return offset_at(day_number(self.day_part), nanoseconds(self.time_part), self.tzinfo)

    def __str__(self) -> str:
        return clock_text(self)


@dataclass(frozen=True, slots=True, eq=False)
class WideDuration(_Wide):
    """A days and time duration of more than 999,999,999 days, or with a fraction finer than a microsecond."""

    nanoseconds: int

    def __str__(self) -> str:
        return duration_text(self)


@dataclass(frozen=True, slots=True, order=True)
class YearsMonthsDuration:
    """A years and months duration, which is no fixed number of days (10.3.2.3.8)."""

    months: int

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"{'-' if self.months < 0 else ''}P{text}"


AnyDate: TypeAlias = date | WideDate
AnyTime: TypeAlias = time | WideTime
AnyDateTime: TypeAlias = datetime | WideDateTime
AnyDuration: TypeAlias = timedelta | WideDuration

DATES = frozenset({date, WideDate})
TIMES = frozenset({time, WideTime})
DATE_TIMES = frozenset({datetime, WideDateTime})
DURATIONS = frozenset({timedelta, WideDuration})
#: FEEL's name for each of the types.
KIND: dict[type, str] = {
    **dict.fromkeys(DATES, "date"),
    **dict.fromkeys(TIMES, "time"),
    **dict.fromkeys(DATE_TIMES, "date and time"),
    **dict.fromkeys(DURATIONS, "days and time duration"),
}

# -- apart ---------------------------------------------------------------------------------------------------------


def day_number(day: AnyDate) -> int:
    """The number of a day."""
    if isinstance(day, date):
        return day.toordinal()
    cycles, year = divmod(day.year - 1, CYCLE_YEARS)
    return date(year + 1, day.month, day.day).toordinal() + cycles * CYCLE_DAYS


def nanoseconds(value: AnyTime | AnyDuration) -> int:
    """Nanoseconds since midnight, or of a duration."""
    if isinstance(value, (WideTime, WideDuration)):
        return value.nanoseconds
    if isinstance(value, timedelta):
        return value // _MICROSECOND * 1000
    return ((value.hour * 60 + value.minute) * 60 + value.second) * SECOND + value.microsecond * 1000


def date_of(moment: AnyDateTime) -> AnyDate:
    """The date of a date and time, as its own clock shows it."""
    return moment.day_part if isinstance(moment, WideDateTime) else moment.date()


def time_of(moment: AnyDateTime) -> AnyTime:
    """The time of a date and time, with its zone."""
    return moment.time_part if isinstance(moment, WideDateTime) else moment.timetz()


def position(value: Any) -> tuple[bool, int]:
    """Where a value stands among those of its kind: whether it has an offset, and days or nanoseconds, in UTC if so."""
    if type(value) in DATES:
        return False, day_number(value)
    if type(value) in DURATIONS:
        return False, nanoseconds(value)
    offset = value.utcoffset()
    shift = 0 if offset is None else nanoseconds(offset)
    if type(value) in TIMES:
        return offset is not None, nanoseconds(value) - shift
    return offset is not None, day_number(date_of(value)) * DAY + nanoseconds(time_of(value)) - shift


def offset_at(number: int, nanos: int, zone: tzinfo | None) -> timedelta | None:
    """The offset of a zone when its clocks show a day and a time."""
    return None if zone is None else near(number, nanos, zone).utcoffset()


def near(number: int, nanos: int, zone: tzinfo) -> datetime:
    """A moment as Python's; for one before or after Python's years, another with the same place in the calendar."""
    if not CYCLE_DAYS <= number <= _LAST_DAY - CYCLE_DAYS:
        number = number % CYCLE_DAYS + CYCLE_DAYS * (1 if number < CYCLE_DAYS else 23)
    return datetime.fromordinal(number).replace(tzinfo=zone) + timedelta(microseconds=nanos // 1000)


# -- to text -------------------------------------------------------------------------------------------------------


def duration_text(duration: AnyDuration) -> str:
    """A days and time duration in ISO 8601."""
    nanos = nanoseconds(duration)
    seconds, fraction = divmod(abs(nanos), SECOND)
    days, rest = divmod(seconds, 86_400)
    hours, minutes, whole = rest // 3600, rest // 60 % 60, rest % 60
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    clock += f"{whole}{_fraction_text(fraction)}S" if whole or fraction else ""
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"{'-' if nanos < 0 else ''}P{text or 'T0S'}"


def clock_text(value: AnyTime | AnyDateTime) -> str:
    """A time, or a date and time, in ISO 8601; the offset last, `Z` for UTC, a named zone behind `@`."""
    clock, day = (value, "") if isinstance(value, (time, WideTime)) else (time_of(value), f"{date_of(value)}T")
    seconds, fraction = divmod(nanoseconds(clock), SECOND)
    text = f"{day}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction_text(fraction)}"
    zone = zone_name(value)
    if zone is not None:
        return f"{text}@{zone}"
    offset = value.utcoffset()
    return text + ("" if offset is None else offset_text(offset))


def _fraction_text(fraction: int) -> str:
    return f".{fraction:09d}".rstrip("0") if fraction else ""


def offset_text(offset: timedelta) -> str:
    """An offset from UTC in ISO 8601, `Z` for none."""
    if not offset:
        return "Z"
    minutes, seconds = divmod(int(abs(offset).total_seconds()), 60)
    tail = f":{seconds:02d}" if seconds else ""
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}{tail}"


def zone_name(value: AnyTime | AnyDateTime) -> str | None:
    """The name of a named zone, None for an offset and for none."""
    return getattr(value.tzinfo, "key", None)
