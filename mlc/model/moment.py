"""Moments: one without a zone is UTC, since that is what centres and runtimes mean by it."""

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # in the first or the last hours that there are
        return moment.replace(tzinfo=UTC)
