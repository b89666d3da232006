"""The runtime's end of the channel to a model's process: lines in and out, none of them longer than it may be."""

import asyncio
import socket
from collections.abc import Callable

from mlc.model.failure import MlcError
from mlc.runtime.channel.messages import BadMessage

PIECE = 64 * 1024
"""Bytes that are read at a time. What nobody reads stays with the writer, who waits."""


class Closed(MlcError):
    """Nothing more comes: whoever could write is gone, or has closed it."""


class Channel:
    """Lines over one end of a socket pair.

    Args:
        end: the runtime's; it is closed with the channel.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._read = bytearray()
        self._looked_at = 0

    async def open(self) -> None:
        """To be called before anything else."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._end, limit=PIECE)

    async def line(self, limit: int, awaited: Callable[[], bool] = lambda: True) -> bytes:
        """The next line without its end. A call that is cancelled loses nothing.

        Args:
            limit: bytes.
            awaited: whether anything is to be said just now.

        Raises:
            BadMessage: it is longer, as soon as so much of it is there; or nothing is to be said.
            Closed: there is none; what came of one is dropped.
        """
        while True:
            if self._read and not awaited():
                raise BadMessage("it spoke without being asked")
            end = self._read.find(b"\n", self._looked_at)
            if max(end, self._looked_at) > limit or (end < 0 and len(self._read) > limit):
                raise BadMessage(f"it sent a message longer than {limit:,} bytes")
            if end >= 0:
                line = bytes(self._read[:end])
                del self._read[: end + 1]
                self._looked_at = 0
                return line
            self._looked_at = len(self._read)
            try:
                piece = await self._reader.read(PIECE)
            except ConnectionError:
                piece = b""
            if not piece:
                raise Closed
            self._read += piece

    async def write(self, line: bytes) -> None:
        """Write a line, and wait until it can be expected to be read. Nobody may be there any more."""
        try:
            self._writer.write(line + b"\n")
            await self._writer.drain()
        except ConnectionError:
            pass

    def close(self) -> None:
        """Close it. Can be called again."""
        if hasattr(self, "_writer"):
            self._writer.close()
        else:
            self._end.close()
