"""A standalone centre on a free port, and clients for it."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN, CenterProcess, no_temporal, served, settings_for
from contents_double import ContentsDouble, playing
from pydantic import SecretStr

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith(("MLC_CENTER_", "MLC_STANDALONE_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN), max_body=2_000_000)
    with served(create_app(settings, connect=no_temporal)) as base:
        yield base


@pytest.fixture
async def center(address: str) -> AsyncIterator[ModelManage]:
    client = ModelManage(settings_for(address, page_size=3))
    yield client
    await client.aclose()


@pytest.fixture
def raw(address: str) -> Iterator[httpx.Client]:
    """Plain HTTP to model-manage."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"{address}/model-manage/api/", headers=headers) as client:
        yield client


@pytest.fixture(scope="module")
async def playing_double() -> AsyncIterator[ContentsDouble]:
    double = ContentsDouble()
    async with playing(double):
        yield double


@pytest.fixture
def double(playing_double: ContentsDouble) -> ContentsDouble:
    """A double of the centre, as new."""
    playing_double.reset()
    return playing_double


@pytest.fixture
def process(tmp_path: Path) -> Iterator[CenterProcess]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    centre = CenterProcess(tmp_path / "home", port)
    yield centre
    if centre.process and centre.process.poll() is None:
        centre.kill()


@pytest.fixture
def without_finders(address: str) -> Callable[..., CenterSettings]:
    """Makes settings whose finders the centre does not have."""

    def make(**more: Any) -> CenterSettings:
        finders = {
            name: field.default for name, field in CenterSettings.model_fields.items() if name.startswith("find_")
        }
        assert len(finders) == 11
        unknown = {name: str(finder).replace("findAll", "noSuch") for name, finder in finders.items()}
        return settings_for(address, **unknown, **more)

    return make
