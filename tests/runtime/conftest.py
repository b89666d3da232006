"""What runs a model in a test: alone, or by a runtime with a model centre and Temporal around it."""

import contextlib
import functools
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from one_job import OneJob
from outcomes import Ran
from running import TOKEN, RestartableCenter, RunningRuntime
from small_models import MEGABYTE, example_data, example_model
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import JobEnding, JobKind, JobStatus
from mlc.runtime import online, online_model
from mlc.runtime.execution import JobExecution, Limits
from mlc.runtime.harness.entry import perform
from mlc.settings import FileSettings, RuntimeSettings

Run = Callable[..., Awaitable[Ran]]


@pytest.fixture(scope="session")
async def trained(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The example breast_cancer, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    data = example_data("breast_cancer", "train.csv")
    outcome = await execute(JobExecution, folder, JobKind.TRAINING, example_model("breast_cancer"), data)
    assert outcome.problem is None, outcome.messages
    return outcome


class InThisProcess(JobExecution):
    """A job whose functions are called by the harness in this process: for whatever needs no process of its own."""

    async def _answer(self, python: str, directory: Path, order: Mapping[str, Any]) -> dict[str, Any]:
        known = set(sys.modules)
        with contextlib.chdir(directory):
            try:
                return perform(dict(order), SimpleNamespace(send=self._sent))
            finally:
                for name in set(sys.modules) - known:
                    if name in {"model", "model_source"}:
                        del sys.modules[name]

    def _sent(self, event: str, records: int) -> None:
        self._progress(records)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one job: ``await run(kind, model, *inputs, outputs=[...], time=..., memory=..., job={...}, ...)``."""
    return functools.partial(execute, JobExecution, tmp_path)


@pytest.fixture
def call(tmp_path: Path) -> Run:
    """Like ``run``, but without a process of its own, which takes a second."""
    return functools.partial(execute, InThisProcess, tmp_path)


async def execute(
    execution: type[JobExecution],
    tmp_path: Path,
    kind: JobKind,
    model: wire.DeployableModel,
    *inputs: wire.Asset,
    outputs: list[wire.Asset] | None = None,
    additional: list[wire.Asset] | None = None,
    time: float = 60,
    memory: int = 1024,
    output_limit: int = MEGABYTE,
    text_limit: int = MEGABYTE,
    files: FileSettings | None = None,
    job: dict[str, Any] | None = None,
    **options: Any,
) -> Ran:
    names = CenterSettings()
    types = {
        JobKind.TRAINING: names.training_job_type,
        JobKind.METRICS: names.metrics_job_type,
        JobKind.SCORING: names.scoring_job_type,
    }
    one_job = OneJob(
        wire.Job(
            id="job-1",
            job_type=types[kind],
            model=model,
            input_data=list(inputs),
            output_data=outputs or [],
            additional_assets=additional or [],
            **(job or {}),
        )
    )
    limits = Limits(memory=memory * MEGABYTE, time=time, output=output_limit, text=text_limit)
    folders = {"folder": tmp_path / "job", "environments": tmp_path / "environments"}
    async with one_job.center() as center, center.open_job("job-1") as opened:
        run = execution(opened, center, limits=limits, files=files or FileSettings(), **{**folders, **options})
        outcome = await run.run()
        await center.end_job("job-1", JobEnding(status=JobStatus.COMPLETE), outcome.outputs)
    made = one_job.job.output_data if outcome.outputs else []
    return Ran(outcome.problem, outcome.messages, made, outcome.runtime_info)


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
    center.client = ModelManage(CenterSettings())
    yield center
    await center.client.aclose()
    await center.stop()


@pytest.fixture
async def center(center_that_can_stop: RestartableCenter) -> ModelManage:
    """The centre's client, where the centre just stays."""
    return center_that_can_stop.client


@pytest.fixture
async def start_runtime(center: ModelManage) -> AsyncIterator[Callable[..., Awaitable[RunningRuntime]]]:
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


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Asks online models."""
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Online models are looked for, and loaded again, sooner."""
    monkeypatch.setattr(online, "POLL_INTERVAL", 0.2)
    monkeypatch.setattr(online_model, "FIRST_PAUSE", 0.05)
