"""Outputs that are written in parts and completed at the end: whole, or not at all.

What is known of an unfinished one is a small value, :class:`Parts`. It fits in a heartbeat, and whoever has it can go
on: another process, on another machine where the output lies in a store.
"""

import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, Protocol

from pydantic import Field

from mlc.data.local import make, opened, settle, shared
from mlc.model.base import Record
from mlc.model.failure import MlcError

CHUNK = 1024**2
_ID = re.compile(r"[0-9a-f]{32}")
_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.partial")
LEFT_BEHIND = 7 * 24 * 3600
"""Seconds after which an unfinished file of this machine is nobody's any more."""
TAG = 32
"""Characters of a part's SHA-256 that are kept."""


class PartsLost(MlcError):
    """An unfinished output can't be gone on with, or completed: its parts are not what was put. Begin it again."""


class Parts(Record):
    """An unfinished output: where its parts are, and each one's size in bytes and tag, in order.

    ``tag`` is of its content: the first characters of its SHA-256, or what the store answered (S3: its ETag). A hundred
    parts are 5 KB of JSON.
    """

    store: Literal["file", "s3", "objects"]
    address: str
    """What is written, as the writer has it; a state is of use for the same output alone."""
    id: str
    """Tells it from other tries: of S3 its upload's id."""
    parts: list[tuple[int, str]] = Field([], max_length=10_000)

    @property
    def size(self) -> int:
        """Bytes of all parts together: what follows begins there."""
        return sum(size for size, _ in self.parts)

    def put(self, number: int, size: int, tag: str) -> "Parts":
        """The same with one part more, or with a part in the place of what had its number and all that followed."""
        return self.model_copy(update={"parts": [*self.parts[: number - 1], (size, tag)]})


class PartsWriter(Protocol):
    """Writes one output in parts. Blocking. Numbers begin with 1 and have no gap.

    A part that is put again takes the place of the earlier one, and of what followed: whoever goes on from an older
    state than the last one writes the same again.
    """

    smallest: int
    """Bytes that every part but the last must have."""

    def begin(self) -> Parts:
        """Begin an output. What lies at its address stays until it is complete."""

    def put(self, state: Parts, number: int, data: bytes | Path) -> Parts:
        """Write a part, from memory or from a file of ours; it is safe when this has returned."""

    def complete(self, state: Parts) -> None:
        """Make the parts the output, in place of what was there. Doing it twice is doing it once.

        Raises:
            PartsLost: they are not what was put, or there are none.
        """

    def abort(self, state: Parts) -> None:
        """Remove the parts, as far as they are there."""

    def resume(self, state: Parts) -> Parts | None:
        """The state with those parts alone that are there and whole, from the first on.

        Returns:
            None if nothing is left of it, so that it has to be begun again, or if it is complete: ``finished`` tells.
        """

    def finished(self, state: Parts) -> bool:
        """Whether what lies at the address is made of just these parts: a completion of which nobody has heard."""


def check(state: Parts, store: str, address: str) -> None:
    """Make sure that a state is one of this writer's; it may come from a history.

    Raises:
        PartsLost: it isn't.
    """
    if (state.store, state.address) != (store, address) or (store != "s3" and not _ID.fullmatch(state.id)):
        raise PartsLost("What is known of the unfinished output is of another one: begin it again.")


def check_number(state: Parts, number: int) -> None:
    """Make sure that a part's number leaves no gap.

    Raises:
        ValueError: it does.
    """
    if not 1 <= number <= len(state.parts) + 1:
        raise ValueError(f"part {number} can't follow {len(state.parts)} parts")


def check_sizes(state: Parts, smallest: int) -> None:
    """Make sure that there are parts, and that all but the last are large enough.

    Raises:
        PartsLost: they aren't.
    """
    if not state.parts:
        raise PartsLost("The output has no part, not even an empty one.")
    if any(size < smallest for size, _ in state.parts[:-1]):
        raise PartsLost(f"A part of the output that is not the last has less than {smallest} bytes.")


def new_id() -> str:
    """An id of an output that nobody else has."""
    return uuid.uuid4().hex


