"""A site as `mlc check` finds it: a Temporal namespace, a model centre and a ticket desk, and settings to go there."""

import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from check_site import CENTER_TOKEN, JIRA_TOKEN, Gate, Site, namespace_of, polling
from pydantic import SecretStr
from servers import serving
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import Engine
from mlc.settings import DeskSettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app as center_app
from mlc.standalone.desk.app import create_app as desk_app
from mlc.standalone.faults import Faults


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("MLC_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)


@pytest.fixture(scope="session")
async def namespace(dev_server: WorkflowEnvironment) -> AsyncIterator[str]:
    """A namespace that `mlc setup` was run on, and a worker polls."""
    client = await namespace_of(dev_server.client, "check")
    async with polling(client):
        yield client.namespace


@pytest.fixture
def desk_settings() -> dict[str, Any]:
    """What a test's desk has otherwise than usual (with ``scheme``, its workflow)."""
    return {}


@pytest.fixture
async def site(
    dev_server: WorkflowEnvironment,
    namespace: str,
    desk_settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    """Everything as it should be."""
    with ExitStack() as stack:
        gate = Gate(center_app(_center_settings(tmp_path), connect=_no_temporal))
        center_url = stack.enter_context(serving(gate, stack.enter_context(_listener())))
        scheme, faults = desk_settings.pop("scheme", None), Faults()
        listener = stack.enter_context(_listener())
        desk = DeskSettings(
            **{"database": tmp_path / "desk.db", "user": "mlc", "token": SecretStr(JIRA_TOKEN)} | desk_settings
        )
        app = desk_app(desk, scheme=scheme, faults=faults)
        desk_url = stack.enter_context(serving(app, listener))
        settings = {
            "TEMPORAL_ADDRESS": dev_server.client.service_client.config.target_host,
            "TEMPORAL_NAMESPACE": namespace,
            "MLC_CENTER_URL": f"{center_url}/model-manage/api",
            "MLC_CENTER_TOKEN": CENTER_TOKEN,
            "MLC_JIRA_URL": desk_url,
            "MLC_JIRA_USER": "mlc",
            "MLC_JIRA_TOKEN": JIRA_TOKEN,
            "MLC_JIRA_DEPLOYMENT": desk.deployment,
            "MLC_JIRA_WEBHOOK_SECRETS": json.dumps(["a-webhook-secret"]),
            "MLC_GATEWAY_TOKEN": "a-gateway-token",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        center = ModelManage(CenterSettings())
        await center.save_engine(Engine(name="batch", environment_name="PROD"))
        yield Site(center, gate, faults, monkeypatch)
        await center.aclose()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _center_settings(folder: Path) -> StandaloneCenterSettings:
    return StandaloneCenterSettings(database=folder / "center.db", token=SecretStr(CENTER_TOKEN))


async def _no_temporal() -> Any:
    raise ConnectionError("there is no Temporal in this test")


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that is taken and on which nobody ever answers."""
    with _listener() as held:
        yield held.getsockname()[1]
