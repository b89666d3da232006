"""RunMonitors beside others of its kind: two that begin in the same instant, and one with hundreds of monitors."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from servers import eventually
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from mlc.model.meant_monitors import Wanted
from mlc.model.monitor_processes import (
    RUN_MONITOR,
    RunMonitorInput,
    RunMonitorResult,
    RunMonitorsInput,
    RunMonitorsResult,
    monitor_id,
)
from mlc.model.processes import Outcome
from workflows.run_monitors import RunMonitors

MANY = 300
"""A thousand take the development server a minute and a half."""
STARTED = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
JOINED = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED


@workflow.defn(name=RUN_MONITOR)
class OneNight:
    """Stands in for RunMonitor; of a snapshot that ``waits`` it ends when it is told."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self, request: RunMonitorInput) -> RunMonitorResult:
        if request.model_id.startswith("waits"):
            await workflow.wait_condition(lambda: self._told)
        return RunMonitorResult(snapshot_id=request.model_id, monitor=request.monitor, outcome=Outcome.PASSED)

    @workflow.signal
    def end(self) -> None:
        self._told = True


class Found:
    """Stands in for the centre: it names the monitors once so many have asked."""

    def __init__(self, *names: str, askers: int = 1) -> None:
        self.names = list(names)
        self.barrier = asyncio.Barrier(askers)

    @activity.defn
    async def find_monitors(self, wanted: Wanted) -> list[str]:
        await self.barrier.wait()
        return self.names


@asynccontextmanager
async def working(client: Client, found: Found) -> AsyncIterator[str]:
    queue = f"monitors-{uuid.uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[RunMonitors, OneNight],
        activities=[found.find_monitors],
        activity_executor=ThreadPoolExecutor(1),
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield queue


async def begun(client: Client, queue: str, snapshot_id: str) -> WorkflowHandle[RunMonitors, RunMonitorsResult]:
    return await client.start_workflow(
        RunMonitors.run,
        RunMonitorsInput(model_id=snapshot_id, role="DATA_DRIFT_MODEL"),
        id=f"monitors-{uuid.uuid4()}",
        task_queue=queue,
    )


async def events(run: WorkflowHandle[RunMonitors, RunMonitorsResult]) -> list[int]:
    return [event.event_type async for event in run.fetch_history_events()]


async def test_two_that_begin_in_the_same_instant_run_each_monitor_once_and_the_second_is_told(
    dev_server: WorkflowEnvironment,
) -> None:
    """Neither gets its names before both have asked, and no monitor ends before both have gone to start it."""
    client, snapshot_id = dev_server.client, f"waits-{uuid.uuid4()}"
    async with working(client, Found("a", "b", askers=2)) as queue:
        both = [await begun(client, queue, snapshot_id) for _ in range(2)]

        async def all_tried() -> bool:
            kinds = [*await events(both[0]), *await events(both[1])]
            return sum(kind in {STARTED, JOINED} for kind in kinds) == 4

        await eventually(all_tried)
        for name in "ab":
            await client.get_workflow_handle(monitor_id(snapshot_id, name)).signal("end")
        ended = [*(await both[0].result()).runs, *(await both[1].result()).runs]
    for name in "ab":
        of_it = sorted((each for each in ended if each.monitor == name), key=lambda each: each.joined)
        assert [each.joined for each in of_it] == [False, True]
        assert [each.outcome for each in of_it] == [Outcome.PASSED, Outcome.OPEN]
        assert {each.workflow_id for each in of_it} == {monitor_id(snapshot_id, name)}


async def test_hundreds_of_monitors_of_a_role_are_run_each_once_in_one_history(dev_server: WorkflowEnvironment) -> None:
    names = [f"Monitor {number} {'n' * 100}" for number in range(MANY)]
    client, snapshot_id = dev_server.client, str(uuid.uuid4())
    async with working(client, Found(*names)) as queue:
        run = await begun(client, queue, snapshot_id)
        result = await run.result()
    assert [each.monitor for each in result.runs] == names
    assert {each.outcome for each in result.runs} == {Outcome.PASSED}
    kinds = await events(run)
    assert kinds.count(STARTED) == MANY
    described = await run.describe()
    size = described.raw_description.workflow_execution_info.history_size_bytes
    print(f"{MANY} monitors: {described.history_length} events, {size} bytes")
    assert described.history_length < 12 * MANY, "of 51,200 events that a history may have: thousands have room"
    assert size < 10 * 1024 * MANY, "of 50 MiB"
