"""The row of an entity: what is read and written of it, by statements that are made once."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from mlc.model.failure import MlcError
from mlc.standalone.center.entities import Kind, references
from mlc.standalone.center.listings import can_be_found_by
from mlc.standalone.center.tables import ENTITY, FOUND_BY, JsonObject

# To make a statement anew takes longer than to execute it.
_IT = ENTITY.c.kind == bindparam("kind"), ENTITY.c.id == bindparam("id")
_FOUND_BY = [ENTITY.c[column] for column in FOUND_BY]
_ONE = select(ENTITY.c.seq, ENTITY.c.version, ENTITY.c.body, *_FOUND_BY).where(*_IT)
OF_KEY = select(ENTITY.c.body, ENTITY.c.version).where(
    ENTITY.c.kind == bindparam("kind"), ENTITY.c.key == bindparam("key")
)
NEW = insert(ENTITY)
CHANGED = update(ENTITY).where(ENTITY.c.seq == bindparam("read_seq"), ENTITY.c.version == bindparam("read_version"))
GONE = delete(ENTITY).where(*_IT).returning(*_FOUND_BY)


class NoSuchEntity(MlcError, LookupError):
    """There is no entity of this kind and id."""


class Held(NamedTuple):
    """An entity as it was read; ``found_by`` are its values in those columns."""

    seq: int
    version: int
    body: JsonObject
    found_by: dict[str, str | None]


def read(connection: Connection, kind: Kind, entity_id: str) -> Held:
    """An entity as it is. Raises ``NoSuchEntity``."""
    row = None
    if can_be_found_by(entity_id):
        row = connection.execute(_ONE, {"kind": kind.plural, "id": entity_id}).first()
    if row is None:
        raise missing(kind, entity_id)
    seq, version, body, *found = row
    return Held(seq, version, body, dict(zip(FOUND_BY, found, strict=True)))


def copied(value: Any) -> Any:
    """A copy of what JSON can say, down to the last part: a third of what ``deepcopy`` takes."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def missing(kind: Kind, entity_id: str) -> NoSuchEntity:
    """What is said of an entity that isn't there, and of one that whoever asks must not know of."""
    return NoSuchEntity(f"There is nothing in {kind.plural} with the id {entity_id[:100]}.")


def columns_of(kind: Kind, body: JsonObject, status_before: str | None) -> dict[str, Any]:
    """What stands in columns, of a document; with a new status there is something else to be done, by nobody yet."""
    columns: dict[str, Any] = {
        column: value or None if column == "key" else value for column, value in references(kind, body).items()
    }
    status = columns.get("status")
    if status != status_before:
        columns |= {"pending": kind.pending.get(status or ""), "claimed_until": None}
    return columns
