"""RunJob while the centre is down, and when runtimes stop or die."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jobs_in_centre import content, ended, gone, job_on, sleeping
from running import TOKEN, RestartableCenter
from servers import eventually
from small_models import embedded, python_model
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import run_job_id
from mlc.standalone.access.client import issue_runtime_token

StartRuntime = Callable[..., Awaitable[Any]]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")


@pytest.mark.usefixtures("models_write_outside")
async def test_the_outcome_of_a_job_waits_for_a_centre_that_is_down(
    center_that_can_stop: RestartableCenter, start_runtime: StartRuntime, tmp_path: Path
) -> None:
    center = center_that_can_stop.client
    runtime = await start_runtime()
    started, go = tmp_path / "started", tmp_path / "go"
    body = f"""
        import os, time
        # modelop.metrics
        def m(df):
            open({str(started)!r}, "a").write("once")
            while not os.path.exists({str(go)!r}): time.sleep(0.05)
            yield {{"a": 1}}
        """
    job = await center.create_job(job_on(runtime.settings.name, python_model(body), CSV))
    await eventually(lambda: content(started))
    await center_that_can_stop.stop()
    go.touch()
    folder = runtime.settings.folder / "process-1" / "jobs" / f"{job.id}.1" / "__moc_runtime" / "outputs" / "0"
    await eventually(lambda: content(folder))
    await center_that_can_stop.start()
    assert (await ended(center, job.id)).job_status == "COMPLETE"
    assert started.read_text() == "once"


@pytest.mark.usefixtures("models_write_outside")
async def test_closing_a_job_waits_for_a_centre_that_is_down_without_a_growing_history(
    center_that_can_stop: RestartableCenter,
    start_runtime: StartRuntime,
    dev_server: WorkflowEnvironment,
    tmp_path: Path,
) -> None:
    center = center_that_can_stop.client
    runtime = await start_runtime()
    started = tmp_path / "started"
    job = await center.create_job(job_on(runtime.settings.name, sleeping(started), CSV))
    await eventually(lambda: content(started))
    workflow = dev_server.client.get_workflow_handle(run_job_id(job.id))
    await center_that_can_stop.stop()
    await workflow.cancel()

    async def events_when_tried(times: int) -> int:
        async def tried() -> int:
            description = await workflow.describe()
            tries = [a.attempt for a in description.raw_description.pending_activities]
            return description.history_length if tries and tries[0] >= times else 0

        return await eventually(tried)

    assert await events_when_tried(2) == await events_when_tried(3)
    await center_that_can_stop.start()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(workflow.result(), 20)
    assert (await center.get_job(job.id)).job_status == "CANCELLED"


@pytest.mark.usefixtures("models_write_outside")
async def test_a_runtime_that_is_told_to_stop_hands_its_job_to_another_of_its_name(
    center: ModelManage, tmp_path: Path
) -> None:
    name = f"twins-{os.getpid()}"
    started, go = tmp_path / "started", tmp_path / "go"
    source = f"""
        import os, time
        # modelop.metrics
        def m(df):
            supervisor = open(f"/proc/{{os.getppid()}}/stat").read()
            open({str(started)!r}, "a").write(supervisor.rpartition(")")[2].split()[1] + "\\n")
            while not os.path.exists({str(go)!r}): time.sleep(0.05)
            yield {{"a": 1}}
        """
    twins = [await runtime_process(name), await runtime_process(name)]
    try:
        await eventually(lambda: _registered(center, name))
        job = await center.create_job(job_on(name, python_model(source), CSV))
        first = int(await eventually(lambda: content(started)))
        busy = next(twin for twin in twins if twin.pid == first)
        busy.terminate()
        assert await asyncio.to_thread(busy.wait, 30) == 0
        go.touch()
        done = await ended(center, job.id)
    finally:
        for twin in twins:
            twin.terminate()
            assert await asyncio.to_thread(twin.wait, 30) is not None
    assert done.job_status == "COMPLETE"
    assert {int(pid) for pid in started.read_text().split()} == {twin.pid for twin in twins}


async def runtime_process(name: str) -> subprocess.Popen[bytes]:
    program = (
        "import asyncio; from mlc.runtime import run_runtime; from mlc.settings import RuntimeSettings;"
        f"asyncio.run(run_runtime(RuntimeSettings(name={name!r})))"
    )
    own = await issue_runtime_token(CenterSettings().url, TOKEN, name)
    return subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"MLC_CENTER_TOKEN": own})


@pytest.mark.usefixtures("models_write_outside")
async def test_a_job_survives_the_death_of_its_runtime(
    center: ModelManage, dev_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    name = f"mortal-{os.getpid()}"
    started = tmp_path / "started"
    # The first try hangs; the next finds that it is not the first.
    source = f"""
        import os, time
        # modelop.metrics
        def m(df):
            first = not os.path.exists({str(started)!r})
            open({str(started)!r}, "a").write(str(os.getpid()) + "\\n")
            if first:
                time.sleep(600)
            yield {{"files": sorted(f for f in os.listdir(".") if f == "litter")}}
        """
    runtime = await runtime_process(name)
    try:
        await eventually(lambda: _registered(center, name))
        job = await center.create_job(job_on(name, python_model(source), CSV))
        pid = int(await eventually(lambda: content(started)))
        runtime.kill()
        runtime.wait()
        await eventually(lambda: gone(pid))
        runtime = await runtime_process(name)
        done = await ended(center, job.id)
        await asyncio.wait_for(dev_server.client.get_workflow_handle(run_job_id(job.id)).result(), 20)
    finally:
        runtime.terminate()
        assert runtime.wait(90) is not None
    assert done.job_status == "COMPLETE"
    assert len(started.read_text().split()) == 2


async def _registered(center: ModelManage, name: str) -> bool:
    return any(engine.name == name for engine in await center.list_engines())
