"""What each of ModelOp's signals does here. A new signal is one function and one entry in :data:`HANDLERS`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.snapshots import DEPLOY_MARK
from mlc.center import Center
from mlc.gateway.temporal import calling
from mlc.model.failure import NotFound
from mlc.model.job import JobChanged
from mlc.model.processes import DEPLOY_MODEL, JOB_CHANGED, TASK_QUEUE, DeployModelInput, deploy_model_id

TERMINAL = frozenset({"COMPLETE", "ERROR", "CANCELLED"})

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$")]


class Read(BaseModel):
    """What is read of other systems' JSON: camelCase, everything else left alone."""

    model_config = ConfigDict(
        extra="ignore", hide_input_in_errors=True, alias_generator=to_camel, populate_by_name=True
    )


class Variable(Read):
    """A variable of a signal. Camunda's ``type`` and ``valueInfo`` are not looked at."""

    value: Any = None


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


class BadVariable(Exception):
    """A variable that is missing or can't be used: named, with what is wrong and an example."""


Handler = Callable[[Mapping[str, Variable], Systems], Awaitable[list[str]]]
"""Deals with the variables of one signal and tells the ids of the workflows that it started, joined or woke."""

V = TypeVar("V", bound=BaseModel)


def variable(variables: Mapping[str, Variable], name: str, shape: type[V], example: str) -> V:
    """One variable of a signal as a type.

    Raises:
        BadVariable: it is missing or has another shape.
    """
    given = variables.get(name)
    if given is None or given.value is None:
        raise BadVariable(f'Variable {name} is missing. Example: "{name}": {{"value": {example}}}')
    try:
        return shape.model_validate(given.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join([name, *map(str, first["loc"])])
        raise BadVariable(f'{place}: {first["msg"]}. Example: "{name}": {{"value": {example}}}') from None


async def deployable_model_changed(variables: Mapping[str, Variable], systems: Systems) -> list[str]:
    """Start DeployModel on a snapshot: at most once ever by this signal, which comes at each change of the snapshot."""
    example = '{"id": "5a31b3c6-f033-4948-b433-bae6656baa26"}'
    snapshot_id = variable(variables, "DEPLOYABLE_MODEL", SnapshotVariable, example).id
    try:
        snapshot = await systems.center.get_snapshot(snapshot_id)
    except NotFound:
        raise BadVariable("DEPLOYABLE_MODEL.id: the model centre has no snapshot of this id.") from None
    # The mark outlasts what Temporal remembers of closed runs (the namespace's retention).
    if snapshot.meta_data.custom.get(DEPLOY_MARK):
        return []
    if snapshot.stored_model.model_meta_data.model_category == "MODEL_MONITORING_MODEL":
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


async def job_status_changed(variables: Mapping[str, Variable], systems: Systems) -> list[str]:
    """Wake the run that waits for a job which has finished; the run reads the job itself."""
    example = '{"id": "...", "jobStatus": "COMPLETE", "jobParameters": {"mlcWorkflowId": "..."}}'
    job = variable(variables, "JOB", JobVariable, example)
    workflow_id = job.job_parameters and job.job_parameters.mlc_workflow_id
    if not workflow_id or job.job_status.upper() not in TERMINAL:
        return []
    async with calling():
        try:
            await systems.temporal.get_workflow_handle(workflow_id).signal(JOB_CHANGED, JobChanged(job_id=job.id))
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:  # nothing of this id runs (any more)
                return []
            raise
    return [workflow_id]


async def unheard(_variables: Mapping[str, Variable], _systems: Systems) -> list[str]:
    """A signal that ModelOp broadcasts and no process here listens to."""
    return []


HANDLERS: dict[str, Handler] = {
    "Signals_deployable_model_changed": deployable_model_changed,
    "Signals_job_status_changed": job_status_changed,
    "Signals_model_changed": unheard,
    "Signals_model_created": unheard,
    "Signals_MODEL_DATA_DRIFT_TEST": unheard,
}
