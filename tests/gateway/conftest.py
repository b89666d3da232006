import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from gateway_stand_ins import BackTests, Deploys, Scores, WaitsForTickets
from servers import eventually
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.model.processes import TASK_QUEUE


@pytest.fixture(scope="module")
async def temporal(dev_server: WorkflowEnvironment) -> AsyncIterator[Client]:
    """A real development server and a worker of the workflows that stand in."""
    workflows = [WaitsForTickets, Deploys, BackTests, Scores]
    async with Worker(dev_server.client, task_queue=TASK_QUEUE, workflows=workflows):
        yield dev_server.client


@pytest.fixture
def wait_for(temporal: Client) -> Callable[..., Awaitable[WorkflowHandle[Any, Any]]]:
    """Start a run that waits for tickets; by default return when visibility knows it."""

    async def start(*tickets: str, seconds_before: float = 0, listed: bool = True) -> WorkflowHandle[Any, Any]:
        handle = await temporal.start_workflow(
            "WaitsForTickets",
            args=[list(tickets), seconds_before],
            id=f"waits-{uuid.uuid4()}",
            task_queue=TASK_QUEUE,
        )

        async def found() -> bool:
            query = f"MlcTickets = '{tickets[0]}'"
            return handle.id in [run.id async for run in temporal.list_workflows(query)]

        if listed:
            await eventually(found)
        return handle

    return start
