"""The tables of online requests, in the centre's database."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, Integer, String, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from mlc.standalone.center.tables import Base, stamp
from mlc.standalone.database.statements import insertion, is_postgresql

AT_ONCE = 200
"""Rows that are read at once; one has at most 256 KiB."""
_WRITTEN = 500
_REMOVED = 5_000
"""Rows that go in one transaction, so that others come in between."""


class KeptRequest(Base):
    """A record that an online model has answered, with its score: ``record`` is JSON."""

    __tablename__ = "online_request"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    model: Mapped[str] = mapped_column(String)
    snapshot: Mapped[str] = mapped_column(String)
    deployment: Mapped[str] = mapped_column(String)
    identifier: Mapped[str | None] = mapped_column(String)
    moment: Mapped[str] = mapped_column(String)
    record: Mapped[str] = mapped_column(String)

    __table_args__ = (
        Index("online_request_of_snapshot", "snapshot", "moment", "seq"),
        Index("online_request_of_record", "model", "identifier"),
        Index("online_request_moment", "moment"),
    )


class KeptBatch(Base):
    """A batch that has come: another one of its id is the same again. ``missed`` requests before it were not kept."""

    __tablename__ = "online_batch"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    model: Mapped[str] = mapped_column(String)
    snapshot: Mapped[str] = mapped_column(String)
    received: Mapped[str] = mapped_column(String)
    missed: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[str | None] = mapped_column(String)

    __table_args__ = (
        Index("online_batch_of_snapshot", "snapshot", "received"),
        Index("online_batch_received", "received"),
    )


class ExportedFile(Base):
    """A file of requests that was made for a job. It is made as long as ``digest`` is null; ``first`` is its oldest."""

    __tablename__ = "online_export"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    model: Mapped[str] = mapped_column(String)
    digest: Mapped[str | None] = mapped_column(String)
    first: Mapped[str] = mapped_column(String)
    made: Mapped[str] = mapped_column(String)

    __table_args__ = (Index("online_export_of_model", "model"), Index("online_export_digest", "digest"))


def keep(connection: Connection, batch: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Keep a batch; False if it is there already, or another centre is just taking it in."""
    new = insertion(connection, KeptBatch).values(**batch).on_conflict_do_nothing().returning(KeptBatch.id)
    if connection.scalar(new) is None:
        return False
    if not is_postgresql(connection) and rows:
        connection.execute(insert(KeptRequest), rows)
        return True
    for start in range(0, len(rows), _WRITTEN):  # PostgreSQL's driver would send each by itself
        connection.execute(insert(KeptRequest).values(rows[start : start + _WRITTEN]))
    return True


def nth_newest(connection: Connection, snapshot: str, since: str, number: int) -> tuple[str, int] | None:
    """Moment and place of a snapshot's n-th newest request since then; None if there are not so many."""
    asked = select(KeptRequest.moment, KeptRequest.seq).where(
        KeptRequest.snapshot == snapshot, KeptRequest.moment >= since
    )
    newest_first = asked.order_by(KeptRequest.moment.desc(), KeptRequest.seq.desc())
    found = connection.execute(newest_first.offset(number - 1).limit(1)).first()
    return None if found is None else (found.moment, found.seq)


def requests_from(connection: Connection, snapshot: str, moment: str, seq: int) -> Iterator[tuple[str, str]]:
    """Moment and record of a snapshot's requests from one on, the oldest first, some at a time."""
    from_here = or_(KeptRequest.moment > moment, and_(KeptRequest.moment == moment, KeptRequest.seq >= seq))
    while True:
        asked = select(KeptRequest.moment, KeptRequest.seq, KeptRequest.record).where(
            KeptRequest.snapshot == snapshot, KeptRequest.moment >= moment, from_here
        )
        rows = connection.execute(asked.order_by(KeptRequest.moment, KeptRequest.seq).limit(AT_ONCE)).all()
        yield from ((row.moment, row.record) for row in rows)
        if len(rows) < AT_ONCE:
            return
        moment, seq = rows[-1].moment, rows[-1].seq
        from_here = or_(KeptRequest.moment > moment, and_(KeptRequest.moment == moment, KeptRequest.seq > seq))


def missed(connection: Connection, snapshot: str, since: str) -> tuple[int, str | None]:
    """How many requests of a snapshot were not kept, by what was told since then; and since when."""
    these = KeptBatch.snapshot == snapshot, KeptBatch.received >= since
    total, first = func.sum(KeptBatch.missed), func.min(KeptBatch.since)
    row = connection.execute(select(total, first).where(*these)).one()
    return int(row[0] or 0), row[1]


def forget(connection: Connection, model: str, identifier: str) -> int:
    """Delete the requests with a record's identifier, of all snapshots of a model; how many there were."""
    gone = delete(KeptRequest).where(KeptRequest.model == model, KeptRequest.identifier == identifier)
    return connection.execute(gone).rowcount


def forget_some_of(connection: Connection, model: str) -> int:
    """Delete some of a model's requests; how many they were."""
    some = select(KeptRequest.seq).where(KeptRequest.model == model).limit(_REMOVED)
    return connection.execute(delete(KeptRequest).where(KeptRequest.seq.in_(some))).rowcount


def expire_some(connection: Connection, before: str) -> int:
    """Delete some of the requests, or else of the batches, from before then; how many they were."""
    old = select(KeptRequest.seq).where(KeptRequest.moment < before).order_by(KeptRequest.moment).limit(_REMOVED)
    if gone := connection.execute(delete(KeptRequest).where(KeptRequest.seq.in_(old))).rowcount:
        return gone
    batches = select(KeptBatch.id).where(KeptBatch.received < before).limit(_REMOVED)
    return connection.execute(delete(KeptBatch).where(KeptBatch.id.in_(batches))).rowcount


def begin_export(connection: Connection, id_: str, model: str, first: str, now: datetime) -> None:
    """Note that a file is being made; before anything of it is read."""
    row = {"id": id_, "model": model, "digest": None, "first": first, "made": stamp(now)}
    connection.execute(insert(ExportedFile).values(**row))


def end_export(connection: Connection, id_: str, digest: str) -> bool:
    """Note which file it is; False if something was forgotten meanwhile, which may stand in it."""
    done = update(ExportedFile).where(ExportedFile.id == id_).values(digest=digest)
    return connection.execute(done).rowcount == 1


def take_exports_of(connection: Connection, model: str) -> list[str]:
    """All files that were made of a model's requests; from now on they are not listed. Those being made are void."""
    gone = connection.scalars(delete(ExportedFile).where(ExportedFile.model == model).returning(ExportedFile.digest))
    return sorted({digest for digest in gone.all() if digest is not None})


def take_old_exports(connection: Connection, first: str, made: str) -> list[str]:
    """Files whose oldest request is from before ``first``, made before ``made``; from now on they are not listed.

    One that was made again since then stays.
    """
    old = ExportedFile.first < first, ExportedFile.made < made
    gone = connection.scalars(delete(ExportedFile).where(*old).returning(ExportedFile.digest)).all()
    digests = {digest for digest in gone if digest is not None}
    return sorted(digest for digest in digests if not is_exported(connection, digest))


def is_exported(connection: Connection, digest: str) -> bool:
    return connection.scalar(select(ExportedFile.id).where(ExportedFile.digest == digest).limit(1)) is not None
