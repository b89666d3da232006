"""How a supervisor sees that a process of standalone mode is ready for work."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from dotenv import dotenv_values
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from mlc.model.attribute import Attribute
from mlc.settings import RunJobSettings
from mlc.settings.reading import SETTINGS_FILE

Ready = Callable[[int], Awaitable[bool]]
LOOK_TIMEOUT = 3.0


def answers(http: httpx.AsyncClient, url: str) -> Ready:
    """A server is ready when it answers at all."""

    async def ready(_pid: int) -> bool:
        return (await http.get(url)).status_code < 500

    return ready


def takes_runs(temporal: Client) -> Ready:
    """Temporal is ready when its visibility knows our search attributes."""

    async def ready(_pid: int) -> bool:
        async with asyncio.timeout(LOOK_TIMEOUT):
            await temporal.count_workflows(f"{Attribute.TICKETS} = 'none'")
        return True

    return ready


def jobs_namespace(home: Path) -> str:
    """The Temporal namespace in which the runtimes of this home ask for jobs."""
    said = dotenv_values(home / SETTINGS_FILE, interpolate=False)
    return said.get(RunJobSettings.variable("namespace")) or "default"


def polls(temporal: Client, task_queue: str, *, namespace: str = "default") -> Ready:
    """A worker is ready when Temporal has seen it asking for tasks: its identity begins with its process id."""

    async def ready(pid: int) -> bool:
        async with asyncio.timeout(LOOK_TIMEOUT):
            for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
                seen = await temporal.workflow_service.describe_task_queue(
                    DescribeTaskQueueRequest(
                        namespace=namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
                    )
                )
                if any(poller.identity.startswith(f"{pid}@") for poller in seen.pollers):
                    return True
        return False

    return ready
