"""Where times, dates and dates and times stand, as FEEL compares them (DMN 1.5, 10.3.2.3.4 to 10.3.2.3.6).

FEEL compares them by a number of whole seconds, which it makes of their properties: hour, minute, second and time
offset, with the date in front. `second` has no fraction (Table 65), so neither has the number: values that differ by a
fraction of a second alone are equal, and none of them is before the other. A date stands at its midnight in UTC.

Two values of which one alone has an offset are not equal (Table 53); for an order, the one without takes the zone of
the other (Table 54). A time in a named zone has no offset without a day: here it has that of the zone's standard time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from . import wide
from .run import Value
from .wide import DATE_TIMES, DATES, DAY, SECOND, TIMES

#: The types that are compared by their seconds.
CLOCKS = TIMES | DATE_TIMES
_DAY_SECONDS = DAY // SECOND
#: A year whose winter and summer tell a zone's standard time. Any would do; one that is over does not change any more.
_YEAR = 2024


def comparable(left: Value, right: Value) -> bool:
    """Whether two values are temporal ones of one kind, or a date and a date and time."""
    one, other = wide.KIND.get(type(left)), wide.KIND.get(type(right))
    return one is not None and (one == other or {one, other} == {"date", "date and time"})


def same(left: Value, right: Value) -> bool:
    """Whether two comparable values are equal."""
    if type(left) in CLOCKS or type(right) in CLOCKS:
        return place(left) == place(right)
    return bool(left == right)


def in_order(relation: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    """The relation, one of order, of two comparable values."""
    if type(left) not in CLOCKS and type(right) not in CLOCKS:
        return relation(left, right)
    (zoned, one), (other_zoned, other) = place(left), place(right)
    if zoned and not other_zoned:
        other -= _offset(right, _zone(left))
    elif other_zoned and not zoned:
        one -= _offset(left, _zone(right))
    return relation(one, other)


def place(value: Value) -> tuple[bool, int]:
    """Whether a time, date or date and time has an offset, and its whole seconds: in UTC if it has one."""
    kind = type(value)
    if kind in DATES:
        return True, wide.day_number(value) * _DAY_SECONDS
    clock, days = (value, 0) if kind in TIMES else (wide.time_of(value), wide.day_number(wide.date_of(value)))
    seconds = days * _DAY_SECONDS + (clock.hour * 60 + clock.minute) * 60 + clock.second
    zone = value.tzinfo
    return (False, seconds) if zone is None else (True, seconds - _offset(value, zone))


def _zone(value: Value) -> tzinfo | None:
    """The zone of a value; None of a date, which stands for its midnight in UTC."""
    return None if type(value) in DATES else value.tzinfo


def _offset(value: Value, zone: tzinfo | None) -> int:
    """Seconds that the clocks of a zone are ahead of UTC when they show a time, or a date and time."""
    if zone is None:
        return 0
    if type(value) in TIMES:
        offset = zone.utcoffset(None)
        return _seconds(offset) if offset is not None else _standard(zone)
    clock = wide.nanoseconds(wide.time_of(value))
    return _seconds(wide.offset_at(wide.day_number(wide.date_of(value)), clock, zone))


@lru_cache(maxsize=256)
def _standard(zone: tzinfo) -> int:
    """The lesser of a zone's offsets in winter and in summer."""
    return min(_seconds(datetime(_YEAR, month, 1, tzinfo=zone).utcoffset()) for month in (1, 7))


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset.days * _DAY_SECONDS + offset.seconds
