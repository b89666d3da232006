"""What runs a model in a test: alone, or by a runtime with a model centre and Temporal around it."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from servers import eventually, serving
from small_models import MEGABYTE
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from mlc.center import wire
from mlc.center.client import HttpCenter
from mlc.model.job import JobKind
from mlc.runtime import run_runtime
from mlc.runtime.execution import JobExecution, Limits, Outcome
from mlc.settings import CenterSettings, RuntimeSettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app

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


TOKEN = "a-token-of-the-tests"


class RunningRuntime:
    """A runtime in this process."""

    def __init__(self, settings: RuntimeSettings, center: HttpCenter) -> None:
        self.settings = settings
        self.engine = wire.Engine()
        self._center = center
        self._stop = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}/{self.settings.name}/api/roundtrip/0/1"

    async def start(self) -> None:
        self._task = asyncio.create_task(run_runtime(self.settings, self._stop))
        self.engine = await eventually(self._registered)

    async def stop(self) -> None:
        self._stop.set()
        await self._task

    async def _registered(self) -> wire.Engine | None:
        if self._task.done():
            self._task.result()
        return next((e for e in await self._center.list_engines() if e.name == self.settings.name), None)


@pytest.fixture
async def center(
    tmp_path: Path, dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HttpCenter]:
    """A model centre behind a socket, which hands jobs to the test's Temporal; and the settings that lead to both."""
    target = dev_server.client.service_client.config.target_host

    async def connect() -> Client:
        return await Client.connect(target, data_converter=pydantic_data_converter)

    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(create_app(settings, connect=connect), listener) as at,
    ):
        monkeypatch.setenv("MLC_HOME", str(tmp_path))
        monkeypatch.setenv("MLC_CENTER_URL", f"{at}/model-manage/api")
        monkeypatch.setenv("MLC_CENTER_TOKEN", TOKEN)
        monkeypatch.setenv("TEMPORAL_ADDRESS", target)
        client = HttpCenter(CenterSettings())
        yield client
        await client.aclose()


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
