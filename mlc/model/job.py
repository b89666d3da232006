"""Jobs: training, metrics (test) and scoring runs of a model on a runtime."""

from datetime import datetime
from enum import StrEnum

from mlc.model.base import Input, Record


class JobKind(StrEnum):
    """What a job is for. The ``jobType`` literal that the centre knows it by is a setting."""

    TRAINING = "training"
    METRICS = "metrics"
    SCORING = "scoring"


class JobRequest(Record):
    """Ask the centre for one job. The same ``key`` never makes a second one."""

    snapshot_id: str
    kind: JobKind
    key: str
    workflow_id: str


class Job(Record):
    """A job that exists in the centre; ``deadline`` is when its waiting process gives up (setting)."""

    id: str
    kind: JobKind
    snapshot_id: str
    deadline: datetime | None = None


class TestResult(Record):
    """A test result (ModelOp: modelTestResult) as a history keeps it: where the evidence is, not the evidence.

    ``metrics`` holds at most 20 of the result's top-level numbers, for people who watch.
    """

    __test__ = False  # not a test case, whatever its name says to pytest

    id: str
    job_id: str | None = None
    metrics: dict[str, float] = {}


class JobChanged(Input):
    """Signal ``job_changed``: a hint that a job may have finished. The job itself is then read."""

    job_id: str
