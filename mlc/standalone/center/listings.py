"""Pages of entities: found, ordered and counted by index, whichever page it is and however many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mlc.standalone.center.counts import conditions, counted
from mlc.standalone.center.tables import JsonObject, Row
from mlc.standalone.database.statements import in_one_moment, is_postgresql

LONGEST = 2000
"""Bytes of UTF-8 in what entities are found by: PostgreSQL's indices take no more than 2,704 in all."""

_COLUMNS = {"": Row.created, "createdDate": Row.created, "lastModifiedDate": Row.modified, "id": Row.id}


@dataclass(frozen=True)
class Page:
    items: list[JsonObject]
    total: int


def can_be_found_by(value: str) -> bool:
    """Whether an entity can have this value in a column: PostgreSQL keeps no NUL characters."""
    return "\0" not in value and len(value.encode(errors="replace")) <= LONGEST


def page(
    session: Session, kind: str, where: Mapping[str, str], *, sort: str, descending: bool, number: int, size: int
) -> Page:
    """``where`` compares columns; ``sort`` is a dotted path, of which dates of creation and change have an index.

    To go to a page an index is walked from its nearer end, so that the last one costs what the first one does.
    """
    if not all(map(can_be_found_by, where.values())):
        return Page([], 0)
    in_one_moment(session)  # or what comes in between would push an entity out of a page that is counted from the end
    total, start = counted(session, kind, where), number * size
    size = min(size, total - start)
    if size <= 0:
        return Page([], total)
    from_the_end = start > total // 2
    by = _sort_key(sort, session)
    near, far = ([part.desc() if down else part.asc() for part in (by, Row.seq)] for down in (False, True))
    ordered, walked = (far, near) if descending else (near, far)
    chosen = select(Row.seq).where(*conditions(kind, where))
    if from_the_end:
        chosen = chosen.order_by(*walked).offset(total - start - size)
    else:
        chosen = chosen.order_by(*ordered).offset(start)
    rows = session.execute(
        select(Row.body, Row.version).where(Row.seq.in_(chosen.limit(size))).order_by(*ordered)
    ).all()
    return Page([as_document(body, version) for body, version in rows], total)


def as_document(body: JsonObject, version: int) -> JsonObject:
    """An entity as it is told, from what was read."""
    return body | {"versionNumber": version}


def _sort_key(sort: str, session: Session) -> Any:
    if sort in _COLUMNS:
        return _COLUMNS[sort]
    value = Row.body[tuple(sort.split("."))].as_string()
    return value.collate("C") if is_postgresql(session) else value  # by code points, as SQLite does
