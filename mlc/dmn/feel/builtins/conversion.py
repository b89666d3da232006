"""Conversion functions (DMN 1.5, 10.3.4.1, Table 71), and `is` (10.3.4.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, time, timedelta, timezone
from decimal import Decimal, DecimalException

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import moments, temporal, wide
from mlc.dmn.feel.decimal128 import NUMBERS
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import equal, kind_of, pieces
from mlc.dmn.feel.wide import AnyDate, AnyDateTime, AnyTime

from .signature import builtin

_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 1_000


@builtin("number(from: string, [grouping separator: string?], [decimal separator: string?])")
def number(text: str, grouping: str | None = None, point: str | None = None) -> Decimal:
    """The number that a text writes: `number("1 000,0", " ", ",")` is 1000.0."""
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (point and point == grouping):
        raise FeelError("number(): the separators must be different ones of space, comma and point")
    plain = text.replace(grouping, "") if grouping else text
    plain = plain.replace(point, ".") if point else plain
    if len(plain) > _LONGEST_NUMBER or not _NUMBER.fullmatch(plain):
        raise FeelError(f'number(): "{text[:80]}" is not a number')
    try:
        return NUMBERS.create_decimal(plain)
    except DecimalException:
        raise FeelError("number(): the number is out of range") from None


@builtin("string(from: Any)", takes_run=True)
def string(run: Run, value: Value) -> str | None:
    """A value as text; null of null."""
    return value if value is None or isinstance(value, str) else "".join(paid(run, pieces(value)))


def paid(run: Run, written: Iterable[str]) -> Iterator[str]:
    """Pieces of a text, each of which has cost its steps."""
    for piece in written:
        run.spend(1 + len(piece) // 64)
        yield piece


def _whole(*numbers: Decimal) -> list[int]:
    if any(abs(part) > wide.LAST_YEAR or part != int(part) for part in numbers):
        raise FeelError("the parts of a date or time must be whole numbers, and years have nine digits at most")
    return [int(part) for part in numbers]


@builtin("date(from: Any)")
def date_from(value: Value) -> AnyDate:
    """The date of a text or of a date and time."""
    if isinstance(value, str):
        return temporal.parse_date(value)
    day = temporal.date_in(value)
    if day is None:
        raise FeelError(f"date(): {kind_of(value)} has no date")
    return day


@builtin("date(year: number, month: number, day: number)")
def date_of(year: Decimal, month: Decimal, day: Decimal) -> AnyDate:
    """The date of a year, month and day."""
    return moments.make_date(*_whole(year, month, day))


@builtin("time(from: Any)")
def time_from(value: Value) -> AnyTime:
    """The time of a text or of a date and time; a date has that of midnight in UTC."""
    kind = type(value)
    if isinstance(value, str):
        return temporal.parse_time(value)
    if kind in wide.DATE_TIMES:
        return wide.time_of(value)
    if kind in wide.DATES:
        return time(tzinfo=UTC)
    if kind not in wide.TIMES:
        raise FeelError(f"time(): {kind_of(value)} has no time")
    return value  # type: ignore[no-any-return]


@builtin("time(hour: number, minute: number, second: number, [offset: days and time duration?])")
def time_of(hour: Decimal, minute: Decimal, second: Decimal, offset: wide.AnyDuration | None = None) -> AnyTime:
    """The time of an hour, minute and second; the second may have a fraction."""
    whole = _whole(hour, minute)
    if not (0 <= whole[0] < 24 and 0 <= whole[1] < 60 and 0 <= second < 60):
        raise FeelError(f"time(): there is no time {hour}:{minute}:{second}")
    zone = None
    if offset is not None:
        if abs(wide.nanoseconds(offset)) > 14 * 3600 * wide.SECOND or not isinstance(offset, timedelta):
            raise FeelError("time(): an offset is of 14 hours at most")
        zone = timezone(offset) if offset else UTC
    seconds = int(NUMBERS.multiply(second, Decimal(wide.SECOND)))
    return moments.clock_of((whole[0] * 60 + whole[1]) * 60 * wide.SECOND + seconds, zone)


@builtin("date and time(from: Any)")
def date_and_time_from(value: Value) -> AnyDateTime:
    """The date and time of a text, or the midnight of a date in UTC."""
    kind = type(value)
    if isinstance(value, str):
        return temporal.parse_datetime(value)
    if kind in wide.DATES:
        return temporal.midnight(value)
    if kind not in wide.DATE_TIMES:
        raise FeelError(f"date and time(): {kind_of(value)} is none")
    return value  # type: ignore[no-any-return]


@builtin("date and time(date: Any, time: time)")
def date_and_time_of(day: Value, clock: AnyTime) -> AnyDateTime:
    """The date and time of a date, or of the date in a date and time, and a time."""
    date_part = temporal.date_in(day)
    if date_part is None:
        raise FeelError(f"date and time(): {kind_of(day)} has no date")
    return moments.combine(date_part, clock)


@builtin("duration(from: string)")
def duration(text: str) -> temporal.Duration:
    """The duration that a text writes."""
    return temporal.parse_duration(text)


@builtin("years and months duration(from: Any, to: Any)")
def years_and_months_duration(start: Value, end: Value) -> wide.YearsMonthsDuration | None:
    """Whole months from one date to another; of a date and time, the date counts."""
    if start is None or end is None:
        return None
    first, last = temporal.date_in(start), temporal.date_in(end)
    if first is None or last is None:
        raise FeelError("years and months duration(): both must be dates, or dates and times")
    months = (last.year - first.year) * 12 + last.month - first.month
    if months > 0 and temporal.add_months(first, months) > last:
        months -= 1
    elif months < 0 and temporal.add_months(first, months) < last:
        months += 1
    return wide.YearsMonthsDuration(months)


@builtin("is(value1: Any, value2: Any)", takes_run=True)
def identical(run: Run, value1: Value, value2: Value) -> bool:
    """Whether two values are the same in FEEL's domain: of one type, equal, and at one offset or in one zone."""
    if kind_of(value1) != kind_of(value2) or equal(value1, value2, run) is not True:
        return False
    if type(value1) in wide.TIMES or type(value1) in wide.DATE_TIMES:
        zones = [(value.utcoffset(), wide.zone_name(value)) for value in (value1, value2)]
        return zones[0] == zones[1]
    return True
