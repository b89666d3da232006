"""The public face of the processes: what starts them, what they answer, and the names that everybody uses."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from mlc.model.base import LONGEST_ID, Input, OpenEnum, State
from mlc.model.deployment import Deployment, OtherDeployment
from mlc.model.file import InputFile, OutputFile
from mlc.model.job import JobParameters, RecordCounts
from mlc.model.location import normal
from mlc.model.ticket import Decision, Provider, TicketRef
from mlc.model.verdict import Verdict

TASK_QUEUE = "mlc"
MOST_FILES = 16_384
"""Characters of a batch job's input. Fifty files with ordinary addresses have room in it; histories keep it twice."""

DEPLOY_MODEL = "DeployModel"
RUN_BACK_TEST = "RunBackTest"
RUN_BATCH_MODEL_JOB = "RunBatchModelJob"
SWEEP_TICKETS = "SweepTickets"
RUN_JOB = "RunJob"

TICKET_CHANGED = "ticket_changed"
JOB_CHANGED = "job_changed"
JOB_PROGRESS = "job_progress"


def deploy_model_id(snapshot_id: str) -> str:
    """The one workflow id under which a snapshot is deployed."""
    return f"deploy-{snapshot_id}"


def back_test_id(model_id: str, key: str) -> str:
    """The workflow id of a back test; ``key`` is the caller's idempotency key, or something random."""
    return f"back-test-{model_id}-{key}"


def batch_job_id(tag: str, key: str) -> str:
    """The workflow id of a batch job; ``key`` as for a back test."""
    return f"batch-{tag}-{key}"


class Phase(OpenEnum):
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
    UNKNOWN = "unknown"
    """One that a newer release added."""


class DeployModelInput(Input):
    """Input of DeployModel: ``{"snapshot_id": "..."}``."""

    snapshot_id: str = Field(
        min_length=1, max_length=LONGEST_ID, description="Id of the snapshot (deployableModel) to deploy"
    )

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


class Outcome(OpenEnum):
    """How a run ended."""

    OPEN = ""
    """It has not ended, or failed on the way."""
    DEPLOYED = "deployed"
    REJECTED = "rejected"
    OVERTAKEN = "overtaken"
    """Deployed, and taken back because a newer snapshot of the model was there first, or came meanwhile."""
    ABANDONED = "abandoned"
    """Failed after an error ticket, with everything undone."""
    KEPT = "kept"
    """Failed at the last step, when nothing is undone any more."""
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """The test job came to no result."""
    WAITING = "waiting"
    """A monitor had nothing to compare yet: the next run looks again."""
    UNDEPLOYED = "undeployed"
    UNKNOWN = "unknown"


class StepStatus(OpenEnum):
    """How far a step of a run is."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    REJECTED = "rejected"
    """A person said no: the run stopped in it."""
    UNKNOWN = "unknown"


class ProcessResult(State):
    """What every process can say of how a run ended: the tickets that it made and what it wants to be known."""

    tickets: list[TicketRef] = []
    warnings: list[str] = []


class JudgedResult(ProcessResult):
    """How a run ended that judges a snapshot."""

    outcome: Outcome = Outcome.OPEN
    snapshot_id: str
    test_result_id: str | None = None
    test_inputs: list[str] = []
    """Names of the first files that the test result was measured on, in order."""
    verdict: Verdict | None = None


class StepRecord(State):
    """One line of the checklist that a run shows."""

    phase: str
    status: StepStatus
    started: datetime
    ended: datetime | None = None
    note: str = ""


class ProcessStatus(State):
    """Answer of the query ``status``."""

    phase: StrEnum
    waiting_for: str = ""
    steps: list[StepRecord] = []
    open_tickets: list[TicketRef] = []
    result: ProcessResult


class Replacement(State):
    """A newer snapshot's deployment that may be replaced, and the ticket that says so."""

    deployment: OtherDeployment
    ticket: str
    """Its key."""
    by: str | None = None
    """Who said so, if the ticket system tells."""


class DeployModelResult(JudgedResult):
    """How a run of DeployModel ended.

    ``deployed``, ``rejected`` or ``overtaken``; one that failed, ``abandoned`` or ``kept``.
    """

    decision: Decision | None = None
    expiration_date: date | None = None
    monitors_added: list[str] = []
    deployments: list[Deployment] = []
    schedules_copied: int = 0
    replaces: list[Replacement] = []
    """Newer snapshots' deployments that people allowed to be replaced."""
    overtaken_by: list[OtherDeployment] = []
    """Newer snapshots' deployments to which this run's own gave way, each in its place."""


class DeployModelStatus(ProcessStatus):
    """Answer of DeployModel's query ``status``."""

    phase: Phase = Phase.SUBMITTED
    result: DeployModelResult


