"""What the tests of the model centre share: a centre behind a socket, or in a process that can be killed."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from mlc.center.modelop.settings import CenterSettings

TOKEN = "a-token-of-the-tests"


async def no_temporal() -> Any:
    raise ConnectionError("there is no Temporal in this test")


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value of ``condition``."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an ASGI app on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so for sockets of its own only
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, http="h11"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


def settings_for(base: str, **more: Any) -> CenterSettings:
    return CenterSettings(url=f"{base}/model-manage/api", token=SecretStr(TOKEN), **more)


@dataclass
class CenterProcess:
    """A centre in a process of its own, which can be killed and started again on the same file."""

    home: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it, and don't wait until it is there."""
        code = (
            "from mlc.settings import StandaloneCenterSettings as S; from mlc.standalone.center.serve import serve;"
            "serve(S())"
        )
        environment = os.environ | {
            "MLC_HOME": str(self.home),
            "MLC_STANDALONE_CENTER_PORT": str(self.port),
            "MLC_STANDALONE_CENTER_TOKEN": TOKEN,
            "TEMPORAL_ADDRESS": "127.0.0.1:1",
            **self.environment,
        }
        self.process = subprocess.Popen([sys.executable, "-c", code], env=environment)

    def wait(self) -> None:
        wait_until(self._answers, 60)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the centre ended by itself"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/model-manage/api").status_code == 401
        return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)
