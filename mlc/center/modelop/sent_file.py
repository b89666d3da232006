"""A file on its way to the centre: opened once, so that what was hashed is what is sent."""

import asyncio
import codecs
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.ordinary import opened
from mlc.model.failure import Refused

BLOCK = 1024 * 1024
"""Bytes that are read at once."""


class Sendable(Protocol):
    """What can be sent, from any offset and more than once."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Exactly these bytes. Blocking.

        Raises:
            Refused: they can't be read any more.
        """
        ...

    def check(self) -> None:
        """Make sure that it is what it was at the beginning. Blocking.

        Raises:
            Refused: it is not.
        """
        ...


async def hashed(file: Sendable, told: Callable[[int], None] = lambda _: None) -> str:
    """The SHA-256 in lower-case hexadecimal. ``told`` how many bytes are read; it can be cancelled at any of them.

    Raises:
        Refused: it can't be read, or was changed meanwhile.
    """
    digest = hashlib.sha256()
    for start in range(0, file.size, BLOCK):
        length = min(BLOCK, file.size - start)
        await asyncio.to_thread(_add, digest, file, start, length)
        told(start + length)
    await asyncio.to_thread(file.check)
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", file: Sendable, start: int, length: int) -> None:
    digest.update(file.read(start, length))


class SentFile:
    """A regular file of this machine, open for as long as the block lasts. Blocking.

    Raises:
        Refused: it can't be read, or is none.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        try:
            self._file = opened(path)
        except OSError as error:
            raise self._unreadable(error) from error
        self._before = os.fstat(self._file.fileno())
        self.size = self._before.st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, start: int, length: int) -> bytes:
        try:
            data = os.pread(self._file.fileno(), length, start)
        except OSError as error:
            raise self._unreadable(error) from error
        if len(data) != length:  # a regular file gives less at its end only
            raise self._changed("was changed")
        return data

    def check_text(self) -> None:
        """Make sure that it is UTF-8. Blocking.

        Raises:
            Refused: it is not.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for start in range(0, self.size, BLOCK):
                decoder.decode(self.read(start, min(BLOCK, self.size - start)))
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise Refused(SYSTEM, f"The file {self.name!r} is not UTF-8.", status=0) from None

    def check(self) -> None:
        try:
            now, there = os.fstat(self._file.fileno()), self._path.stat()
        except FileNotFoundError:
            raise self._changed("was removed") from None
        except OSError as error:
            raise self._unreadable(error) from error
        if not os.path.samestat(now, there):
            raise self._changed("was replaced by another")
        if (now.st_size, now.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise self._changed("was changed")

    def _changed(self, what: str) -> Refused:
        text = f"The file {self.name!r} {what} while it was sent: leave it as it is, and send it again."
        return Refused(SYSTEM, text, status=0)

    def _unreadable(self, error: OSError) -> Refused:
        text = f"The file {self.name!r} can't be read ({error.strerror}): make it readable, and send it again."
        return Refused(SYSTEM, text, status=0)


class SentBytes:
    """A content that is in memory already."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self.size = len(content)
        self._content = content

    def read(self, start: int, length: int) -> bytes:
        return self._content[start : start + length]

    def check(self) -> None:
        """It can't change."""
