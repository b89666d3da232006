"""All that a run needs to go on, in one object: what it hands over when it goes on as a new run with a short history.

Key counters are here, too: begun again at 0 they would find an earlier ticket, already Done, and take its answer.
"""

from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from mlc.model.base import State
from mlc.model.binding import Binding
from mlc.model.deployment import Deployment, DeploymentRequest, OtherDeployment, PushedOut, Rank, RuntimeRef
from mlc.model.job import Job, JobRequest
from mlc.model.policy import Policy
from mlc.model.processes import (
    DeployModelInput,
    DeployModelResult,
    DeployModelStatus,
    ProcessStatus,
    RunBackTestInput,
    RunBackTestResult,
    RunBackTestStatus,
    RunBatchModelJobInput,
    RunBatchModelJobStatus,
)
from mlc.model.result import TestResult
from mlc.model.snapshot import SnapshotSummary
from mlc.model.ticket import Answer, Provider, TicketKind, TicketRef, TicketState
from mlc.model.verdict import EarlierVerdict, Verdict

LARGEST = 32 * 1024
"""Bytes of JSON of a state that is handed over."""
MOST_REMARKS = 200


class CaseState(State):
    """What is known of the snapshot, and the settings that the run follows."""

    snapshot: SnapshotSummary
    policy: Policy = Policy()
    ticketing: Provider | None = None
    """Where the input sends tickets; None: as the snapshot or the settings say."""
    test_result: TestResult | None = None
    verdict: Verdict | None = None
    judged_on: datetime | None = None
    """When ``verdict`` was given."""
    judged_assets: dict[str, str] = {}
    """SHA-256 by name of the files that decided about ``verdict``; see ``EarlierVerdict``."""
    earlier: EarlierVerdict | None = None

    @classmethod
    def new(cls, snapshot_id: str, ticketing: Provider | None = None) -> Self:
        """Of a snapshot of which nothing is known but its id, if that."""
        unknown = SnapshotSummary(id=snapshot_id, name="", model_id="", model_name="")
        return cls(snapshot=unknown, ticketing=ticketing)


class JobsState(State):
    """The job that runs or failed last, and how many were made."""

    in_flight: Job | None = None
    waiting: bool = False
    """Whether ``in_flight`` is waited for. One that failed is kept for its messages until the next is made."""
    asked: JobRequest | None = None
    """What was asked for and may have been made."""
    made: int = 0


class OpenQuestion(State):
    """A ticket that the run waits for, and the question that it asks: one of a kind and step at a time."""

    kind: TicketKind
    step: str
    ticket: TicketRef


class AnsweredQuestion(State):
    """A ticket that was answered with yes or no, and so is waited for no more."""

    kind: TicketKind
    step: str
    ticket: TicketRef
    answer: Answer
    reason_problem: str | None = None
    """As :class:`~mlc.model.ticket.TicketState` has it."""


class QuestionsState(State):
    """The questions that are open, and what was said on their tickets."""

    attempts: int = 0
    open: list[OpenQuestion] = []
    answered: list[AnsweredQuestion] = []
    remarks: list[str] = []
    """Ids of comments that were made."""
    seen: dict[str, str] = {}
    """By label, the version of a ticket that was read and is no answer."""


class RolloutState(State):
    """Deployments by place: the runtime's id, or ``batch``."""

    approved: str = ""
    """Digest of the files that are deployed and no others; empty if nobody approved any."""
    like: str = ""
    """The deployment that is put back, if ``approved`` are its files."""

    made: dict[str, Deployment] = {}
    asked: dict[str, DeploymentRequest] = {}
    failed: dict[str, int] = {}
    rank: Rank | None = None
    """With which deployments are made."""
    allowed: Rank | None = None
    """What ranks no higher than this may be replaced: people said so."""
    newer: list[OtherDeployment] = []
    """What a ticket asks about now: newer snapshots' deployments, the highest first; the first of ``newer_count``."""
    newer_count: int = 0
    newest: Rank | None = None
    """The highest rank of those."""
    lost: list[str] = []
    """Places where this run's deployment was taken away by nobody who had a right to: made again."""
    yielded: dict[str, OtherDeployment] = {}
    """Places where this run gave way, and to what."""
    yielding: list[str] = []
    """Ids of deployments that are to be taken back there, or where another one was made instead."""
    newest_files: str = ""
    """Digest of the files that the deployment carries which was made last; empty if it isn't known."""
    loads: list[str] = []
    """Runtimes of one model that were loaded, or may have been, since it was last seen to what was there before."""


