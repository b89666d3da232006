"""Which files are stored, which entities refer to them, and who may read them: tables of the centre's database."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from mlc.standalone.center.tables import ENTITY, Base
from mlc.standalone.database.statements import insertion

_BATCH = 500
_SEAL = "mlc:place"
"""What refers, in place of an entity, to the files by which a place is known."""


class StoredFile(Base):
    """A file that lies whole in its place. Whoever makes a reference to it, or removes it, holds its row."""

    __tablename__ = "stored_file"

    digest: Mapped[str] = mapped_column(String, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    noted: Mapped[str]
    """When it was last sent, or an entity ceased to refer to it, in UTC."""


class FileUse(Base):
    """A reference of an entity's to a file. ``reader``: whose the entity is beside the operator's; empty: nobody's."""

    __tablename__ = "file_use"

    digest: Mapped[str] = mapped_column(String, primary_key=True)
    entity_id: Mapped[str] = mapped_column(String, primary_key=True)
    reader: Mapped[str] = mapped_column(String)

    __table_args__ = (Index("file_use_entity", "entity_id"), Index("file_use_reader", "digest", "reader"))


class FileSender(Base):
    """A runtime that has sent a file whole: it has it, and so may refer to it."""

    __tablename__ = "file_sender"

    digest: Mapped[str] = mapped_column(String, primary_key=True)
    reader: Mapped[str] = mapped_column(String, primary_key=True)


def note(connection: Connection, digest: str, size: int) -> None:
    """Say that a file is there, as of now; its row is held until the end of the transaction."""
    row = {"size": size, "noted": _now()}
    new = insertion(connection, StoredFile).values(digest=digest, **row)
    connection.execute(new.on_conflict_do_update(index_elements=["digest"], set_=row))


def note_sender(connection: Connection, digest: str, reader: str) -> None:
    connection.execute(insertion(connection, FileSender).values(digest=digest, reader=reader).on_conflict_do_nothing())


def hold(connection: Connection, digests: Collection[str]) -> dict[str, int]:
    """Sizes of those that are stored; none of them is removed before the end of the transaction."""
    return {row.digest: row.size for row in _held(connection, digests, read=True)}


def _held(connection: Connection, digests: Collection[str], *, read: bool) -> list[Any]:
    """The rows, until the end of the transaction: ``read`` with others who read them, else alone."""
    held = list[Any]()
    for some in _batched(sorted(digests)):  # in one order, so that no two wait for each other
        these = StoredFile.digest.in_(some)
        asked = select(StoredFile.__table__).where(these).order_by(StoredFile.digest).with_for_update(read=read)
        held += connection.execute(asked)
    return held


def use(connection: Connection, entity_id: str, digests: Collection[str], reader: str, *, new: bool = False) -> None:
    """Say that these are all the files that an entity refers to; ``new``: it referred to none before.

    For those to which it refers no more the time of grace begins anew.
    """
    if not new:
        before = connection.scalars(select(FileUse.digest).where(FileUse.entity_id == entity_id)).all()
        for some in _batched(sorted(set(before) - set(digests))):
            connection.execute(update(StoredFile).where(StoredFile.digest.in_(some)).values(noted=_now()))
        connection.execute(delete(FileUse).where(FileUse.entity_id == entity_id))
    if digests:
        rows = [{"digest": digest, "entity_id": entity_id, "reader": reader} for digest in sorted(digests)]
        connection.execute(insert(FileUse), rows)


def seals(connection: Connection) -> Sequence[str]:
    """The files by which the place of the database's files is known; none before the first centre has started."""
    return connection.scalars(select(FileUse.digest).where(FileUse.entity_id == _SEAL)).all()


def note_seal(connection: Connection, digest: str) -> None:
    use(connection, _SEAL, [digest], "", new=True)


def _batched(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many at once as any database takes."""
    for start in range(0, len(digests), _BATCH):
        yield digests[start : start + _BATCH]


def _now() -> str:
    return datetime.now(UTC).isoformat()


def is_readable(connection: Connection, digest: str, readers: Collection[str]) -> bool:
    """Whether one of these may read a file: an entity of its own refers to it, or it has sent it."""
    for table in (FileUse, FileSender):
        asked = select(table.digest).where(table.digest == digest, table.reader.in_(sorted(readers))).limit(1)
        if connection.scalar(asked) is not None:
            return True
    return False


def noted_at(connection: Connection, digest: str) -> datetime | None:
    """When a file was last sent or wanted, or ceased to be referred to; None if it isn't listed."""
    noted = connection.scalar(select(StoredFile.noted).where(StoredFile.digest == digest))
    return None if noted is None else datetime.fromisoformat(noted)


def renew(connection: Connection, digest: str) -> bool:
    """Begin a file's time of grace anew; False if it isn't listed."""
    renewed = update(StoredFile).where(StoredFile.digest == digest).values(noted=_now()).returning(StoredFile.digest)
    return connection.scalar(renewed) is not None


def is_unused(connection: Connection, digest: str, before: datetime) -> bool:
    """Whether nothing refers to a file, since before then."""
    noted = noted_at(connection, digest)
    if noted is not None and noted >= before:
        return False
    return connection.scalar(select(FileUse.digest).where(FileUse.digest == digest).limit(1)) is None


def forget_unused(connection: Connection, digest: str, before: datetime) -> bool:
    """Take a file off the list if nothing refers to it, since before then. Its row is held, if it has one.

    Two statements, so that the second one sees what was committed while the first waited for the row.
    """
    _held(connection, [digest], read=False)
    if not is_unused(connection, digest, before):
        return False
    for table in (StoredFile, FileSender):
        connection.execute(delete(table).where(table.digest == digest))
    return True


def withdraw(connection: Connection, digest: str, kinds: Collection[str]) -> bool:
    """Take a file off the list, and every reference to it; False if an entity of another kind refers to it, too."""
    _held(connection, [digest], read=False)
    users = select(FileUse.entity_id, ENTITY.c.kind).outerjoin(ENTITY, ENTITY.c.id == FileUse.entity_id)
    if any(row.kind not in kinds for row in connection.execute(users.where(FileUse.digest == digest))):
        return False
    for table in (FileUse, StoredFile, FileSender):
        connection.execute(delete(table).where(table.digest == digest))
    return True


@contextmanager
def unlisted(connection: Connection, digest: str) -> Iterator[bool]:
    """Have a file that isn't on the list for oneself: nobody puts it there before the end of the transaction.

    Gives False if it is there by now.
    """
    row = insertion(connection, StoredFile).values(digest=digest, size=0, noted=_now()).on_conflict_do_nothing()
    is_ours = connection.scalar(row.returning(StoredFile.digest)) is not None
    yield is_ours
    if is_ours:
        connection.execute(delete(StoredFile).where(StoredFile.digest == digest))
