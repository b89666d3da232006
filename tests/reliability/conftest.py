from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from processes.office import Office, office, premises
from reliability.worker_process import WorkerProcess
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from mlc.model.processes import TASK_QUEUE
from mlc.settings import ProcessSettings


@pytest.fixture
async def desk(dev_server: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Office]:
    """An office with its worker in this process."""
    async with office(dev_server.client, tmp_path) as opened:
        yield opened


@pytest.fixture
async def unmanned(dev_server: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Office]:
    """An office whose worker is a process of its own: see ``worker``."""
    process = ProcessSettings(ticket_index_lag=timedelta(seconds=1), center_index_lag=timedelta(seconds=1))
    async with premises(dev_server.client, tmp_path, task_queue=TASK_QUEUE, process=process) as opened:
        yield opened
        for run in opened.started:
            with suppress(RPCError):  # it has ended
                await run.terminate()


@pytest.fixture
def worker(unmanned: Office, tmp_path: Path) -> Iterator[WorkerProcess]:
    """``mlc worker`` at work for the unmanned office."""
    process = WorkerProcess(unmanned, tmp_path)
    process.start()
    yield process
    process.kill()
