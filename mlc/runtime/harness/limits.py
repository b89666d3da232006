"""What a message to the runtime may be: the harness keeps within these limits, and the runtime refuses what doesn't."""

from collections.abc import Iterable

JOB_MESSAGE = 1024**2
"""Bytes of a message that is no answer to a request."""
JOB_VALUES, ANSWER_VALUES = 100_000, 1_000_000
"""Commas, colons and brackets in a message: what parsing it costs goes by them. Those in texts count as well."""
NOTES, NOTE = 200, 2_000
"""So many notes, of so many characters."""
SENTENCE, TRACEBACK = 2_000, 64 * 1024
"""Characters of what went wrong, and of the traceback below it."""
COLUMNS, COLUMN = 50, 500
"""So many columns of a refused record are named, in so many characters."""
EXAMPLES, EXAMPLE = 3, 240
"""So many lines on lost records, of so many characters."""
LOST, TRACE, PLACES, HEADER = 25, 10_000, 20, 10_000
"""Of a point from which a job can go on: lost records, characters of a traceback, places of null, columns."""
MOST_RECORDS = 2**53
LARGEST_NUMBER = int(1.7976931348623157e308)
"""What readers of JSON hold as a number; a larger one becomes infinite, or an error."""
DEEPEST_ANSWER = 150
"""Levels that an answer may be nested: its message adds some, and 200 are the most that are read."""
_STRUCTURE = (b",", b":", b"[", b"{")


def too_much(line: bytes, limit: int, values: int) -> str | None:
    """Why a message is too large, as the end of a sentence; None if it isn't.

    Args:
        limit: bytes.
        values: how much there may be in it: see ``ANSWER_VALUES``.
    """
    if len(line) > limit:
        return f"longer than {limit:,} bytes"
    if (found := sum(line.count(mark) for mark in _STRUCTURE)) > values:
        return f"of {found:,} parts, and {values:,} are the most"
    return None


def unreadable(values: Iterable[object]) -> str | None:
    """What in an answer's plain values not every reader of JSON can read, as the end of a sentence; None if nothing."""
    pending = [(value, 0) for value in values]
    while pending:
        value, depth = pending.pop()
        if depth > DEEPEST_ANSWER:
            return f"it is nested more than {DEEPEST_ANSWER} levels deep"
        if isinstance(value, str):
            if not value.isascii() and _is_halved(value):
                return "it has a text with half of a surrogate pair"
        elif isinstance(value, int):
            if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
                return "it has a whole number of more than 308 digits"
        elif isinstance(value, dict):
            pending += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            pending += [(item, depth + 1) for item in value]
    return None


def _is_halved(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
