from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from office import Office, office
from temporalio.testing import WorkflowEnvironment


@pytest.fixture
async def desk(dev_server: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Office]:
    """An office on the development server."""
    async with office(dev_server.client, tmp_path) as opened:
        yield opened
