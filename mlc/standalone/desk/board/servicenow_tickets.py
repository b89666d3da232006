"""The board's tickets of ServiceNow: change requests to approve, incidents to resolve."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mlc.standalone.desk.board import plain_text
from mlc.standalone.desk.board.jira_tickets import without_mark
from mlc.standalone.desk.board.page import KINDS, Card, Column, File, Happening, Move, Said, TicketPage, answers
from mlc.standalone.desk.parts import Parts
from mlc.standalone.desk.records import APPROVER, AUDIT, FILES, NOTES, Forbidden
from mlc.standalone.desk.servicenow_scheme import (
    CHANGE,
    EXPIRATION_FIELD,
    EXPIRATION_LABEL,
    SOLVED,
    TASKS,
    UNSOLVED,
    Standing,
)
from mlc.standalone.desk.tables import Record
from mlc.standalone.desk.tickets import Invalid

MACHINE_NOTE = "For the machines: "
_NUMBER = re.compile("|".join(rf"{table.prefix}\d{{7,}}" for table in TASKS.values()), re.IGNORECASE)

_MOVES: dict[str, tuple[Move, ...]] = {
    CHANGE.name: (
        Move("approve", "Approve", "done"),
        Move("reject", "Reject", "rejected"),
        Move("cancel", "Mark canceled"),
    ),
    "incident": (
        Move("solve", f"Resolve: {SOLVED.lower()}", "done"),
        Move("give-up", f"Resolve: {UNSOLVED.lower()}", "rejected"),
        Move("cancel", "Mark canceled"),
    ),
}
_REOPEN = Move("reopen", "Reopen")


def is_number(key: str) -> bool:
    """Whether a ticket's key is a number of ServiceNow's."""
    return _NUMBER.fullmatch(key) is not None


def columns(session: Session, most: int) -> list[Column]:
    """The newest tickets by where they stand."""
    tasks = select(Record).where(Record.table.in_(TASKS))
    counts = session.execute(
        select(Record.standing, func.count()).where(Record.table.in_(TASKS)).group_by(Record.standing)
    )
    counted = {standing: count for standing, count in counts}  # noqa: C416  # rows, not pairs, to the type checker
    shown = []
    for standing in Standing:
        if standing in counted:
            newest = session.scalars(tasks.where(Record.standing == standing).order_by(Record.id.desc()).limit(most))
            column = Column(standing, standing.category, _cards(session, list(newest)), counted[standing])
            shown.append(column)
    return shown


def page(session: Session, desk: Parts, number: str) -> TicketPage:
    """Raises NoSuchTicket: there is no such ticket."""
    record = desk.records.task(session, number)
    columns = desk.records.tables[record.table].columns

    def seen(field: str) -> str:
        value = str(record.fields.get(field) or "")
        return columns[field].choices.get(value, value)

    approval = record.table == CHANGE.name
    dated = approval and EXPIRATION_FIELD in columns
    status, facts = (seen("approval"), [f"State: {seen('state')}"]) if approval else (seen("state"), [])
    facts += [f"{columns['close_code'].label}: {seen('close_code')}"] if seen("close_code") else []
    called = answers(_notes(session, [record]).get(record.sys_id, {}))
    moves = [move.called(called.get(move.tone, "")) for move in _MOVES[record.table]]
    standing = Standing(record.standing or Standing.OPEN)
    files = desk.records.children(session, FILES, record.sys_id)
    return TicketPage(
        card=_cards(session, [record])[0],
        status=status,
        category=standing.category,
        facts=facts,
        reporter=record.sys_created_by,
        description=plain_text.description(str(record.fields.get("description") or "")),
        links=[],
        files=[File(f.sys_id, f.fields["file_name"], int(f.fields["size_bytes"])) for f in files],
        happenings=_happenings(session, desk, record, files),
        moves=[_REOPEN] if standing.category == "done" else moves,
        version=f"{record.sys_mod_count} {record.sys_updated_on}",
        expiration_name=EXPIRATION_LABEL if dated else "",
        expiration=str(record.fields.get(EXPIRATION_FIELD) or "") or None if dated else None,
    )


def save(session: Session, desk: Parts, number: str, said: Said) -> None:
    """Do what a person's form says.

    Raises:
        NoSuchTicket: there is no such ticket.
        Invalid: something in it can't be used.
    """
    record = desk.records.task(session, number)
    if said.to and said.to not in {move.to for move in (*_MOVES[record.table], _REOPEN)}:
        raise Invalid("There is no such answer.")
    values = _expiration(desk, record, said)
    decision = {"approve": "approved", "reject": "rejected"}.get(said.to)
    if said.comment and not decision:
        values["comments"] = said.comment
    try:
        desk.records.change(session, record, said.by, values | _outcome(record, said))
        if decision:
            desk.records.decide(session, record, said.by, decision, said.comment)
    except Forbidden as error:
        raise Invalid(str(error)) from None


def _outcome(record: Record, said: Said) -> dict[str, str]:
    """What a move sets, where it is no approval."""
    change = record.table == CHANGE.name
    if said.to in {"solve", "give-up"}:
        code = SOLVED if said.to == "solve" else UNSOLVED
        return {"state": "6", "close_code": code, "close_notes": said.comment or code}
    if said.to == "cancel":
        return {"state": "4" if change else "8"}
    if said.to == "reopen":
        return {"state": "-5", "approval": "requested"} if change else {"state": "2"}
    return {}


def _expiration(desk: Parts, record: Record, said: Said) -> dict[str, str]:
    if said.expiration is None or EXPIRATION_FIELD not in desk.records.tables[record.table].columns:
        return {}
    if said.expiration:
        try:
            datetime.strptime(said.expiration, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise Invalid(f"{EXPIRATION_LABEL} must look like 2030-12-31.") from None
    return {EXPIRATION_FIELD: said.expiration}


def _cards(session: Session, records: Sequence[Record]) -> list[Card]:
    """Tickets in short. Kind and model are what the process noted; a person's own ticket has neither."""
    said = _notes(session, records)
    return [
        Card(
            key=record.number or "",
            place=f"ServiceNow {TASKS[record.table].label}",
            summary=record.fields.get("short_description", ""),
            kind=KINDS.get(said.get(record.sys_id, {}).get("kind", ""), TASKS[record.table].label),
            model=said.get(record.sys_id, {}).get("model", ""),
            created=_milliseconds(record.sys_created_on),
        )
        for record in records
    ]


