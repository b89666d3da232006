"""What can't be read: a record among others, or a whole file."""

from dataclasses import dataclass


class Unreadable(Exception):
    """An input file that is not what its format says; the text says what and where."""


@dataclass(frozen=True)
class Broken:
    """A record that can't be used, where others of its file can: ``line 3`` and ``can't be read as JSON: ...``."""

    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place} {self.problem}".strip()
