"""A content on its way from the model centre to the disk: in pieces, resumed where it stood, checked by its hash."""

import asyncio
import hashlib
import logging
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from mlc.model.failure import Refused, Unavailable
from mlc.runtime.contents.content import (
    FULL,
    PERMISSIONS,
    PIECE,
    Check,
    Content,
    DiskFull,
    TakesTooLong,
    WrongContent,
    in_thread,
    shown_size,
)
from mlc.runtime.outages import patiently
from mlc.runtime.removal import remove

OPEN = 0o600
FIRST_TOLD, TOLD = 1.0, 5.0
"""Seconds until it is told how far a download is, and between two times."""
PAUSE = 0.5
"""Seconds after which a connection that was lost in the middle is made again."""
log = logging.getLogger(__name__)

Pieces = Callable[[int], AsyncIterator[bytes]]
"""The pieces of a content from a byte on."""
Doing = Callable[[str], Awaitable[None]]
"""Told what is being done just now."""


class Download:
    """One content on its way to a file, which only one of all that run fetches at a time: whoever has its lock.

    Args:
        part: where it is while it is unfinished. What an earlier one left there is gone on with.
        pieces: asked again from where it stands, if a connection is lost.
        time: seconds that it may take while the centre is there.
        doing: told now and then how far it is.
    """

    def __init__(self, content: Content, part: Path, pieces: Pieces, *, time: float, doing: Doing) -> None:
        self._content = content
        self._part = part
        self._pieces = pieces
        self._allowed = self._left = time
        self._doing = doing
        self._file = -1
        self._at = 0
        self._digest = hashlib.sha256()

    async def run(self) -> None:
        """Fetch it whole; ``part`` has the content then, and is not to be written to any more.

        Raises:
            Refused: the centre doesn't give it; nothing is left of it.
            WrongContent: it gives another one; nothing is left of it.
            DiskFull: the disk is full; nothing is left of it.
            TakesTooLong: it takes longer than is allowed. What has come by then stays, for the next try.
        """
        telling = asyncio.create_task(self._tell())
        try:
            await in_thread(self._begin)
            resumed = self._at
            while (problem := await self._received()) and resumed:
                log.warning("What an earlier download left of %s was damaged: it is fetched anew.", self._content.name)
                self._drop()
                await in_thread(self._begin)
                resumed = 0
            if problem:
                self._drop()
                raise WrongContent(self._content, problem)
            os.fchmod(self._file, PERMISSIONS)
        except Refused:
            self._drop()
            raise
        finally:
            telling.cancel()
            self._close()

    async def _received(self) -> str | None:
        """Receive what is missing; what is wrong with the whole, as the beginning of a sentence's part."""
        while not await patiently(self._some):
            pass
        size, sha256 = self._content.size, self._digest.hexdigest()
        if size is not None and self._at != size:
            return f"it has {self._at:,} bytes instead of {size:,}"
        return None if sha256 == self._content.sha256 else f"its SHA-256 is {sha256}"

    async def _some(self) -> bool:
        """Receive as much as one connection gives; False if there is more.

        Raises:
            Unavailable: that is nothing.
        """
        clock = asyncio.get_running_loop().time
        before, began, size = self._at, clock(), self._content.size
        if before == size:
            return True
        try:
            async with asyncio.timeout(self._left):
                async for piece in self._pieces(self._at):
                    await in_thread(partial(self._write, piece))
                    if size is not None and self._at > size:
                        return True  # and it is wrong
        except Unavailable as error:
            if self._at == before:
                raise
            log.warning("%s It goes on from %s of %s.", error, shown_size(self._at), self._content.name)
            await asyncio.sleep(PAUSE)
            return False
        except TimeoutError:
            raise TakesTooLong(
                f"Fetching {self._content.name} took longer than {self._allowed:g} seconds, of which it has "
                f"{self._progress} now; another try goes on from there. Raise MLC_RUNTIME_FETCH_TIME_LIMIT."
            ) from None
        finally:
            self._left = max(self._left - (clock() - began), 0.001)
        return size is None or self._at >= size or self._at == before

    def _begin(self, check: Check) -> None:
        """Open the part and read what is there of it, or begin anew."""
        self._digest, self._at = hashlib.sha256(), 0
        try:
            state = self._part.lstat()
            whole = self._content.size is not None and state.st_size > self._content.size
            if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid() or state.st_nlink > 1 or whole:
                log.warning("What lies at %s is no part of a download: it is removed.", self._part)
                remove(self._part)
            elif state.st_mode & OPEN != OPEN:  # as of one that was killed when it was whole
                self._part.chmod(OPEN)
        except FileNotFoundError:
            pass
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._file = os.open(self._part, flags, OPEN)
        while piece := os.pread(self._file, PIECE, self._at):
            check()
            self._digest.update(piece)
            self._at += len(piece)

    def _write(self, piece: bytes, _: Check) -> None:
        try:
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(self._file, rest, self._at)
                self._digest.update(rest[:written])
                self._at += written
                rest = rest[written:]
        except OSError as error:
            if error.errno in FULL:
                self._drop()
                raise DiskFull(self._content.name, self._part.parent, self._content.size) from None
            raise

    def _drop(self) -> None:
        self._close()
        with suppress(FileNotFoundError):
            self._part.unlink()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    async def _tell(self) -> None:
        await asyncio.sleep(FIRST_TOLD)
        while True:
            said = f"fetching {self._content.name}: {self._progress}"
            log.info("%s", said)
            await self._doing(said)
            await asyncio.sleep(TOLD)

    @property
    def _progress(self) -> str:
        size = self._content.size
        return shown_size(self._at) + ("" if size is None else f" of {shown_size(size)}")
