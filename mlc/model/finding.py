"""What a check found: one line each, with what to do where something is wrong."""

from dataclasses import dataclass
from enum import StrEnum

from mlc.model.failure import ExternalError

TIME_LIMIT = 5.0
"""Seconds for one request: who checks is waiting for the answer."""


class Mark(StrEnum):
    GOOD = "✓"
    WARNING = "!"
    """The processes run, but not as one would expect."""
    WRONG = "✗"
    """A process would fail, or wait in vain."""
    UNCHECKED = "·"
    """Can't be seen now, which is nobody's fault."""


@dataclass(frozen=True)
class Finding:
    """``what`` was looked at and how it is; ``remedy`` is what to do about it, or the reason why it can't be seen."""

    mark: Mark
    what: str
    remedy: str = ""


def good(what: str) -> Finding:
    return Finding(Mark.GOOD, what)


def warning(what: str, remedy: str) -> Finding:
    return Finding(Mark.WARNING, what, remedy)


def wrong(what: str, remedy: str) -> Finding:
    return Finding(Mark.WRONG, what, remedy)


def unchecked(what: str, reason: str) -> Finding:
    return Finding(Mark.UNCHECKED, what, reason)


def listed(names: list[str], most: int = 12) -> str:
    """Names with commas, the first dozen of them; ``none`` if there are none."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) + more) or "none"


def said(error: ExternalError) -> str:
    """The error's sentence, to be gone on with; a system's own messages end as they like."""
    return str(error).rstrip(".")


def sentence(error: ExternalError) -> str:
    """The error's sentence to its end, which may be a question."""
    return said(error) if str(error).endswith("?") else f"{said(error)}."
