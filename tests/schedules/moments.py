"""When calendars are, worked out the slow and simple way."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import product

from mlc.model.cron import Calendar


def moments(calendars: Iterable[Calendar], first: date, last: date) -> Iterator[datetime]:
    """The moments of any of the calendars from one day to another, in order, without a zone."""
    calendars = list(calendars)
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        times = {moment for calendar in calendars if on(calendar, day) for moment in times_of(calendar)}
        yield from (datetime.combine(day, moment) for moment in sorted(times))


def on(calendar: Calendar, day: date) -> bool:
    return (
        day.day in calendar.day_of_month
        and day.month in calendar.month
        and day.isoweekday() % 7 in calendar.day_of_week
        and (not calendar.year or day.year in calendar.year)
    )


def times_of(calendar: Calendar) -> Iterator[time]:
    return (time(*each) for each in product(calendar.hour, calendar.minute, calendar.second))
