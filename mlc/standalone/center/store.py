"""Entities in a SQLite file: JSON documents and a few indexed columns. What their assets contain are files."""

import copy
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, Index, Integer, String, Table, func, inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from mlc.model.failure import MlcError
from mlc.standalone.center.contents import detach, hashes_without_content, refer
from mlc.standalone.center.entities import Kind, reader_of, references
from mlc.standalone.center.files.move import move_contents
from mlc.standalone.center.files.store import FileStore
from mlc.standalone.center.files.table import FileBase, hold, use
from mlc.standalone.center.representation import Contents, represent
from mlc.standalone.database import open_database

JsonObject = dict[str, Any]
Change = Callable[[JsonObject], None]


class NoSuchEntity(MlcError, LookupError):
    """There is no entity of this kind and id."""


class Conflict(MlcError, ValueError):
    """The entity's present state doesn't allow the change. The text says why."""


class Known(MlcError, ValueError):
    """An entity of this kind and key is there already: ``first``, which stands for the one that was to be created."""

    def __init__(self, first: JsonObject) -> None:
        super().__init__(f"There is an entity with this key already: {first['id']}.")
        self.first = first


class Outdated(MlcError, ValueError):
    """The version that a change was made for is no longer the entity's."""


class Base(DeclarativeBase):
    pass


class Row(Base):
    """One entity. ``seq`` orders what was created in the same microsecond."""

    __tablename__ = "entity"

    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String, unique=True)
    kind: Mapped[str]
    created: Mapped[str]
    modified: Mapped[str]
    version: Mapped[int] = mapped_column()
    name: Mapped[str | None]
    model_id: Mapped[str | None] = mapped_column(index=True)
    snapshot_id: Mapped[str | None] = mapped_column(index=True)
    engine_id: Mapped[str | None] = mapped_column(index=True)
    key: Mapped[str | None]
    status: Mapped[str | None]
    pending: Mapped[str | None] = mapped_column(index=True)
    """What the centre still has to do about it (``Kind.pending``)."""
    body: Mapped[JsonObject] = mapped_column(JSON)

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index("entity_created", "kind", "created", "seq"),
        Index("entity_name", "kind", "name"),
        Index("entity_key", "kind", "key", unique=True),  # exactly once, whoever creates it, and however often
    )


@dataclass(frozen=True)
class Page:
    items: list[JsonObject]
    total: int


