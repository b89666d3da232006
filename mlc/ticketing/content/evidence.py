"""What is known when a ticket is written, in plain values: the snapshot, the one before it, results, the job."""

from typing import Any

from mlc.model.base import Record
from mlc.model.monitor_plan import MonitorPlan
from mlc.model.verdict import EarlierVerdict, Verdict
from mlc.ticketing.content.differences import Since

SNAPSHOT_ID, GIT_COMMIT = "Snapshot id", "Git commit"
COPIED = frozenset({SNAPSHOT_ID, GIT_COMMIT})
"""Facts that people copy: never cut."""


class AssetFact(Record):
    """An asset as a reviewer compares it. ``sha256`` is hexadecimal, empty if nobody knows it.

    ``place`` is the address of a file that lies elsewhere.
    """

    name: str
    role: str
    sha256: str = ""
    place: str = ""


class FieldFact(Record):
    """A field of a schema: its dotted path, its Avro type and its extended properties, such as ``driftCandidate``."""

    path: str
    type: str
    properties: dict[str, str] = {}

    def described(self) -> str:
        """The field on one line."""
        properties = ", ".join(f"{name} {value}" for name, value in self.properties.items())
        return f"{self.path}: {self.type}" + (f" ({properties})" if properties else "")


class SchemaFact(Record):
    """A schema of a model's. ``side`` is "Input schema" or "Output schema"."""

    side: str
    name: str
    fields: list[FieldFact] = []


class ModelCard(Record):
    """A snapshot's information, in plain texts.

    ``metadata`` is whatever else is worth telling and comparing, custom metadata among it; ``details`` are compared
    with another snapshot's only.
    """

    snapshot_id: str
    snapshot_name: str = ""
    model_name: str = ""
    owner: str = ""
    stage: str = ""
    methodology: str = ""
    risk: str = ""
    description: str = ""
    created: str = ""
    git_repository: str = ""
    git_branch: str = ""
    git_commit: str = ""
    assets: list[AssetFact] = []
    schemas: list[SchemaFact] = []
    metadata: dict[str, str] = {}
    details: dict[str, str] = {}
    hidden: dict[str, str] = {}
    """Marks of custom metadata that is not shown, by name: equal ones mean equal values, and nothing else."""

    @property
    def title(self) -> str:
        """What people call the snapshot."""
        return self.snapshot_name or self.snapshot_id

    def git(self) -> dict[str, str]:
        """Where the source comes from, as far as that is known."""
        git = {"Git repository": self.git_repository, "Git branch": self.git_branch, GIT_COMMIT: self.git_commit}
        return {name: value for name, value in git.items() if value}

    def core(self) -> dict[str, str]:
        """What ModelOp keeps of every model, without what is empty."""
        core = {
            "Owner": self.owner,
            "Stage": self.stage,
            "Methodology": self.methodology,
            "Risk": self.risk,
            "Description": self.description,
        }
        return {name: value for name, value in core.items() if value}

    def facts(self) -> list[tuple[str, str]]:
        """Names and values, without those that are empty."""
        shown = {
            "Model": self.model_name,
            "Snapshot": self.snapshot_name if self.snapshot_name != self.snapshot_id else "",
            SNAPSHOT_ID: self.snapshot_id,
            "Created": self.created,
        }
        facts = [*shown.items(), *self.core().items(), *self.git().items(), *self.metadata.items()]
        return [(name, value) for name, value in facts if value]


class ResultFact(Record):
    """A test result. ``values`` is the JSON object; ``inputs`` are SHA-256 of what it was measured on, by file name.

    ``verdict`` is the whole of it, as the centre keeps it with the result; None if it was not judged.
    """

    id: str
    values: dict[str, Any]
    created: str = ""
    inputs: dict[str, str] = {}
    read: list[str] = []
    """Names of all files that it was measured on, in order."""
    choice: str = ""
    """Which of several assets these are, and why, in sentences."""
    baseline: str = ""
    """Name and SHA-256 of what a monitor compared with."""
    verdict: Verdict | None = None


class JobFact(Record):
    """A job that failed: what is known of it, by name, and everything that it said, a traceback included."""

    facts: list[tuple[str, str]]
    messages: str = ""


class BoundFact(Record):
    """A file that an approval binds; not ``by_content`` if nobody vouches for what it holds."""

    name: str
    role: str
    sha256: str = ""
    by_content: bool = True


class Evidence(Record):
    """Everything that a ticket can show. What is None isn't there, or could not be read.

    ``previous`` is the model's last deployed snapshot, and ``before`` its own newest test result; each ``..._known`` is
    False if it could not be found out whether there is one. ``monitors`` is what is to become of the snapshot's
    monitors; ``earlier`` is the last verdict on the snapshot that did not pass, and ``since`` what changed since then.
    """

    snapshot: ModelCard | None = None
    previous: ModelCard | None = None
    previous_known: bool = True
    result: ResultFact | None = None
    before: ResultFact | None = None
    before_known: bool = True
    job: JobFact | None = None
    monitors: MonitorPlan | None = None
    earlier: EarlierVerdict | None = None
    since: Since | None = None
    bound: list[BoundFact] = []
    """What the question binds, as it was written down before it was asked."""
    page: str = ""
    """HTML of the page of a monitor's result, to be attached; empty if there is none."""
