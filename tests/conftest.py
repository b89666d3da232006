"""What a whole test run has once: Temporal's servers, and what takes long and comes to the same each time."""

import asyncio
import gc
import os
import shutil
import signal
import ssl
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from servers import start_dev_server
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from mlc.model.attribute import Attribute
from mlc.namespace import register
from mlc.standalone.database import CENTER, DESK, Schema, engines
from mlc.standalone.database.address import Address
from mlc.standalone.temporal_server import temporal_binary

pytest_plugins = ["tests.compatibility.saving", "postgres_server", "s3_server"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So does a shell with what it starts in the background, and so would every program that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """An empty home for the tests, for what is read while they are collected, and for what they start.

    The default is in the checkout, where `make demo` and `make dev` leave a settings file.
    """
    home, patch = tempfile.TemporaryDirectory(prefix="mlc-home-", ignore_cleanup_errors=True), pytest.MonkeyPatch()
    patch.setenv("MLC_HOME", home.name)
    patch.delenv("MLC_SETTINGS_FILE", raising=False)
    for undo in (home.cleanup, patch.undo):
        config.add_cleanup(undo)


gc.disable()  # until all is collected: what is imported and collected stays


def pytest_collection_finish() -> None:
    """All that was imported stays: to look for garbage in it again and again takes a tenth of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


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


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """A client of httpx that is told nothing of certificates reads all authorities: longer than most tests take.

    The programs share theirs (:mod:`mlc.center.certificates`); the tests' own thousands of clients are given one.
    """
    read = httpx.create_ssl_context
    usual = cache(read)

    def once(verify: ssl.SSLContext | str | bool = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        named = trust_env and (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"))
        if verify is True and cert is None and not named:
            return usual()
        return read(verify=verify, cert=cert, trust_env=trust_env)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def servers_end_at_once() -> Iterator[None]:
    """A server of uvicorn's looks every tenth of a second whether it is to end, and whether it has ended.

    That is longer than most tests take, of which thousands have servers of their own, on threads of this process.
    """
    quick = SimpleNamespace(**vars(asyncio) | {"sleep": lambda seconds: asyncio.sleep(seconds / 10)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uvicorn.server.asyncio", quick)
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Schema, Path]:
    """SQLite files in this release's form, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    files = {schema: folder / f"{schema.name}.db" for schema in (CENTER, DESK)}
    for schema, file in files.items():
        engines.open_database(file, schema).dispose()
    return files


@pytest.fixture(scope="module", autouse=True)
def databases_are_migrated_once(migrated: Mapping[Schema, Path]) -> Iterator[None]:
    """A SQLite file that isn't there yet begins as a copy of one that the revisions have made.

    They make the same of nothing each time, for longer than most tests take. ``tests/database``, which is about them,
    overrides this.
    """
    migrate = engines._migrate

    def begun(where: Address, schema: Schema, given: Mapping[str, Any]) -> None:
        if where.file is not None and not where.file.exists():
            copy = migrated[schema].with_name(uuid.uuid4().hex)
            shutil.copyfile(migrated[schema], copy)
            with suppress(OSError):  # another one was quicker, or there can be no file
                os.link(copy, where.file)
            copy.unlink()
        migrate(where, schema, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "_migrate", begun)
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


@pytest.fixture
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """The test server that can skip time: no visibility and no schedules, but a month takes seconds.

    Each test has its own: time stands still there while an activity is under way, one that another test left too.
    """
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
