"""``Retry-After``: when a server that said "later" wants to be asked again (RFC 9110, section 10.2.3)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

NAME = "Retry-After"
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(minutes=15)

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_MOST_DIGITS = 9
_LONGEST_DATE = 100
"""Characters: what is longer is no date, and isn't worth reading."""


def encode(wait: timedelta) -> dict[str, str]:
    """The header, in whole seconds, rounded up: whoever heeds it never comes too early.

    Raises:
        ValueError: the wait is negative.
    """
    if wait < timedelta():
        raise ValueError("nobody can wait for less than no time")
    return {NAME: str(-(-wait // timedelta(seconds=1)))}


def decode(value: str | None, *, now: datetime | None = None) -> timedelta | None:
    """The wait that a header asks for, between a second and a quarter of an hour; None if it asks for nothing.

    Seconds (also with a fraction, as some servers write them) or an HTTP date, which is in UTC whatever its zone is
    called. A date in the past asks for the shortest wait. What can't be read, or holds several values, is as good as no
    header: the caller then waits as it would have without.

    Args:
        now: an aware time, to tell dates by.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        whole = text.partition(".")[0].lstrip("0")
        wait = LONGEST if len(whole) > _MOST_DIGITS else timedelta(seconds=float(text))
    else:
        until = _date(text)
        if until is None:
            return None
        wait = until - (now or datetime.now(UTC))
    return min(max(wait, SHORTEST), LONGEST)


def _date(text: str) -> datetime | None:
    # Python reads the first of several dates: a date has one comma, after the day of the week, or none.
    if not text or len(text) > _LONGEST_DATE or text.count(",") > 1:
        return None
    try:
        date = parsedate_to_datetime(text)
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
