"""A model centre on a free port, in a thread of the test's own process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from cli_process import wait_until
from pydantic import SecretStr

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

TOKEN = "the-centres-own"


async def no_temporal() -> None:
    raise ConnectionError("there is no Temporal in this test")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Where model-manage is, of a centre whose database is ``center.db`` in a folder."""
    settings = StandaloneCenterSettings(database=folder / "center.db", token=SecretStr(TOKEN))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings, connect=no_temporal), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/model-manage/api"
    finally:
        server.should_exit = True
        thread.join(20)