class Store:
    """Blocking: call it on a thread. One process writes a file; writes follow one another, reads don't wait.

    Args:
        path: of the file.
        files: where files are kept, a path or a URL of ``fsspec``'s; empty: in a folder beside the database.
        embedded: bytes of contents that an answer embeds at most.

    Attributes:
        engine: of the file, for other tables of the centre's in it.
        files: what assets contain.
    """

    def __init__(self, path: Path, files: str = "", *, embedded: int = 256 * 1024 * 1024) -> None:
        self._writing = threading.Lock()
        self._embedded = embedded
        self.engine = open_database(path)
        own = path.with_suffix(".contents")
        place = files or str(own)
        drafts = (own if "://" in place else Path(place)) / "unfinished"
        self.files = FileStore(place, drafts, write=self._write, read=lambda: Session(self.engine))
        Base.metadata.create_all(self.engine)
        FileBase.metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            _make_keys_unique(connection)
            move_contents(connection, self.files)

    def close(self) -> None:
        self.engine.dispose()

    def create(self, kind: Kind, document: JsonObject, *, by: str = "") -> JsonObject:
        """Add an entity and return it. An ``id`` in the document is kept.

        Raises:
            BadContent: an asset's content is not base64.
            UnknownFile: an asset refers to a file that isn't stored.
            NoRoom, CannotKeep: the contents can't be kept.
            Known: one of its kind and key is there already.
            Conflict: one of its id is.
        """
        body = {**kind.defaults, **document}
        contents = detach(body)
        now = _now()
        body["id"] = body.get("id") or str(uuid.uuid4())
        body.setdefault("createdBy", by)
        body |= {"createdDate": now, "lastModifiedDate": now, "lastModifiedBy": by}
        row = Row(id=body["id"], kind=kind.plural, created=now, modified=now, body=body)
        _index(row, kind)
        try:
            with self._write() as session:
                self._keep(session, kind, body, contents)
                session.add(row)
                session.flush()
                return _document(row)
        except IntegrityError as error:
            if (first := self._of_key(kind, row.key)) is not None:
                raise Known(first) from error
            raise Conflict(f"There is an entity with the id {body['id']} already; leave the id out.") from error

    def _of_key(self, kind: Kind, key: str | None) -> JsonObject | None:
        if key is None:
            return None
        with Session(self.engine) as session:
            row = session.scalar(select(Row).where(Row.kind == kind.plural, Row.key == key))
            return None if row is None else _document(row)

    def change(
        self, kind: Kind, entity_id: str, change: Change, *, version: int | None = None, by: str = ""
    ) -> tuple[JsonObject, JsonObject]:
        """Let ``change`` alter an entity's document, and return it before and after. What raises changes nothing.

        Raises:
            NoSuchEntity, BadContent, UnknownFile, NoRoom, CannotKeep, Conflict: as their names say.
            Outdated: ``version`` is given and is not the entity's.
        """
        with self._write() as session:
            row = _row(session, kind, entity_id)
            if version is not None and version != row.version:
                raise Outdated(f"The entity is at version {row.version}, not {version}; read it again.")
            before, body = _document(row), copy.deepcopy(row.body)
            change(body)
            row.modified = _now()
            fixed = {key: row.body.get(key) for key in ("id", "createdDate", "createdBy")}
            body |= fixed | {"lastModifiedDate": row.modified, "lastModifiedBy": by}
            self._keep(session, kind, body, detach(body), before)
            row.body = body
            _index(row, kind)
            try:
                session.flush()
            except IntegrityError as error:
                raise Conflict("There is another entity with this key already; leave the key as it is.") from error
            return before, _document(row)

    def settled(self, entity_id: str) -> None:
        """Note that nothing is left to be done about an entity. Not a change that others see."""
        with self._write() as session:
            session.execute(update(Row).where(Row.id == entity_id).values(pending=None))

    def delete(self, kind: Kind, entity_id: str) -> None:
        with self._write() as session:
            session.delete(_row(session, kind, entity_id))
            use(session, entity_id, (), "")

    def get(self, kind: Kind, entity_id: str, contents: Contents = Contents.EMBEDDED) -> JsonObject:
        """An entity, with as much of the contents of its assets.

        Raises:
            NoSuchEntity: there is none.
            NotEmbedded: its contents are too much for one document.
        """
        with Session(self.engine) as session:
            document = _document(_row(session, kind, entity_id))
        represent(document, contents, self.files, self._embedded)
        return document

    def page(
        self,
        kind: Kind,
        where: Mapping[str, str] | None = None,
        *,
        sort: str = "",
        descending: bool = False,
        number: int = 0,
        size: int = 20,
    ) -> Page:
        """Entities without the contents of their assets. ``where`` compares columns; ``sort`` is a dotted path."""
        conditions = [
            Row.kind == kind.plural,
            *(getattr(Row, column) == value for column, value in (where or {}).items()),
        ]
        by = _sort_key(sort)
        order = [part.desc() if descending else part.asc() for part in (by, Row.seq)]
        with Session(self.engine) as session:
            total = session.scalar(select(func.count()).select_from(Row).where(*conditions)) or 0
            rows = session.scalars(select(Row).where(*conditions).order_by(*order).limit(size).offset(number * size))
            return Page([_document(row) for row in rows], total)

    def pending(self, what: str, *, quiet: timedelta | None = None, limit: int = 1000) -> list[JsonObject]:
        """The oldest entities about which ``what`` is to be done; those only that haven't changed for ``quiet``."""
        conditions = [Row.pending == what]
        if quiet is not None:
            conditions.append(Row.modified <= _stamp(datetime.now(UTC) - quiet))
        with Session(self.engine) as session:
            rows = session.scalars(select(Row).where(*conditions).order_by(Row.seq).limit(limit))
            return [_document(row) for row in rows]

    def _keep(
        self,
        session: Session,
        kind: Kind,
        body: JsonObject,
        contents: Mapping[str, bytes],
        before: JsonObject | None = None,
    ) -> None:
        """Keep what came embedded, hold what is referred to, and note who may read it, in one transaction."""
        for data in contents.values():
            self.files.keep(session, data)
        named, known = set(hashes_without_content(body)), set(hashes_without_content(before or {}))
        reader = reader_of(kind, body)
        if before is not None and named == known and reader == reader_of(kind, before):
            return
        sizes = hold(session, named)
        refer(body, known | contents.keys(), sizes)
        use(session, body["id"], sizes.keys(), reader, new=before is None)

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with self._writing, Session(self.engine) as session, session.begin():
            yield session


def _make_keys_unique(connection: Connection) -> None:
    """For a file that was made before keys were unique: later ones of a key are no longer found by it."""
    known = {index["name"]: index for index in inspect(connection).get_indexes(Row.__tablename__)}
    if "entity_key" not in known:
        first = select(func.min(Row.seq)).where(Row.key.is_not(None)).group_by(Row.kind, Row.key)
        connection.execute(update(Row).where(Row.seq.not_in(first)).values(key=None))
        table = Row.__table__
        assert isinstance(table, Table)
        next(index for index in table.indexes if index.name == "entity_key").create(connection)


def _now() -> str:
    return _stamp(datetime.now(UTC))


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _row(session: Session, kind: Kind, entity_id: str) -> Row:
    row = session.scalar(select(Row).where(Row.kind == kind.plural, Row.id == entity_id))
    if row is None:
        raise missing(kind, entity_id)
    return row


def missing(kind: Kind, entity_id: str) -> NoSuchEntity:
    """What is said of an entity that isn't there, and of one that whoever asks must not know of."""
    return NoSuchEntity(f"There is nothing in {kind.plural} with the id {entity_id[:100]}.")


def _document(row: Row) -> JsonObject:
    return copy.deepcopy(row.body) | {"versionNumber": row.version}


def _index(row: Row, kind: Kind) -> None:
    status = row.status
    for column, value in references(kind, row.body).items():
        setattr(row, column, value or None if column == "key" else value)
    if row.status != status:
        row.pending = kind.pending.get(row.status or "")


def _sort_key(sort: str) -> Any:
    columns = {"": Row.created, "createdDate": Row.created, "lastModifiedDate": Row.modified, "id": Row.id}
    return columns[sort] if sort in columns else Row.body[tuple(sort.split("."))].as_string()
