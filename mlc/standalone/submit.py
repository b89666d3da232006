"""From a model folder to a running DeployModel: register the model, take a snapshot, start the process."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from mlc.center import Catalogue, NewFile
from mlc.center.modelop.folder import BadModelFolder
from mlc.model.fairness import fairness_of
from mlc.model.processes import DEPLOY_MODEL, TASK_QUEUE, DeployModelInput, deploy_model_id
from mlc.model.snapshot import Model
from mlc.standalone.validation import Validated


@dataclass(frozen=True)
class Submitted:
    """What was made of a folder."""

    model_id: str
    model_name: str
    new_model: bool
    snapshot_id: str
    snapshot_name: str
    workflow_id: str
    """Empty if none was started: a monitor is stored and not deployed."""
    held: bool = False
    """Its process is to be started by hand."""


async def submit(
    validated: Validated,
    *,
    name: str | None = None,
    stage: str | None = None,
    held: bool = False,
    center: Catalogue,
    temporal: Client,
) -> Submitted:
    """Submit the model of a folder that was looked at; ``held``: without a start.

    Raises:
        BadModelFolder: it has errors. Nothing was made in the centre.
        ExternalError, RPCError: as ``submit_model`` does.
    """
    report = validated.report
    if report.errors or validated.folder is None:
        raise BadModelFolder("\n".join(report.errors))
    model, files = validated.folder
    if name is not None:
        model = model.model_copy(update={"name": name})
    return await submit_model(
        model, files, tags=validated.tags, stage=stage, held=held, center=center, temporal=temporal
    )


async def submit_model(
    model: Model,
    files: Sequence[NewFile],
    *,
    tags: Sequence[str] = (),
    stage: str | None = None,
    held: bool = False,
    center: Catalogue,
    temporal: Client,
) -> Submitted:
    """Register a model (new, or a new version of the one of its name), take a snapshot of it, and start it if not held.

    A centre that tells the gateway of the new snapshot starts the same run: whoever comes second joins it. A monitor
    is stored with a snapshot, by which it is found for models, and no run is started.

    Raises:
        ExternalError: the centre did not take it.
        RPCError: Temporal did not start the process; the snapshot stays in the centre.
    """
    known = [m for m in await center.find_models(model.name) if m.is_monitor is model.is_monitor]
    saved = await center.save_model(model.model_copy(update={"id": known[0].id if known else ""}), files)
    held = held and not model.is_monitor
    name = snapshot_name(saved.name)
    snapshot = await center.create_snapshot(saved.id, name=name, tags=tags, stage=stage, held=held)
    starts = not (held or model.is_monitor)
    workflow_id = await _start(snapshot.id, fairness_of(saved, snapshot.id), temporal) if starts else ""
    return Submitted(
        model_id=saved.id,
        model_name=saved.name,
        new_model=not known,
        snapshot_id=snapshot.id,
        snapshot_name=snapshot.name,
        workflow_id=workflow_id,
        held=held,
    )


async def _start(snapshot_id: str, fairness: str, temporal: Client) -> str:
    workflow_id = deploy_model_id(snapshot_id)
    with suppress(WorkflowAlreadyStartedError):  # by the centre's signal, and it has ended already
        await temporal.start_workflow(
            DEPLOY_MODEL,
            DeployModelInput(snapshot_id=snapshot_id),
            id=workflow_id,
            task_queue=TASK_QUEUE,
            priority=Priority(fairness_key=fairness),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    return workflow_id


def snapshot_name(model_name: str) -> str:
    """``<model>-YYYYMMDD_HHMMSS``, in UTC: people submit more than once a minute, and tell versions by their names."""
    return f"{model_name}-{datetime.now(UTC):%Y%m%d_%H%M%S}"
