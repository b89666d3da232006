"""A model centre on a free port, in a thread of the test's own process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr
from servers import serving

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

TOKEN = "the-centres-own"


async def no_temporal() -> None:
    raise ConnectionError("there is no Temporal in this test")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Where model-manage is, of a centre whose database is ``center.db`` in a folder."""
    settings = StandaloneCenterSettings(database=folder / "center.db", token=SecretStr(TOKEN))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(create_app(settings, connect=no_temporal), listener) as address,
    ):
        yield f"{address}/model-manage/api"


@contextmanager
def client_of_a_centre(folder: Path) -> Iterator[httpx.Client]:
    """A client of such a centre, with the centre's own token."""
    with (
        served(folder) as address,
        httpx.Client(base_url=f"{address}/", headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        yield client


def settings_for(centre: httpx.Client) -> dict[str, str]:
    """What tells a command of that centre."""
    return {
        "MLC_CENTER_URL": str(centre.base_url).rstrip("/"),
        "MLC_CENTER_TOKEN": TOKEN,
        "MLC_CENTER_STANDALONE": "true",
    }
