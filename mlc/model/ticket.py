"""Tickets: questions put to people, and what they answered."""

from datetime import date, datetime

from mlc.model.base import Input, OpenEnum, Record
from mlc.model.monitor_plan import OnMissingMonitor
from mlc.model.result import TestResult
from mlc.model.ticket_ref import Provider, TicketRef
from mlc.model.verdict import EarlierVerdict, Verdict

__all__ = ["Provider", "TicketRef"]  # which most read with the rest


class TicketKind(OpenEnum):
    REVIEW = "review"
    """May this snapshot be deployed?"""
    REJECTION = "rejection"
    """Something about the model stopped the process: repair it and try that step again, or stop."""
    ERROR = "error"
    """Something about the surroundings stopped the process: the same question."""
    RECORD = "record"
    """A reviewer's rejection, written down. Nobody waits for it."""
    FAILED_TEST = "failed test"
    """A back test's result did not pass. Nobody waits for it."""
    JOB_REVIEW = "job review"
    """A back test's job ended in an exception: all that is known of it, for a reviewer. Nobody waits for it."""
    NOTIFICATION = "notification"
    """A batch job could not be run. Nobody waits for it."""
    BREACH = "breach"
    """A monitor raises an alarm, for as long as its results do not pass. Nobody waits for it."""
    UNDEPLOY = "undeploy"
    """The same, and the question whether the snapshot is to be taken out of use."""
    UNKNOWN = "unknown"


JUDGING = frozenset({TicketKind.REVIEW, TicketKind.REJECTION, TicketKind.RECORD})
"""Kinds of tickets about whether a snapshot is good enough: they tell of an earlier verdict."""


class Answer(OpenEnum):
    """What a ticket's status and resolution mean."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    UNDECIDED = "undecided"
    """Closed in a way that means neither yes nor no: the ticket says so and stays a question."""
    GONE = "gone"
    """Deleted, or moved where we can't see it: asked anew."""
    UNKNOWN = "unknown"
    """What a newer release may read from a ticket: no answer here, so the question stays open."""


class TicketQuestion(Record):
    """What a process wants to ask: enough for an activity to write the ticket, and small.

    ``label`` identifies the question for ever: a hash of workflow, first run, purpose and attempt, or of what a breach
    began with, ``gov-`` and 24 hexadecimal digits. ``message`` is what went wrong, in sentences. ``snapshot_id`` is
    empty where none was found.
    """

    kind: TicketKind
    step: str
    provider: Provider = "jira"
    label: str = ""
    attempt: int = 0
    snapshot_id: str
    model_name: str = ""
    workflow_id: str
    run_id: str
    message: str = ""
    bound: str = ""
    """Digest of the files that the question is about; empty if they are not bound."""
    job_id: str | None = None
    """The job that failed, whose messages the ticket shows."""
    test_result: TestResult | None = None
    verdict: Verdict | None = None
    earlier: EarlierVerdict | None = None
    """The last verdict of this run before this one, if it did not pass."""
    without_monitors: list[str] = []
    """Monitors that can't be added; a yes says that the model is deployed without them."""
    on_missing_monitor: OnMissingMonitor = OnMissingMonitor.WARN
    replaces: bool = False
    """A newer snapshot is where this one belongs; a yes says that this one takes its place."""
    monitor: str = ""
    """Name of the monitor that raises an alarm."""
    follows: TicketRef | None = None
    """An earlier ticket about the same, which was closed."""


class TicketState(Record):
    """A ticket as it was read. ``version`` changes whenever anything on the ticket does."""

    answer: Answer
    status: str = ""
    resolution: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    version: str = ""
    expiration: date | None = None
    expiration_problem: str | None = None
    """Why the Expiration Date can't be used (past, unreadable), as a sentence for the ticket; None if it can."""
    answer_problem: str | None = None
    """What no list knows of a ticket that is undecided (its resolution, say), in sentences for the ticket."""
    reason_problem: str | None = None
    """Why nobody can tell the reason, which may have been given, as a sentence for the ticket; None if it is known."""


class TicketChanged(Input):
    """Signal ``ticket_changed``: a hint that a ticket may have changed. The ticket itself is then read."""

    provider: str
    key: str
    delivery_id: str | None = None


class DecisionOutcome(OpenEnum):
    """What a reviewer decided."""

    APPROVED = "approved"
    REJECTED = "rejected"
    OVERRIDDEN = "overridden"
    """Approved although the verdict did not pass, with a reason."""
    UNKNOWN = "unknown"


class Decision(Record):
    """A reviewer's decision as it is kept for later proof."""

    outcome: DecisionOutcome
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None
    ticket: str
    url: str
    status: str = ""
    resolution: str = ""


def ticket_queue(task_queue: str) -> str:
    """The task queue of the ticket activities of the runs on ``task_queue``: ``mlc-tickets`` for ``mlc``."""
    return f"{task_queue}-tickets"
