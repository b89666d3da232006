"""The public face of the processes: what starts them, what they answer, and the names that everybody uses."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from mlc.model.base import Input, Record, State
from mlc.model.deployment import Deployment
from mlc.model.ticket import Decision, TicketRef
from mlc.model.verdict import Verdict

TASK_QUEUE = "mlc"

DEPLOY_MODEL = "DeployModel"
SWEEP_TICKETS = "SweepTickets"
RUN_JOB = "RunJob"

TICKET_CHANGED = "ticket_changed"
JOB_CHANGED = "job_changed"


def deploy_model_id(snapshot_id: str) -> str:
    """The one workflow id under which a snapshot is deployed."""
    return f"deploy-{snapshot_id}"


class Attribute(StrEnum):
    """Search attributes. ``MlcTickets`` is a KeywordList, the others are Keywords."""

    MODEL = "MlcModel"
    PHASE = "MlcPhase"
    STAGE = "MlcStage"
    TICKETS = "MlcTickets"


class Phase(StrEnum):
    """The phases of DeployModel, in order (the source text's steps)."""

    SUBMITTED = "submitted"
    TRAINING = "training"
    TESTING = "testing"
    REVIEW = "review"
    EXPIRATION = "expiration"
    MONITORS = "monitors"
    DEPLOYMENT = "deployment"
    SCHEDULES = "schedules"
    SUPERSEDE = "supersede"
    DONE = "done"


class Policy(Record):
    """The settings that steer a run, read once when it starts so that it ends by the rules it began under."""

    patience: timedelta = timedelta(hours=24)
    """How long an outage is retried before it becomes an error ticket."""
    settle: timedelta = timedelta(seconds=120)
    """How long a search may lag behind a write in the ticket system: waited after an ambiguous creation."""
    center_settle: timedelta = timedelta(seconds=15)
    on_failed_verdict: Literal["reject", "ask"] = "reject"
    """``reject``: a verdict that did not pass makes a rejection ticket; ``ask``: the reviewer may override it."""


class DeployModelInput(Input):
    """Input of DeployModel: ``{"snapshot_id": "..."}``."""

    snapshot_id: str = Field(min_length=1, max_length=200, description="Id of the snapshot (deployableModel) to deploy")

    @classmethod
    def usage(cls) -> str:
        return f"DeployModel takes one field, snapshot_id: {cls.command('ID')}"

    @staticmethod
    def command(snapshot_id: str) -> str:
        """What to type to start the process for a snapshot."""
        return (
            f"temporal workflow start --type {DEPLOY_MODEL} --task-queue {TASK_QUEUE} "
            f'--workflow-id {deploy_model_id(snapshot_id)} --input \'{{"snapshot_id": "{snapshot_id}"}}\''
        )


class DeployModelResult(State):
    """How a run of DeployModel ended."""

    outcome: str
    """``deployed`` or ``rejected``; of a run that failed after an error ``abandoned``, or ``kept`` if it failed at
    the last step, when nothing is undone any more."""
    snapshot_id: str
    test_result_id: str | None = None
    verdict: Verdict | None = None
    decision: Decision | None = None
    expiration_date: date | None = None
    monitors_added: list[str] = []
    deployments: list[Deployment] = []
    schedules_copied: int = 0
    tickets: list[TicketRef] = []
    warnings: list[str] = []


class StepRecord(Record):
    """One line of the checklist that a run shows."""

    phase: Phase
    status: str
    """``running``, ``waiting``, ``done``, ``skipped`` or ``failed``."""
    started: datetime
    ended: datetime | None = None
    note: str = ""


class DeployModelStatus(State):
    """Answer of the query ``status``."""

    phase: Phase
    waiting_for: str = ""
    steps: list[StepRecord] = []
    open_tickets: list[TicketRef] = []
    result: DeployModelResult
