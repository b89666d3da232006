"""What each of ModelOp's signals does here. A new signal is one function and one entry in :data:`HANDLERS`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.files import store_files
from mlc.center import Center
from mlc.gateway.idempotency import start_once, started_before
from mlc.gateway.temporal import calling
from mlc.model.failure import NotFound
from mlc.model.file import FileRules
from mlc.model.job import JobChanged, JobStatus
from mlc.model.processes import DEPLOY_MODEL, JOB_CHANGED, TASK_QUEUE, DeployModelInput, deploy_model_id
from mlc.model.signal import (
    DEPLOYABLE_MODEL_CHANGED,
    JOB_STATUS_CHANGED,
    UNHEARD,
    VARIABLES,
    BadVariable,
    Id,
    read_signal,
    read_variable,
)
from mlc.model.snapshot import Snapshot


class Read(BaseModel):
    """What is read of other systems' JSON: camelCase, everything else left alone."""

    model_config = ConfigDict(
        extra="ignore", hide_input_in_errors=True, alias_generator=to_camel, populate_by_name=True
    )


class SnapshotVariable(Read):
    """What is read of ``DEPLOYABLE_MODEL``; the rest is fetched from the centre."""

    id: Id


class JobParameters(Read):
    mlc_workflow_id: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


class JobVariable(Read):
    """What is read of ``JOB``."""

    id: Id
    job_status: str = ""
    job_parameters: JobParameters | None = None


@dataclass(frozen=True)
class Systems:
    """What the handlers of signals work with."""

    temporal: Client
    center: Center
    files: FileRules


@dataclass(frozen=True)
class Call:
    """One signal: its name, its variables' values, and a key that is the same when the call is repeated."""

    name: str
    values: Mapping[str, Any]
    key: str


Handler = Callable[[Call, Systems], Awaitable[list[str]]]
"""Deals with one signal and tells the ids of the workflows that it started, joined or woke."""


async def deployable_model_changed(call: Call, systems: Systems) -> list[str]:
    """Start DeployModel on a snapshot: at most once ever by this signal, which comes at each change of the snapshot."""
    snapshot_id = read_variable(call.values, "DEPLOYABLE_MODEL", SnapshotVariable).id
    snapshot = await _snapshot(systems.center, snapshot_id, "DEPLOYABLE_MODEL.id")
    # What stands on the snapshot outlasts what Temporal remembers of closed runs (the namespace's retention).
    if snapshot.submission or snapshot.model.is_monitor:
        return []
    workflow_id = deploy_model_id(snapshot_id)
    try:
        async with calling():
            await systems.temporal.start_workflow(
                DEPLOY_MODEL,
                DeployModelInput(snapshot_id=snapshot_id),
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
    except WorkflowAlreadyStartedError:  # and closed: a run again is asked for explicitly
        return []
    return [workflow_id]


async def start_process(call: Call, systems: Systems) -> list[str]:
    """Start the process that the signal asks for, once for a key; the files that it embeds go to the centre first."""
    # In a thread, since an address may be looked up on a disk, and base64 be as long as a body may.
    start = await asyncio.to_thread(read_signal, call.name, call.values, systems.files)
    if start.snapshot_id is not None:
        await _snapshot(systems.center, start.snapshot_id, "MODEL_ID")
    # The centre keeps what it is given: nothing goes there for a call that starts nothing.
    if start.embedded and (workflow_id := await started_before(systems.temporal, start, call.key)):
        return [workflow_id]
    asset_ids = await store_files(systems.center, start.workflow_id(call.key), start.embedded)
    return [await start_once(systems.temporal, start, call.key, asset_ids)]


async def job_status_changed(call: Call, systems: Systems) -> list[str]:
    """Wake the run that waits for a job which has finished; the run reads the job itself."""
    job = read_variable(call.values, "JOB", JobVariable)
    workflow_id = job.job_parameters and job.job_parameters.mlc_workflow_id
    if not workflow_id or not JobStatus(job.job_status.upper()).terminal:
        return []
    async with calling():
        try:
            await systems.temporal.get_workflow_handle(workflow_id).signal(JOB_CHANGED, JobChanged(job_id=job.id))
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:  # nothing of this id runs (any more)
                return []
            raise
    return [workflow_id]


async def unheard(_call: Call, _systems: Systems) -> list[str]:
    """A signal that ModelOp broadcasts and no process here listens to."""
    return []


async def _snapshot(center: Center, snapshot_id: str, variable: str) -> Snapshot:
    try:
        return await center.get_snapshot(snapshot_id)
    except NotFound:
        raise BadVariable(f"{variable}: the model centre has no snapshot of this id.") from None


HANDLERS: Mapping[str, Handler] = {
    DEPLOYABLE_MODEL_CHANGED: deployable_model_changed,
    **dict.fromkeys(VARIABLES, start_process),
    JOB_STATUS_CHANGED: job_status_changed,
    **dict.fromkeys(UNHEARD, unheard),
}
