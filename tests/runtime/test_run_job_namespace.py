"""RunJob in a namespace of its own: a runtime needs no access to that of the processes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jobs_in_centre import content, ended, gone, job_on, sleeping
from running import RestartableCenter
from servers import eventually
from small_models import embedded, python_model
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop.client import ModelManage
from mlc.model.job import run_job_id, runtime_task_queue
from mlc.model.processes import RUN_JOB
from mlc.namespace import set_up_jobs
from mlc.runtime import run_runtime
from mlc.settings import RuntimeSettings
from mlc.standalone.center.dispatch import Dispatcher
from mlc.temporal import NoNamespace, connect_for_jobs

StartRuntime = Callable[..., Awaitable[Any]]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
JOBS = "mlc-jobs"
MODEL = "# modelop.metrics\ndef m(df): yield {'a': 1}"


@pytest.fixture
async def jobs(dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A namespace for jobs, made by `mlc setup`, and the setting that names it. A client of it."""
    await set_up_jobs(dev_server.client, JOBS, timedelta(days=1))
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", JOBS)
    address = dev_server.client.service_client.config.target_host
    return await Client.connect(address, namespace=JOBS, data_converter=pydantic_data_converter)


@pytest.fixture
async def center(jobs: Client, center_that_can_stop: RestartableCenter) -> ModelManage:
    """The centre hands jobs over by the connection that the settings name, as ``mlc center`` does."""
    center_that_can_stop.connect = connect_for_jobs
    await center_that_can_stop.stop()
    await center_that_can_stop.start()
    return center_that_can_stop.client


async def pollers(client: Client, queue: str) -> set[str]:
    found = set()
    for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
        request = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
        found |= {p.identity for p in (await client.workflow_service.describe_task_queue(request)).pollers}
    return found


async def runs_of(client: Client, job_id: str) -> list[str]:
    """What a namespace knows of a job."""
    try:
        described = await client.get_workflow_handle(run_job_id(job_id)).describe()
    except RPCError:
        return []
    return [described.workflow_type]


async def test_a_job_runs_whole_in_the_namespace_of_jobs_and_nothing_of_it_is_in_the_processes(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment, jobs: Client
) -> None:
    runtime = await start_runtime()
    job = await ended(center, (await center.create_job(job_on(runtime.settings.name, python_model(MODEL), CSV))).id)
    assert job.job_status == "COMPLETE"
    assert (await jobs.get_workflow_handle(run_job_id(job.id)).result())["status"] == "COMPLETE"
    assert await runs_of(jobs, job.id) == [RUN_JOB]
    assert await runs_of(dev_server.client, job.id) == []
    queue = runtime_task_queue(runtime.settings.name)
    assert await pollers(jobs, queue)
    assert await pollers(dev_server.client, queue) == set()


async def test_a_runtimes_connection_sees_nothing_of_the_processes_queue(
    center: ModelManage, start_runtime: StartRuntime, dev_server: WorkflowEnvironment
) -> None:
    """A task of the processes' queue comes to nobody who has the runtime's connection, even if he asks for it."""
    await start_runtime()
    runtimes = await connect_for_jobs()
    assert runtimes.namespace == JOBS
    queue = f"processes-{id(runtimes)}"
    handle = await dev_server.client.start_workflow("DeployModel", {}, id=f"deploy-{queue}", task_queue=queue)
    polled = await _poll(runtimes, queue, seconds=3)
    assert polled == b"", "no task"
    assert await _poll(dev_server.client, queue, seconds=10), "where it is, it is given to whoever asks"
    with pytest.raises(RPCError, match="not found"):
        await runtimes.get_workflow_handle(handle.id).describe()
    await handle.terminate()


async def _poll(client: Client, queue: str, *, seconds: float) -> bytes:
    from temporalio.api.workflowservice.v1 import PollWorkflowTaskQueueRequest

    request = PollWorkflowTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), identity="somebody"
    )
    try:
        answer = await client.workflow_service.poll_workflow_task_queue(request, timeout=timedelta(seconds=seconds))
    except RPCError:  # nothing came in time
        return b""
    return answer.task_token


