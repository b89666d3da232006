"""From a model folder to a running DeployModel: register the model, take a snapshot, start the process."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from mlc.center import Center
from mlc.center.wire import StoredModel
from mlc.model.processes import DEPLOY_MODEL, TASK_QUEUE, DeployModelInput, deploy_model_id
from mlc.standalone.folders import read_model_folder, snapshot_of


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
    center: Center,
    temporal: Client,
) -> Submitted:
    """Submit the model that a folder holds. Raises BadModelFolder if it holds none, else what ``submit_model`` does."""
    model = read_model_folder(folder)
    if name is not None:
        model.model_meta_data.name = name
    return await submit_model(model, tags=tags, stage=stage, center=center, temporal=temporal)


async def submit_model(
    model: StoredModel, *, tags: Sequence[str] = (), stage: str | None = None, center: Center, temporal: Client
) -> Submitted:
    """Register a stored model (new, or a new version of the one of its name), snapshot it, and start.

    A centre that tells the gateway of the new snapshot starts the same run: whoever comes second joins it.

    Raises:
        ExternalError: the centre did not take it.
        RPCError: Temporal did not start the process; the snapshot stays in the centre.
    """
    known = await center.find_stored_models(model.model_meta_data.name)
    stored = await _update(center, known[0], model) if known else await center.create_stored_model(model)
    snapshot = await center.create_snapshot(snapshot_of(stored, tags=tags, stage=stage))
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
        model_id=stored.id or "",
        model_name=stored.model_meta_data.name,
        new_model=not known,
        snapshot_id=snapshot.id,
        snapshot_name=snapshot.meta_data.name,
        workflow_id=workflow_id,
    )


async def _update(center: Center, known: StoredModel, model: StoredModel) -> StoredModel:
    parts = {"modelMetaData", "modelAssets", "requiredAssets"}
    changes = {part: value for part, value in model.wire().items() if part in parts}
    return await center.patch_stored_model(known.id or "", changes)
