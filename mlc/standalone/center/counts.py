"""How many entities there are, kept with each change: counting 100,000 of them takes as long as listing a page may."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, text

from mlc.standalone.center.tables import COUNT, ENTITY, FOUND_BY

Values = Mapping[str, str | None]
"""The columns of an entity, by name; others than ``FOUND_BY`` don't matter."""


def count_change(connection: Connection, kind: str, before: Values | None, after: Values | None) -> None:
    """Note that an entity came (``before`` is None), changed, or went (``after`` is None).

    To be called last in a transaction: until it ends, whoever counts the same waits. All do so in one order.
    """
    changes: Counter[tuple[str, str]] = Counter()
    for values, by in ((before, -1), (after, 1)):
        if values is not None:
            changes["", ""] += by
            for field in FOUND_BY:
                if (value := values.get(field)) is not None:
                    changes[field, value] += by
    lines = [(field, value, by) for (field, value), by in sorted(changes.items()) if by]
    if not lines:
        return
    given: dict[str, str | int] = {"kind": kind}
    for place, (field, value, by) in enumerate(lines):
        given |= {f"f{place}": field, f"v{place}": value, f"n{place}": by}
    connection.execute(_STATEMENTS[len(lines)], given)


def counted(connection: Connection, kind: str, where: Mapping[str, str]) -> int:
    """How many entities of a kind have these values in these columns."""
    if not where or (len(where) == 1 and where.keys() <= set(FOUND_BY)):
        [(field, value)] = where.items() or [("", "")]
        return connection.scalar(_KEPT, {"kind": kind, "field": field, "value": value}) or 0
    matching = select(func.count()).select_from(ENTITY).where(*conditions(where))
    return connection.scalar(matching, {"kind": kind, **where}) or 0


def conditions(columns: Iterable[str]) -> list[ColumnElement[bool]]:
    """That an entity is of a kind and has values in columns; each is a parameter of the column's name."""
    return [ENTITY.c[column] == bindparam(column) for column in ("kind", *columns)]


_KEPT = select(COUNT.c.total).where(*(COUNT.c[column] == bindparam(column) for column in ("kind", "field", "value")))
_INSERT = "INSERT INTO entity_count (kind, field, value, total) VALUES"
_OR_ADD = "ON CONFLICT (kind, field, value) DO UPDATE SET total = entity_count.total + excluded.total"
_STATEMENTS = {
    lines: text(" ".join((_INSERT, ", ".join(f"(:kind, :f{n}, :v{n}, :n{n})" for n in range(lines)), _OR_ADD)))
    for lines in range(1, 2 * len(FOUND_BY) + 2)
}
"""For so many counts at once. They are one statement, so that what is locked is so for one round trip."""
