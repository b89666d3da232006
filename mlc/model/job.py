"""Jobs: training, metrics (test) and scoring runs of a model on a runtime."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from mlc.model.asset import Asset
from mlc.model.base import LONGEST_ID, Input, OpenEnum, Record
from mlc.model.deployment import RuntimeRef
from mlc.model.file import InputFile, OutputFile
from mlc.model.secret_names import plainly_names_secret
from mlc.model.snapshot import Snapshot

LONGEST_PARAMETERS = 4_096
DEEPEST_PARAMETERS = 50


class JobKind(OpenEnum):
    """What a job is for. The ``jobType`` literal that the centre knows it by is a setting."""

    TRAINING = "training"
    METRICS = "metrics"
    SCORING = "scoring"
    UNKNOWN = "unknown"


MOST_RECORDS = 2**53
"""A count beyond what JSON's readers hold exactly is none."""


def default_output(kind: JobKind) -> str:
    """The name of what a job writes that was given no other one."""
    return "test_result.json" if kind is JobKind.METRICS else "output.json"


class JobStatus(OpenEnum):
    """How far a job is. What the centre calls it is the adapter's business."""

    CREATED = "CREATED"
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
    UNKNOWN = "unknown"

    @property
    def terminal(self) -> bool:
        """Whether it never changes again."""
        return self in {JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED}


class JobResult(OpenEnum):
    """How a job went. What the centre calls it is the adapter's business; only ``SUCCESS`` is one."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class OnLostRecords(OpenEnum):
    """What comes of a scoring job that lost records."""

    FAIL = "fail"
    WARN = "warn"
    """Its run goes on with a warning, if the job says how many were lost and that is all that went wrong."""
    UNKNOWN = "unknown"
    """As ``FAIL``."""


class RecordCounts(Record):
    """How many records a scoring job read and wrote. What is None its runtime did not tell."""

    read: int = Field(ge=0, le=MOST_RECORDS)
    written: int = Field(ge=0, le=MOST_RECORDS)
    """One record may make several."""
    bad: int | None = Field(None, ge=0, le=MOST_RECORDS)
    """Records that can't be read or scored, or whose answer can't be written."""
    unanswered: int | None = Field(None, ge=0, le=MOST_RECORDS)
    """Records that the model answered nothing to."""
    paired: bool = True
    """Each record has an answer of its own: not if the model takes whole sets, or answers only some by its contract."""
    examples: list[str] = []
    """What is wrong with the first bad ones, a short line each."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.bad or 0) + (self.unanswered or 0) > self.read:
            raise ValueError("more records were lost than read")
        if self.paired and self.complete and self.written < self.read - self.lost:
            raise ValueError("records that were lost are not counted")
        return self

    @property
    def complete(self) -> bool:
        """Whether every record is accounted for, and not only the totals are known."""
        return self.bad is not None and self.unanswered is not None

    @property
    def lost(self) -> int:
        """How many of those that were read have no answer among those that were written, at the least."""
        counted = (self.bad or 0) + (self.unanswered or 0)
        return counted if self.complete or not self.paired else max(counted, self.read - self.written)

    def __str__(self) -> str:
        if not self.lost:
            return f"{self.read:,} records in, {self.written:,} out"
        why = {"bad": self.bad, "without an answer": self.unanswered}
        counted = ", ".join(f"{count:,} {name}" for name, count in why.items() if count)
        said = f"{self.lost:,} of {self.read:,} records were lost" + (f" ({counted})" if counted else "")
        return f"{said}; {self.written:,} were written"


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    if _deeper(given, DEEPEST_PARAMETERS):
        raise ValueError(f"the parameters are nested more than {DEEPEST_PARAMETERS} levels deep")
    if secret := next((name for name in _names(given) if plainly_names_secret(name)), None):
        raise ValueError(f"the parameter {secret[:60]!r} looks like a secret, and would stand in a history")
    try:
        json.dumps(given, ensure_ascii=False).encode()
        length = len(json.dumps(given, allow_nan=False))
    except ValueError:  # half a character, NaN, an infinite number, or one of thousands of digits
        raise ValueError("the parameters hold a number or a character that JSON can't hold") from None
    if length > LONGEST_PARAMETERS:
        raise ValueError(f"the parameters take more than {LONGEST_PARAMETERS} characters")
    return given


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in one another more than so many levels deep. Looked at without going as deep."""
    level = [value]
    for _ in range(levels):
        level = [each for holder in level for each in _within(holder)]
    return any(isinstance(each, dict | list) for each in level)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)
    for inner in _within(value):
        yield from _names(inner)


def _within(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


JobParameters = Annotated[dict[str, Any], AfterValidator(_parameters)]
"""What a job's code is told besides its files, such as a monitor's options."""


class JobFiles(Record):
    """What a job reads and writes, if that is not what its kind reads and writes anyway."""

    inputs: list[InputFile] = []
    """In order; none: the snapshot's assets of the role that this kind of job reads."""
    outputs: list[OutputFile] = []
    """In the inputs' order; none: one, embedded in the job."""


