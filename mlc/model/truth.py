"""Truth: the label that a scored record turned out to have, often weeks later, found by the record's identifier."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mlc.model.failure import MlcError

MOST_AT_ONCE = 10_000
"""Rows that are sent to a model centre at once."""
LONGEST_IDENTIFIER = 500
LONGEST_LABEL = 1_000
"""Characters; of a label those of its JSON."""
COLUMNS = ("id", "label", "time")
"""Of the file that a monitor's job reads; ``label`` is JSON, so that 1, true and "1" stay three."""
CLOCKS = timedelta(minutes=5)
"""By so much a sender's clock may be ahead: later than that is the future, and would be right for ever."""
_EXACT = 2**53
_EXAMPLE = "2026-03-01T12:00:00Z"
_WHOLE = re.compile(r"(-?)(0|[1-9]\d*)(?:\.0+)?", re.ASCII)


class NoTruth(MlcError, ValueError):
    """It can't be somebody's truth. The text is the end of a sentence that begins with what it is."""


class KeptTruth(NamedTuple):
    """What became of rows: new ones, those that replaced another, and those that changed nothing.

    ``older``: than what is known, or than another one that was sent with it. ``same``: it was known already.
    """

    new: int = 0
    replaced: int = 0
    older: int = 0
    same: int = 0

    @property
    def rows(self) -> int:
        """How many there were."""
        return self.new + self.replaced + self.older + self.same

    def plus(self, more: "KeptTruth") -> "KeptTruth":
        return KeptTruth(*(one + other for one, other in zip(self, more, strict=True)))


class Truth(NamedTuple):
    """``identifier`` as :func:`identifier_of` makes it, ``label`` as JSON, ``time`` in UTC: the last one is right."""

    identifier: str
    label: str
    time: datetime


def identifier_of(value: object) -> str:
    """The text by which records and their truth find each other.

    A whole number has one form, whatever a file made of it: 7, 7.0, "7" and "7.0" are the same, "007" is another one.

    Raises:
        NoTruth: it is no identifier.
    """
    if value is None or value == "":
        raise NoTruth("is missing, or null")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NoTruth("must be a text or a whole number")
    if isinstance(value, float):
        if not value.is_integer():  # nor are infinity and what is no number
            raise NoTruth("is a number that is not whole, of which no two are sure to be the same")
        if abs(value) >= _EXACT:
            raise NoTruth("is too large to be exact as a floating-point number: give it as a text")
        value = int(value)
    if isinstance(value, int) and abs(value) >= 10**LONGEST_IDENTIFIER:
        raise NoTruth(_too_long(LONGEST_IDENTIFIER))
    text = value if isinstance(value, str) else str(value)
    if len(text) > LONGEST_IDENTIFIER:
        raise NoTruth(_too_long(LONGEST_IDENTIFIER))
    if "\0" in text or not _encodable(text):
        raise NoTruth("holds a character that is none")
    if whole := _WHOLE.fullmatch(text):
        return "0" if whole[2] == "0" else whole[1] + whole[2]
    return text


def label_of(value: object) -> str:
    """A label as JSON.

    Raises:
        NoTruth: it is no label.
    """
    if value is None:
        raise NoTruth("is missing, or null; to take a truth back, forget it")
    if not isinstance(value, str | int | float):  # a bool is an int
        raise NoTruth("must be a text, a number, or true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise NoTruth("is no number, or infinite")
    if isinstance(value, int) and abs(value) >= 10**LONGEST_LABEL:
        raise NoTruth(_too_long(LONGEST_LABEL))
    if isinstance(value, str) and len(value) > LONGEST_LABEL:
        raise NoTruth(_too_long(LONGEST_LABEL))
    if isinstance(value, str) and ("\0" in value or not _encodable(value)):
        raise NoTruth("holds a character that is none")
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST_LABEL:
        raise NoTruth(_too_long(LONGEST_LABEL))
    return text


def time_of(value: object, *, now: datetime, utc: bool = False) -> datetime:
    """When a label became known, in UTC.

    Args:
        value: ISO 8601, or a moment.
        utc: one without a zone is in UTC.

    Raises:
        NoTruth: it is none, has no zone, or is in the future.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise NoTruth(f"is no time: write it as {_EXAMPLE}") from None
    if value is None:
        raise NoTruth("is missing, or null")
    if not isinstance(value, datetime):
        raise NoTruth(f"is no time: write it as {_EXAMPLE}")
    if value.tzinfo is None:
        if not utc:
            raise NoTruth(f"has no zone: write it as {_EXAMPLE}")
        value = value.replace(tzinfo=UTC)
    try:
        moment = value.astimezone(UTC)
    except OverflowError:  # in the first or the last hours that there are
        raise NoTruth("is no time that can be") from None
    if moment > now + CLOCKS:
        raise NoTruth("is in the future")
    return moment


def as_csv(rows: Iterable[tuple[str, str, str]]) -> bytes:
    """Lines of the file: identifier, label as JSON, and time."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue().encode()


def _too_long(most: int) -> str:
    return f"has more than {most} characters"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
