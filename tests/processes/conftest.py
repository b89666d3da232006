from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from office import Office, chain, office
from servers import start_dev_server
from temporalio.testing import WorkflowEnvironment

from tests.compatibility.saving import save, saving

SAVED = (
    "test_deploy_model",
    "test_run_back_test",
    "test_run_batch_model_job",
    "test_run_monitors",
    "test_sweep_tickets",
    "test_handover",
)


FEW = 12
"""Events after which the server suggests a new run: more than a run has when it begins to wait again."""


@pytest.fixture
async def desk(
    dev_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """An office on the development server; indirect parameters are ``office``'s keywords.

    With ``--save-histories VERSION``, the runs of these files' tests (``SAVED``) are saved for the replay test.
    """
    async with office(dev_server.client, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened
        await kept(opened, request)


@pytest.fixture(scope="module")
async def open_desk(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office for all tests of a file."""
    async with office(dev_server.client, tmp_path_factory.mktemp("desk")) as opened:
        yield opened


@pytest.fixture
async def shared_desk(open_desk: Office, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """That office, with nothing wrong with it; what others did there is still there."""
    open_desk.started.clear()
    yield open_desk
    await kept(open_desk, request)
    for faults in (open_desk.faults, open_desk.center_faults):
        faults.planned.clear()


@pytest.fixture
async def swept_desk(
    uncrowded_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """The same on a server where sweeps find few other runs."""
    async with office(uncrowded_server.client, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened
        await kept(opened, request)


@pytest.fixture(scope="module")
async def restless_server() -> AsyncIterator[WorkflowEnvironment]:
    flags = ("--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={FEW}")
    async with await start_dev_server(*flags) as environment:
        yield environment


@pytest.fixture
async def restless(
    restless_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """A desk on a server where runs go on as new ones at every second wait."""
    async with office(restless_server.client, tmp_path) as opened:
        yield opened
        await kept(opened, request)


async def kept(opened: Office, request: pytest.FixtureRequest) -> None:
    folder = saving(request.config)
    if folder is not None and request.path.name.startswith(SAVED):
        name = request.node.originalname.removeprefix("test_")
        runs = [run for started in opened.started for run in await chain(started)]
        for number, run in enumerate(runs, start=1):
            save((await run.fetch_history()).to_json_dict(), f"{name}-{number}", folder)
