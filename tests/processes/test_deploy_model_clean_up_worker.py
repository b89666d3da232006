"""A clean-up outlives the worker that makes it, further cancellations, and what is deleted meanwhile."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from deploying import cancelled
from leaving import DOWN, GONE, REFUSED, held_up, stopped
from office import premises
from servers import eventually
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.settings import ProcessSettings

LAG = timedelta(seconds=1)


@pytest.mark.parametrize("undo", [DOWN, REFUSED])
async def test_a_clean_up_goes_on_on_another_worker_although_it_is_cancelled_again_and_its_ticket_deleted(
    dev_server: WorkflowEnvironment, tmp_path: Path, undo: str
) -> None:
    queue = f"mlc-{uuid.uuid4()}"
    process = ProcessSettings(job_poll=timedelta(seconds=30), ticket_index_lag=LAG, center_index_lag=LAG)
    async with premises(dev_server.client, tmp_path, task_queue=queue, process=process) as desk:
        await desk.engine("batch")
        await desk.engine("east", online=True)
        async with Worker(desk.client, task_queue=queue):
            left = await stopped(desk)
            deployments, withdraw = left.undo, left.withdraw
            await deployments.hinder(undo)
            await withdraw.hinder(DOWN)
            down = [deployments, withdraw] if undo == DOWN else [withdraw]
            await left.run.cancel()
            await held_up(left.run, down)
            await left.run.cancel()
        await withdraw.hinder(GONE)
        await left.run.cancel()
        async with Worker(desk.client, task_queue=queue):
            await held_up(left.run, down)
            await left.run.cancel()
            withdraw.mend()
            await held_up(left.run, [deployments]) if undo == DOWN else None
            deployments.mend()
            await cancelled(left.run)
            assert undo != DOWN or await deployments.is_done()
            await eventually(left.record.is_done)
            await eventually(left.tell.is_done)
            status = await desk.status(left.run)
            assert status.open_tickets == []
            assert any("could not be undeployed" in w for w in status.result.warnings) is (undo == REFUSED)
            ended = [r for r in await desk.port.list_decisions(left.snapshot_id) if r.event == "ended"]
            assert len(ended) == 1