def _notes(session: Session, records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """What the process noted with tickets, by their ``sys_id``."""
    value = Record.fields["value"].as_string()
    notes = session.execute(
        select(Record.parent, value).where(
            Record.table == NOTES, Record.parent.in_([r.sys_id for r in records]), value.startswith(MACHINE_NOTE)
        )
    )
    return {parent: _properties(text) for parent, text in notes if parent}


def _happenings(session: Session, desk: Parts, record: Record, files: Sequence[Record]) -> list[Happening]:
    """What was said, there and on approvals, and done, the newest first."""
    approvals = [approval.sys_id for approval in desk.records.children(session, APPROVER, record.sys_id)]
    wanted = select(Record).where(Record.table.in_((NOTES, AUDIT)), Record.parent.in_([record.sys_id, *approvals]))
    rows = [*session.scalars(wanted), *files]
    rows.sort(key=lambda row: row.id, reverse=True)
    columns = desk.records.tables[record.table].columns
    shown = []
    for row in rows:
        at, fields = _milliseconds(row.sys_created_on), row.fields
        if row.table == FILES:
            shown.append(Happening(at, row.sys_created_by, did=f"attached {fields['file_name']}"))
        elif row.table == AUDIT:
            column = columns[fields["fieldname"]]
            after = column.choices.get(fields["newvalue"], fields["newvalue"])
            did = f"set {column.label} to {after}" if after else f"cleared {column.label}"
            shown.append(Happening(at, row.sys_created_by, did=did))
        elif not fields["value"].startswith(MACHINE_NOTE):
            said = plain_text.entry(without_mark(fields["value"]))
            shown.append(Happening(at, row.sys_created_by, said=said))
    made = Happening(_milliseconds(record.sys_created_on), record.sys_created_by, did="made this ticket")
    return [*shown, made]


def _properties(note: str) -> dict[str, Any]:
    try:
        said = json.loads(without_mark(note).removeprefix(MACHINE_NOTE))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _milliseconds(at: str) -> int:
    return int(datetime.strptime(at, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000)
