"""Where a job's files really lie, so that no output takes the place of what the job reads, or of another output."""

from collections.abc import Iterable
from pathlib import Path

from mlc.model.connection import StoreConnection
from mlc.model.location import normal
from mlc.runtime.harness.functions import ModelFailure

Place = tuple[str | int, ...]
"""Equal for what is the same file, whichever address, link or connection leads there."""


def of_file(path: Path) -> list[Place]:
    """Where a file of this machine lies: by its path, links followed, and by what the file system knows it by.

    The second tells a mount, a file system that doesn't distinguish capitals, and a hard link.
    """
    places: list[Place] = [("file", str(path))]
    try:
        found = path.stat()
    except OSError:  # an output that isn't there yet
        return places
    return [*places, ("inode", found.st_dev, found.st_ino)]


def of_object(connection: StoreConnection, path: str) -> list[Place]:
    """Where ``bucket/key`` lies, by the store and not by the connection's name: two may lead to one store."""
    account = getattr(connection, "account", "")
    return [(connection.kind, account, normal(connection.endpoint) if connection.endpoint else "", path)]


def of_address(url: str) -> list[Place]:
    """Where a file on a host lies."""
    return [("address", normal(url))]


class Occupied:
    """What a job has read so far, and what it will write."""

    def __init__(self) -> None:
        self._read: dict[Place, str] = {}
        self._written: dict[Place, str] = {}

    def read(self, places: Iterable[Place], what: str) -> None:
        """Something was read, which people know as ``what``."""
        for place in places:
            self._read.setdefault(place, what)

    def write(self, places: list[Place], what: str) -> None:
        """Something will be written.

        Raises:
            ModelFailure: what lies there was read, or another output will be written there.
        """
        if read := next((self._read[place] for place in places if place in self._read), None):
            raise ModelFailure(
                f"The {what} lies where the {read} does, which it would overwrite: give it another address."
            )
        if other := next((self._written[place] for place in places if place in self._written), None):
            raise ModelFailure(f"The {what} lies where the {other} does: give each its own address.")
        self._written |= dict.fromkeys(places, what)
