"""How far a file is on its way into the centre, for whoever shows it."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """What is done with a file."""

    READ = "read"
    """Its hash is being made."""
    SENT = "sent"
    """It is on its way."""
    STORED = "stored"
    """The centre has all of it."""


class Progress(NamedTuple):
    """A file on its way."""

    name: str
    size: int
    """Bytes."""
    stage: Stage
    done: int
    """Bytes that are read, or are at the centre."""


Tell = Callable[[Progress], None]
"""Told often, on the event loop's thread: it returns at once."""


def untold(_: Progress) -> None:
    """For what nobody watches."""
