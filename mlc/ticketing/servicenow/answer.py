"""What a record of ServiceNow means: its answer, who gave it, and until when."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mlc.model.finding import listed
from mlc.model.ticket import Answer, TicketState
from mlc.ticketing.event_mark import is_ours
from mlc.ticketing.expiration import expiration
from mlc.ticketing.names import is_listed
from mlc.ticketing.servicenow.auth import SYSTEM
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.wire import Row, Seen

PEOPLE = ("resolved_by", "closed_by")
"""Who ended an incident: the resolver decides, closing only follows."""
APPROVAL_STATES = {Answer.APPROVED: "approved", Answer.REJECTED: "rejected"}
"""States of ``sysapproval_approver``, the same on every instance."""
FOLLOWS = timedelta(minutes=15)
"""In which an approval decides its change, however busy the instance is."""
SHARED = {"guest", "system"}
"""Accounts that are nobody in particular: of whoever is not logged in, and of what an instance does by itself."""
AGAIN = "What can be done: reopen this incident and resolve it with one of these."
LANGUAGE = (
    "Codes are compared by their value, and by their label as the language of our account shows it: if the settings "
    "hold labels in another one, MLC_SERVICENOW_APPROVED_CODES and MLC_SERVICENOW_REJECTED_CODES take values, too."
)


def state_fields(settings: ServiceNowSettings) -> list[str]:
    """What an answer is told from. ServiceNow leaves out what a table does not have."""
    people = [f"{who}{part}" for who in PEOPLE for part in ("", ".user_name")]
    return [
        *("sys_id", "number", settings.label_field, "state", settings.decision_field, "close_code", "close_notes"),
        *(settings.expiration_field, "sys_mod_count", "sys_updated_on", "sys_created_by", "sys_created_on"),
        *(*people, "resolved_at", "closed_at", "approval_set"),
    ]


def not_shown(row: Row, table: str, settings: ServiceNowSettings) -> list[str]:
    """Fields of a record without which its answer is a guess, as far as the account may not read them."""
    decision = settings.decision_field if table == settings.table else "close_code"
    return [field for field in ("state", decision) if not row.has(field)]


def answer_of(row: Row, table: str, settings: ServiceNowSettings) -> Answer:
    """Map decision, state and resolution code to an answer, by the settings' lists (values or what people see).

    No beats yes. A withdrawn ticket never means yes. An approval is given by its decision alone: closing a change
    request approves nothing. What is closed in a way no list knows is undecided.
    """
    if table != settings.table:
        return _of_incident(row, settings)
    closed = _in(row, "state", settings.closed_states)
    decision = settings.decision_field
    if _in(row, decision, settings.rejected_values) or (closed and _in(row, "close_code", settings.rejected_codes)):
        return Answer.REJECTED
    if _in(row, "state", [settings.withdrawn_state]):
        return Answer.UNDECIDED
    if _in(row, decision, settings.approved_values):
        return Answer.APPROVED
    return Answer.UNDECIDED if closed else Answer.PENDING


def _of_incident(row: Row, settings: ServiceNowSettings) -> Answer:
    if _in(row, "state", [settings.incident_withdrawn_state]):
        return Answer.UNDECIDED
    if not _in(row, "state", settings.incident_closed_states):
        return Answer.PENDING
    if _in(row, "close_code", settings.rejected_codes):
        return Answer.REJECTED
    return Answer.APPROVED if _in(row, "close_code", settings.approved_codes) else Answer.UNDECIDED


def is_open(row: Row, table: str, settings: ServiceNowSettings) -> bool:
    """Whether nobody has decided or closed it."""
    return answer_of(row, table, settings) is Answer.PENDING


def state_of(row: Row, table: str, settings: ServiceNowSettings, now: datetime) -> TicketState:
    """A record's state, without who decided it and why. ``now`` is an aware time, to tell past dates by."""
    decision = settings.decision_field
    approval = table == settings.table
    date, problem = expiration(
        row.value(settings.expiration_field) if approval else None,
        field=settings.expiration_label,
        zone=ZoneInfo(settings.time_zone),
        now=now,
        clock=UTC,
    )
    answer = answer_of(row, table, settings)
    seen = (row.value(name) for name in ("sys_mod_count", "sys_updated_on", "state", decision, "close_code"))
    return TicketState(
        answer=answer,
        answer_problem=_problem(row, table, settings) if answer is Answer.UNDECIDED else None,
        status=row.shown("state"),
        resolution=row.shown(decision) if approval else row.shown("close_code"),
        version=" ".join(seen),
        expiration=date,
        expiration_problem=problem,
    )


def _problem(row: Row, table: str, settings: ServiceNowSettings) -> str | None:
    """What it is about a resolved incident that no list knows; None where it is clear: withdrawn, or no decision."""
    if table == settings.table or _in(row, "state", [settings.incident_withdrawn_state]):
        return None
    yes, no, code = listed(settings.approved_codes), listed(settings.rejected_codes), row.shown("close_code")
    what = f"Its resolution code {code!r} is on neither list" if code else "It has no resolution code"
    return f"{what}: {yes} mean yes, {no} mean no. {AGAIN} {LANGUAGE}"


def approver_of(answer: Answer, approvals: Sequence[Row], decided: datetime | None) -> Row | None:
    """The approval by which a change came to its answer: the last one that says the same.

    Args:
        decided: when the change came to it; None if it doesn't tell. Approvals of long before are of an earlier round:
            it was then somebody else, by hand.
    """
    same = [row for row in approvals if row.value("state") == APPROVAL_STATES.get(answer)]
    last = max(same, key=lambda row: row.value("sys_updated_on"), default=None)
    at = last.time("sys_updated_on") if last else None
    return None if at is not None and decided is not None and at < decided - FOLLOWS else last


def person(row: Row, field: str) -> str | None:
    """Name and account, since names are neither unique nor fixed."""
    account, name = row.shown(f"{field}.user_name"), row.shown(field)
    return f"{name} ({account})" if name and account else name or account or None


def reason_of(said: Seen, account: str) -> dict[str, str | None]:
    """The reason as a ticket's state has it: what an account said last, or why that can't be known."""
    reason = last_said(said.rows, account)
    if reason:
        return {"reason": reason}
    nobody = None if account else f"{SYSTEM} does not show our account whose decision it was."
    return {"reason_problem": said.problem or nobody}


def last_said(journal: Sequence[Row], account: str) -> str | None:
    """The last entry that an account wrote, if there is one that no process wrote. ``journal``: the newest first."""
    if account.casefold() in SHARED:
        return None
    said = (row.value("value") for row in journal if account and row.value("sys_created_by") == account)
    return next((text.strip() for text in said if not is_ours(text) and text.strip()), None)


def _in(row: Row, field: str, names: Sequence[str]) -> bool:
    return is_listed(names, row.value(field), row.shown(field))
