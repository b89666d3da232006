"""Until when an approval counts, as tickets of any system say it."""

from datetime import date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlc.model.failure import Refused


def expiration(
    value: object, *, field: str, zone: tzinfo, now: datetime, clock: tzinfo | None = None
) -> tuple[date | None, str | None]:
    """The expiration date, or why it can't be used. An absent or empty value is neither.

    Args:
        value: a date (it ends with that day in ``zone``) or a time, in ISO 8601.
        field: what people call the field, for the sentence.
        now: an aware time, to tell past dates by.
        clock: the zone of times that name none; ``zone`` unless given.
    """
    if value is None or value == "":
        return None, None
    try:
        end = _end(value, zone, clock or zone)
    except (TypeError, ValueError, OverflowError):
        return None, f"{field} holds no date that can be read: write it as 2030-12-31."
    if end <= now:
        return None, f"{field} is {end.date()}, which is past: set a date in the future."
    return end.date(), None


def check_zone(system: str, variable: str, name: str) -> None:
    """Make sure that a setting names a time zone.

    Raises:
        Refused: it doesn't.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused(system, f"{variable} is no known time zone: set it to UTC, say", status=400) from None


def _end(value: object, zone: tzinfo, clock: tzinfo) -> datetime:
    """The moment that a date (the end of that day) or a time of day means in a zone."""
    if not isinstance(value, str):
        raise TypeError
    if len(value) <= len("2030-12-31"):
        return datetime.combine(date.fromisoformat(value), time.max, zone)
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=clock)).astimezone(zone)
