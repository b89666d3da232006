"""Temporal's servers, one of each for a whole test run."""

import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from servers import start_dev_server
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from mlc.model.attribute import Attribute
from mlc.namespace import register
from mlc.standalone.temporal_server import temporal_binary

pytest_plugins = ["tests.compatibility.saving", "postgres_server", "s3_server"]


def pytest_collection_finish() -> None:
    """All that was imported stays: to look for garbage in it again and again takes a tenth of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def workflows_are_validated_once() -> Iterator[None]:
    """That a workflow can be loaded in the sandbox is found out by each worker; of a thousand workers, by the first."""
    validate, valid = SandboxedWorkflowRunner.prepare_workflow, set[type]()

    def once(runner: SandboxedWorkflowRunner, definition: Any) -> None:
        if definition.cls not in valid:
            validate(runner, definition)
            valid.add(definition.cls)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SandboxedWorkflowRunner, "prepare_workflow", once)
        yield


@pytest.fixture(scope="session")
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    """Temporal's development server, with everything that production's has."""
    async with await start_dev_server() as environment:
        yield environment


@pytest.fixture(scope="session")
async def uncrowded_server() -> AsyncIterator[WorkflowEnvironment]:
    """Another one, for tests that look at all runs of a server: there are few."""
    async with await start_dev_server() as environment:
        yield environment


@pytest.fixture(scope="session")
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """The test server that can skip time: no visibility and no schedules, but a month takes seconds."""
    async with await _started(str(temporal_binary().with_name("temporal-test-server"))) as environment:
        await register(environment.client, Attribute)
        yield environment


async def _started(binary: str, *, tries: int = 4) -> WorkflowEnvironment:
    """The SDK gives this server five seconds to start, which a busy machine may not."""
    try:
        return await WorkflowEnvironment.start_time_skipping(
            data_converter=pydantic_data_converter, test_server_existing_path=binary
        )
    except RuntimeError:
        if tries == 1:
            raise
        return await _started(binary, tries=tries - 1)
