"""Test results as the centre keeps them: the evidence on which a snapshot is judged."""

from datetime import datetime
from typing import Any

from mlc.model.base import OpenEnum, Record
from mlc.model.breach import Breach
from mlc.model.verdict import Verdict


class TestResult(Record):
    """A test result (ModelOp: modelTestResult) as a history keeps it: where the evidence is, not the evidence.

    ``metrics`` holds at most 12 of the result's top-level numbers, for people who watch.
    """

    __test__ = False  # not a test case, whatever its name says to pytest

    id: str
    job_id: str | None = None
    metrics: dict[str, float] = {}
    inputs: list[str] = []
    """Names of the first files that it was measured on, in order."""


class Purpose(OpenEnum):
    """What a result was made for. Only an own one says anything about whether to deploy."""

    OWN = "own"
    """The snapshot's own metrics job."""
    BACK_TEST = "backTest"
    MONITOR = "monitor"
    UNKNOWN = "unknown"


class Provenance(Record):
    """What is needed to get a result again. The dictionaries hold SHA-256 in hexadecimal by file name."""

    job_id: str = ""
    parameters: dict[str, Any] = {}
    runtime: str | None = None
    versions: dict[str, Any] | None = None
    source: dict[str, str] = {}
    inputs: dict[str, str] = {}
    artefacts: dict[str, str] = {}
    read: list[str] = []
    """Names of all files that the job read, in order, also of those whose hash nobody knows."""
    choice: str = ""
    """Which of several assets these are, and why they were chosen; empty if there was no choice."""


class TestResultRecord(Record):
    """A test result (ModelOp: modelTestResult) with all its values."""

    __test__ = False  # not a test case, whatever its name says to pytest

    id: str
    snapshot_id: str = ""
    job_id: str | None = None
    created: datetime | None = None
    purpose: Purpose = Purpose.OWN
    monitor: str = ""
    """Name of the monitor that made it; empty if none did, or nobody says which."""
    values: dict[str, Any] = {}
    """What the metrics function yielded; any JSON."""
    provenance: Provenance = Provenance()
    verdict: Verdict | None = None
    """Kept with it, whole; None if it was not judged."""
    breach: Breach | None = None
    """Of a monitor's result, the question that it belongs to; None if there is none."""
