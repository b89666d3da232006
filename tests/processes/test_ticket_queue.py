"""The queue of the ticket activities: who serves it, beside workers of a release that knew none, and at what rate."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from office import Office, Run, premises
from servers import eventually
from temporalio.api.enums.v1 import RateLimitSource, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.queues import calls_tickets
from mlc.model.processes import Outcome
from mlc.model.ticket import ticket_queue
from mlc.settings import ProcessSettings
from mlc.worker import MlcPlugin, new_worker

TICKETING = {
    *("open_ticket", "find_ticket", "read_ticket", "remark", "tell", "withdraw_ticket", "withdraw_tickets"),
    *("sweep_tickets", "withdraw_orphans", "answer_late_changes"),
}


async def queues(run: Run) -> dict[str, str]:
    """The task queue of each activity of a run."""
    scheduled = [e.activity_task_scheduled_event_attributes for e in (await run.fetch_history()).events]
    return {each.activity_type.name: each.task_queue.name for each in scheduled if each.activity_type.name}


class OfBefore(MlcPlugin):
    """As release 0.1 had it: its workers serve one queue."""

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:  # noqa: A002
        await next(worker)


def plugin_of(client: Client) -> MlcPlugin:
    (plugin,) = client.config()["plugins"]
    assert isinstance(plugin, MlcPlugin)
    return plugin


async def client_of_before(desk: Office) -> Client:
    activities = plugin_of(desk.client).activities
    assert isinstance(activities, list)
    return await Client.connect(
        desk.client.service_client.config.target_host, namespace=desk.client.namespace, plugins=[OfBefore(activities)]
    )


@asynccontextmanager
async def unmanned(server: WorkflowEnvironment, folder: Path) -> AsyncIterator[Office]:
    process = ProcessSettings(ticket_index_lag=timedelta(seconds=1), center_index_lag=timedelta(seconds=1))
    queue = f"mlc-{uuid.uuid4()}"
    async with premises(server.client, folder, task_queue=queue, process=process) as opened:
        yield opened


def test_the_activities_that_call_a_ticket_system_are_these(open_desk: Office) -> None:
    activities = plugin_of(open_desk.client).activities
    assert isinstance(activities, list)
    assert {each.__name__ for each in activities if calls_tickets(each)} == TICKETING


async def test_ticket_activities_are_asked_for_on_their_own_queue_and_no_others(shared_desk: Office) -> None:
    desk = shared_desk
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("train", without=["TRAINING_DATA"]))
    ticket = await desk.ticket(run, "rejection")
    await desk.decide(run, ticket, "Rejected")
    assert (await run.result()).outcome is Outcome.REJECTED
    used = await queues(run)
    assert {"open_ticket", "read_ticket"} < used.keys()
    assert {name for name, queue in used.items() if queue == ticket_queue(desk.task_queue)} == used.keys() & TICKETING
    assert {queue for name, queue in used.items() if name not in TICKETING} == {desk.task_queue}


async def test_beside_a_worker_of_before_nothing_hangs(dev_server: WorkflowEnvironment, tmp_path: Path) -> None:
    async with unmanned(dev_server, tmp_path) as desk:
        await desk.engine("batch")
        old = await client_of_before(desk)
        async with new_worker(old, desk.task_queue), new_worker(desk.client, desk.task_queue):
            for _ in range(3):  # whoever gets which task
                run = await desk.start(await desk.snapshot("train", without=["TRAINING_DATA"]))
                await desk.decide(run, await desk.ticket(run, "rejection"), "Rejected")
                assert (await run.result()).outcome is Outcome.REJECTED


async def test_where_only_workers_of_before_are_left_a_question_waits_for_one_of_today(
    dev_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with unmanned(dev_server, tmp_path) as desk:
        await desk.engine("batch")
        run = await desk.start(await desk.snapshot("train", without=["TRAINING_DATA"]))

        async def asks() -> bool:
            pending = (await run.describe()).raw_description.pending_activities
            return [each.activity_type.name for each in pending] == ["open_ticket"]

        async with new_worker(await client_of_before(desk), desk.task_queue):
            await eventually(asks)
        assert await desk.tickets() == []
        async with new_worker(desk.client, desk.task_queue):
            await desk.decide(run, await desk.ticket(run, "rejection"), "Rejected")
            assert (await run.result()).outcome is Outcome.REJECTED


@pytest.mark.parametrize("rate", [None, 7.0])
async def test_the_rate_is_that_of_the_setting(
    dev_server: WorkflowEnvironment, tmp_path: Path, rate: float | None
) -> None:
    async with unmanned(dev_server, tmp_path) as desk:
        activities = plugin_of(desk.client).activities
        assert isinstance(activities, list)
        client = await Client.connect(
            desk.client.service_client.config.target_host, plugins=[MlcPlugin(activities, ticket_rate=rate)]
        )
        async with new_worker(client, desk.task_queue):
            assert await limited(client, ticket_queue(desk.task_queue), rate)
            assert await limited(client, desk.task_queue, None)


async def limited(client: Client, queue: str, rate: float | None) -> bool:
    """Wait until the server limits a queue to what its workers asked for."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_config=True,
    )

    async def there() -> bool:
        described = await client.workflow_service.describe_task_queue(request)
        of_worker = described.effective_rate_limit.rate_limit_source == RateLimitSource.RATE_LIMIT_SOURCE_WORKER
        found = described.effective_rate_limit.requests_per_second if of_worker else None
        return bool(described.pollers) and found == rate

    return await eventually(there)
