"""Runtimes that hold one online model only: the next one that they load pushes out the one before."""

from collections.abc import Iterable

from activities.failures import non_retryable
from mlc.center import Center
from mlc.model.deployment import DeploymentRecord, DeploymentState, OtherDeployment, Rank, Runtime
from mlc.model.failure import FailureType
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate

LIVE = frozenset({DeploymentState.DEPLOYED, DeploymentState.DEPLOYING})


async def refuse_occupied(center: Center, runtime: Runtime, snapshot: Snapshot, rank: Rank | None) -> None:
    """Before a snapshot is loaded where one model has room: is there another one that is not to be pushed out?

    Raises:
        ApplicationError: ``RuntimeOccupied`` (final): another model is there, or a deployment of a higher rank.
    """
    there = [d for d in await center.list_deployments(runtime_id=runtime.id) if d.state in LIVE]
    first = occupant(there, snapshot.model.id, "")
    if first is None and rank is not None:
        first = next((d for d in there if d.snapshot_id != snapshot.id and d.rank > rank), None)
    if first is not None:
        raise non_retryable(FailureType.RUNTIME_OCCUPIED, occupied(runtime, first))


def occupant(deployments: Iterable[DeploymentRecord], model_id: str, but: str) -> DeploymentRecord | None:
    """A deployment, active or being loaded, of another model; of one that nobody can tell, any deployment."""
    others = (d for d in deployments if d.state in LIVE and d.id != but)
    return next((d for d in others if not model_id or d.model_id != model_id), None)


def occupied(runtime: Runtime, there: DeploymentRecord) -> str:
    """What is in the way, and what can be done."""
    return (
        f"The runtime {runtime.name} holds one model only, and there is {named(there)}. Undeploy that in the model "
        "centre, or give this snapshot another runtime."
    )


def named(deployment: DeploymentRecord) -> OtherDeployment:
    """A deployment as tickets and results name it."""
    return OtherDeployment(
        id=deployment.id,
        snapshot_id=deployment.snapshot_id,
        snapshot=truncate(deployment.snapshot_name, 60),
        model=truncate(deployment.model_name, 60),
        runtime=None if deployment.runtime_id is None else truncate(deployment.runtime_name, 60),
    )
