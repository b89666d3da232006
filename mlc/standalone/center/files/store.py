"""The centre's files by their SHA-256: taken in, handed out, and removed when nothing refers to them any more."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection

from mlc.standalone.center.files.errors import CannotKeep
from mlc.standalone.center.files.place import Place, place_at
from mlc.standalone.center.files.table import (
    forget_unused,
    is_readable,
    is_unused,
    note,
    note_seal,
    note_sender,
    noted_at,
    renew,
    seals,
    unlisted,
    withdraw,
)
from mlc.standalone.center.files.unfinished import Draft, Unfinished

Transaction = Callable[[], AbstractContextManager[Connection]]
KEPT_UNFINISHED = timedelta(days=1)
GRACE = timedelta(days=7)
"""How long a file that nothing refers to is kept: longer than anybody takes from sending it to referring to it."""
_RENEWED = timedelta(hours=1)
"""So old may be what is known of a file that somebody wants, before it is noted anew."""
_SEAL = re.compile(rb"[0-9a-f]{32}")
_SEAL_SIZE = 32


class Unused(NamedTuple):
    """A file that nothing refers to; ``size`` in bytes."""

    digest: str
    size: int


class Made(NamedTuple):
    """A file that the centre has written itself; ``size`` in bytes."""

    digest: str
    size: int


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

    def wanted(self, digest: str) -> int | None:
        """Bytes of a file that somebody is about to refer to; None if it has to be sent.

        Its time of grace begins anew: it is not removed before whoever asked has come to referring to it.
        """
        with self._read() as connection:
            noted = noted_at(connection, digest)
        if noted is not None and noted < datetime.now(UTC) - _RENEWED:
            with self._write() as connection:
                if not renew(connection, digest):
                    return None
        return None if noted is None else self.place.size(digest)

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

    def made_of(self, pieces: Iterable[bytes]) -> Made:
        """Write a file of what comes, such as the rows of a table, and take it in when it is whole.

        Nothing but a piece at a time is in memory. What ``pieces`` raises leaves nothing behind. Nothing refers to the
        file yet: it is kept for its time of grace. The same pieces are the same file, however often.

        Raises:
            NoRoom, CannotKeep: as their names say.
        """
        found = hashlib.sha256()
        with self.unfinished.new() as draft:
            for piece in pieces:
                draft.write([piece])
                found.update(piece)
            made = Made(found.hexdigest(), draft.size)
            self.take(draft, made.digest)
        return made

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

    def unused(self, grace: timedelta = GRACE) -> Iterator[Unused]:
        """The files that no entity refers to and that have been there for longer than ``grace``.

        Raises:
            CannotKeep: the place can't be used, or files of another database may lie there, too.
        """
        self._require_no_other_seal()
        yield from self._unused(datetime.now(UTC) - grace)

    def remove_unused(self, grace: timedelta = GRACE) -> Iterator[Unused]:
        """Remove them, one after the other as they are asked for.

        A reference that is made at the same time is made first, and the file stays, or comes too late, and is refused.
        Whoever dies in between leaves at most one file that is off the list, for the next one to remove.

        Raises:
            CannotKeep: as for :meth:`unused`.
        """
        self._require_no_other_seal()
        before = datetime.now(UTC) - grace
        for file in self._unused(before):
            if self._remove_unused(file.digest, before):
                yield file

    def _unused(self, before: datetime) -> Iterator[Unused]:
        for digest in self.place.known(before):
            with self._read() as connection:
                unused = is_unused(connection, digest, before)
            if unused and (size := self.place.size(digest)) is not None:
                yield Unused(digest, size)

    def _remove_unused(self, digest: str, before: datetime) -> bool:
        """Off the list first, for good, and then away: what is on the list is there, whenever the power fails."""
        with self._write() as connection:
            if not forget_unused(connection, digest, before):
                return False
        return self._remove(digest)

    def withdraw(self, digest: str, *, of: Collection[str]) -> bool:
        """Remove a file although entities of these kinds refer to it, which keep its name, size and hash alone.

        Returns:
            False: something else refers to it, or it isn't there.
        """
        with self._write() as connection:
            if not withdraw(connection, digest, of):
                return False
        return self._remove(digest)

    def _remove(self, digest: str) -> bool:
        """Away with a file that is off the list."""
        with self._write() as connection, unlisted(connection, digest) as is_ours:
            if not is_ours or self.place.size(digest) is None:  # sent anew meanwhile, or removed by another
                return False
            self.place.remove(digest)
            return True

    def _require_no_other_seal(self) -> None:
        """What another database refers to would pass for unused here.

        Raises:
            CannotKeep: there is a mark that this database knows nothing of.
        """
        for digest in self.place.known(datetime.max.replace(tzinfo=UTC)):
            with self._read() as connection:
                is_listed = noted_at(connection, digest) is not None
            if is_listed or self.place.size(digest) != _SEAL_SIZE:
                continue
            if _SEAL.fullmatch(self.content(digest, _SEAL_SIZE) or b""):
                raise CannotKeep(
                    "Files of another database may lie in the place of this one's files (MLC_CENTER_FILES): the file "
                    f"{digest} there looks like its mark. Nothing was removed. Give each database a place of its own; "
                    "if that other one is no more, remove this file, and try again."
                )
