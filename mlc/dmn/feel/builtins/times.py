"""The calendar and the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from mlc.dmn.feel.temporal import add_months
from mlc.dmn.feel.values import YearsMonthsDuration

from .signature import builtin

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


@builtin("years and months duration(from: date, to: date)")
@builtin("years and months duration(from: date and time, to: date and time)")
def years_and_months_duration(start: date, end: date) -> YearsMonthsDuration:
    """Whole months from one date to another."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and add_months(start, months) > end:
        months -= 1
    elif months < 0 and add_months(start, months) < end:
        months += 1
    return YearsMonthsDuration(months)


@builtin("day of year(date: date)")
@builtin("day of year(date: date and time)")
def day_of_year(day: date) -> Decimal:
    """From 1 on the first of January."""
    return Decimal(day.timetuple().tm_yday)


@builtin("day of week(date: date)")
@builtin("day of week(date: date and time)")
def day_of_week(day: date) -> str:
    """The English name of the day."""
    return _DAYS[day.weekday()]


@builtin("month of year(date: date)")
@builtin("month of year(date: date and time)")
def month_of_year(day: date) -> str:
    """The English name of the month."""
    return _MONTHS[day.month - 1]


@builtin("week of year(date: date)")
@builtin("week of year(date: date and time)")
def week_of_year(day: date) -> Decimal:
    """The number of the week in ISO 8601."""
    return Decimal(day.isocalendar().week)


@builtin("now()")
def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


@builtin("today()")
def today() -> date:
    """The present day, in UTC."""
    return datetime.now(UTC).date()
