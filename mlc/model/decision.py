"""Decision records: what each run of a snapshot asked, was answered and did. Append only, and kept in the centre."""

from datetime import date, datetime
from typing import Any

from mlc.model.base import OpenEnum, Record
from mlc.model.binding import BoundFile
from mlc.model.deployment import DeploymentMode
from mlc.model.processes import Outcome
from mlc.model.ticket import Answer, Decision
from mlc.model.verdict import Verdict


class RecordEvent(OpenEnum):
    """What an entry of a run's decision record tells."""

    ASKED = "asked"
    """A question was put, about these files and this test result."""
    DECIDED = "decided"
    """Somebody answered, and the answer counts."""
    ENDED = "ended"
    """What came of it."""
    UNKNOWN = "unknown"


class DeployedPlace(Record):
    """A deployment that a run made."""

    id: str
    mode: DeploymentMode
    runtime: str = ""


class DecisionRecord(Record):
    """An entry of the decision record of one run.

    ``key`` follows from the run and from what the entry tells: the same told twice is one entry. ``policy`` are the
    settings that the run followed, without secrets; ``software`` the version of this project.
    """

    key: str
    snapshot_id: str
    workflow_id: str
    first_run_id: str
    event: RecordEvent
    at: datetime
    note: str = ""
    """Why it was asked anew, say."""
    decision: Decision | None = None
    label: str = ""
    """Our label on the ticket of ``decision``."""
    verdict: Verdict | None = None
    test_result_id: str | None = None
    result_digest: str = ""
    job_id: str | None = None
    digest: str = ""
    """Over ``files``, and over what was bound or deployed if they are no longer known."""
    files: list[BoundFile] = []
    expiration_date: date | None = None
    outcome: Outcome = Outcome.OPEN
    deployed: list[DeployedPlace] = []
    answers: dict[str, Answer] = {}
    """By label, how the run's tickets were answered."""
    policy: dict[str, Any] = {}
    software: str = ""
