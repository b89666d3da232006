"""Runtimes (ModelOp: engine) and deployments (deployedModel)."""

from mlc.model.base import OpenEnum, Record


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


class Deployment(Record):
    """A deployment that exists in the centre.

    ``ready`` is False while an online runtime still loads the model; ``problem`` says why it can't.
    """

    id: str
    mode: DeploymentMode
    runtime: str | None = None
    ready: bool = True
    problem: str = ""
