"""What is tried within the workflow's worker may be forgotten with its workflow task: it is done once all the same."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from barriers import HeldAnswer, Patient
from deploying import cancelled, notifications, places
from office import Office, premises
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.model.processes import RunBackTestInput, RunBackTestResult, RunBatchModelJobInput, RunBatchModelJobResult
from mlc.settings import ProcessSettings

OURS = {"standalone": True, "contents": "reference"}
"""A centre that makes nothing twice under one key; any other is asked what there is before anything is made."""


@pytest.fixture(params=[OURS, {}], ids=["standalone mode", "another centre"])
async def desk(
    dev_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """An office whose runs wait for their local calls for as long as a test holds the answers."""
    queue, process = f"mlc-{tmp_path.name}", ProcessSettings(center_index_lag=timedelta(seconds=1))
    async with (
        premises(dev_server.client, tmp_path, task_queue=queue, process=process, center=request.param) as opened,
        Worker(opened.client, task_queue=queue, interceptors=[Patient()]),
    ):
        yield opened


async def outcomes(desk: Office, snapshot_id: str) -> list[str]:
    """How the run of a snapshot ended, by its decision record: one entry for each way that was written down."""
    return [str(record.outcome) for record in await desk.port.list_decisions(snapshot_id)]


async def open_jobs(desk: Office, snapshot_id: str) -> list[str]:
    """Jobs of a snapshot that somebody still waits for, as it seems."""
    return [job["id"] for job in await desk.jobs(snapshot_id) if job["jobStatus"] not in {"COMPLETE", "CANCELLED"}]


async def forgotten_tasks(run: WorkflowHandle[Any, Any]) -> int:
    """Workflow tasks that failed, with all that their local calls had done."""
    return sum(e.HasField("workflow_task_failed_event_attributes") for e in (await run.fetch_history()).events)


@pytest.mark.parametrize(
    ("held", "stays", "ended", "told"),
    [
        ("find_places", 0, ["abandoned"], [0]),
        ("keep_ending", 1, ["deployed", "kept"], [0, 1]),
        ("notify", 1, ["deployed", "kept"], [1]),
    ],
)
async def test_a_deployment_that_is_cancelled_within_a_local_call_leaves_one_of_each(
    desk: Office, held: str, stays: int, ended: list[str], told: list[int]
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    answer = HeldAnswer(desk, held)
    run = await desk.start(snapshot_id)
    await answer.reached()
    await run.cancel()
    answer.release()
    await cancelled(run)
    assert [state for _, state in await places(desk, snapshot_id)].count("DEPLOYED") == stays
    assert await outcomes(desk, snapshot_id) == ended
    assert len(await notifications(desk, snapshot_id)) in told


@pytest.mark.parametrize("held", ["keep_ending", "notify"])
async def test_what_is_done_again_because_a_signal_came_is_there_once(desk: Office, held: str) -> None:
    """A run can't end while a signal waits for it: its last workflow task fails, and is done anew."""
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    answer = HeldAnswer(desk, held)
    run = await desk.start(snapshot_id)
    await answer.reached()
    await run.signal("job_changed", {"job_id": "of-another-run"})
    answer.release()
    assert (await run.result()).outcome == "deployed"
    assert await forgotten_tasks(run) == 1
    assert await outcomes(desk, snapshot_id) == ["deployed"]
    assert len(await notifications(desk, snapshot_id)) == 1


@pytest.mark.parametrize(("held", "told"), [("open_snapshot", 0), ("notify", 1)])
async def test_a_back_test_that_is_cancelled_within_a_local_call_tells_nothing_twice_and_leaves_no_job(
    desk: Office, held: str, told: int
) -> None:
    snapshot_id = await desk.snapshot()
    answer = HeldAnswer(desk, held)
    run = await desk.begin("RunBackTest", RunBackTestInput(model_id=snapshot_id), RunBackTestResult)
    if held == "notify":
        await desk.finish_job(run, metrics={"auc": 0.97})
    await answer.reached()
    await run.cancel()
    answer.release()
    await cancelled(run)
    assert len(await notifications(desk, snapshot_id)) == told
    assert await open_jobs(desk, snapshot_id) == []


async def test_a_batch_job_that_is_cancelled_while_it_looks_for_its_model_leaves_no_job(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("scored")
    await (await desk.start(snapshot_id)).result()
    answer = HeldAnswer(desk, "find_batch_deployment")
    request = RunBatchModelJobInput.model_validate({"tag": "scored", "input_files": [{"url": "file:///lake/in.csv"}]})
    run = await desk.begin("RunBatchModelJob", request, RunBatchModelJobResult)
    await answer.reached()
    await run.cancel()
    answer.release()
    await cancelled(run)
    assert await open_jobs(desk, snapshot_id) == []
    assert await desk.tickets() == []
