"""How many requests the worker makes to standalone mode's centre, by process; each path's number is exact."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from deploying import state, trying
from office import Office, office
from temporalio import activity
from temporalio.testing import WorkflowEnvironment

from mlc.model.monitor_plan import CLASSIFICATION
from mlc.model.processes import RunBackTestInput, RunBackTestResult, RunBatchModelJobInput, RunBatchModelJobResult
from mlc.settings import ProcessSettings

CLIENT = {"standalone": True, "contents": "reference"}


@pytest.fixture(scope="module")
async def counted_desk(
    dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    def seldom(settings: ProcessSettings) -> ProcessSettings:
        return settings.model_copy(update={"job_poll": timedelta(hours=1)})

    async with office(dev_server.client, tmp_path_factory.mktemp("desk"), center=CLIENT, configure=seldom) as opened:
        yield opened


@contextmanager
def counting(desk: Office) -> Iterator[Counter[str]]:
    """The worker's requests meanwhile, by method and collection: what the test itself asks doesn't count."""
    found: Counter[str] = Counter()

    async def note(request: httpx.Request) -> None:
        if activity.in_activity():
            found[f"{request.method} {request.url.path.removeprefix('/model-manage/api/').split('/')[0]}"] += 1

    hooks = desk.port._own_http.event_hooks
    desk.port._own_http.event_hooks = {**hooks, "request": [note]}
    try:
        yield found
    finally:
        desk.port._own_http.event_hooks = hooks


async def carrying_monitors(desk: Office) -> str:
    snapshot_id = await desk.snapshot()
    monitors = [{"associatedModel": {"storedModel": {"modelMetaData": {"name": name}}}} for name in CLASSIFICATION]
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": monitors})
    return snapshot_id


async def test_a_snapshot_that_has_its_monitors_is_deployed_with_ten_requests(counted_desk: Office) -> None:
    desk = counted_desk
    await desk.engine("batch")
    snapshot_id = await carrying_monitors(desk)
    with counting(desk) as asked:
        result = await (await desk.start(snapshot_id)).result()
    assert result.outcome == "deployed"
    assert asked == {
        "GET deployableModels": 4,
        "PATCH deployableModels": 1,
        "POST deployedModels": 1,
        "GET deployedModels": 1,
        "PATCH deployedModels": 1,
        "POST decisionRecords": 1,
        "POST notifications": 1,
    }


async def test_monitors_are_looked_up_together_and_cost_one_request_more(counted_desk: Office) -> None:
    desk = counted_desk
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    with counting(desk) as asked:
        result = await (await desk.start(snapshot_id)).result()
    assert result.monitors_added == list(CLASSIFICATION)
    assert asked["PATCH deployableModels"] == 2
    assert asked.total() == 11


async def test_taking_over_schedules_and_monitors_costs_at_most_fourteen_requests(counted_desk: Office) -> None:
    desk = counted_desk
    await desk.engine("batch")
    old_id = await desk.snapshot()
    old = await (await desk.start(old_id)).result()
    (deployment,) = old.deployments
    schedule = {
        "scheduleId": "nightly",
        "cronExpression": "0 0 2 * * ?",
        "action": {"signalName": "com.modelop.mlc.definitions.Signals_DEPLOYED_BATCH_JOB"},
    }
    await desk.center.patch_deployment(deployment.id, {"schedules": [schedule]})
    stored = (await desk.center.get_snapshot(old_id)).stored_model
    new_id = await desk.snapshot_of(stored)
    with counting(desk) as asked:
        result = await (await desk.start(new_id)).result()
    assert (result.schedules_copied, len(result.monitors_added)) == (1, 4)
    assert state(await desk.center.get_deployment(deployment.id)) == "UNDEPLOYED"
    (made,) = result.deployments
    assert len((await desk.center.get_deployment(made.id)).schedules) == 1
    assert asked.total() == 14


async def test_a_back_test_makes_six_requests(counted_desk: Office) -> None:
    desk = counted_desk
    snapshot_id = await desk.snapshot(without={"TEST_RESULT_COMPARATOR"})
    with counting(desk) as asked:
        run = await desk.begin("RunBackTest", RunBackTestInput(model_id=snapshot_id), RunBackTestResult)
        await desk.finish_job(run, metrics={"auc": 0.95})
        assert (await run.result()).outcome == "passed"
    assert asked == {
        "GET deployableModels": 2,
        "POST jobs": 1,
        "GET jobs": 1,
        "POST modelTestResults": 1,
        "POST notifications": 1,
    }


async def test_a_batch_job_makes_four_requests(counted_desk: Office) -> None:
    desk = counted_desk
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("scored")
    await (await desk.start(snapshot_id)).result()
    request = RunBatchModelJobInput.model_validate(
        {"tag": "scored", "input_files": [{"url": "file:///lake/in.csv"}], "output_files": [{"filename": "out.csv"}]}
    )
    with counting(desk) as asked:
        run = await desk.begin("RunBatchModelJob", request, RunBatchModelJobResult)
        await desk.finish_job(run)
        await run.result()
    assert asked == {"GET deployedModels": 1, "GET deployableModels": 1, "POST jobs": 1, "GET jobs": 1}


async def test_a_back_test_on_a_file_that_is_given_makes_five_requests(counted_desk: Office) -> None:
    desk = counted_desk
    snapshot_id = await desk.snapshot(without={"TEST_RESULT_COMPARATOR"})
    request = {"model_id": snapshot_id, "input_file": {"url": "file:///lake/in.csv"}}
    with counting(desk) as asked:
        run = await desk.begin("RunBackTest", RunBackTestInput.model_validate(request), RunBackTestResult)
        await desk.finish_job(run, metrics={"auc": 0.95})
        assert (await run.result()).outcome == "passed"
    assert asked["GET deployableModels"] == 1
    assert asked.total() == 5


async def test_a_back_test_that_is_judged_reads_its_table_and_writes_the_verdict_besides(counted_desk: Office) -> None:
    desk = counted_desk
    snapshot_id = await desk.snapshot()
    with counting(desk) as asked:
        run = await desk.begin("RunBackTest", RunBackTestInput(model_id=snapshot_id), RunBackTestResult)
        await desk.finish_job(run, metrics={"auc": 0.95})
        assert (await run.result()).outcome == "passed"
    assert (asked["GET contents"], asked["PATCH modelTestResults"]) == (1, 1)
    assert asked.total() == 8


async def test_a_job_that_takes_its_time_is_read_once_early_and_once_when_it_is_said_to_have_ended(
    counted_desk: Office,
) -> None:
    """A job that ends at once, as in the other tests, is read once; between two looks lies ``MLC_JOB_POLL``."""
    desk = counted_desk
    snapshot_id = await desk.snapshot(without={"TEST_RESULT_COMPARATOR"})
    with counting(desk) as asked:
        run = await desk.begin("RunBackTest", RunBackTestInput(model_id=snapshot_id), RunBackTestResult)
        await trying(run, "judge_back_test")
        assert asked["GET jobs"] == 1
        await desk.finish_job(run, metrics={"auc": 0.95})
        assert (await run.result()).outcome == "passed"
    assert asked["GET jobs"] == 2
