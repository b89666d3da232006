"""The calendar (DMN 1.5, 10.3.4.7, temporal built-in functions) and the clock (10.3.4.10).

`last day of month` is no function of the specification; files written for Camunda use it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import moments, temporal, wide
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import kind_of
from mlc.dmn.feel.wide import AnyDate

from .signature import builtin

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


def _date(name: str, value: Value) -> AnyDate:
    day = temporal.date_in(value)
    if day is None:
        raise FeelError(f"{name}() takes a date or a date and time, not {kind_of(value)}")
    return day


def _like(day: AnyDate) -> date:
    """A date of Python's in a year of the same kind: as long, and beginning on the same day of the week."""
    return date((day.year - 1) % wide.CYCLE_YEARS + 1 + wide.CYCLE_YEARS, day.month, day.day)


@builtin("day of year(date: Any)")
def day_of_year(value: Value) -> Decimal:
    """From 1 on the first of January."""
    return Decimal(_like(_date("day of year", value)).timetuple().tm_yday)


@builtin("day of week(date: Any)")
def day_of_week(value: Value) -> str:
    """The English name of the day."""
    return _DAYS[_like(_date("day of week", value)).weekday()]


@builtin("month of year(date: Any)")
def month_of_year(value: Value) -> str:
    """The English name of the month."""
    return _MONTHS[_date("month of year", value).month - 1]


@builtin("week of year(date: Any)")
def week_of_year(value: Value) -> Decimal:
    """The number of the week in ISO 8601: week 1 has the year's first Thursday."""
    return Decimal(_like(_date("week of year", value)).isocalendar().week)


@builtin("last day of month(date: Any)")
def last_day_of_month(value: Value) -> AnyDate:
    """The last day of the month that a date is in."""
    day = _date("last day of month", value)
    return moments.make_date(day.year, day.month, temporal.days_in_month(day.year, day.month))


@builtin("now()", takes_run=True)
def now(run: Run) -> datetime:
    """The moment of the evaluation, in UTC."""
    return run.now()


@builtin("today()", takes_run=True)
def today(run: Run) -> date:
    """The day of the evaluation, in UTC."""
    return run.now().date()
