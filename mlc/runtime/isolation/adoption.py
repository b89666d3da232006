"""The runtime as the last parent: what comes to it that it didn't start is a model's, and is ended.

A process whose parent is gone becomes a child of the nearest subreaper above it. Usually that is its supervisor, which
ends it; if a model has killed its supervisor, it is this process.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mlc.runtime.isolation.supervisor import PR_SET_CHILD_SUBREAPER, children, descendants

INTERVAL = 1.0
"""Seconds between two looks."""
PATIENCE = 5.0
"""Seconds that a look waits for what it has killed: the kernel may hold on to a process for longer."""
log = logging.getLogger(__name__)

_own: set[int] = set()
_kept: set[int] = set()
_starts = 0
_adopts = False


def adopt() -> None:
    """From now on become the parent of what loses its own below this process, and end it. For a runtime's process."""
    global _adopts  # noqa: PLW0603 - it is an attribute of the process
    if sys.platform == "linux":
        _adopts = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


@contextmanager
def starting() -> Iterator[Callable[[int], None]]:
    """While a child is being started nobody can tell it from others; the block is told its id, and says it."""
    global _starts  # noqa: PLW0603
    _starts += 1
    try:
        yield _own.add
    finally:
        _starts -= 1


def ended(child: int) -> None:
    """A child of this process's own is no more."""
    _own.discard(child)


def keep_present() -> None:
    """What has been adopted by now is none of a model's, since none has run: what podman keeps running, for one."""
    _kept.update(_adopted())
    _own.update(_kept)


async def keep_clean() -> None:
    """End what is adopted, until this is cancelled."""
    while True:
        await asyncio.sleep(INTERVAL)
        await end_adopted()


async def end_adopted(*, of_models: bool = True) -> None:
    """End what this process has become the parent of, and what those started; nothing where it doesn't adopt.

    Args:
        of_models: whether it can be a model's, which is logged.
    """
    if not _adopts:
        return
    for child in [child for child in _kept if _reaped(child)]:
        _kept.discard(child)
        ended(child)
    pause, ends = 0.0, time.monotonic() + PATIENCE
    while not _starts and (found := _adopted()) and time.monotonic() < ends:
        for child in found:
            for process in (child, *descendants(child)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if _reaped(child) and of_models:
                log.warning("A model left process %d behind, which was ended.", child)
        await asyncio.sleep(pause)
        pause = min(pause + 0.005, 0.2)


def _adopted() -> list[int]:
    """The children of this process that are none of its own.

    Those in its own session are its own as well: a library may have started them, and no model's can get there.
    """
    found = [child for child in children(os.getpid()) if child not in _own]
    return [child for child in found if _session(child) != os.getsid(0)]


def _reaped(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return False


def _session(child: int) -> int:
    try:
        return os.getsid(child)
    except ProcessLookupError:
        return 0