NO_FILES = JobFiles()


class Watched(Record):
    """What a monitor's job is about: the snapshot, and which of the monitors that it carries is run."""

    snapshot_id: str
    monitor: str
    """Its name."""


class JobRequest(Record):
    """Ask the centre for one job. The same ``key`` never makes a second one."""

    snapshot_id: str
    kind: JobKind
    key: str
    workflow_id: str
    runtime: RuntimeRef | None = None
    """Where it is to run; None: the centre chooses."""
    files: JobFiles = NO_FILES
    parameters: dict[str, Any] = {}
    """What its code is told besides."""
    watched: Watched | None = None
    """Of a monitor's job, whose ``snapshot_id`` is the monitor's own."""


class Job(Record):
    """A job that exists in the centre; ``deadline`` is when its waiting process gives up (setting)."""

    id: str
    kind: JobKind
    snapshot_id: str
    deadline: datetime | None = None
    watched: Watched | None = None
    """Of a monitor's job, whose ``snapshot_id`` is the monitor's own."""
    remarks: list[str] = []
    """What should be known of what it reads, in sentences."""
    on_lost_records: OnLostRecords = OnLostRecords.FAIL
    """By the settings that its waiting process follows."""


class JobRecord(Record):
    """A job as the centre has it."""

    id: str
    kind: JobKind = JobKind.UNKNOWN
    type_name: str = ""
    """The kind in the centre's own word, for people."""
    status: JobStatus = JobStatus.UNKNOWN
    result: JobResult = JobResult.UNKNOWN
    result_name: str = ""
    """How it went in the centre's own word, for people; of an unknown status that word."""
    messages: list[str] = []
    records: RecordCounts | None = None
    """None where the centre has none, or none that can be true."""
    key: str = ""
    """Ours, of the process that created it."""
    workflow_id: str = ""
    parameters: dict[str, Any] = {}
    """All that it was created with, key and workflow id among them."""
    snapshot: Snapshot | None = None
    """The copy of the snapshot that it carries; None if it carries none."""
    reference: Snapshot | None = None
    """Of a monitor's job the copy of the snapshot that it watches."""
    inputs: list[Asset] = []
    outputs: list[Asset] = []
    additional: list[Asset] = []
    runtime_name: str = ""
    stop_on_bad_records: bool = False
    check_input_schema: bool = False
    check_output_schema: bool = False
    created: datetime | None = None
    doing: str = ""
    """What its runtime says that it does just now; empty once it has ended, and where the runtime does not say."""
    runtime_info: dict[str, Any] | None = None
    """Versions, hashes and counts that the runtime told; None of one that tells nothing."""
    ref: str = ""
    """While it is open: how the centre finds its contents. Opaque."""


class JobChanged(Input):
    """Signal ``job_changed``: a hint that a job may have finished. The job itself is then read."""

    job_id: str


class JobProgress(Input):
    """Signal ``job_progress``: what the job that a run waits for does just now, for people."""

    job_id: str = Field(max_length=LONGEST_ID)
    doing: str = Field(max_length=300)


EXECUTE_JOB = "execute_job"
CLOSE_JOB = "close_job"
"""Names of the runtimes' activities: their code is on the runtimes only."""


def runtime_task_queue(runtime: str) -> str:
    """The task queue of a runtime's runs of RunJob."""
    return f"mlc-runtime-{runtime}"


def slots_task_queue(runtime_task_queue: str) -> str:
    """The task queue from which a runtime takes a job whenever one of its slots is free."""
    return f"{runtime_task_queue}/slots"


def run_job_id(job_id: str) -> str:
    """The one workflow id under which a job runs."""
    return f"job-{job_id}"


class RunJobInput(Input):
    """Input of RunJob, which runs a job on a runtime: ``{"job_id": "..."}``."""

    job_id: str = Field(min_length=1, max_length=200, description="Id of the job in the model centre")


class JobEnd(Record):
    """How a job ended: ``status`` is a terminal one, ``message`` a sentence."""

    job_id: str
    status: JobStatus
    message: str = ""


class JobEnding(Record):
    """How a runtime ends a job: what becomes of it in the centre."""

    status: JobStatus
    result: JobResult | None = None
    """How it went; None: as the status says."""
    messages: list[str] = []
    records: RecordCounts | None = None
    runtime_info: dict[str, Any] = {}
    began: datetime | None = None
    ended: datetime | None = None
