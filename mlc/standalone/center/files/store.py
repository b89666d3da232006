"""The centre's files by their SHA-256: taken in, handed out, and removed when nothing refers to them any more."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection

from mlc.standalone.center.files.errors import CannotKeep
from mlc.standalone.center.files.place import Place, place_at
from mlc.standalone.center.files.table import forget_unused, is_readable, note, note_seal, note_sender, seals
from mlc.standalone.center.files.unfinished import Draft, Unfinished

Transaction = Callable[[], AbstractContextManager[Connection]]
KEPT_UNFINISHED = timedelta(days=1)
GRACE = timedelta(days=7)
"""How long a file that nothing refers to is kept: longer than anybody takes from sending it to referring to it."""


class FileStore:
    """Blocking: call it on a thread.

    Args:
        address: a path, or any store of ``fsspec``'s, such as ``s3://bucket/prefix``.
        drafts: the folder of what has not come whole yet; it must be on the same file system as ``address``, if that is
            a folder.
        write: a transaction in the centre's database that writes.
        read: one that reads.
    """

    def __init__(self, address: str, drafts: Path, *, write: Transaction, read: Transaction) -> None:
        self.place: Place = place_at(address)
        self.unfinished = Unfinished(drafts)
        self._write = write
        self._read = read

    def settle(self) -> None:
        """See to it that this is the place of the database's files: the first centre that starts leaves a mark there.

        So neither a lost folder passes for an empty one, nor a second centre on the database keeps files of its own.

        Raises:
            CannotKeep: the files of this database are elsewhere.
            NoRoom: as its name says.
        """
        with self._read() as connection:
            is_new = not seals(connection)
        if is_new:
            with self._write() as connection:
                note_seal(connection, self.keep(connection, uuid4().hex.encode()))
        with self._read() as connection:  # anew: another centre may have started at the same moment
            elsewhere = any(self.place.size(digest) is None for digest in seals(connection))
        if elsewhere:
            raise CannotKeep(
                "The files of the centre's database are not in the place where they are looked for: set "
                "MLC_CENTER_FILES to where they are, the same for every centre on this database, or restore them."
            )

    def size(self, digest: str) -> int | None:
        """Bytes of a file as it lies there; None if it doesn't, whatever the database says."""
        return self.place.size(digest)

    def content(self, digest: str, size: int) -> bytes | None:
        """A small file whole; None if it isn't there."""
        try:
            return b"".join(self.place.read(digest, 0, size))
        except FileNotFoundError:
            return None

    def read(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """Pieces of a file. Raises FileNotFoundError at the first one if it isn't there."""
        return self.place.read(digest, start, stop)

    def keep(self, connection: Connection, data: bytes) -> str:
        """Take in what is in memory, within a transaction; returns its SHA-256.

        Raises:
            NoRoom, CannotKeep: as their names say.
        """
        digest = hashlib.sha256(data).hexdigest()
        note(connection, digest, len(data))  # first: from here on it is not removed
        if self.place.size(digest) != len(data):
            with self.unfinished.new() as draft:
                draft.write([data])
                draft.sync()
                self.place.put(draft.path, digest)
        return digest

    def take(self, draft: Draft, digest: str, *, sender: str = "") -> None:
        """Take in a draft of this SHA-256, of which the caller is sure; ``sender`` has it, and may refer to it.

        Raises:
            NoRoom, CannotKeep: as their names say.
        """
        draft.sync()
        if self.place.size(digest) != draft.size:
            self.place.put(draft.path, digest)  # not within the transaction: it may take minutes
        with self._write() as connection:
            note(connection, digest, draft.size)
            if sender:
                note_sender(connection, digest, sender)
            # From here on it is not removed. It may have been until now, if it had been there, unused, for long.
            if self.place.size(digest) != draft.size:
                if not draft.path.exists():
                    raise CannotKeep("This file was removed while it was sent, since nothing referred to it; send it.")
                self.place.put(draft.path, digest)
        draft.drop()

    def is_readable(self, digest: str, readers: Collection[str]) -> bool:
        """Whether one of these may read a file."""
        with self._read() as connection:
            return is_readable(connection, digest, readers)

    def expire(self, *, now: datetime | None = None) -> int:
        """Remove what has not come whole and nobody has gone on with for a day; returns how many there were."""
        return self.unfinished.expire((now or datetime.now(UTC)) - KEPT_UNFINISHED)

    def remove_unused(self, grace: timedelta = GRACE) -> list[str]:
        """Remove the files that no entity refers to and that have been there for longer than ``grace``.

        A reference that is made at the same time is made first, and the file stays, or comes too late, and is refused.
        """
        before = datetime.now(UTC) - grace
        removed = []
        for digest in self.place.known(before):
            with self._write() as connection:
                if forget_unused(connection, digest, before):
                    self.place.remove(digest)
                    removed.append(digest)
        return removed