def tag_of(pieces: Iterator[bytes]) -> tuple[int, str]:
    """Size and tag of what is in some pieces."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()[:TAG]


def pieces_of(data: bytes | Path) -> Iterator[bytes]:
    """The content of a part, piece by piece."""
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        yield from iter(lambda: file.read(CHUNK), b"")


def limited(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The next ``size`` bytes of a file, or as many as there are."""
    while size and (piece := file.read(min(CHUNK, size))):
        size -= len(piece)
        yield piece


def made_of(file: IO[bytes], parts: Sequence[tuple[int, str]]) -> bool:
    """Whether a file is these parts, one after the other, and nothing else."""
    return all(tag_of(limited(file, size)) == (size, tag) for size, tag in parts) and not file.read(1)


class FileParts:
    """A file of this machine: written beside its place, and renamed.

    Args:
        path: where it shall lie, checked by the caller.
        address: how the state calls it.
    """

    smallest = 0

    def __init__(self, path: Path, address: str = "") -> None:
        self._path = path
        self._address = address or path.as_uri()

    def begin(self) -> Parts:
        """Raises OSError: nothing can be written there."""
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        state = Parts(store="file", address=self._address, id=new_id())
        make(self._path.parent)
        self._tidy()
        with self._partial(state).open("xb") as file:
            os.fchmod(file.fileno(), shared(self._path.parent))
        return state

    def put(self, state: Parts, number: int, data: bytes | Path) -> Parts:
        """Raises OSError: it can't be written, such as on a full disk. PartsLost: the unfinished file is gone."""
        check_number(state, number)
        begins = sum(size for size, _ in state.parts[: number - 1])
        digest, size = hashlib.sha256(), 0
        with self._opened(state) as file:
            if file.seek(0, os.SEEK_END) < begins:
                raise PartsLost("The unfinished output is shorter than its parts: begin it again.")
            file.seek(begins)
            for piece in pieces_of(data):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
            file.truncate()  # what an earlier try wrote
            file.flush()
            os.fsync(file.fileno())
        return state.put(number, size, digest.hexdigest()[:TAG])

    def complete(self, state: Parts) -> None:
        """Raises OSError: it can't be renamed. PartsLost: the unfinished file is gone, or has another length."""
        check_sizes(state, self.smallest)
        check(state, "file", self._address)
        partial = self._partial(state)
        if not partial.exists():
            if self.finished(state):
                return
            raise PartsLost("The unfinished output is gone: begin it again.")
        with self._opened(state) as file:
            if file.seek(0, os.SEEK_END) != state.size:
                raise PartsLost("The unfinished output is not as long as its parts: begin it again.")
        partial.replace(self._path)
        settle(self._path.parent)

    def abort(self, state: Parts) -> None:
        """Raises OSError: it can't be removed."""
        check(state, "file", self._address)
        self._partial(state).unlink(missing_ok=True)

    def resume(self, state: Parts) -> Parts | None:
        """Reads all that is there: a power failure may have left anything. Raises OSError: it can't be read."""
        check(state, "file", self._address)
        try:
            file = opened(self._partial(state))
        except FileNotFoundError:
            return None
        whole: list[tuple[int, str]] = []
        with file:
            for size, tag in state.parts:
                if tag_of(limited(file, size)) != (size, tag):
                    break
                whole.append((size, tag))
        return state.model_copy(update={"parts": whole})

    def finished(self, state: Parts) -> bool:
        """Raises OSError: it can't be read."""
        check(state, "file", self._address)
        try:
            with opened(self._path) as file:
                return made_of(file, state.parts)
        except FileNotFoundError:
            return False

    def _tidy(self) -> None:
        """Remove what outputs in this folder have left unfinished that nobody has written to for days: their jobs have
        ended, and the runtime that wrote them was killed, or it would have removed them.
        """
        for other in self._path.parent.iterdir():
            if _PARTIAL.fullmatch(other.name):
                with suppress(OSError):  # another begins beside us, or it is not ours to remove
                    if time.time() - other.lstat().st_mtime > LEFT_BEHIND:
                        other.unlink()

    def _partial(self, state: Parts) -> Path:
        check(state, "file", self._address)
        return self._path.with_name(f".{state.id}.partial")

    def _opened(self, state: Parts) -> IO[bytes]:
        try:
            descriptor = os.open(self._partial(state), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise PartsLost("The unfinished output is gone: begin it again.") from None
        return os.fdopen(descriptor, "r+b")
