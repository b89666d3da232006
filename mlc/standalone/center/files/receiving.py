"""Takes in the next part of a file as it comes, a piece at a time, and the file when it is whole."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from mlc.standalone.center.files.errors import Misplaced, NoRoom, TooLong, WrongHash
from mlc.standalone.center.files.place import PIECE
from mlc.standalone.center.files.store import FileStore
from mlc.standalone.center.files.unfinished import Draft

Write = Callable[[list[bytes]], None]
SILENCE = 60
"""Seconds after which a sender of whom nothing is heard is taken for gone: nobody else could go on meanwhile."""


class Part(NamedTuple):
    """A part of a file that is sent: where it begins, and how long the whole file is, in bytes."""

    digest: str
    offset: int
    total: int


class Receiving:
    """Receives files. What arrived of one stays when its sender is lost; it is hashed when it is whole."""

    def __init__(self, files: FileStore, limit: int) -> None:
        self._files = files
        self._limit = limit

    async def part(self, part: Part, body: AsyncIterator[bytes], *, sender: str = "") -> int:
        """Take in a part; returns how many bytes are there now.

        Args:
            part: which.
            body: its bytes. What it raises, such as that the connection was lost, is raised when they are on disk.
            sender: each has unfinished files of its own, and may read what it has sent. Empty: the operator.

        Raises:
            TooLong: the file, or what was sent of it, is larger than may be.
            Misplaced: this part is not what comes next, or another request sends this file now.
            WrongHash: the file is whole, and another one. Nothing of it is kept.
            NoRoom: there is no room for it. Nothing of it is kept.
            CannotKeep: as its name says.
            TimeoutError: nothing came for a minute.
        """
        if part.total > self._limit:
            raise TooLong(f"The file has {part.total} bytes; {self._limit} may be sent (MLC_CENTER_FILE_LIMIT_MB).")
        taken = self._files.unfinished.taken(part.digest, sender)
        draft = await asyncio.to_thread(taken.__enter__)
        try:
            return await self._append(draft, part, body, sender)
        except (NoRoom, WrongHash, TooLong):
            await asyncio.to_thread(draft.drop)
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(taken.__exit__, None, None, None))

    async def _append(self, draft: Draft, part: Part, body: AsyncIterator[bytes], sender: str) -> int:
        if draft.size > part.total:  # it was said to be longer before: what is there is not this file
            await asyncio.to_thread(draft.empty)
        if draft.size != part.offset:
            raise Misplaced(draft.size)
        await asyncio.to_thread(draft.require_room, part.total - part.offset)
        hashed = hashlib.sha256() if part.offset == 0 else None

        def write(pieces: list[bytes]) -> None:
            draft.write(pieces)
            if hashed is not None:
                for piece in pieces:
                    hashed.update(piece)

        await _written(body, write, part.total - part.offset)
        if draft.size < part.total:
            return draft.size
        # Of what came in several requests the beginning is read once more: it may have come to another process.
        digest = hashed.hexdigest() if hashed else await asyncio.to_thread(draft.digest)
        if digest != part.digest:
            raise WrongHash(
                f"What was sent has the SHA-256 {digest}, not {part.digest}: nothing of it was kept; send it again."
            )
        await asyncio.to_thread(self._files.take, draft, digest, sender=sender)
        return part.total


async def _written(body: AsyncIterator[bytes], write: Write, room: int) -> None:
    """Write what comes, a piece at a time; nothing is read from the network meanwhile.

    Raises:
        TooLong: more comes than there should be.
    """
    pieces, size = list[bytes](), 0
    coming = aiter(body)
    try:
        while True:
            async with asyncio.timeout(SILENCE):
                data = await anext(coming, None)
            if data is None:
                break
            room -= len(data)
            if room < 0:
                raise TooLong("More bytes were sent than Upload-Length says: nothing of the file was kept.")
            pieces.append(data)
            size += len(data)
            if size >= PIECE:
                full, pieces, size = pieces, [], 0
                await asyncio.to_thread(write, full)
    except TooLong:
        raise
    except BaseException:
        if pieces:
            await asyncio.shield(asyncio.to_thread(write, pieces))
        raise
    if pieces:
        await asyncio.to_thread(write, pieces)
