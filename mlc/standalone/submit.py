"""From a model folder to a running DeployModel: register the model, take a snapshot, start the process."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from mlc.center import Catalogue, NewFile
from mlc.center.modelop.folder import read_model_folder
from mlc.model.processes import DEPLOY_MODEL, TASK_QUEUE, DeployModelInput, deploy_model_id
from mlc.model.snapshot import Model


@dataclass(frozen=True)
class Submitted:
    """What was made of a folder."""

    model_id: str
    model_name: str
    new_model: bool
    snapshot_id: str
    snapshot_name: str
    workflow_id: str


async def submit(
    folder: Path,
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    stage: str | None = None,
    center: Catalogue,
    temporal: Client,
) -> Submitted:
    """Submit the model that a folder holds. Raises BadModelFolder if it holds none, else what ``submit_model`` does."""
    model, files = read_model_folder(folder)
    if name is not None:
        model = model.model_copy(update={"name": name})
    return await submit_model(model, files, tags=tags, stage=stage, center=center, temporal=temporal)


async def submit_model(
    model: Model,
    files: Sequence[NewFile],
    *,
    tags: Sequence[str] = (),
    stage: str | None = None,
    center: Catalogue,
    temporal: Client,
) -> Submitted:
    """Register a model (new, or a new version of the one of its name), take a snapshot of it, and start.

    A centre that tells the gateway of the new snapshot starts the same run: whoever comes second joins it.

    Raises:
        ExternalError: the centre did not take it.
        RPCError: Temporal did not start the process; the snapshot stays in the centre.
    """
    known = await center.find_models(model.name)
    saved = await center.save_model(model.model_copy(update={"id": known[0].id if known else ""}), files)
    snapshot = await center.create_snapshot(saved.id, name=snapshot_name(saved.name), tags=tags, stage=stage)
    workflow_id = deploy_model_id(snapshot.id)
    with suppress(WorkflowAlreadyStartedError):  # by the centre's signal, and it has ended already
        await temporal.start_workflow(
            DEPLOY_MODEL,
            DeployModelInput(snapshot_id=snapshot.id),
            id=workflow_id,
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    return Submitted(
        model_id=saved.id,
        model_name=saved.name,
        new_model=not known,
        snapshot_id=snapshot.id,
        snapshot_name=snapshot.name,
        workflow_id=workflow_id,
    )


def snapshot_name(model_name: str) -> str:
    """``<model>-YYYYMMDD_HHMM``, in UTC."""
    return f"{model_name}-{datetime.now(UTC):%Y%m%d_%H%M}"
