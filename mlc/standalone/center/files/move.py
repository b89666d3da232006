"""Databases of before files were kept by themselves: what their table of contents holds becomes files, once."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, Column, Connection, Integer, LargeBinary, MetaData, String, Table, func, inspect, select

from mlc.model.failure import MlcError
from mlc.standalone.center.contents import hashes_without_content
from mlc.standalone.center.entities import KINDS, reader_of
from mlc.standalone.center.files.store import FileStore
from mlc.standalone.center.files.table import hold, use

_THEN = MetaData()
"""The tables as they were then, whatever has become of them since."""
_CONTENT = Table("content", _THEN, Column("digest", String, primary_key=True), Column("data", LargeBinary))
_ENTITY = Table(
    "entity",
    _THEN,
    Column("seq", Integer, primary_key=True),
    Column("id", String),
    Column("kind", String),
    Column("body", JSON),
)
_BATCH = 100
_LOCK = 1_835_101_286
"""Any number that nobody else locks."""


class BrokenContents(MlcError, ValueError):
    """A content in the database is not what its hash says."""


def move_contents(connection: Connection, files: FileStore) -> None:
    """Make files of the old table's rows, note which entity refers to which, and drop the table.

    It may be killed at any moment, and begins again then: what has become a file already is not written twice, and the
    table is dropped last. The tables of :mod:`mlc.standalone.center.files.table`, and ``entity``, must be there.

    Raises:
        NoRoom, CannotKeep: the files can't be written. Nothing is lost.
        BrokenContents: as its name says.
    """
    if not inspect(connection).has_table(_CONTENT.name):
        return
    if connection.dialect.name == "postgresql":  # SQLite's write lock is held anyhow
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if not inspect(connection).has_table(_CONTENT.name):  # another centre was at it
            return
    for digest in connection.scalars(select(_CONTENT.c.digest)).all():
        data = connection.scalar(select(_CONTENT.c.data).where(_CONTENT.c.digest == digest))
        if data is not None and files.keep(connection, data) != digest:
            raise BrokenContents(f"The content {digest[:64]} in the centre's database is broken: restore a copy.")
    for entity_id, plural, body in _entities(connection):
        named = hold(connection, set(hashes_without_content(body)))
        use(connection, entity_id, named, reader_of(KINDS[plural], body))
    _CONTENT.drop(connection)


def _entities(connection: Connection) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """All that there are, a few at a time: id, kind and document."""
    last = -1
    while True:
        asked = select(_ENTITY).where(_ENTITY.c.seq > last).order_by(_ENTITY.c.seq).limit(_BATCH)
        rows = connection.execute(asked).all()
        for row in rows:
            last = row.seq
            if row.kind in KINDS:
                yield row.id, row.kind, row.body
        if not rows:
            return
