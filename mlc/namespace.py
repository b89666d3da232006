"""What the processes need of a Temporal namespace: search attributes, schedules of our own, and retention."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.mirrored_schedules import remove_mirrored
from mlc.model.attribute import Attribute
from mlc.model.processes import SWEEP_TICKETS, TASK_QUEUE
from mlc.model.schedule import MIRROR_SCHEDULE, MIRROR_SCHEDULES
from mlc.settings import ProcessSettings

SWEEP_SCHEDULE = "sweep-tickets"
SCHEDULED: Mapping[str, str] = {SWEEP_TICKETS: "", MIRROR_SCHEDULES: " where MLC_MIRROR_SCHEDULES says so"}
"""The workflows that :func:`setup` makes a Schedule for, and when it does, for people."""

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
TYPES = dict.fromkeys(Attribute, KEYWORD) | {Attribute.TICKETS: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST}


NOT_ALLOWED = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.INVALID_ARGUMENT})
"""How a server answers to what it does not let a client do."""
_KNOWN_WITHIN, _LOOK_AGAIN = 60.0, 0.2
"""Seconds in which a server must know a new namespace, and between two looks."""


async def setup(client: Client, settings: ProcessSettings) -> list[str]:
    """Make what is missing; what is there stays, an operator's pause of a schedule included.

    Returns:
        A line for each thing: what it is and whether it was made now.

    Raises:
        RPCError: the server refuses, for example because the account may not register search attributes.
    """
    return [
        await add_search_attributes(client),
        await schedule_sweep(client, settings.sweep_interval),
        await schedule_mirror(client, settings),
        await keep_closed_runs(client, settings.retention),
    ]


async def missing_attributes(client: Client) -> list[Attribute]:
    """Search attributes that the namespace lacks: a run that sets one would hang."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    return [name for name in Attribute if name not in known]


async def add_search_attributes(client: Client) -> str:
    """Register those that are missing."""
    missing = await missing_attributes(client)
    if not missing:
        return f"search attributes: {', '.join(Attribute)} are there"
    try:
        await register(client, missing)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # somebody else set up the namespace at the same time
            raise
    return f"search attributes: {', '.join(missing)} were added"


async def register(client: Client, names: Iterable[Attribute]) -> None:
    """Register search attributes; a server refuses those that it has."""
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={name: TYPES[name] for name in names}
    )
    await client.operator_service.add_search_attributes(request)


async def schedule_sweep(client: Client, interval: timedelta) -> str:
    """Have SweepTickets run every ``interval``."""
    return await schedule_workflow(client, SWEEP_SCHEDULE, SWEEP_TICKETS, interval)


async def schedule_mirror(client: Client, settings: ProcessSettings) -> str:
    """Have MirrorSchedules run, or, where that isn't wanted, remove its schedule and those that it made."""
    if settings.mirror_schedules:
        return await schedule_workflow(client, MIRROR_SCHEDULE, MIRROR_SCHEDULES, settings.mirror_interval)
    try:
        await client.get_schedule_handle(MIRROR_SCHEDULE).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    removed = await remove_mirrored(client, TASK_QUEUE)
    return f"the centre's schedules: not run here (MLC_MIRROR_SCHEDULES){f', {removed} were removed' * bool(removed)}"


async def schedule_workflow(client: Client, schedule_id: str, workflow: str, interval: timedelta) -> str:
    """Have a workflow without input run every ``interval``; one at a time."""
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval)])
    action = ScheduleActionStartWorkflow(workflow, id=schedule_id, task_queue=TASK_QUEUE)
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=interval)
    try:
        await client.create_schedule(schedule_id, Schedule(action=action, spec=spec, policy=policy))
    except ScheduleAlreadyRunningError:

        def updated(current: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule = current.description.schedule
            schedule.action, schedule.spec, schedule.policy = action, spec, policy
            return ScheduleUpdate(schedule)

        await client.get_schedule_handle(schedule_id).update(updated)
        return f"schedule {schedule_id}: every {interval}, brought up to date"
    return f"schedule {schedule_id}: every {interval}, created"


async def keep_closed_runs(client: Client, retention: timedelta) -> str:
    """Have the namespace keep closed runs for at least so long. Never shortened; a refusal is told, not raised."""
    namespace = client.namespace
    now = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    kept = now.config.workflow_execution_retention_ttl.ToTimedelta()
    if kept >= retention:
        return f"retention: closed runs are kept for {_days(kept)}"
    wanted = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=int(retention.total_seconds())))
    try:
        made = await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(namespace=namespace, config=wanted)
        )
    except RPCError as error:
        if error.status not in NOT_ALLOWED:
            raise
        return (
            f"retention: closed runs are kept for {_days(kept)} only, and the server does not let this account raise "
            f"it to {_days(retention)} ({error.message}): do so where the namespace is administered"
        )
    kept_now = made.config.workflow_execution_retention_ttl.ToTimedelta()  # a server has a longest one, too
    return f"retention: closed runs are kept for {_days(kept_now)} from now on, not for {_days(kept)}"


async def set_up_jobs(client: Client, namespace: str | None, retention: timedelta) -> list[str]:
    """Make the namespace in which jobs are run, if a setting gives them one of their own.

    Its runs need no search attributes. A refusal is told, not raised: namespaces may be made by others only.

    Args:
        client: of the processes' namespace, on the same server.
        namespace: that of RunJob; None: the processes' own.
    """
    if namespace is None or namespace == client.namespace:
        return []
    try:
        found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RPCError as error:
        if error.status in NOT_ALLOWED:
            return [f"RunJob's namespace {namespace}: this account may not see it ({error.message})"]
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return [await _make_namespace(client, namespace, retention)]
    kept = found.config.workflow_execution_retention_ttl.ToTimedelta()
    return [f"RunJob's namespace {namespace}: is there; closed runs are kept for {_days(kept)}"]


async def _make_namespace(client: Client, namespace: str, retention: timedelta) -> str:
    wanted = RegisterNamespaceRequest(
        namespace=namespace,
        description="Jobs of models, run by mlc's runtimes",
        workflow_execution_retention_period=Duration(seconds=int(retention.total_seconds())),
    )
    try:
        await client.workflow_service.register_namespace(wanted)
    except RPCError as error:
        if error.status in NOT_ALLOWED:
            return (
                f"RunJob's namespace {namespace}: is not there, and the server does not let this account make it "
                f"({error.message}): make it where namespaces are administered, or no job will run"
            )
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # somebody else set it up at the same time
            raise
    await _until_known(client, namespace)
    return f"RunJob's namespace {namespace}: was made; closed runs are kept for {_days(retention)}"


async def _until_known(client: Client, namespace: str) -> None:
    """Wait until the server knows a new namespace everywhere: a runtime would be refused until then."""
    request = CountWorkflowExecutionsRequest(namespace=namespace)
    async with asyncio.timeout(_KNOWN_WITHIN):
        while True:
            try:
                await client.workflow_service.count_workflow_executions(request)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    return  # it is known; whether this account may look into it is another thing
            else:
                return
            await asyncio.sleep(_LOOK_AGAIN)


def _days(duration: timedelta) -> str:
    return str(duration).removesuffix(", 0:00:00")
