"""Files that have not come whole yet: in a folder of this machine, so that a sender can go on where it stopped."""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from mlc.standalone.center.files.errors import Misplaced, written
from mlc.standalone.center.files.place import PIECE, make


class Draft:
    """A file while it is written. Blocking; whoever has it has it alone."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def require_room(self, more: int) -> None:
        """Raises NoRoom if so many bytes would not fit."""
        free = os.fstatvfs(self._descriptor)
        if more > free.f_bavail * free.f_frsize:
            with written():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(self, pieces: Sequence[bytes]) -> None:
        """Append. Raises NoRoom and CannotKeep."""
        with written():
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    count = os.pwrite(self._descriptor, rest, self.size)
                    self.size += count
                    rest = rest[count:]

    def digest(self) -> str:
        """The SHA-256 of what is there, read once more."""
        found, position = hashlib.sha256(), 0
        while data := os.pread(self._descriptor, PIECE, position):
            found.update(data)
            position += len(data)
        return found.hexdigest()

    def sync(self) -> None:
        """Have it on disk, whatever happens to the machine."""
        with written():
            os.fsync(self._descriptor)

    def empty(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self.size = 0

    def drop(self) -> None:
        """Remove it, if it lies here still: a file that came to its name since is somebody else's."""
        if _is_there(self.path, self._descriptor):
            self.path.unlink()


class Unfinished:
    """What senders have sent so far, each for itself: what one of them sends wrong is not in another's way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        make(self._folder)

    def size(self, digest: str, sender: str) -> int | None:
        """Bytes of a file that a sender has sent; None if it hasn't begun."""
        try:
            return self._path(digest, sender).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def taken(self, digest: str, sender: str) -> Iterator[Draft]:
        """A file to go on with; it stays as it is afterwards, unless it was dropped or put elsewhere.

        The lock is the kernel's: it holds among processes, and ends with one that dies.

        Raises:
            Misplaced: somebody has it now.
            NoRoom, CannotKeep: as their names say.
        """
        path = self._path(digest, sender)
        with _opened(path) as descriptor:
            draft = Draft(path, descriptor)
            yield draft
            if not draft.size:
                draft.drop()

    @contextmanager
    def new(self) -> Iterator[Draft]:
        """A file that nobody goes on with: it is gone afterwards, unless it was put elsewhere."""
        path = self._folder / f"{uuid4().hex}.whole"
        with _opened(path) as descriptor:
            draft = Draft(path, descriptor)
            try:
                yield draft
            finally:
                draft.drop()

    def expire(self, before: datetime) -> int:
        """Remove what nobody has gone on with since then; returns how many there were."""
        removed = 0
        for path in sorted(self._folder.iterdir()):
            with suppress(FileNotFoundError, Misplaced):
                if path.stat().st_mtime < before.timestamp():
                    with _opened(path, create=False):
                        path.unlink()
                        removed += 1
        return removed

    def _path(self, digest: str, sender: str) -> Path:
        # Names of senders may differ by case only, which a file system may not tell apart.
        return self._folder / f"{digest}.{hashlib.sha256(sender.encode()).hexdigest()[:16]}"


@contextmanager
def _opened(path: Path, *, create: bool = True) -> Iterator[int]:
    """A file of ours, locked.

    Raises:
        Misplaced: somebody has it now.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    while True:
        with written() if create else nullcontext():
            descriptor = os.open(path, flags, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Misplaced(os.fstat(descriptor).st_size, busy=True) from None
            if not _is_there(path, descriptor):  # whoever had it has put it elsewhere meanwhile
                continue
            yield descriptor
            return
        finally:
            os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    mine = os.fstat(descriptor)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
