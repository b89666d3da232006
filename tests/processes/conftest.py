from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from office import Office, office
from temporalio.testing import WorkflowEnvironment

from tests.compatibility.saving import save, saving

SAVED = ("test_deploy_model", "test_run_back_test", "test_run_batch_model_job")


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


@pytest.fixture
async def swept_desk(
    uncrowded_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """The same on a server where sweeps find few other runs."""
    async with office(uncrowded_server.client, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened
        await kept(opened, request)


async def kept(opened: Office, request: pytest.FixtureRequest) -> None:
    folder = saving(request.config)
    if folder is not None and request.path.name.startswith(SAVED):
        for number, run in enumerate(opened.started, start=1):
            save(
                (await run.fetch_history()).to_json_dict(),
                f"{request.node.originalname.removeprefix('test_')}-{number}",
                folder,
            )
