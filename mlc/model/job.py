"""Jobs: training, metrics (test) and scoring runs of a model on a runtime."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from mlc.model.asset import Asset
from mlc.model.base import Input, OpenEnum, Record
from mlc.model.deployment import RuntimeRef
from mlc.model.file import InputFile, OutputFile
from mlc.model.snapshot import Snapshot

LONGEST_PARAMETERS = 4_096
SECRET_NAME = re.compile("password|passwd|secret|token|credential|api_?key", re.IGNORECASE)


class JobKind(OpenEnum):
    """What a job is for. The ``jobType`` literal that the centre knows it by is a setting."""

    TRAINING = "training"
    METRICS = "metrics"
    SCORING = "scoring"
    UNKNOWN = "unknown"


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


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    if secret := next((name for name in _names(given) if SECRET_NAME.search(name)), None):
        raise ValueError(f"the parameter {secret[:60]!r} looks like a secret, and would stand in a history")
    if len(json.dumps(given)) > LONGEST_PARAMETERS:
        raise ValueError(f"the parameters take more than {LONGEST_PARAMETERS} characters")
    return given


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(inner)


JobParameters = Annotated[dict[str, Any], AfterValidator(_parameters)]
"""What a job's code is told besides its files, such as a monitor's options."""


class JobFiles(Record):
    """What a job reads and writes, if that is not what its kind reads and writes anyway."""

    inputs: list[InputFile] = []
    """In order; none: the snapshot's assets of the role that this kind of job reads."""
    outputs: list[OutputFile] = []
    """In the inputs' order; none: one, embedded in the job."""


NO_FILES = JobFiles()


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


class Job(Record):
    """A job that exists in the centre; ``deadline`` is when its waiting process gives up (setting)."""

    id: str
    kind: JobKind
    snapshot_id: str
    deadline: datetime | None = None


class JobRecord(Record):
    """A job as the centre has it."""

    id: str
    kind: JobKind = JobKind.UNKNOWN
    type_name: str = ""
    """The kind in the centre's own word, for people."""
    status: JobStatus = JobStatus.UNKNOWN
    result: str = ""
    """How it went in the centre's own word, for people; of an unknown status that word."""
    messages: list[str] = []
    key: str = ""
    """Ours, of the process that created it."""
    workflow_id: str = ""
    parameters: dict[str, Any] = {}
    """All that it was created with, key and workflow id among them."""
    snapshot: Snapshot | None = None
    """The copy of the snapshot that it carries; None if it carries none."""
    inputs: list[Asset] = []
    outputs: list[Asset] = []
    additional: list[Asset] = []
    runtime_name: str = ""
    stop_on_bad_records: bool = False
    check_input_schema: bool = False
    check_output_schema: bool = False
    created: datetime | None = None
    runtime_info: dict[str, Any] | None = None
    """Versions, hashes and counts that the runtime told; None of one that tells nothing."""
    ref: str = ""
    """While it is open: how the centre finds its contents. Opaque."""


class JobChanged(Input):
    """Signal ``job_changed``: a hint that a job may have finished. The job itself is then read."""

    job_id: str


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
    messages: list[str] = []
    runtime_info: dict[str, Any] = {}
    began: datetime | None = None
    ended: datetime | None = None
