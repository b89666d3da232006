"""How records look in ServiceNow's Table API."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mlc.standalone.desk.records import NOTES, Records, get
from mlc.standalone.desk.servicenow_scheme import JOURNAL, REFERENCE, SYSTEM, Column, Table
from mlc.standalone.desk.tables import Record

Display = Literal["true", "false", "all"]


class RecordJson:
    """Writes ServiceNow's JSON.

    Args:
        base: address of the desk, for links.
        display: ``false``: values; ``true``: what people see; ``all``: both.
        links: whether a reference tells its address.
    """

    def __init__(self, records: Records, session: Session, base: str, *, display: Display, links: bool) -> None:
        self._records = records
        self._session = session
        self._base = base
        self._display = display
        self._links = links
        self._known: dict[str, Record | None] = {}

    def record(self, record: Record, fields: Sequence[str] = ()) -> dict[str, Any]:
        """A record with the fields asked for (default: all); unknown ones are left out without a word."""
        table = self._records.tables[record.table]
        columns = {**table.columns, **SYSTEM}
        shown = {}
        for name in fields or sorted(columns):
            first, _, rest = name.partition(".")
            column = columns.get(first)
            if column is None or (rest and not column.refers):
                continue
            value = get(record, first, table)
            if column.kind == JOURNAL:
                shown[name] = self._journal(record, name)
            elif not rest:
                shown[name] = self._field(column, value)
            elif (target := self._referred(value)) is not None:
                of = self._records.tables[target.table]
                if rest in of.columns or rest in SYSTEM:
                    shown[name] = self._field({**of.columns, **SYSTEM}[rest], get(target, rest, of))
            else:
                shown[name] = self._field(column, "")
        return shown

    def _journal(self, record: Record, name: str) -> Any:
        """What was said in a field, all in one text, the newest first. Its value is what is about to be said."""
        if self._display == "false":
            return ""
        label = self._records.tables[record.table].columns[name].label
        said = self._records.children(self._session, NOTES, record.sys_id)
        seen = "".join(
            f"{note.sys_created_on} - {note.sys_created_by} ({label})\n{note.fields['value']}\n\n"
            for note in reversed(said)
            if note.fields["element"] == name
        )
        return {"display_value": seen, "value": ""} if self._display == "all" else seen

    def _field(self, column: Column, value: str) -> Any:
        seen = self._seen(column, value)
        link = f"{self._base}/api/now/table/{column.refers}/{value}" if column.refers and value and self._links else ""
        if self._display == "all":
            return {"display_value": seen, "value": value} | ({"link": link} if link else {})
        if link:
            return {"display_value": seen, "link": link} if self._display == "true" else {"value": value, "link": link}
        return seen if self._display == "true" else value

    def _seen(self, column: Column, value: str) -> str:
        """What people see of a value."""
        if column.kind == REFERENCE and value:
            target = self._referred(value)
            return _name(target, self._records.tables[target.table]) if target else ""
        return column.choices.get(value, value)

    def _referred(self, sys_id: str) -> Record | None:
        if sys_id and sys_id not in self._known:
            self._known[sys_id] = self._session.scalar(select(Record).where(Record.sys_id == sys_id))
        return self._known.get(sys_id)


def _name(record: Record, table: Table) -> str:
    return record.number or get(record, "name", table) or get(record, "user_name", table)
