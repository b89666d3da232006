"""Entities in a database: JSON documents and a few indexed columns. What their assets contain are files.

Several centres may write to one database. A change is made for a version, and made anew if another one was quicker;
that there is one of a key is the database's to see to.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from mlc.model.failure import MlcError
from mlc.settings.reading import home
from mlc.standalone.center import listings
from mlc.standalone.center.contents import detach, hashes_without_content, refer
from mlc.standalone.center.counts import count_change
from mlc.standalone.center.entities import KINDS, Kind, reader_of
from mlc.standalone.center.files.move import move_contents
from mlc.standalone.center.files.store import FileStore
from mlc.standalone.center.files.table import hold, use
from mlc.standalone.center.listings import Page, as_document
from mlc.standalone.center.policies.store import PolicyStore
from mlc.standalone.center.representation import Contents, represent
from mlc.standalone.center.requests.store import RequestStore
from mlc.standalone.center.rows import CHANGED, GONE, NEW, OF_KEY, Held, columns_of, copied, missing, read
from mlc.standalone.center.tables import FOUND_BY, JsonObject, stamp
from mlc.standalone.center.truth.store import TruthStore
from mlc.standalone.center.truth.table import forget
from mlc.standalone.center.work import Work
from mlc.standalone.database import CENTER, State, file_of, open_database, reading, state_of

Change = Callable[[JsonObject], None]

_TRIES = 100
"""So often a change is made anew before whoever asked for it is told that others are in the way."""


class Conflict(MlcError, ValueError):
    """The entity's present state doesn't allow the change. The text says why."""


class Known(MlcError, ValueError):
    """An entity of this kind and key is there already: ``first``, which stands for the one that was to be created."""

    def __init__(self, first: JsonObject) -> None:
        super().__init__(f"There is an entity with this key already: {first['id']}.")
        self.first = first


class Outdated(MlcError, ValueError):
    """The version that a change was made for is no longer the entity's."""


