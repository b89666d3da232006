import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from office import Office, office
from temporalio.testing import WorkflowEnvironment

HISTORIES = Path(__file__).parent.parent / "histories"


@pytest.fixture
async def desk(
    dev_server: WorkflowEnvironment, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    """An office on the development server.

    With MLC_SAVE_HISTORIES set, the runs of a test in ``test_deploy_model.py`` are saved for the replay test.
    """
    async with office(dev_server.client, tmp_path) as opened:
        yield opened
        if os.environ.get("MLC_SAVE_HISTORIES") and request.path.name == "test_deploy_model.py":
            for number, run in enumerate(opened.started, start=1):
                history = (await run.fetch_history()).to_json()
                name = f"{request.node.name.removeprefix('test_')}-{number}.json"
                (HISTORIES / name).write_text(history + "\n")
