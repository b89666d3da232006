"""What runs a model in a test: alone, or by a runtime with a model centre and Temporal around it."""

import functools
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from job_runs import InThisProcess, execute
from outcomes import Ran
from running import TOKEN, RestartableCenter, RunningRuntime
from small_models import example_data, example_model
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.job import JobKind
from mlc.runtime import online, online_model
from mlc.runtime.execution import JobExecution
from mlc.runtime.removal import remove
from mlc.settings import RuntimeSettings

Run = Callable[..., Awaitable[Ran]]


@pytest.fixture(scope="session")
async def trained(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The example breast_cancer, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    data = example_data("breast_cancer", "train.csv")
    outcome = await execute(JobExecution, folder, JobKind.TRAINING, example_model("breast_cancer"), data)
    assert outcome.problem is None, outcome.messages
    return outcome


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one job: ``await run(kind, model, *inputs, outputs=[...], time=..., memory=..., job={...}, ...)``."""
    return functools.partial(execute, JobExecution, tmp_path)


@pytest.fixture
def call(tmp_path: Path) -> Run:
    """Like ``run``, but without a process of its own, which takes a second."""
    return functools.partial(execute, InThisProcess, tmp_path)


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


@pytest.fixture(autouse=True)
def no_tree_too_deep_for_others(tmp_path: Path) -> Iterator[None]:
    """What a test leaves goes at once: a model's folders can be too deep for the tools that would clean up later."""
    yield
    remove(tmp_path)


@pytest.fixture
def models_write_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models may write files anywhere, by which they tell the test how far they are."""
    monkeypatch.setenv("MLC_RUNTIME_ISOLATION", "process")


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Online models are looked for, and loaded again, sooner."""
    monkeypatch.setattr(online, "POLL_INTERVAL", 0.2)
    monkeypatch.setattr(online_model, "FIRST_PAUSE", 0.05)
