"""Tickets in ServiceNow, through the ``pysnow`` package and the Table API."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from mlc.model.failure import NotFound, Refused, Unavailable
from mlc.model.finding import listed
from mlc.model.open_tickets import is_label
from mlc.model.ticket import Answer, TicketKind, TicketRef, TicketState
from mlc.ticketing import http_failure
from mlc.ticketing.content import plain
from mlc.ticketing.expiration import check_zone
from mlc.ticketing.port import Attachment, ChangedTicket, TicketRequest, Wording, withdrawal_text
from mlc.ticketing.servicenow.answer import (
    PEOPLE,
    answer_of,
    approver_of,
    is_open,
    not_shown,
    person,
    reason_of,
    state_of,
)
from mlc.ticketing.servicenow.auth import SYSTEM
from mlc.ticketing.servicenow.journal import ServiceNowJournal, properties_note
from mlc.ticketing.servicenow.reader import ServiceNowReader
from mlc.ticketing.servicenow.session import ServiceNowSession
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.text import LONGEST_SUMMARY, link_note, note, safe
from mlc.ticketing.servicenow.wire import Row
from mlc.ticketing.text import one_line

BATCH = 100
"""Labels in one search: a few kilobytes of an address, of which servers take eight."""
MOST_FOUND = 5
_SYS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ID = re.compile(r"([a-z][a-z0-9_]{0,79}):([0-9a-f]{32})", re.ASCII)


class ServiceNowTicketing:
    """The :class:`~mlc.ticketing.port.Ticketing` port over ServiceNow.

    Questions about a model (reviews) are change requests, all others incidents, unless the settings name other tables.
    A reference's ``id`` is ``<table>:<sys_id>`` and its ``key`` the number; the key alone will do, too.

    Args:
        clock: the time by which expiration dates are past, aware.

    Raises:
        Refused: a setting is missing or wrong.
    """

    provider = "servicenow"

    def __init__(self, settings: ServiceNowSettings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        check_zone(SYSTEM, "MLC_SERVICENOW_TIME_ZONE", settings.time_zone)
        self._settings = settings
        self._clock = clock
        self._session = ServiceNowSession(settings)
        self._reader = ServiceNowReader(self._session, settings)
        self._journal = ServiceNowJournal(self._session, self._reader, settings.comment_field)
        self._browse = (settings.browse_url or settings.url or "").rstrip("/")

    def wording(self, kind: TicketKind) -> Wording:
        settings = self._settings
        if self._table(kind) == settings.table:
            how = "Approve this change request to say yes; reject it, with a comment that says why, to say no."
            yes, no, ticket = "Approved", "Rejected", "change request"
        else:
            how = "Resolve this incident with one of these resolution codes:"
            yes, no = (" or ".join(codes[:2]) for codes in (settings.approved_codes, settings.rejected_codes))
            ticket = "incident"
        asks_date = kind is TicketKind.REVIEW and self._reader.has_expiration()
        return Wording(
            yes=yes,
            no=no,
            how=how,
            ticket=ticket,
            key_place=f"the Correlation ID of this {ticket}",
            expiration_field=settings.expiration_label if asks_date else None,
            room=settings.description_limit,
        )

    def find(self, label: str) -> list[TicketRef]:
        found = [(table, row) for table in self._settings.tables for row in self._reader.labelled(table, [safe(label)])]
        found.sort(key=lambda pair: pair[1].value("sys_created_on"))
        # People's copies of a ticket carry its key, too, but they come later and have another creator.
        ours = found[0][1].value("sys_created_by") if found else ""
        refs = [self._ref(table, row, label) for table, row in found if row.value("sys_created_by") == ours]
        return refs[:MOST_FOUND]

    def create(self, request: TicketRequest) -> TicketRef:
        settings, table = self._settings, self._table(request.kind)
        properties = request.properties | {"kind": request.kind, "label": request.label}
        values = (settings.fields if table == settings.table else settings.incident_fields) | {
            "short_description": one_line(request.summary, LONGEST_SUMMARY) or request.label,
            "description": plain.render_within(request.body, settings.description_limit),
            settings.label_field: safe(request.label),
            "correlation_display": one_line(settings.origin, 100),
            "work_notes": properties_note(properties),
        }
        fields = ["sys_id", "number", settings.label_field]
        row = self._session.create("create a ticket", table, values, fields)
        created = self._ref(table, row, request.label, made=True)
        if row.value(settings.label_field) != request.label:
            # It ignores fields that the account may not write; without its key the ticket would never be found again.
            sentence = f"{SYSTEM} did not keep our key in {settings.label_field} of {row.value('number')}"
            raise Refused(SYSTEM, f"{sentence}: correct MLC_SERVICENOW_LABEL_FIELD or the account's roles", status=403)
        return created

    def get(self, ref: TicketRef) -> TicketState:
        tables = self._settings.tables
        try:
            table, sys_id = self._place(ref)
            tables = [table]
            row = self._reader.ticket(table, sys_id)
        except NotFound:
            # It answers the same to an account that lost its rights, and then nothing is known about the ticket.
            for table in tables:
                self._reader.see_table(table)
            return TicketState(answer=Answer.GONE)
        if hidden := not_shown(row, table, self._settings):
            sentence = (
                f"{SYSTEM} does not show our account {listed(hidden)} of {ref.key}, so nobody can tell its answer"
            )
            raise Refused(SYSTEM, f"{sentence}: let the account read these fields", status=403)
        state = self._state(table, row)
        if state.answer is Answer.PENDING:
            return state
        decided = self._approval if table == self._settings.table else self._resolution
        return state.model_copy(update=decided(row, state.answer))

    def get_many(self, refs: Sequence[TicketRef]) -> dict[str, TicketState]:
        label_of = {ref.key: safe(ref.label) for ref in refs}
        states: dict[str, TicketState] = {}
        for table, numbers in self._reader.tables_of(label_of).items():
            labels = list(dict.fromkeys(label_of[number] for number in numbers))
            for start in range(0, len(labels), BATCH):
                for row in self._reader.labelled(table, labels[start : start + BATCH]):
                    # By number, not by label: people's copies of a ticket carry its key too.
                    label = label_of.get(row.value("number"))
                    if label:
                        states[label] = self._state(table, row)
        return states

    def changed(self, minutes: int, most: int) -> list[ChangedTicket]:
        found: list[ChangedTicket] = []
        for table in self._settings.tables:
            for row in self._reader.changed(table, minutes, most):
                label, updated = row.value(self._settings.label_field), row.time("sys_updated_on")
                if is_label(label) and updated is not None:
                    ref = self._ref(table, row, label)
                    found.append(ChangedTicket(ref=ref, state=self._state(table, row), updated=updated))
        return sorted(found, key=lambda ticket: ticket.updated)[:most]

    def properties(self, ref: TicketRef) -> dict[str, str]:
        return self._journal.properties(*self._place(ref))

    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        entry = note(text, event_id)
        self._journal.write(ref.key, *self._place(ref), entry, event_id)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        table, sys_id = self._place(ref)
        if attachment.name not in self._reader.attached_names(table, sys_id):
            self._session.upload(f"attach a file to {ref.key}", table, sys_id, attachment)

    def link(self, ref: TicketRef, global_id: str, url: str, title: str) -> None:
        # ServiceNow has no links beside a ticket: a journal entry shows one, and a newer one stands above it.
        entry, event_id = link_note(global_id, url, title)
        self._journal.write(ref.key, *self._place(ref), entry, event_id)

    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        tables = self._settings.tables
        refused: Refused | None = None
        try:
            table, sys_id = self._place(ref)
            tables = [table]
            try:
                http_failure.despite_conflict(partial(self.comment, ref, event_id, withdrawal_text(reason)))
            except Refused as error:  # NotFound, too: whether the record is gone it says itself
                refused = error
            kept = self._is_open(table, sys_id) and self._move_away(ref, table, sys_id)
            if not kept or not self._is_open(table, sys_id):  # somebody may have been quicker
                return None
        except NotFound:
            return self._gone(ref, tables)
        if refused is not None:
            raise refused
        return kept

    def _is_open(self, table: str, sys_id: str) -> bool:
        return is_open(self._reader.ticket(table, sys_id), table, self._settings)

    def _gone(self, ref: TicketRef, tables: Sequence[str]) -> str | None:
        """A record that is not there has been withdrawn, unless the account has lost the right to see any."""
        try:
            for table in tables:
                self._reader.see_table(table)
        except Refused as error:
            return f"{ref.key} can't be found, and no other record can be seen either. {error}"
        return None

    def _move_away(self, ref: TicketRef, table: str, sys_id: str) -> str:
        """Cancel a record. Why that can't be; empty if it is cancelled."""
        settings = self._settings
        state = settings.withdrawn_state if table == settings.table else settings.incident_withdrawn_state
        withdrawn = Row.model_validate({"state": {"value": state}})
        if not state or answer_of(withdrawn, table, settings) is not Answer.UNDECIDED:
            return f"No state is set to which {ref.key} could be withdrawn, and that means neither yes nor no"
        doing = f"withdraw {ref.key}"
        try:
            row = http_failure.despite_conflict(
                partial(self._session.change, doing, table, sys_id, {"state": state}, ["state"])
            )
        except Refused as error:
            return str(error)
        if state.casefold() in {row.value("state").casefold(), row.shown("state").casefold()}:
            return ""
        # It ignores what the account may not write, and answers as if it had been written.
        return f"{SYSTEM} did not keep the state {state} of {ref.key}: may the account write it?"

    def _approval(self, row: Row, answer: Answer) -> dict[str, object]:
        """Who approved or rejected a change, when, and what they said, there or on the change itself."""
        sys_id = row.value("sys_id")
        approvals = self._reader.approvals(sys_id)
        approval = approver_of(answer, approvals.rows, row.time("approval_set"))
        if approval is None:  # somebody set the field by hand, or we may not see who: ServiceNow tells only when
            return {"decided_at": row.time("approval_set"), "reason_problem": approvals.problem}
        said = self._reader.journal([sys_id, approval.value("sys_id")])
        return {
            "decided_by": person(approval, "approver"),
            "decided_at": approval.time("sys_updated_on"),
            **reason_of(said, approval.value("approver.user_name")),
        }

    def _resolution(self, row: Row, _: Answer) -> dict[str, object]:
        """Who resolved an incident, when, and its resolution notes, or else what they said last."""
        who = next((field for field in PEOPLE if row.value(field)), PEOPLE[0])
        decided = {"decided_by": person(row, who), "decided_at": row.time(who.replace("_by", "_at"))}
        if notes := row.value("close_notes").strip():
            return {**decided, "reason": notes}
        said = self._reader.journal([row.value("sys_id")])
        return {**decided, **reason_of(said, row.value(f"{who}.user_name"))}

    def _state(self, table: str, row: Row) -> TicketState:
        return state_of(row, table, self._settings, self._clock())

    def _table(self, kind: str) -> str:
        return self._settings.table if kind == TicketKind.REVIEW else self._settings.incident_table

    def _place(self, ref: TicketRef) -> tuple[str, str]:
        """Table and ``sys_id``; looked up if only the number is known."""
        found = _ID.fullmatch(ref.id)
        return (found[1], found[2]) if found else self._reader.numbered(ref.key)

    def _ref(self, table: str, row: Row, label: str, *, made: bool = False) -> TicketRef:
        """Where a record is. ``made``: we have just made it."""
        sys_id = row.value("sys_id")
        if not row.value("number") or not _SYS_ID.fullmatch(sys_id):
            sentence = f"{SYSTEM} did not tell number and sys_id of a record of {table}"
            raise Unavailable(SYSTEM, sentence, maybe_done=made)
        url = self._browse + self._settings.record_page.format(table=table, sys_id=quote(sys_id, safe=""))
        ticket_id = f"{table}:{sys_id}"
        return TicketRef(provider=self.provider, id=ticket_id, key=row.value("number"), url=url, label=label)
