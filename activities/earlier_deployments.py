"""What was deployed of a model before, and still is."""

from collections.abc import Container, Iterable

from mlc.center import Center
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.snapshot import Snapshot


async def active_deployments(center: Center, snapshot: Snapshot, *, but: Container[str] = ()) -> list[DeploymentRecord]:
    """The deployments of the snapshot's model in the state deployed, newest first, without those of certain ids.

    A snapshot of no model has none: nobody can say which others belong to it.
    """
    if not snapshot.model.id:
        return []
    return [d for d in await active_deployments_of(center, snapshot.model.id) if d.id not in but]


async def active_deployments_of(center: Center, model_id: str) -> list[DeploymentRecord]:
    """A model's deployments in the state deployed, newest first."""
    listed = await center.list_deployments(model_id=model_id)
    return [deployment for deployment in listed if deployment.state is DeploymentState.DEPLOYED]


async def previously_deployed(center: Center, snapshot: Snapshot) -> str | None:
    """The id of the other snapshot of the same model that was deployed last and still is, for good."""
    listed = await center.list_deployments(model_id=snapshot.model.id) if snapshot.model.id else []
    return previous_of(snapshot, listed)


def previous_of(snapshot: Snapshot, deployments: Iterable[DeploymentRecord]) -> str | None:
    """Of a model's deployments, newest first: the other snapshot's id that was deployed last and still is, for good.

    A snapshot of no model has none: nobody can say which others belong to it.
    """
    for deployment in deployments if snapshot.model.id else ():
        if deployment.state is not DeploymentState.DEPLOYED:
            continue
        if deployment.snapshot_id and deployment.snapshot_id != snapshot.id and not deployment.provisional:
            return deployment.snapshot_id
    return None