class Store:
    """Blocking: call it on a thread. Reads don't wait for writes.

    Args:
        database: the setting that says where it is.
        files: where files are kept, a path or a URL of ``fsspec``'s; empty: in a folder beside the database, or in
            MLC_HOME if that is PostgreSQL. Several centres on one database need one place for all of them.
        embedded: bytes of contents that an answer embeds at most.

    Attributes:
        engine: of the database, for other tables of the centre's in it.
        files: what assets contain.
        policies: what must be asked of whom before a model goes into use.
        requests: what online models were asked and answered.
        truth: what scored records turned out to be.
        work: what is still to be done about entities.

    Raises:
        DatabaseProblem: the database can't be used.
        NoRoom, CannotKeep: files can't be kept, or those of this database are elsewhere.
        BrokenContents: contents that an earlier release kept in it can't become files.
    """

    def __init__(self, database: SecretStr | str | Path, files: str = "", *, embedded: int = 256 * 1024 * 1024) -> None:
        self.engine = open_database(database, CENTER)
        self._reading = reading(self.engine)
        # Only for speed: those who wait for SQLite's lock look again and again, and those who wait here stand in line.
        one_at_a_time = self.engine.dialect.name == "sqlite"
        self._line: AbstractContextManager[Any] = threading.Lock() if one_at_a_time else nullcontext()
        self._embedded = embedded
        self.work = Work(self._reading, self._write)
        own = (file_of(database, CENTER) or home() / "center.db").with_suffix(".contents")
        place = files or str(own)
        drafts = (own if "://" in place else Path(place)) / "unfinished"
        self.files = FileStore(place, drafts, write=self._write, read=self._reading.connect)
        self.policies = PolicyStore(write=self._write, read=self._reading.connect)
        self.requests = RequestStore(self.files, write=self._write, read=self._reading.connect)
        self.truth = TruthStore(self.files, write=self._write, read=self._reading.connect)
        with self.engine.begin() as connection:
            move_contents(connection, self.files)
        self.files.settle()

    def state(self) -> State:
        """Which database it is, and in which form."""
        return state_of(self.engine, CENTER)

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
        columns = columns_of(kind, body, None)
        row = {"id": body["id"], "kind": kind.plural, "created": now, "modified": now, "version": 1, "body": body}
        try:
            with self._write() as connection:
                self._keep(connection, kind, body, contents)
                connection.execute(NEW, row | columns)
                count_change(connection, kind.plural, None, columns)
                return as_document(body, 1)
        except IntegrityError as error:
            if (first := self._of_key(kind, columns.get("key"))) is not None:
                raise Known(first) from error
            if not document.get("id"):  # the one of its key has just been deleted
                return self.create(kind, document, by=by)
            raise Conflict(f"There is an entity with the id {body['id']} already; leave the id out.") from error

    def _of_key(self, kind: Kind, key: str | None) -> JsonObject | None:
        if key is None:
            return None
        with self._reading.connect() as connection:
            row = connection.execute(OF_KEY, {"kind": kind.plural, "key": key}).first()
            return None if row is None else as_document(*row)

    def change(
        self, kind: Kind, entity_id: str, change: Change, *, version: int | None = None, by: str = ""
    ) -> tuple[JsonObject, JsonObject]:
        """Let ``change`` alter an entity's document, and return it before and after. What raises changes nothing.

        ``change`` is called again, with what is there by then, if somebody else was quicker.

        Raises:
            NoSuchEntity, BadContent, UnknownFile, NoRoom, CannotKeep, Conflict: as their names say.
            Outdated: ``version`` is given and is not the entity's.
        """
        for _ in range(_TRIES):
            with self._reading.connect() as connection:
                held = read(connection, kind, entity_id)
            if version is not None and version != held.version:
                raise Outdated(f"The entity is at version {held.version}, not {version}; read it again.")
            body = copied(held.body)
            change(body)
            contents = detach(body)
            fixed = {key: held.body.get(key) for key in ("id", "createdDate", "createdBy")}
            body = body | fixed | {"lastModifiedDate": _now(), "lastModifiedBy": by}
            if self._replace(kind, held, body, contents):
                return as_document(held.body, held.version), as_document(body, held.version + 1)
        raise Conflict("Others change this entity all the time; try again.")

    def _replace(self, kind: Kind, held: Held, body: JsonObject, contents: Mapping[str, bytes]) -> bool:
        """Write an entity's new document in place of the one that was read; False if that is no longer there."""
        columns = columns_of(kind, body, held.found_by["status"])
        row = {"version": held.version + 1, "modified": body["lastModifiedDate"], "body": body}
        as_read = {"read_seq": held.seq, "read_version": held.version}
        try:
            with self._write() as connection:
                self._keep(connection, kind, body, contents, held.body)
                if connection.execute(CHANGED, row | columns | as_read).rowcount == 0:
                    connection.rollback()
                    return False
                count_change(connection, kind.plural, held.found_by, held.found_by | columns)
        except IntegrityError as error:
            raise Conflict("There is another entity with this key already; leave the key as it is.") from error
        return True

    def delete(self, kind: Kind, entity_id: str) -> None:
        with self._write() as connection:
            use(connection, entity_id, (), "")  # first, as in a change: so no two wait for each other
            gone = connection.execute(GONE, {"kind": kind.plural, "id": entity_id}).first()
            if gone is None:
                raise missing(kind, entity_id)
            if kind is KINDS["storedModels"]:
                forget(connection, entity_id)  # what is known of its records goes with it
            count_change(connection, kind.plural, dict(zip(FOUND_BY, gone, strict=True)), None)
        if kind is KINDS["storedModels"]:
            self.requests.forget_model(entity_id)  # some at a time

    def get(self, kind: Kind, entity_id: str, contents: Contents = Contents.EMBEDDED) -> JsonObject:
        """An entity, with as much of the contents of its assets.

        Raises:
            NoSuchEntity: there is none.
            NotEmbedded: its contents are too much for one document.
        """
        with self._reading.connect() as connection:
            held = read(connection, kind, entity_id)
            document = as_document(held.body, held.version)
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
        how: dict[str, Any] = {"sort": sort, "descending": descending, "number": number, "size": size}
        with self._reading.connect() as connection:
            return listings.page(connection, kind.plural, where or {}, **how)

    def _keep(
        self,
        connection: Connection,
        kind: Kind,
        body: JsonObject,
        contents: Mapping[str, bytes],
        before: JsonObject | None = None,
    ) -> None:
        """Keep what came embedded, hold what is referred to, and note who may read it, in one transaction."""
        for _, data in sorted(contents.items()):
            self.files.keep(connection, data)
        named, known = set(hashes_without_content(body)), set(hashes_without_content(before or {}))
        reader = reader_of(kind, body)
        if before is not None and named == known and reader == reader_of(kind, before):
            return
        sizes = hold(connection, named)
        refer(body, known | contents.keys(), sizes)
        use(connection, body["id"], sizes.keys(), reader, new=before is None)

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._line, self.engine.begin() as connection:
            yield connection


def _now() -> str:
    return stamp(datetime.now(UTC))
