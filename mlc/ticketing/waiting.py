"""Whether anybody still waits for what a thread asks of a ticket system.

A thread can't be cancelled: it looks here before each of its requests, and so outlives its caller by one at most.
"""

import threading
import time
from contextvars import ContextVar

from mlc.model.failure import Unavailable

_left: ContextVar[tuple[threading.Event, float] | None] = ContextVar("left", default=None)


def until(left: threading.Event, end: float = float("inf")) -> None:
    """Say, in this context, by what it is known that nobody waits any more. Unless it is said, somebody does.

    Args:
        left: set when they have left.
        end: when they leave at the latest, by ``time.monotonic``.
    """
    _left.set((left, end))


def make_sure(system: str, doing: str) -> None:
    """To be called before each request.

    Raises:
        Unavailable: nobody waits for it. Nothing was sent.
    """
    left, end = _left.get() or (None, 0)
    if left is not None and (left.is_set() or time.monotonic() >= end):
        raise Unavailable(system, f"{system} was not asked to {doing}: nobody waits for it any more")
