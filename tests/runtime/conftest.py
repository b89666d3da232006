"""What runs a model in a test: alone, or by a runtime with a model centre and Temporal around it."""

import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from running import TOKEN, RestartableCenter, RunningRuntime
from small_models import MEGABYTE
from temporalio.testing import WorkflowEnvironment

from mlc.center import wire
from mlc.center.client import HttpCenter
from mlc.model.job import JobKind
from mlc.runtime.execution import JobExecution, Limits, Outcome
from mlc.settings import CenterSettings, RuntimeSettings

Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one job: ``await run(kind, model, *inputs, outputs=[...], time=..., memory=..., ...)``."""

    async def run(
        kind: JobKind,
        model: wire.DeployableModel,
        *inputs: wire.Asset,
        outputs: list[wire.Asset] | None = None,
        additional: list[wire.Asset] | None = None,
        time: float = 60,
        memory: int = 1024,
        output_limit: int = MEGABYTE,
        **options: Any,
    ) -> Outcome:
        job = wire.Job(
            id="job-1",
            job_type="MODEL_BATCH_TEST_JOB",
            model=model,
            input_data=list(inputs),
            output_data=outputs or [],
            additional_assets=additional or [],
        )
        limits = Limits(memory=memory * MEGABYTE, time=time, output=output_limit)
        folders = {"folder": tmp_path / "job", "environments": tmp_path / "environments"}
        return await JobExecution(job, kind, limits=limits, **folders, **options).run()

    return run


@pytest.fixture
async def center_that_can_stop(
    tmp_path: Path, dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RestartableCenter]:
    """A model centre behind a socket, which hands jobs to the test's Temporal; and the settings that lead to both."""
    center = RestartableCenter(tmp_path / "center.db", dev_server.client.service_client.config.target_host)
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    monkeypatch.setenv("MLC_CENTER_URL", center.url)
    monkeypatch.setenv("MLC_CENTER_TOKEN", TOKEN)
    monkeypatch.setenv("TEMPORAL_ADDRESS", center.temporal)
    await center.start()
    center.client = HttpCenter(CenterSettings())
    yield center
    await center.client.aclose()
    await center.stop()


@pytest.fixture
async def center(center_that_can_stop: RestartableCenter) -> HttpCenter:
    """The centre's client, where the centre just stays."""
    return center_that_can_stop.client


@pytest.fixture
async def start_runtime(center: HttpCenter) -> AsyncIterator[Callable[..., Awaitable[RunningRuntime]]]:
    """Starts runtimes within this process: ``await start_runtime(online=True, ...)``; all are stopped in the end."""
    started: list[RunningRuntime] = []

    async def start(**settings: Any) -> RunningRuntime:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        values = {"name": f"runtime-{uuid.uuid4().hex[:8]}", "port": port, **settings}
        runtime = RunningRuntime(RuntimeSettings(**values), center)
        started.append(runtime)
        await runtime.start()
        return runtime

    yield start
    for runtime in started:
        await runtime.stop()
