"""Locks on files that several processes of one folder share, and that may be removed together with what they guard."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

INTERVAL = 0.2
SHARED, ALONE = fcntl.LOCK_SH, fcntl.LOCK_EX


def hold(path: Path, kind: int, *, create: bool = False) -> TextIO | None:
    """The open file, locked until it is closed or this process ends; None if it isn't there or others hold it."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    try:
        file = os.fdopen(os.open(path, flags, 0o600), "r+")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except (BlockingIOError, FileNotFoundError):  # or it was removed between the two
        pass
    file.close()
    return None


@asynccontextmanager
async def held(path: Path, kind: int, waiting: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Hold a lock, after those who have it.

    Args:
        waiting: called once, if there are any.
    """
    told = False
    while (file := hold(path, kind, create=True)) is None:
        if not told:
            told = True
            await waiting()
        await asyncio.sleep(INTERVAL)
    try:
        yield
    finally:
        file.close()
