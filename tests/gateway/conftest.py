import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from gateway_serving import eventually
from gateway_stand_ins import Deploys, WaitsForTickets
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.model.processes import TASK_QUEUE
from mlc.standalone.temporal_server import DEV_SERVER_FLAGS, SEARCH_ATTRIBUTES, temporal_binary


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[Client]:
    """A real development server and a worker of the workflows that stand in."""
    async with (
        await WorkflowEnvironment.start_local(
            data_converter=pydantic_data_converter,
            search_attributes=SEARCH_ATTRIBUTES,
            dev_server_existing_path=str(temporal_binary()),
            dev_server_extra_args=list(DEV_SERVER_FLAGS),
            dev_server_startup_timeout=timedelta(seconds=60),
        ) as environment,
        Worker(environment.client, task_queue=TASK_QUEUE, workflows=[WaitsForTickets, Deploys]),
    ):
        yield environment.client


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
