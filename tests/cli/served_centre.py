"""A model centre on a free port, in a thread of the test's own process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
