"""Runtimes (ModelOp: engine) and deployments (deployedModel)."""

from datetime import UTC, datetime
from functools import total_ordering

from mlc.model.base import OpenEnum, Record
from mlc.model.schedule import Schedule
from mlc.model.snapshot import Snapshot, SnapshotOrder

BATCH = "batch"
"""The place of batch deployments; any other is a runtime's id."""


class DeploymentMode(OpenEnum):
    """A runtime with endpoints serves online; without any it waits for batch jobs."""

    ONLINE = "online"
    BATCH = "batch"
    UNKNOWN = "unknown"


class DeploymentState(OpenEnum):
    """How far a deployment is. What the centre calls it is the adapter's business."""

    DEPLOYING = "deploying"
    """A runtime loads the model."""
    DEPLOYED = "deployed"
    UNDEPLOYED = "undeployed"
    FAILED = "failed"
    """It could not be loaded."""
    UNKNOWN = "unknown"


@total_ordering
class Rank(Record):
    """Which of a model's deployments in a place stays there: the one of the highest rank.

    Ordinarily the rank is that of the snapshot (``level`` is its own order, ``turn`` 0). One that was allowed to
    replace a newer snapshot's deployment stands just above that: at the same ``level``, a ``turn`` later. It goes with
    the deployment into the centre, so that all who look there see the same total order, and no two of them end each
    other.
    """

    level: SnapshotOrder
    turn: int = 0
    own: SnapshotOrder

    @classmethod
    def of(cls, order: SnapshotOrder) -> "Rank":
        """That of a snapshot which was allowed nothing."""
        return cls(level=order, own=order)

    def above(self, order: SnapshotOrder) -> "Rank":
        """That of another snapshot which takes the place of one of this rank."""
        return Rank(level=self.level, turn=self.turn + 1, own=order)

    def __lt__(self, other: "Rank") -> bool:
        return (self.level, self.turn, self.own) < (other.level, other.turn, other.own)


class RuntimeRef(Record):
    """A runtime as histories keep it."""

    id: str
    name: str
    mode: DeploymentMode
    single_model: bool = False
    """The next model that it loads pushes out the one before."""


class OtherDeployment(Record):
    """A deployment of another snapshot in a place, as tickets and results name it."""

    id: str
    snapshot_id: str
    snapshot: str
    """Its name."""
    model: str = ""
    runtime: str | None = None
    """The runtime's name; None of a batch deployment."""

    def __str__(self) -> str:
        where = f"on {self.runtime}" if self.runtime is not None else "as batch"
        model = f" of the model {self.model}" if self.model else ""
        return (
            f"{self.snapshot or 'a snapshot'} ({self.snapshot_id or 'id unknown'}){model} {where}, deployment {self.id}"
        )


class PushedOut(Record):
    """A deployment that another one's load pushed out of a runtime which holds one model only, or may have."""

    snapshot_id: str
    """Empty if the centre doesn't say."""
    deployment_id: str = ""
    runtime: RuntimeRef
    rank: Rank
    digest: str = ""
    """Over the files that it carries: no others are put back. Empty if it isn't known."""


class DeploymentRequest(Record):
    """Ask the centre for one deployment. A batch deployment names no runtime: it is matched when a job is created."""

    snapshot_id: str
    mode: DeploymentMode
    runtime: RuntimeRef | None = None
    key: str
    workflow_id: str
    rank: Rank | None = None
    """Set by a run that knows of ranks: until it has confirmed the deployment, it may take it back."""
    expected: str = ""
    """Digest of the files that were approved; empty if nobody was asked."""
    like: str = ""
    """The deployment whose files ``expected`` stands for, if it puts that one back."""


class Deployment(Record):
    """A deployment that exists in the centre.

    ``ready`` is False while an online runtime still loads the model; ``problem`` says why it can't. It is no problem
    but ``overtaken`` if a higher snapshot's run has ended it. ``address`` is where it answers online; ``warning`` is
    what people should know of one that is ready; ``digest`` is over the files that it carries, empty if it isn't
    known.
    """

    id: str
    mode: DeploymentMode
    runtime: str | None = None
    ready: bool = True
    problem: str = ""
    overtaken: bool = False
    address: str = ""
    warning: str = ""
    digest: str = ""


class Runtime(Record):
    """A runtime as the centre lists it (ModelOp: engine)."""

    id: str = ""
    name: str
    stage: str = ""
    """The stage that it belongs to; empty if the centre doesn't say."""
    tags: list[str] = []
    platforms: dict[str, str | None] = {}
    """What it can run, and in which version; one without a version is one that it lacks. None at all: everything."""
    endpoint: str | None = None
    """Where it serves online; None: it takes batch jobs. Empty: online, at an address that the centre doesn't say."""
    failed: bool = False
    """It takes no jobs."""
    heartbeat: datetime | None = None
    """When it was last heard of; None of one that sends no heartbeats."""

    single_model: bool = False
    """It holds one online model only: the next one that it loads pushes out the one before."""

    @property
    def mode(self) -> DeploymentMode:
        return DeploymentMode.BATCH if self.endpoint is None else DeploymentMode.ONLINE


class DeploymentRecord(Record):
    """A deployment as the centre lists it (ModelOp: deployedModel)."""

    id: str
    created: datetime | None = None
    modified: datetime | None = None
    """When it last changed, by the centre's clock."""
    state: DeploymentState = DeploymentState.UNKNOWN
    snapshot_id: str = ""
    """Empty if the centre doesn't say."""
    snapshot_name: str = ""
    snapshot_created: datetime | None = None
    snapshot_tags: list[str] = []
    """As they were when it was deployed."""
    model_id: str = ""
    model_name: str = ""
    model_group: str = ""
    runtime_id: str | None = None
    """None of a batch deployment: its runtime is chosen when a job is created."""
    runtime_name: str = ""
    stage: str = "unassigned"
    key: str | None = None
    messages: list[str] = []
    address: str = ""
    """Where it answers online; empty of one that doesn't, or doesn't yet."""
    warning: str = ""
    """What people should know of it although it is deployed."""
    schedules: list[Schedule] = []
    snapshot: Snapshot | None = None
    """The copy of the snapshot that it carries; only of one that is open."""
    ref: str = ""
    """While it is open: how the centre finds its contents. Opaque."""
    placed: Rank | None = None
    """The rank that its run gave it; None of one that no run made, or one that knew of no ranks."""
    provisional: bool = False
    """Its run has not confirmed it, and may still take it back."""

    @property
    def place(self) -> str:
        """Where it is: its runtime's id, or ``batch``. Empty if it is on a runtime of which the centre doesn't say."""
        return BATCH if self.runtime_id is None else self.runtime_id

    @property
    def order(self) -> SnapshotOrder:
        """That of its snapshot."""
        return SnapshotOrder(created=self.snapshot_created, id=self.snapshot_id)

    @property
    def rank(self) -> Rank:
        return self.placed or Rank.of(self.order)

    @property
    def made(self) -> tuple[datetime, str]:
        """Tells which of two deployments of the same snapshot is the later one."""
        created = self.created or datetime.min.replace(tzinfo=UTC)
        return (created if created.tzinfo else created.replace(tzinfo=UTC)), self.id
