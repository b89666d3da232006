"""Contents of files outside of memory: those that came from the centre, and files that are to go there.

In JSON a token stands for a content. Its nonce is random, so that nobody else's text is ever taken for a token.
"""

import base64
import errno
import io
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.ordinary import opened
from mlc.model.failure import Refused, Unavailable

PIECE = 768 * 1024
"""Bytes that are handled at once, below a megabyte and a multiple of three."""
SMALL, SMALL_TOGETHER = 64 * 1024, 1024 * 1024
"""Bytes of a file, and of all files of one document, that go along in it and save requests."""
HERE = "spool"
"""The system that fails where contents can't be kept on this machine: nothing is wrong at the model centre."""
TOKEN = re.compile(rb"mlc-content:([0-9a-f]{32}):(\d{1,9})")


class Source(Protocol):
    """Contents, by number."""

    @property
    def nonce(self) -> str: ...
    def length(self, number: int) -> int:
        """Bytes that ``pieces`` will give.

        Raises:
            IndexError: there is none of this number.
        """
        ...

    def pieces(self, number: int) -> Iterator[bytes]:
        """What stands between the quotes of a JSON string. Blocking."""
        ...


class Spool:
    """Contents that came from the centre: a sink for the scanner, in a file that has no name and so leaves no trace."""

    def __init__(self, folder: Path | None) -> None:
        self.nonce = secrets.token_hex(16)
        self._folder = folder
        self._descriptor: int | None = None
        self._closed = False
        self._parts: list[tuple[int, int]] = []
        self._size = 0

    def begin(self) -> None:
        with self._room():
            if self._descriptor is None:
                with tempfile.TemporaryFile(dir=self._folder, prefix="mlc-") as file:
                    self._descriptor = os.dup(file.fileno())
        self._parts.append((self._size, 0))

    def write(self, data: bytes) -> None:
        with self._room():
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._open(), rest) :]
        self._size += len(data)

    def end(self) -> str:
        start, _ = self._parts[-1]
        self._parts[-1] = (start, self._size - start)
        return token(self.nonce, len(self._parts) - 1)

    def length(self, number: int) -> int:
        return self._parts[number][1]

    def pieces(self, number: int) -> Iterator[bytes]:
        start, length = self._parts[number]
        for offset in range(start, start + length, PIECE):
            yield os.pread(self._open(), min(PIECE, start + length - offset), offset)

    def close(self) -> None:
        self._closed = True
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            raise Refused(SYSTEM, "The contents were closed while they were used.", status=0)
        return self._descriptor

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = self._folder or tempfile.gettempdir()
            what = "is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else f"can't be written ({error.strerror})"
            text = f"The contents of files could not be kept: {place} {what}; make room, or set MLC_CENTER_SPOOL."
            raise Unavailable(HERE, text) from error


class Dropped:
    """A sink for contents that nobody will ask for. Their tokens can't be sent back."""

    nonce = secrets.token_hex(16)

    def begin(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def end(self) -> str:
        return token(self.nonce, 0)


class Files:
    """Files that go to the centre within JSON: base64, or text."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(16)
        self._files: list[tuple[Path, bool, int]] = []
        self._small = 0

    def has_room(self, size: int) -> bool:
        """Whether one more file of this size goes along, where larger ones are sent by themselves; it is counted."""
        small = size <= SMALL and self._small + size <= SMALL_TOGETHER
        self._small += size if small else 0
        return small

    def add(self, path: Path, *, text: bool) -> str:
        """The token for a file. Blocking; the file must stay as it is until it has been sent.

        Raises:
            Refused: it can't be read.
        """
        try:
            length = sum(map(len, _text(path))) if text else -(-path.stat().st_size // 3) * 4
        except (OSError, UnicodeDecodeError) as error:
            why = "is not UTF-8" if isinstance(error, ValueError) else f"can't be read ({error.strerror})"
            raise Refused(SYSTEM, f"The file {path.name!r} {why}.", status=0) from error
        self._files.append((path, text, length))
        return token(self.nonce, len(self._files) - 1)

    def length(self, number: int) -> int:
        return self._files[number][2]

    def pieces(self, number: int) -> Iterator[bytes]:
        path, text, length = self._files[number]
        sent = 0
        try:
            for piece in _text(path) if text else _base64(path):
                sent += len(piece)
                if sent > length:
                    break
                yield piece
        except (OSError, UnicodeDecodeError):  # it is gone, or something else lies there
            sent = -1
        if sent != length:
            raise Refused(SYSTEM, f"The file {path.name!r} was changed while it was sent: send it again.", status=0)


class Spools:
    """All contents that can be sent at this moment."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._sources: dict[str, Source] = {}

    @contextmanager
    def spool(self) -> Iterator[Spool]:
        """A place for contents, which is gone when the block ends."""
        spool = Spool(self._folder)
        with self._known(spool):
            try:
                yield spool
            finally:
                spool.close()

    @contextmanager
    def files(self) -> Iterator[Files]:
        files = Files()
        with self._known(files):
            yield files

    @contextmanager
    def _known(self, source: Source) -> Iterator[None]:
        self._sources[source.nonce] = source
        try:
            yield
        finally:
            del self._sources[source.nonce]

    def find(self, text: bytes) -> tuple[Source, int] | None:
        """The content that a text is the token of; None if it is no token of ours.

        Raises:
            Refused: that content was not kept, or is no longer.
        """
        match = TOKEN.fullmatch(text)
        if match is None:
            return None
        nonce, number = match[1].decode(), int(match[2])
        if nonce == Dropped.nonce:
            raise Refused(SYSTEM, "Contents of files are needed that were not read; open what holds them.", status=0)
        source = self._sources.get(nonce)
        if source is None:
            return None
        try:
            source.length(number)
        except IndexError:
            raise Refused(
                SYSTEM, f"The content {number} of a file was not kept; open what holds it.", status=0
            ) from None
        return source, number


def token(nonce: str, number: int) -> str:
    return f"mlc-content:{nonce}:{number}"


def _base64(path: Path) -> Iterator[bytes]:
    with opened(path) as file:
        while data := file.read(PIECE):
            yield base64.b64encode(data)


def _text(path: Path) -> Iterator[bytes]:
    with io.TextIOWrapper(opened(path), encoding="utf-8", newline="") as file:
        while text := file.read(PIECE):
            yield json.dumps(text)[1:-1].encode()
