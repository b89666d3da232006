"""Online requests in the centre: kept once, written into a file for a monitor's job, forgotten by id and by age."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from mlc.model.online_requests import Forgotten, OnlineBatch, OnlineSpan
from mlc.standalone.center.files.store import FileStore, Made, Transaction
from mlc.standalone.center.requests import table
from mlc.standalone.center.tables import stamp
from mlc.standalone.database.statements import in_one_moment

MOST_EXPORTED = 1_000_000
"""Newest requests that one file has at most."""
KEPT_FOR_A_JOB = timedelta(days=1)
"""So long a file is kept for the job that it was made for, however old what stands in it."""
_JOBS = frozenset({"jobs"})
_TRIES = 10


class Of(NamedTuple):
    """The model and the snapshot that requests are of, by the centre's own ids."""

    model: str
    snapshot: str


class Exported(NamedTuple):
    """Requests of a snapshot; ``file`` has a record a line, the oldest first, and is None if there are none."""

    span: OnlineSpan
    file: Made | None = None


class RequestStore:
    """Blocking: call it on a thread.

    Args:
        files: where files are kept.
        write: a transaction in the centre's database that writes.
        read: one that reads.
    """

    def __init__(self, files: FileStore, *, write: Transaction, read: Transaction) -> None:
        self._files = files
        self._write = write
        self._read = read

    def keep(self, batch: OnlineBatch, of: Of, deployment: str) -> bool:
        """Keep a batch, all of it or nothing; False if it was there already.

        A moment to come, of a runtime whose clock is ahead, is now: nothing is kept for longer than others.
        """
        now = datetime.now(UTC)
        rows = [
            {
                **of._asdict(),
                "deployment": deployment,
                "identifier": each.record_id,
                "moment": stamp(min(each.moment.astimezone(UTC), now)),
                "record": json.dumps(each.record, ensure_ascii=False),
            }
            for each in batch.requests
        ]
        since = stamp(batch.since.astimezone(UTC)) if batch.since and batch.missed else None
        told = {"id": batch.id, **of._asdict(), "received": stamp(now), "missed": batch.missed, "since": since}
        with self._write() as connection:
            return table.keep(connection, told, rows)

    def export(self, of: Of, *, since: datetime | None = None, most: int = MOST_EXPORTED) -> Exported:
        """Write the newest requests of a snapshot into a file: at most so many, none from before ``since``.

        Nothing refers to the file yet. Whatever is forgotten while it is made is not in it.

        Raises:
            NoRoom, CannotKeep: the file can't be kept.
        """
        for _ in range(_TRIES):
            if (exported := self._exported(of, stamp(since.astimezone(UTC)) if since else "", most)) is not None:
                return exported
        return Exported(OnlineSpan(count=0))  # somebody is asked to forget records all the time

    def _exported(self, of: Of, since: str, most: int) -> Exported | None:
        """None if something was forgotten meanwhile."""
        with self._read() as connection:
            in_one_moment(connection)
            start = table.nth_newest(connection, of.snapshot, since, min(most, MOST_EXPORTED)) or (since, 0)
            oldest = next(table.requests_from(connection, of.snapshot, *start), None)
            count, missed_since = table.missed(connection, of.snapshot, oldest[0] if oldest else since)
        told: dict[str, Any] = {"missed": count, "missed_since": missed_since}
        if oldest is None:
            return Exported(OnlineSpan(count=0, **told))
        export, counted = uuid4().hex, _Counted()
        with self._write() as connection:
            table.begin_export(connection, export, of.model, oldest[0], datetime.now(UTC))
        with self._read() as connection:  # anew: what is forgotten from now on makes the file void
            in_one_moment(connection)
            made = self._files.made_of(counted.lines(table.requests_from(connection, of.snapshot, *start)))
        with self._write() as connection:
            valid = table.end_export(connection, export, made.digest)
        if not valid:
            self._withdraw([made.digest])
            return None
        return Exported(OnlineSpan(count=counted.count, first=counted.first, last=counted.last, **told), made)

    def forget(self, model: str, identifier: str) -> Forgotten:
        """Delete what is kept of a record, of all snapshots of a model, and the files of jobs in which it may stand.

        A file that something else than jobs refers to is somebody's own by now, and stays.
        """
        with self._write() as connection:
            requests = table.forget(connection, model, identifier)
            digests = table.take_exports_of(connection, model) if requests else []
        return Forgotten(requests=requests, files=self._withdraw(digests))

    def expire(self, keep: timedelta, *, now: datetime | None = None) -> int:
        """Delete what is older, some thousands at a time, and the files in which it stands; how much there was."""
        now = now or datetime.now(UTC)
        gone = self._all(lambda: self._expired_some(stamp(now - keep)))
        with self._write() as connection:
            digests = table.take_old_exports(connection, stamp(now - keep), stamp(now - KEPT_FOR_A_JOB))
        self._withdraw(digests)
        return gone

    def forget_model(self, model: str) -> int:
        """Delete all that is kept of a model; how much there was."""

        def some() -> int:
            with self._write() as connection:
                return table.forget_some_of(connection, model)

        return self._all(some)

    def _expired_some(self, before: str) -> int:
        with self._write() as connection:
            return table.expire_some(connection, before)

    def _all(self, some: Callable[[], int]) -> int:
        total = 0
        while gone := some():
            total += gone
        return total

    def _withdraw(self, digests: list[str]) -> int:
        return sum(self._files.withdraw(digest, of=_JOBS) for digest in digests)


class _Counted:
    """What was written into a file."""

    def __init__(self) -> None:
        self.count = 0
        self.first: datetime | None = None
        self.last: datetime | None = None

    def lines(self, rows: Iterator[tuple[str, str]]) -> Iterator[bytes]:
        for moment, record in rows:
            self.last = datetime.fromisoformat(moment)
            self.first = self.first or self.last
            self.count += 1
            yield f"{record}\n".encode()
