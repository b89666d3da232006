"""What the processes need of a Temporal namespace: search attributes and the schedule of the sweep."""

from collections.abc import Iterable
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
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

from mlc.model.processes import SWEEP_TICKETS, TASK_QUEUE, Attribute

SWEEP_SCHEDULE = "sweep-tickets"

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
TYPES = dict.fromkeys(Attribute, KEYWORD) | {Attribute.TICKETS: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST}


async def setup(client: Client, sweep_interval: timedelta) -> list[str]:
    """Make what is missing; what is there stays, an operator's pause of the sweep included.

    Returns:
        A line for each thing: what it is and whether it was made now.

    Raises:
        RPCError: the server refuses, for example because the account may not register search attributes.
    """
    return [await add_search_attributes(client), await schedule_sweep(client, sweep_interval)]


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
    """Have SweepTickets run every ``interval``; one sweep at a time."""
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval)])
    action = ScheduleActionStartWorkflow(SWEEP_TICKETS, id=SWEEP_SCHEDULE, task_queue=TASK_QUEUE)
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=interval)
    try:
        await client.create_schedule(SWEEP_SCHEDULE, Schedule(action=action, spec=spec, policy=policy))
    except ScheduleAlreadyRunningError:

        def updated(current: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule = current.description.schedule
            schedule.action, schedule.spec, schedule.policy = action, spec, policy
            return ScheduleUpdate(schedule)

        await client.get_schedule_handle(SWEEP_SCHEDULE).update(updated)
        return f"schedule {SWEEP_SCHEDULE}: every {interval}, brought up to date"
    return f"schedule {SWEEP_SCHEDULE}: every {interval}, created"
