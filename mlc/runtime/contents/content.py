"""One content: what is wanted, what can go wrong with it, and how its bytes are moved between files."""

import asyncio
import errno
import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from mlc.model.failure import MlcError
from mlc.runtime.environments.manifest import READING, shares_blocks
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.working_directory import READ

PIECE = 1024**2
MEGABYTE, GIGABYTE = 1024**2, 1024**3
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
PERMISSIONS = 0o400
"""Of a file that is kept. A level may add the reading by a group, which models' account has."""

Check = Callable[[], None]
"""Raises once what is under way in a thread is to end."""
T = TypeVar("T")


class Content(NamedTuple):
    """What is wanted: ``sha256`` in lower-case hexadecimal, ``size`` in bytes if that is known, a name for people."""

    sha256: str
    size: int | None
    name: str


class Unfetched(ModelFailure):
    """A file of a model can't be had although it is known to exist, so that running without it makes no sense."""


class WrongContent(Unfetched):
    """What came isn't what the hash says."""

    def __init__(self, content: Content, came: str) -> None:
        super().__init__(
            f"The content of {content.name} that came from the model centre is not the one that was stored: {came}, "
            f"and its SHA-256 should be {content.sha256}. It was dropped. Store the file again."
        )


class DiskFull(Unfetched):
    """A disk of the runtime's is full."""

    def __init__(self, name: str, folder: Path, size: int | None = None) -> None:
        much = f" ({shown_size(size)})" if size is not None else ""
        super().__init__(
            f"There is no room on the runtime's disk for {name}{much} in {folder}, and nothing of it was kept: make "
            "room there, or lower MLC_RUNTIME_CONTENTS_LIMIT_MB."
        )


class TakesTooLong(Unfetched):
    """It took longer than a setting allows."""


class Damaged(MlcError):
    """A kept file isn't as it was kept. The text is a sentence's end."""


def opened(path: Path, content: Content) -> BufferedReader:
    """A kept file, if it is one by its looks; what is in it is another matter.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it is something else, somebody else's, can be written to by others, or has another length.
    """
    # Looked at first, since opening a pipe or a device may do something; and once more, since the open one counts.
    _check(path.lstat(), content)
    try:
        file = os.fdopen(os.open(path, READ), "rb")
    except PermissionError as error:
        raise Damaged(f"it can't be read: {error.strerror}") from None
    try:
        _check(os.fstat(file.fileno()), content)
    except BaseException:
        file.close()
        raise
    return file


def _check(state: os.stat_result, content: Content) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise Damaged("it is no regular file")
    if state.st_uid != os.geteuid():
        raise Damaged("it is another account's")
    if stat.S_IMODE(state.st_mode) & ~READING != PERMISSIONS:
        raise Damaged(f"its permissions are {stat.S_IMODE(state.st_mode):o}")
    if content.size is not None and state.st_size != content.size:
        raise Damaged(f"it has {state.st_size:,} bytes instead of {content.size:,}")


def digest_of(file: IO[bytes], check: Check) -> str:
    """Hexadecimal SHA-256 of an open file from its beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(PIECE):
        check()
        digest.update(piece)
    return digest.hexdigest()


def copied(source: IO[bytes], target: IO[bytes], check: Check) -> str:
    """Copy an open file. Hexadecimal SHA-256 of what was written: nobody can have changed it in between."""
    digest = hashlib.sha256()
    source.seek(0)
    while piece := source.read(PIECE):
        check()
        digest.update(piece)
        target.write(piece)
    target.flush()
    return digest.hexdigest()


def repeated(source: IO[bytes], target: IO[bytes]) -> None:
    """Make a new file what another is: by sharing blocks where the file system can, else by copying."""
    if not shares_blocks(source.fileno(), target.fileno()):
        shutil.copyfileobj(source, target, PIECE)


async def in_thread(work: Callable[[Check], T]) -> T:
    """Do what takes long in a thread; when cancelled, it is first waited for until that has noticed."""
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise InterruptedError

    running = asyncio.ensure_future(asyncio.to_thread(work, check))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopped.set()
        while not running.done():  # however often it is cancelled: what the thread uses must not be closed
            with suppress(asyncio.CancelledError):
                await asyncio.wait({running})  # noqa: TID251 - no workflow
        if not running.cancelled():
            running.exception()  # nobody wants to hear of it
        raise


def shown_size(size: int) -> str:
    """Bytes for people: ``512 MB``, ``2.0 GB``."""
    return f"{size / GIGABYTE:.1f} GB" if size >= GIGABYTE else f"{size / MEGABYTE:.0f} MB"
