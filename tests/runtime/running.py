"""A model centre and runtimes that tests can start and stop."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from servers import eventually, serving
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.deployments import read_runtime
from mlc.center.modelop.settings import CenterSettings
from mlc.runtime import run_runtime
from mlc.settings import RuntimeSettings, StandaloneCenterSettings
from mlc.standalone.access.client import issue_runtime_token
from mlc.standalone.center.app import create_app

TOKEN = "a-token-of-the-tests"


class RunningRuntime:
    """A runtime in this process."""

    def __init__(self, settings: RuntimeSettings, center: ModelManage) -> None:
        self.settings = settings
        self.engine = wire.Engine()
        self._center = center
        self._stop = asyncio.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}/{self.settings.name}"

    @property
    def url(self) -> str:
        return f"{self.base}/api/roundtrip/0/1"

    async def start(self) -> None:
        """With a token of its own, so that whatever a runtime does is known to need no more."""
        own = await issue_runtime_token(CenterSettings().url, TOKEN, self.settings.name)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("MLC_CENTER_TOKEN", own)
            began = datetime.now(UTC)
            self._task = asyncio.create_task(run_runtime(self.settings, self._stop))
            self.engine = await eventually(lambda: self._registered(began))

    async def stop(self) -> None:
        self._stop.set()
        await self._task

    async def _registered(self, began: datetime) -> wire.Engine | None:
        """As a runtime of this name may be known from before, what counts is a heartbeat of this one."""
        if self._task.done():
            self._task.result()
        engine = next((e for e in await self._center.list_engines() if e.name == self.settings.name), None)
        heard = engine and read_runtime(engine, CenterSettings()).heartbeat
        return engine if heard and heard >= began else None


class RestartableCenter:
    """The standalone model centre on one port, with one database, as often as it is started."""

    client: ModelManage

    def __init__(self, database: Path, temporal: str) -> None:
        self.temporal = temporal
        self.connect: Callable[[], Awaitable[Client]] = self._connect
        """How it connects to Temporal when it is started."""
        self._settings = StandaloneCenterSettings(database=database, token=SecretStr(TOKEN))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/model-manage/api"
        self._running = ExitStack()

    async def start(self) -> None:
        def start() -> None:
            listener = self._running.enter_context(socket.create_server(("127.0.0.1", self._port)))
            self._running.enter_context(serving(create_app(self._settings, connect=self.connect), listener))

        await asyncio.to_thread(start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._running.close)

    async def _connect(self) -> Client:
        return await Client.connect(self.temporal, data_converter=pydantic_data_converter)
