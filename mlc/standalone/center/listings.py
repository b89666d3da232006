"""Pages of entities: found, ordered and counted by index, whichever page it is and however many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from mlc.standalone.center.counts import conditions, counted
from mlc.standalone.center.tables import ENTITY, JsonObject
from mlc.standalone.database.statements import in_one_moment, is_postgresql

LONGEST = 2000
"""Bytes of UTF-8 in what entities are found by: PostgreSQL's indices take no more than 2,704 in all."""

_COLUMNS = {
    "": ENTITY.c.created,
    "createdDate": ENTITY.c.created,
    "lastModifiedDate": ENTITY.c.modified,
    "id": ENTITY.c.id,
}


@dataclass(frozen=True)
class Page:
    items: list[JsonObject]
    total: int


def can_be_found_by(value: str) -> bool:
    """Whether an entity can have this value in a column: PostgreSQL keeps no NUL characters."""
    return "\0" not in value and len(value.encode(errors="replace")) <= LONGEST


def page(
    connection: Connection, kind: str, where: Mapping[str, str], *, sort: str, descending: bool, number: int, size: int
) -> Page:
    """``where`` compares columns; ``sort`` is a dotted path, of which dates of creation and change have an index.

    To go to a page an index is walked from its nearer end, so that the last one costs what the first one does.
    """
    if not all(map(can_be_found_by, where.values())):
        return Page([], 0)
    in_one_moment(connection)  # or what comes in between would push an entity out of a page counted from the end
    total, start = counted(connection, kind, where), number * size
    size = min(size, total - start)
    if size <= 0:
        return Page([], total)
    backwards = start > total // 2
    chosen = _page(tuple(where), sort, descending, backwards, is_postgresql(connection))
    given = {"kind": kind, **where, "at_most": size, "after": total - start - size if backwards else start}
    return Page([as_document(body, version) for body, version in connection.execute(chosen, given)], total)


def as_document(body: JsonObject, version: int) -> JsonObject:
    """An entity as it is told, from what was read."""
    return body | {"versionNumber": version}


@lru_cache(256)
def _page(columns: tuple[str, ...], sort: str, descending: bool, backwards: bool, postgresql: bool) -> Select[Any]:
    """A page's bodies and versions in order, ``at_most`` so many ``after`` so many, counted from the end or not.

    Which they are is found in an index alone: what is skipped is not read.
    """
    by = _sort_key(sort, postgresql)
    near, far = ([part.desc() if down else part.asc() for part in (by, ENTITY.c.seq)] for down in (False, True))
    ordered, walked = (far, near) if descending else (near, far)
    chosen = select(ENTITY.c.seq).where(*conditions(columns)).order_by(*(walked if backwards else ordered))
    chosen = chosen.limit(bindparam("at_most")).offset(bindparam("after"))
    return select(ENTITY.c.body, ENTITY.c.version).where(ENTITY.c.seq.in_(chosen)).order_by(*ordered)


def _sort_key(sort: str, postgresql: bool) -> Any:
    if sort in _COLUMNS:
        return _COLUMNS[sort]
    value = ENTITY.c.body[tuple(sort.split("."))].as_string()
    return value.collate("C") if postgresql else value  # by code points, as SQLite does