class PutBackState(State):
    """Another deployment that this run's load pushed out, and what puts it back."""

    pushed_out: PushedOut
    rollout: RolloutState


class Failure(State):
    """A step that failed; a ticket asks whether to try it again."""

    kind: TicketKind
    message: str


class ProcessState(State):
    """The state of a run. ``status`` is what its query answers."""

    status: ProcessStatus
    case: CaseState
    jobs: JobsState = Field(default_factory=JobsState)
    questions: QuestionsState = Field(default_factory=QuestionsState)
    searchable: str = ""
    """The phase that the search attributes tell."""

    def handed_over(self) -> Self | None:
        """A copy that has at most 32 KiB: of a long story the oldest steps, tickets and warnings are left out.

        None if it is larger all the same, such as one with hundreds of deployments.
        """
        copy = self.model_copy(deep=True)
        copy.questions.remarks = copy.questions.remarks[-MOST_REMARKS:]
        result = copy.status.result
        for story in (copy.status.steps, copy.questions.answered, result.tickets, result.warnings):
            while len(story) > 1 and len(copy.model_dump_json().encode()) > LARGEST:
                del story[: max(1, len(story) // 10)]
        return copy if len(copy.model_dump_json().encode()) <= LARGEST else None


class DeployModelState(ProcessState):
    """The state of a run of DeployModel."""

    status: DeployModelStatus
    rollout: RolloutState = Field(default_factory=RolloutState)
    put_back: dict[str, PutBackState] = {}
    """By place."""
    reviewed: TicketState | None = None
    """The reviewer's answer that counts."""
    review_label: str = ""
    """Our label on the ticket that ``status.result.decision`` was made on."""
    binding: Binding | None = None
    """What the question binds; None if nobody is asked, or nothing is bound yet."""
    asked_about: str = ""
    """What the reviewer is told beside the question, such as why it is asked anew."""
    outdated: list[str] = []
    """What changed since the approval, which does not count any more; until it is asked and answered anew."""
    failure: Failure | None = None
    again: bool = False
    """Somebody answered with Done: the snapshot is fetched afresh before the next step."""
    told_missing: list[str] | None = None
    """Monitors of which the reviewer is told that they can't be added; None: nobody has looked."""
    superseding: bool = False
    """From here on nothing is undone."""

    @classmethod
    def new(cls, snapshot_id: str) -> Self:
        """Where a run begins that nobody has handed anything over to."""
        status = DeployModelStatus(result=DeployModelResult(snapshot_id=snapshot_id))
        return cls(status=status, case=CaseState.new(snapshot_id))


class RunBackTestState(ProcessState):
    """The state of a run of RunBackTest."""

    status: RunBackTestStatus

    @classmethod
    def new(cls, snapshot_id: str, ticketing: Provider | None) -> Self:
        """Where a run begins that nobody has handed anything over to."""
        status = RunBackTestStatus(result=RunBackTestResult(snapshot_id=snapshot_id))
        return cls(status=status, case=CaseState.new(snapshot_id, ticketing))


class RunBatchModelJobState(ProcessState):
    """The state of a run of RunBatchModelJob."""

    status: RunBatchModelJobStatus
    deployed_stage: str = ""
    runtime: RuntimeRef | None = None

    @classmethod
    def new(cls) -> Self:
        """Where a run begins that nobody has handed anything over to."""
        return cls(status=RunBatchModelJobStatus(), case=CaseState.new(""))


# What the workflows take: the input that people send, and what an earlier run hands over with it. (In one argument:
# Temporal reads arguments by their types only if there are as many as the workflow has.)


class DeployModelStart(DeployModelInput):
    """Input of a run of DeployModel."""

    model_config = ConfigDict(title=DeployModelInput.__name__)
    carried: DeployModelState | None = None

    @classmethod
    def usage(cls) -> str:
        return DeployModelInput.usage()


class RunBackTestStart(RunBackTestInput):
    """Input of a run of RunBackTest."""

    model_config = ConfigDict(title=RunBackTestInput.__name__)
    carried: RunBackTestState | None = None

    @classmethod
    def usage(cls) -> str:
        return RunBackTestInput.usage()


class RunBatchModelJobStart(RunBatchModelJobInput):
    """Input of a run of RunBatchModelJob."""

    model_config = ConfigDict(title=RunBatchModelJobInput.__name__)
    carried: RunBatchModelJobState | None = None

    @staticmethod
    def _place(url: str) -> str:
        """As it is written: a run that began when that alone was compared must be read as ever."""
        return url

    @classmethod
    def usage(cls) -> str:
        return RunBatchModelJobInput.usage()
