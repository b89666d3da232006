"""ServiceNow's encoded queries as SQL, with ServiceNow's own way to treat what it does not understand.

A condition on a field that the table does not have, or with an unknown operator, is left out, so that more is found
than was asked for; with ``glide.invalid_query.returns_no_rows`` nothing is found at all.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select

from mlc.standalone.desk.servicenow_scheme import SYSTEM, Table
from mlc.standalone.desk.tables import Record

_OWN = {"number", "correlation_id", *SYSTEM}
"""Fields that have a column of their own."""
_CONDITION = re.compile(
    r"(?P<field>[a-z][a-z0-9_]*)"
    r"(?P<operator>RELATIVEGE|ISNOTEMPTY|ISEMPTY|NOT IN|IN|NOT LIKE|LIKE|STARTSWITH|ENDSWITH|!=|<=|>=|=|<|>)"
    r"(?P<value>.*)",
    re.DOTALL,
)
_SPAN = re.compile(r"@(?P<unit>minute|hour|day)@ago@(?P<number>\d{1,6})")
_ORDER = re.compile(r"ORDERBY(?P<descending>DESC)?(?P<field>[a-z][a-z0-9_]*)")


def query(table: Table, text: str, *, invalid_finds_nothing: bool = False) -> Select[Record]:
    """Translate an encoded query: ``^`` joins conditions, ``^OR`` belongs to the one before, ``^NQ`` begins anew."""
    found, orders, invalid = list[ColumnElement[bool]](), list[Any](), False
    for part in re.split(r"\^NQ", text):
        groups: list[list[ColumnElement[bool]]] = []
        for clause in re.split(r"\^(?!NQ)", part):
            if clause in {"", "EQ"}:
                continue
            if order := _ORDER.fullmatch(clause):
                column = column_of(table, order["field"])
                if column is not None:
                    orders.append(column.desc() if order["descending"] else column.asc())
                    orders.append(Record.id.desc() if order["descending"] else Record.id.asc())
                continue
            joined = clause.startswith("OR")
            condition = _condition(table, clause.removeprefix("OR") if joined else clause)
            if condition is None:
                invalid = True
            elif joined and groups:
                groups[-1].append(condition)
            else:
                groups.append([condition])
        found.append(and_(*(or_(*group) for group in groups)) if groups else Record.id > 0)
    chosen = select(Record).where(Record.table == table.name)
    chosen = chosen.where(false() if invalid and invalid_finds_nothing else or_(*found))
    return chosen.order_by(*orders, Record.id)


def column_of(table: Table, field: str) -> Any:
    """A field as SQL; None if the table does not have it."""
    if field in _OWN and (field in SYSTEM or field in table.columns):
        return getattr(Record, field)
    if field not in table.columns:
        return None
    return Record.parent if field == table.parent else Record.fields[field].as_string()


def _condition(table: Table, clause: str) -> ColumnElement[bool] | None:
    match = _CONDITION.fullmatch(clause)
    column = column_of(table, match["field"]) if match else None
    if match is None or column is None:
        return None
    value, listed = match["value"], match["value"].split(",")
    if match["operator"] == "RELATIVEGE":
        return _since(column, value)
    empty = or_(column.is_(None), column == "")
    conditions: dict[str, Any] = {
        "=": lambda: column == value if value else empty,
        "!=": lambda: or_(column.is_(None), column != value) if value else not_(empty),
        "IN": lambda: column.in_(listed),
        "NOT IN": lambda: or_(column.is_(None), column.not_in(listed)),
        "LIKE": lambda: column.icontains(value, autoescape=True),
        "NOT LIKE": lambda: or_(column.is_(None), not_(column.icontains(value, autoescape=True))),
        "STARTSWITH": lambda: column.istartswith(value, autoescape=True),
        "ENDSWITH": lambda: column.iendswith(value, autoescape=True),
        "ISEMPTY": lambda: empty,
        "ISNOTEMPTY": lambda: not_(empty),
        "<": lambda: column < value,
        "<=": lambda: column <= value,
        ">": lambda: column > value,
        ">=": lambda: column >= value,
    }
    built: ColumnElement[bool] = conditions[match["operator"]]()
    return built


def _since(column: Any, span: str) -> ColumnElement[bool] | None:
    """Of a time: at most so long ago, such as ``@minute@ago@15``."""
    match = _SPAN.fullmatch(span)
    if match is None:
        return None
    since = datetime.now(UTC) - timedelta(**{f"{match['unit']}s": int(match["number"])})
    compared: ColumnElement[bool] = column >= since.strftime("%Y-%m-%d %H:%M:%S")
    return compared
