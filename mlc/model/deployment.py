"""Runtimes (ModelOp: engine) and deployments (deployedModel)."""

from datetime import datetime

from mlc.model.base import OpenEnum, Record
from mlc.model.schedule import Schedule
from mlc.model.snapshot import Snapshot


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


class RuntimeRef(Record):
    """A runtime as histories keep it."""

    id: str
    name: str
    mode: DeploymentMode


class DeploymentRequest(Record):
    """Ask the centre for one deployment. A batch deployment names no runtime: it is matched when a job is created."""

    snapshot_id: str
    mode: DeploymentMode
    runtime: RuntimeRef | None = None
    key: str
    workflow_id: str
    expected: str = ""
    """Digest of the files that were approved; empty if nobody was asked."""


class Deployment(Record):
    """A deployment that exists in the centre.

    ``ready`` is False while an online runtime still loads the model; ``problem`` says why it can't. ``digest`` is over
    the files that it carries, empty if nobody knows it.
    """

    id: str
    mode: DeploymentMode
    runtime: str | None = None
    ready: bool = True
    problem: str = ""
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

    @property
    def mode(self) -> DeploymentMode:
        return DeploymentMode.BATCH if self.endpoint is None else DeploymentMode.ONLINE


class DeploymentRecord(Record):
    """A deployment as the centre lists it (ModelOp: deployedModel)."""

    id: str
    created: datetime | None = None
    state: DeploymentState = DeploymentState.UNKNOWN
    snapshot_id: str = ""
    """Empty if the centre doesn't say."""
    snapshot_name: str = ""
    model_id: str = ""
    runtime_id: str | None = None
    """None of a batch deployment: its runtime is chosen when a job is created."""
    runtime_name: str = ""
    stage: str = "unassigned"
    key: str | None = None
    messages: list[str] = []
    schedules: list[Schedule] = []
    snapshot: Snapshot | None = None
    """The copy of the snapshot that it carries; only of one that is open."""
    ref: str = ""
    """While it is open: how the centre finds its contents. Opaque."""