@pytest.mark.usefixtures("models_write_outside")
async def test_a_job_is_cancelled_in_the_namespace_of_jobs(
    center: ModelManage, start_runtime: StartRuntime, jobs: Client, tmp_path: Path
) -> None:
    runtime = await start_runtime()
    started = tmp_path / "started"
    job = await center.create_job(job_on(runtime.settings.name, sleeping(started), CSV))
    pid = int(await eventually(lambda: content(started)))
    await center.patch_job(job.id, {"jobStatus": "CANCELLED"})
    await eventually(lambda: gone(pid))

    async def cancelled() -> bool:
        status = (await jobs.get_workflow_handle(run_job_id(job.id)).describe()).status
        return status is not None and status.name == "CANCELED"

    await eventually(cancelled)
    assert (await center.get_job(job.id)).job_status == "CANCELLED"


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The centre looks after its jobs in every round, from its start on."""
    monkeypatch.setattr("mlc.standalone.center.dispatch.QUIET", timedelta(0))
    monkeypatch.setattr("mlc.standalone.center.dispatch.WATCH_INTERVAL", 0)


@pytest.mark.usefixtures("watchful")
@pytest.mark.usefixtures("models_write_outside")
async def test_a_job_whose_workflow_was_terminated_there_is_noticed(
    center: ModelManage, start_runtime: StartRuntime, jobs: Client, tmp_path: Path
) -> None:
    runtime = await start_runtime()
    job = await center.create_job(job_on(runtime.settings.name, sleeping(tmp_path / "started"), CSV))
    await eventually(lambda: content(tmp_path / "started"))
    await jobs.get_workflow_handle(run_job_id(job.id)).terminate()
    lost = await ended(center, job.id)
    assert lost.job_status == "ERROR"
    assert "is terminated" in lost.job_messages[-1]


async def test_a_misspelt_namespace_is_told_by_the_runtime(
    center: ModelManage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", "mlc-jbos")
    sentence = r"has no namespace mlc-jbos: correct MLC_RUN_JOB_NAMESPACE, which centre .* or run `mlc setup`\."
    with pytest.raises(NoNamespace, match=sentence):
        await asyncio.wait_for(run_runtime(RuntimeSettings(name="astray"), asyncio.Event()), 60)
    assert not any(engine.name == "astray" for engine in await center.list_engines())


async def test_a_misspelt_namespace_is_told_once_by_the_centre_and_its_jobs_wait(
    jobs: Client,
    center_that_can_stop: RestartableCenter,
    start_runtime: StartRuntime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    center_that_can_stop.connect = connect_for_jobs
    runtime = await start_runtime()
    await center_that_can_stop.stop()
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", "mlc-jbos")
    await center_that_can_stop.start()
    center = center_that_can_stop.client
    rounds = 0
    before = Dispatcher._round

    async def counted(dispatcher: Dispatcher) -> None:
        nonlocal rounds
        rounds += 1
        await before(dispatcher)

    monkeypatch.setattr(Dispatcher, "_round", counted)
    job = await center.create_job(job_on(runtime.settings.name, python_model(MODEL), CSV))
    cancelled = await center.create_job(job_on(runtime.settings.name, python_model(MODEL), CSV))
    await center.patch_job(cancelled.id, {"jobStatus": "CANCELLED"})

    async def several() -> bool:
        return rounds > 3

    await eventually(several)
    told = [record.getMessage() for record in caplog.records if "mlc-jbos" in record.getMessage()]
    assert len(told) == 1, told
    assert re.search(r"Jobs wait, .*has no namespace mlc-jbos: correct MLC_RUN_JOB_NAMESPACE", told[0])
    assert (await center.get_job(job.id)).job_status == "CREATED"
    monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", JOBS)
    assert (await ended(center, job.id)).job_status == "COMPLETE"


async def test_unset_it_is_the_processes_own(
    dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_ADDRESS", dev_server.client.service_client.config.target_host)
    for unset in (None, ""):
        monkeypatch.delenv("MLC_RUN_JOB_NAMESPACE", raising=False)
        if unset is not None:
            monkeypatch.setenv("MLC_RUN_JOB_NAMESPACE", unset)
        assert (await connect_for_jobs()).namespace == "default"
