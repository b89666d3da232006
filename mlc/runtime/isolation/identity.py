"""Which process is meant by what a killed one has left: an id alone may be another's by now."""

from contextlib import suppress
from pathlib import Path


def identity(process: int) -> str:
    """A process's id and when it started, in the machine's own units: no two have both in common."""
    return f"{process}:{_started(process)}"


def lives(identified: str) -> bool:
    """Whether that very process is there; whatever is no :func:`identity` doesn't live."""
    process, _, started = identified.partition(":")
    return process.isdecimal() and bool(started) and _started(int(process)) == started


def _started(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    return ""
