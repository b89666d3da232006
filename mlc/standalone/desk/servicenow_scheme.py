"""The tables of ServiceNow that the desk keeps: their fields, what their values are called, and what a state means."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

EXPIRATION_FIELD = "u_expiration_date"
EXPIRATION_LABEL = "Expiration Date"
JOURNAL = "journal_input"
REFERENCE = "reference"


class Standing(StrEnum):
    """Where a task stands, in the words of the board's columns."""

    OPEN = "To Do"
    WORKING = "In Review"
    YES = "Done"
    NO = "Rejected"
    WITHDRAWN = "Withdrawn"

    @property
    def category(self) -> str:
        """As Jira's status categories: ``new``, ``indeterminate`` or ``done``."""
        return {"To Do": "new", "In Review": "indeterminate"}.get(self.value, "done")


@dataclass(frozen=True)
class Column:
    """A field: ``choices`` maps values to what people see; ``refers`` is the table that a reference leads to."""

    label: str
    kind: str = "string"
    choices: Mapping[str, str] = field(default_factory=dict)
    refers: str = ""
    default: str = ""


@dataclass(frozen=True)
class Table:
    """``parent`` is the field with the ``sys_id`` of the record that a row belongs to, if it does to one."""

    name: str
    label: str
    columns: Mapping[str, Column]
    prefix: str = ""
    first: int = 0
    parent: str = ""


SYSTEM = {
    "sys_id": Column("Sys ID", "GUID"),
    "sys_created_on": Column("Created", "glide_date_time"),
    "sys_created_by": Column("Created by"),
    "sys_updated_on": Column("Updated", "glide_date_time"),
    "sys_updated_by": Column("Updated by"),
    "sys_mod_count": Column("Updates", "integer"),
}
"""What every table has."""

_APPROVALS = {
    "not requested": "Not Yet Requested",
    "requested": "Requested",
    "approved": "Approved",
    "rejected": "Rejected",
}
_TASK = {
    "number": Column("Number"),
    "sys_class_name": Column("Task type", "sys_class_name"),
    "short_description": Column("Short description"),
    "description": Column("Description"),
    "correlation_id": Column("Correlation ID"),
    "correlation_display": Column("Correlation display"),
    "assignment_group": Column("Assignment group"),
    "opened_by": Column("Opened by", REFERENCE, refers="sys_user"),
    "closed_by": Column("Closed by", REFERENCE, refers="sys_user"),
    "closed_at": Column("Closed", "glide_date_time"),
    "close_notes": Column("Close notes"),
    "approval": Column("Approval", choices=_APPROVALS, default="not requested"),
    "approval_set": Column("Approval set", "glide_date_time"),
    "comments": Column("Additional comments", JOURNAL),
    "work_notes": Column("Work notes", JOURNAL),
}
CHANGE = Table(
    "change_request",
    "Change Request",
    _TASK
    | {
        "type": Column("Type", default="normal", choices={n.lower(): n for n in ("Normal", "Standard", "Emergency")}),
        "state": Column(
            "State",
            "integer",
            {"-5": "New", "-4": "Assess", "-3": "Authorize", "-2": "Scheduled", "-1": "Implement", "0": "Review"}
            | {"3": "Closed", "4": "Canceled"},
            default="-5",
        ),
        "close_code": Column(
            "Close code",
            choices={
                "successful": "Successful",
                "successful_issues": "Successful with issues",
                "unsuccessful": "Unsuccessful",
            },
        ),
        EXPIRATION_FIELD: Column(EXPIRATION_LABEL, "glide_date"),
    },
    prefix="CHG",
    first=30_000,
)
SOLVED, UNSOLVED = "Solution provided", "No resolution provided"
INCIDENT = Table(
    "incident",
    "Incident",
    _TASK
    | {
        "state": Column(
            "State",
            "integer",
            {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
            default="1",
        ),
        "close_code": Column(
            "Resolution code",
            choices={code: code for code in (SOLVED, "Workaround provided", "Known error", "Duplicate", UNSOLVED)},
        ),
        "resolved_by": Column("Resolved by", REFERENCE, refers="sys_user"),
        "resolved_at": Column("Resolved", "glide_date_time"),
    },
    prefix="INC",
    first=10_000,
)
TASKS = {table.name: table for table in (CHANGE, INCIDENT)}
"""The tables that tickets are in."""
_OTHERS = (
    Table(
        "sys_user",
        "User",
        {
            "user_name": Column("User ID"),
            "name": Column("Name"),
            "preferred_language": Column("Language", default="en"),
        },
    ),
    Table(
        "sysapproval_approver",
        "Approval",
        {
            "sysapproval": Column("Approval for", REFERENCE, refers="task"),
            "approver": Column("Approver", REFERENCE, refers="sys_user"),
            "state": Column("State", choices=_APPROVALS, default="requested"),
            "comments": Column("Comments", JOURNAL),
        },
        parent="sysapproval",
    ),
    Table(
        "sys_journal_field",
        "Journal Entry",
        {
            "element_id": Column("Element ID"),
            "element": Column("Element"),
            "name": Column("Name"),
            "value": Column("Value"),
        },
        parent="element_id",
    ),
    Table(
        "sys_attachment",
        "Attachment",
        {
            "table_sys_id": Column("Table sys ID"),
            "table_name": Column("Table name"),
            "file_name": Column("File name"),
            "content_type": Column("Content type"),
            "size_bytes": Column("Size bytes", "integer"),
        },
        parent="table_sys_id",
    ),
    Table(
        "sys_audit",
        "Audit",
        {
            "documentkey": Column("Document key"),
            "tablename": Column("Table name"),
            "fieldname": Column("Field name"),
            "oldvalue": Column("Old value"),
            "newvalue": Column("New value"),
        },
        parent="documentkey",
    ),
    Table(
        "sys_dictionary",
        "Dictionary Entry",
        {
            "name": Column("Table"),
            "element": Column("Column name"),
            "column_label": Column("Column label"),
            "internal_type": Column("Type"),
        },
    ),
    Table(
        "sys_choice",
        "Choice",
        {
            "name": Column("Table"),
            "element": Column("Element"),
            "value": Column("Value"),
            "label": Column("Label"),
            "language": Column("Language"),
            "inactive": Column("Inactive", "boolean"),
        },
    ),
)


def tables(*, expiration: bool) -> dict[str, Table]:
    """All tables by name. ``expiration``: whether approvals have a field for the expiration date."""
    change = CHANGE
    if not expiration:
        change = replace(CHANGE, columns={n: c for n, c in CHANGE.columns.items() if n != EXPIRATION_FIELD})
    return {table.name: table for table in (change, INCIDENT, *_OTHERS)}


def standing(table: str, state: str, approval: str, close_code: str) -> Standing:
    """Where a task stands."""
    if table == CHANGE.name:
        ends = {"3": Standing.YES, "4": Standing.WITHDRAWN}
        decided = {"rejected": Standing.NO, "approved": ends.get(state, Standing.YES)}
        first = "-5"
    else:
        answered = Standing.NO if close_code == UNSOLVED else Standing.YES
        ends = {"6": answered, "7": answered, "8": Standing.WITHDRAWN}
        decided = {}
        first = "1"
    return decided.get(approval) or ends.get(state) or (Standing.OPEN if state == first else Standing.WORKING)
