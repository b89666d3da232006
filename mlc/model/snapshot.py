"""Models and their snapshots: immutable versions (ModelOp: storedModel and deployableModel)."""

from datetime import UTC, date, datetime
from functools import total_ordering
from typing import Annotated, Any

from pydantic import AfterValidator

from mlc.model.asset import Asset, AssetRole, RequiredAsset
from mlc.model.base import Record
from mlc.model.schedule import Schedule, Timing
from mlc.model.ticket import Decision, Provider
from mlc.model.verdict import Verdict

__all__ = ["AssetRole"]  # where it was once


def _in_utc(moment: datetime | None) -> datetime | None:
    """A time that names no zone is UTC, so that any two can be compared."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


@total_ordering
class SnapshotOrder(Record):
    """Which of a model's snapshots is the higher one: by when it was created, then by its id.

    Never by when it was deployed or a run of it began. One of which nobody says when it was created is lower than any
    of which somebody does.
    """

    created: Annotated[datetime | None, AfterValidator(_in_utc)] = None
    id: str = ""

    def __lt__(self, other: "SnapshotOrder") -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[bool, datetime, str]:
        return self.created is not None, self.created or datetime.min.replace(tzinfo=UTC), self.id


class SnapshotSummary(Record):
    """A snapshot in under 2 KiB, for workflow histories.

    ``train``, ``run_test`` and ``review`` are the control tags: set as a tag of the snapshot or as a true flag of that
    name in its custom metadata.
    """

    id: str
    name: str
    model_id: str
    model_name: str
    stage: str = "unassigned"
    methodology: str = ""
    train: bool = False
    run_test: bool = False
    review: bool = False
    ticketing: Provider | None = None
    """The ticket system that the control tag asks for; None: the settings'."""


class Schema(Record):
    """One of a model's extended Avro schemas. ``definition`` is its JSON; None if it can't be read."""

    name: str = ""
    definition: dict[str, Any] | None = None


class Repository(Record):
    """The version-control repository that a model comes from; empty texts where the centre doesn't say."""

    url: str = ""
    branch: str = ""
    commit: str = ""


class Model(Record):
    """A registered model, or the copy of one that a snapshot holds."""

    id: str = ""
    name: str = ""
    group: str = ""
    author: str = ""
    created: datetime | None = None
    description: str = ""
    type: str = "PYTHON"
    methodology: str = ""
    risk: str = ""
    stage: str = ""
    use: str = ""
    organization: str = ""
    tags: list[str] = []
    custom: dict[str, Any] = {}
    is_monitor: bool = False
    """It watches other models, and is deployed by being put on their snapshots."""
    repository: Repository = Repository()
    input_schemas: list[Schema] = []
    output_schemas: list[Schema] = []
    required_roles: list[str] = []
    """Roles of the assets that a snapshot must have for this monitor."""
    required_assets: list[RequiredAsset] = []
    """Those of them that are named: a model of any kind may say so which of several files is its data."""
    association_role: str = ""
    """What this monitor is to a snapshot, in the centre's own word; empty if it doesn't say."""
    monitor_timings: dict[str, Timing] = {}
    """When the monitors that are added to its snapshots run, by name, where the model says so."""
    details: dict[str, Any] = {}
    """What else the centre knows of it, under names for people."""


class Monitor(Record):
    """A monitor on a snapshot (ModelOp: associated model): its name, its files, and the schedules that start it."""

    name: str
    snapshot_id: str = ""
    """Of the monitor's own snapshot; empty if the centre doesn't say."""
    assets: list[Asset] = []
    schedules: list[Schedule] = []
    watches: bool = True
    """False: no monitor but another model that the centre has linked in the same way, such as a use case."""
    role: str = ""
    """What it is to the snapshot, in the centre's own word."""


class RuntimeName(Record):
    """A runtime as a snapshot pins it: by id, by name, or both."""

    id: str = ""
    name: str = ""


class Submission(Record):
    """Which run took a snapshot up. Custom metadata ``mlcDeployModel``."""

    workflow_id: str
    run_id: str


class DecisionEntry(Record):
    """Who decided about a snapshot, and on which evidence. Custom metadata ``mlcDecision``.

    ``assets`` are the SHA-256 of the snapshot's files by name, as far as the centre knows them.
    """

    decision: Decision
    verdict: Verdict | None = None
    test_result_id: str | None = None
    job_id: str | None = None
    assets: dict[str, str] = {}
    workflow_id: str
    expiration_date: date | None = None
    """None for a rejection."""


class Snapshot(Record):
    """A snapshot as the centre has it, without the contents of its files."""

    id: str
    name: str = ""
    description: str = ""
    author: str = ""
    created: datetime | None = None
    tags: list[str] = []
    custom: dict[str, Any] = {}
    """Its custom metadata, without what the processes keep there."""
    model: Model = Model()
    assets: list[Asset] = []
    monitors: list[Monitor] = []
    target_runtimes: list[RuntimeName] = []
    submission: Submission | None = None
    expires: date | None = None
    """Until when it may be in production; None if the centre doesn't say."""
    ref: str = ""
    """While it is open: how the centre finds its contents. Opaque."""

    def with_role(self, role: str) -> list[Asset]:
        """Its assets of a role, in their order."""
        return [asset for asset in self.assets if asset.role == role]

    @property
    def order(self) -> SnapshotOrder:
        return SnapshotOrder(created=self.created, id=self.id)

    @property
    def stage(self) -> str:
        """The model stage as the snapshot carries it; ``unassigned`` if none."""
        return self.model.stage or "unassigned"