class RunBackTestInput(Input):
    """Input of RunBackTest: ``{"model_id": "..."}`` and perhaps files and the ticket system."""

    model_id: str = Field(
        min_length=1, max_length=LONGEST_ID, description="Id of the snapshot (deployableModel) to test"
    )
    input_file: InputFile | None = Field(None, description="Labelled data; unset: the snapshot's TEST_DATA assets")
    output_file: OutputFile | None = Field(None, description="Where the result goes; unset: embedded in the job")
    job_parameters: JobParameters = Field({}, description="Parameters of the job, as an object; no secrets")
    ticketing: Provider | None = Field(
        None, description="Where a ticket about a failure goes; unset: where the snapshot's tag or the settings say"
    )

    @classmethod
    def usage(cls) -> str:
        return f"RunBackTest takes {', '.join(cls.model_fields)}: {cls.command('ID')}"

    @staticmethod
    def command(model_id: str) -> str:
        """What to type to start the process for a snapshot."""
        return (
            f"temporal workflow start --type {RUN_BACK_TEST} --task-queue {TASK_QUEUE} "
            f'--workflow-id {back_test_id(model_id, "KEY")} --input \'{{"model_id": "{model_id}"}}\''
        )


class BackTestPhase(OpenEnum):
    """The phases of RunBackTest, in order (the source text's steps)."""

    MODEL = "model"
    TEST = "test"
    ANALYSIS = "analysis"
    REPORT = "report"
    DONE = "done"
    UNKNOWN = "unknown"
    """One that a newer release added."""


class RunBackTestResult(JudgedResult):
    """How a run of RunBackTest ended: ``passed``, ``failed``, or ``error`` when the test job came to no result."""

    job_id: str | None = None


class RunBackTestStatus(ProcessStatus):
    """Answer of RunBackTest's query ``status``."""

    phase: BackTestPhase = BackTestPhase.MODEL
    result: RunBackTestResult


class RunBatchModelJobInput(Input):
    """Input of RunBatchModelJob: ``{"tag": "...", "input_files": [...], "output_files": [...]}``."""

    tag: str = Field(min_length=1, max_length=200, description="Model service tag of the deployed snapshot")
    model_stage: str | None = Field(None, min_length=1, max_length=100, description="Its deployment's target")
    input_files: list[InputFile] = Field(
        [],
        max_length=50,
        description="Files to score, in order; none only where the model reads its own, as on ModelOp",
    )
    output_files: list[OutputFile] = Field([], max_length=50, description="Where results go, in the inputs' order")
    job_parameters: JobParameters = Field({}, description="Parameters of the job, as an object; no secrets")

    @property
    def subject(self) -> str:
        """See base class."""
        return self.tag

    @model_validator(mode="after")
    def _fitting_outputs(self) -> Self:
        """One output for each input, or one for all, or none; and nothing is written over an input or twice."""
        if len(self.output_files) not in {0, 1, len(self.input_files)}:
            raise ValueError(
                f"{len(self.output_files)} output_files for {len(self.input_files)} input_files: give one for each "
                "input, or one for all of them"
            )
        read = {self._place(file.url) for file in self.input_files if file.url}
        written = [self._place(file.url) for file in self.output_files if file.url]
        if len(set(written)) < len(written):
            raise ValueError("two output_files have the same url: each needs its own")
        if read & set(written):
            raise ValueError("an output file has the url of an input file, which it would overwrite")
        if len(self.model_dump_json(exclude={"carried"})) > MOST_FILES:
            raise ValueError(f"the files take more than {MOST_FILES} characters: start several jobs")
        return self

    @staticmethod
    def _place(url: str) -> str:
        return normal(url)  # the runtime compares what really lies there

    @classmethod
    def usage(cls) -> str:
        return (
            f"RunBatchModelJob takes {', '.join(cls.model_fields)}: temporal workflow start "
            f"--type {RUN_BATCH_MODEL_JOB} --task-queue {TASK_QUEUE} --workflow-id {batch_job_id('TAG', 'KEY')} "
            '--input \'{"tag": "TAG", "input_files": [{"url": "file:///data/in.csv"}], '
            '"output_files": [{"url": "file:///data/out.csv"}]}\''
        )


class BatchJobPhase(OpenEnum):
    """The phases of RunBatchModelJob, in order (the source text's steps)."""

    MODEL = "model"
    RUNTIME = "runtime"
    SCORING = "scoring"
    DONE = "done"
    UNKNOWN = "unknown"
    """One that a newer release added."""


class RunBatchModelJobResult(ProcessResult):
    """What a run of RunBatchModelJob did and where. One that failed ends with a reason instead, and a ticket."""

    snapshot_id: str | None = None
    deployment_id: str | None = None
    runtime: str | None = None
    job_id: str | None = None
    outputs: list[str] = []
    """Addresses or names of the first outputs, in order."""
    output_count: int = 0
    records: RecordCounts | None = None
    """How many records were read, written and bad; None if the job did not tell."""


class RunBatchModelJobStatus(ProcessStatus):
    """Answer of RunBatchModelJob's query ``status``."""

    phase: BatchJobPhase = BatchJobPhase.MODEL
    result: RunBatchModelJobResult = Field(default_factory=RunBatchModelJobResult)
