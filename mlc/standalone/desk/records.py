"""What can be done with ServiceNow's records, and what its business rules then do, in one transaction."""

import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from mlc.model.failure import MlcError
from mlc.standalone.database.statements import insert_unless_there, next_after
from mlc.standalone.desk.outbox import Outbox
from mlc.standalone.desk.servicenow_scheme import JOURNAL, SYSTEM, TASKS, Table, standing, tables
from mlc.standalone.desk.sessions import Sessions, of_a_writer
from mlc.standalone.desk.tables import Counter, Record, RecordFile
from mlc.standalone.desk.tickets import File, NoSuchTicket

APPROVER, AUDIT, FILES, NOTES, USERS = (
    "sysapproval_approver",
    "sys_audit",
    "sys_attachment",
    "sys_journal_field",
    "sys_user",
)
_LONGEST = {"short_description": 160, "description": 4000, "correlation_id": 100, "correlation_display": 100}
"""Longer texts are cut without a word, as ServiceNow does."""


_LONGEST_ID = 100


class Forbidden(MlcError):
    """A data policy does not let a record be so. The text is for people."""


class NoTable(MlcError):
    """There is no table of this name."""


class Records(Sessions):
    """The desk's ServiceNow.

    Args:
        engine: from :func:`~mlc.standalone.database.open_database`.
        outbox: takes the webhooks.
        expiration: whether approvals have a field for the expiration date.
    """

    def __init__(self, engine: Engine, outbox: Outbox, *, expiration: bool) -> None:
        super().__init__(engine, outbox)
        self.tables = tables(expiration=expiration)
        self.invalid_finds_nothing = False
        """The property ``glide.invalid_query.returns_no_rows``."""
        self._describe()

    def table(self, name: str) -> Table:
        """Raises NoTable: there is none."""
        if name not in self.tables:
            raise NoTable(name)
        return self.tables[name]

    def record(self, session: Session, table: str, sys_id: str) -> Record:
        """Raises NoSuchTicket: there is no such record."""
        chosen = select(Record).where(Record.table == table, Record.sys_id == sys_id)
        record = session.scalar(of_a_writer(session, chosen))
        if record is None:
            raise NoSuchTicket
        return record

    def task(self, session: Session, number: str) -> Record:
        """A ticket by its number. Raises NoSuchTicket: there is none."""
        chosen = select(Record).where(Record.number == number.upper(), Record.table.in_(TASKS))
        record = session.scalar(of_a_writer(session, chosen))
        if record is None:
            raise NoSuchTicket
        return record

    def children(self, session: Session, table: str, parent: str) -> list[Record]:
        """The records of a table that belong to another record, the oldest first."""
        chosen = select(Record).where(Record.table == table, Record.parent == parent).order_by(Record.id)
        return list(session.scalars(chosen))

    def user(self, session: Session, name: str) -> Record:
        """The account of a person; made if there is none."""
        sys_id = uuid.uuid5(uuid.NAMESPACE_OID, name).hex
        chosen = select(Record).where(Record.sys_id == sys_id)
        found = session.scalar(chosen)
        if found is None:
            row = _row(USERS, _user(name)) | {"sys_id": sys_id}
            insert_unless_there(session, Record, row)  # another process may make it at this moment
            found = session.scalars(chosen).one()
        return found

    def create(self, session: Session, table: str, by: str, values: Mapping[str, str]) -> Record:
        """Make a record out of what the table has fields for; the rest is ignored.

        Raises:
            Forbidden: a data policy is against it.
        """
        kind = self.table(table)
        fields = {name: column.default for name, column in kind.columns.items() if column.kind != JOURNAL}
        fields |= {"sys_class_name": table, "opened_by": self.user(session, by).sys_id} if table in TASKS else {}
        record = self._add(session, table, by, fields | self._known(kind, values, new=True))
        if table in TASKS:
            record.number = self._next_number(session, kind)
            self._after_change(session, record, by, {})
        self._write_journals(session, record, by, values)
        self._after_approval(session, record, by)
        self._tell(session, record, "inserted")
        return record

    def change(self, session: Session, record: Record, by: str, values: Mapping[str, str]) -> None:
        """Change fields, and write into journals.

        Raises:
            Forbidden: a data policy is against it.
        """
        kind = self.table(record.table)
        before = {name: get(record, name, kind) for name in kind.columns}
        known = self._known(kind, values, new=False)
        changed = {name: value for name, value in known.items() if before.get(name, "") != value}
        said = any(values.get(name) for name, column in kind.columns.items() if column.kind == JOURNAL)
        if not changed and not said:
            return
        self._set(record, kind, changed)
        record.sys_mod_count += 1
        record.sys_updated_on, record.sys_updated_by = now(), by
        if record.table in TASKS:
            self._after_change(session, record, by, before)
            for name, value in changed.items():
                values_of = {"tablename": record.table, "documentkey": record.sys_id, "fieldname": name}
                values_of |= {"oldvalue": before.get(name, ""), "newvalue": value}
                self._add(session, AUDIT, by, values_of)
        self._write_journals(session, record, by, values)
        self._after_approval(session, record, by)
        self._tell(session, record, "updated")

    def decide(self, session: Session, record: Record, by: str, state: str, comment: str) -> None:
        """Approve or reject a change request, as an approver does.

        Raises:
            Forbidden: a rejection says nothing.
        """
        if state == "rejected" and not comment:
            raise Forbidden("Comments are mandatory when an approval is rejected.")
        values = {"sysapproval": record.sys_id, "approver": self.user(session, by).sys_id, "state": state}
        self.create(session, APPROVER, by, values | {"comments": comment})

    def attach(self, session: Session, record: Record, by: str, file: File) -> Record:
        values = {
            "table_name": record.table,
            "table_sys_id": record.sys_id,
            "file_name": file.name,
            "content_type": file.mime_type,
            "size_bytes": str(len(file.content)),
        }
        attachment = self._add(session, FILES, by, values)
        session.add(RecordFile(sys_id=attachment.sys_id, content=file.content))
        self._tell(session, record, "updated")
        return attachment

    def delete(self, session: Session, record: Record) -> None:
        self._tell(session, record, "deleted")
        children = select(Record.sys_id).where(Record.parent == record.sys_id)
        session.execute(delete(RecordFile).where(RecordFile.sys_id.in_(children)))
        session.execute(delete(Record).where(Record.parent == record.sys_id))
        session.delete(record)

    def _add(
        self, session: Session, table: str, by: str, values: Mapping[str, str], sys_id: str | None = None
    ) -> Record:
        at = now()
        record = Record(table=table, sys_id=sys_id or uuid.uuid4().hex, fields={}, sys_mod_count=0)
        record.sys_created_on = record.sys_updated_on = at
        record.sys_created_by = record.sys_updated_by = by
        self._set(record, self.table(table), values)
        session.add(record)
        session.flush()
        return record

    def _set(self, record: Record, kind: Table, values: Mapping[str, str]) -> None:
        fields = dict(record.fields)
        for name, value in values.items():
            if name in {"number", "correlation_id"}:
                setattr(record, name, value or None)
            elif name == kind.parent:
                record.parent = value[:_LONGEST_ID]
            else:
                fields[name] = value
        record.fields = fields

    def _known(self, kind: Table, values: Mapping[str, str], *, new: bool) -> dict[str, str]:
        """What may be written: fields of the table, but not those that ServiceNow itself keeps."""
        kept = {"number", "sys_class_name", *SYSTEM} if kind.name in TASKS else set(SYSTEM)
        known: dict[str, str] = {}
        for name, value in values.items():
            column = kind.columns.get(name)
            if column is None or column.kind == JOURNAL or name in kept or (name == kind.parent and not new):
                continue
            kept_value = _date(value) if column.kind == "glide_date" else value
            known[name] = kept_value.replace("\0", "")[: _LONGEST.get(name, 65_000)]
        return known

    def _after_change(self, session: Session, record: Record, by: str, before: Mapping[str, str]) -> None:
        """The business rules of tasks: who ended one and when, what an end asks for, where it stands."""
        fields = dict(record.fields)
        state, user, at = fields["state"], self.user(session, by).sys_id, now()
        resolved, ended = state in {"6", "7"}, state in ({"7", "8"} if record.table == "incident" else {"3", "4"})
        if record.table == "incident":
            if resolved and not (fields.get("close_code") and fields.get("close_notes")):
                raise Forbidden(
                    "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes"
                )
            if resolved != (before.get("state") in {"6", "7"}):
                fields |= {"resolved_by": user if resolved else "", "resolved_at": at if resolved else ""}
                fields |= {} if resolved else {"close_code": "", "close_notes": ""}
        if ended != bool(fields.get("closed_at")):
            fields |= {"closed_by": user if ended else "", "closed_at": at if ended else ""}
        if fields["approval"] != before.get("approval", "not requested"):
            fields["approval_set"] = at if fields["approval"] in {"approved", "rejected"} else ""
        record.fields = fields
        record.standing = standing(record.table, state, fields["approval"], fields.get("close_code", ""))

    def _after_approval(self, session: Session, record: Record, by: str) -> None:
        """An approval that is decided decides the change request."""
        state = record.fields.get("state", "")
        if record.table != APPROVER or state not in {"approved", "rejected"} or not record.parent:
            return
        change = session.scalar(of_a_writer(session, select(Record).where(Record.sys_id == record.parent)))
        if change is not None:
            self.change(session, change, by, {"approval": state})

    def _write_journals(self, session: Session, record: Record, by: str, values: Mapping[str, str]) -> None:
        for name, column in self.table(record.table).columns.items():
            if column.kind == JOURNAL and values.get(name, "").strip():
                entry = {"element_id": record.sys_id, "element": name, "name": record.table, "value": values[name]}
                self._add(session, NOTES, by, entry)

    def _next_number(self, session: Session, kind: Table) -> str:
        return f"{kind.prefix}{next_after(session, Counter, {'table': kind.name}, 'last', kind.first):07d}"

    def _tell(self, session: Session, record: Record, event: str) -> None:
        if record.table not in TASKS:
            return
        told = {
            "event": f"{record.table}.{event}",
            "table": record.table,
            "sys_id": record.sys_id,
            "number": record.number,
            "correlation_id": record.correlation_id or "",
            "sys_mod_count": record.sys_mod_count,
            "sys_updated_on": record.sys_updated_on,
            "timestamp": time.time_ns() // 1_000_000,
        }
        self._outbox.put(session, "servicenow", told)

    def _describe(self) -> None:
        """Write down which fields and choices there are, where clients look for them."""
        rows = []
        for table in self.tables.values():
            for name, column in {**table.columns, **SYSTEM}.items():
                entry = {"name": table.name, "element": name}
                rows.append(
                    _row("sys_dictionary", entry | {"column_label": column.label, "internal_type": column.kind})
                )
                for value, label in column.choices.items():
                    choice = {"value": value, "label": label, "language": "en", "inactive": "false"}
                    rows.append(_row("sys_choice", entry | choice))
        described = Record.table.in_(("sys_dictionary", "sys_choice"))
        with self.reading() as session:
            if set(session.scalars(select(Record.sys_id).where(described))) == {row["sys_id"] for row in rows}:
                return
        with self.writing() as session:
            session.execute(delete(Record).where(described))
            insert_unless_there(session, Record, *rows)  # another desk may start at this moment


def _user(name: str) -> dict[str, str]:
    return {"user_name": name, "name": name, "preferred_language": "en"}


def get(record: Record, field: str, kind: Table) -> str:
    """A field's value, empty if there is none."""
    if field in SYSTEM or field in {"number", "correlation_id"}:
        return str(getattr(record, field) if getattr(record, field) is not None else "")
    return record.parent or "" if field == kind.parent else str(record.fields.get(field) or "")


def now() -> str:
    """A time as ServiceNow's database has it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _date(value: str) -> str:
    """What can't be a date leaves the field empty."""
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return ""


def _row(table: str, fields: dict[str, str]) -> dict[str, object]:
    """A record of the system's own, to be inserted with many others."""
    at = now()
    sys_id = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([table, fields], sort_keys=True)).hex
    made = {"sys_created_on": at, "sys_created_by": "system", "sys_updated_on": at, "sys_updated_by": "system"}
    return {"table": table, "sys_id": sys_id, "fields": fields, "sys_mod_count": 0} | made
