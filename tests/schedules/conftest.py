"""One office for all tests of schedules: each leaves nothing deployed in it."""

from collections.abc import AsyncIterator

import pytest
from mirroring import undeploy_everything
from processes.office import Office, office
from temporalio.testing import WorkflowEnvironment


@pytest.fixture(scope="session")
async def house(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with office(dev_server.client, tmp_path_factory.mktemp("schedules")) as opened:
        yield opened


@pytest.fixture
async def desk(house: Office) -> AsyncIterator[Office]:
    yield house
    await undeploy_everything(house)
