"""Which files are stored, which entities refer to them, and who may read them: tables of the centre's database."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import Index, String, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

_UPSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class FileBase(DeclarativeBase):
    pass


class StoredFile(FileBase):
    """A file that lies whole in its place. Whoever makes a reference to it, or removes it, holds its row."""

    __tablename__ = "stored_file"

    digest: Mapped[str] = mapped_column(String, primary_key=True)
    size: Mapped[int]
    noted: Mapped[str]
    """When it was last sent, in UTC."""


class FileUse(FileBase):
    """A reference of an entity's to a file. ``reader``: whose the entity is beside the operator's; empty: nobody's."""

    __tablename__ = "file_use"

    digest: Mapped[str] = mapped_column(String, primary_key=True)
    entity_id: Mapped[str] = mapped_column(String, primary_key=True)
    reader: Mapped[str] = mapped_column(String)

    __table_args__ = (Index("file_use_entity", "entity_id"), Index("file_use_reader", "digest", "reader"))


class FileSender(FileBase):
    """A runtime that has sent a file whole: it has it, and so may refer to it."""

    __tablename__ = "file_sender"

    digest: Mapped[str] = mapped_column(String, primary_key=True)
    reader: Mapped[str] = mapped_column(String, primary_key=True)


def note(session: Session, digest: str, size: int) -> None:
    """Say that a file is there, as of now; its row is held until the end of the transaction."""
    row = {"size": size, "noted": datetime.now(UTC).isoformat()}
    upsert = _UPSERT[session.get_bind().dialect.name](StoredFile).values(digest=digest, **row)
    session.execute(upsert.on_conflict_do_update(index_elements=["digest"], set_=row))


def note_sender(session: Session, digest: str, reader: str) -> None:
    upsert = _UPSERT[session.get_bind().dialect.name](FileSender).values(digest=digest, reader=reader)
    session.execute(upsert.on_conflict_do_nothing())


def hold(session: Session, digests: Collection[str]) -> dict[str, int]:
    """Sizes of those that are stored; none of them is removed before the end of the transaction."""
    if not digests:
        return {}
    rows = session.execute(
        select(StoredFile.digest, StoredFile.size)
        .where(StoredFile.digest.in_(sorted(digests)))
        .order_by(StoredFile.digest)  # two that hold the same ones take them in the same order
        .with_for_update(read=True)
    )
    return {digest: size for digest, size in rows}


def use(session: Session, entity_id: str, digests: Collection[str], reader: str, *, new: bool = False) -> None:
    """Say that these are all the files that an entity refers to; ``new``: it referred to none before."""
    if not new:
        session.execute(delete(FileUse).where(FileUse.entity_id == entity_id))
    if digests:
        rows = [{"digest": digest, "entity_id": entity_id, "reader": reader} for digest in sorted(digests)]
        session.execute(insert(FileUse), rows)


def is_readable(session: Session, digest: str, readers: Collection[str]) -> bool:
    """Whether one of these may read a file: an entity of its own refers to it, or it has sent it."""
    for table in (FileUse, FileSender):
        asked = select(table.digest).where(table.digest == digest, table.reader.in_(sorted(readers))).limit(1)
        if session.scalar(asked) is not None:
            return True
    return False


def forget_unused(session: Session, digest: str, before: datetime) -> bool:
    """Take a file off the list if nothing refers to it and it was not sent since then. Its row is held, if it has one.

    Two statements, so that the second one sees what was committed while the first waited for the row.
    """
    asked = select(StoredFile.noted).where(StoredFile.digest == digest).with_for_update()
    noted = session.scalar(asked)
    if noted is not None and datetime.fromisoformat(noted) >= before:
        return False
    if session.scalar(select(FileUse.digest).where(FileUse.digest == digest).limit(1)) is not None:
        return False
    for table in (StoredFile, FileSender):
        session.execute(delete(table).where(table.digest == digest))
    return True


