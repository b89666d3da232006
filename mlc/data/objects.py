"""What an object contains, piece by piece; a connection that is lost in between is taken up again where it ended."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mlc.data.stores import Store, version
from mlc.model.failure import NotFound, Refused, Unavailable

RANGE = 8 * 1024**2
"""Bytes of one request."""
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often something is tried again that may go well later.

    Args:
        pauses: seconds before another try, one for each.
        wait: waits so many seconds; True if all is to end.
    """

    pauses: tuple[float, ...] = (1.0, 5.0)
    wait: Callable[[float], bool | None] = time.sleep

    def tried(self, ask: Callable[[], T], *, late: bool = False) -> T:
        """What is answered in the end.

        Args:
            late: also wait for what isn't there: it may be on its way.

        Raises:
            NotFound, Refused, Unavailable: the last try's.
        """
        for pause in self.pauses:
            try:
                return ask()
            except NotFound:
                if not late or self.wait(pause):
                    raise
            except Unavailable:
                if self.wait(pause):
                    raise
        return ask()


PATIENT = Patience()


def content(store: Store, path: str, patience: Patience, *, largest: Callable[[int], None]) -> Iterator[bytes]:
    """An object from its beginning to its end.

    Args:
        largest: told its size in bytes; raises if that is too much.

    Raises:
        NotFound, Refused, Unavailable: it can't be had; or it was replaced while it was read, which is a refusal.
    """
    before = patience.tried(lambda: store.info(path), late=True)
    if before.get("type") == "directory":
        raise NotFound(store.system, f"The {store.system} has a folder at that name, and no object.")
    size = int(before["size"])
    largest(size)
    for start in range(0, size, RANGE):
        yield patience.tried(lambda start=start: store.read(path, start, min(start + RANGE, size)))  # type: ignore[misc]
    if version(patience.tried(lambda: store.info(path))) != version(before):
        raise Refused(store.system, "The object was replaced while it was read: try again.", status=409)
