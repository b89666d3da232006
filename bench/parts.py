"""Programs for benches: parts of standalone mode, or a Temporal server alone, on free ports in a folder of their own.

Nothing of the user's is touched, and all of it ends with the block.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from measuring import told
from temporalio.client import Client
from temporalio.service import RPCError

from mlc.standalone.children import Program
from mlc.standalone.dev import Standalone
from mlc.standalone.environment import HOST, Ports
from mlc.standalone.temporal_server import dev_server_command
from mlc.temporal import connect_at

SECONDS_TO_START = 60.0


class Parts(Standalone):
    """Some of standalone mode's programs, by their names in ``needs()``; started as ``mlc dev`` starts them."""

    wanted: Sequence[str] = ()

    def _programs(self, *systems: object) -> Iterator[Sequence[Program]]:
        for wave in super()._programs(*systems):  # type: ignore[arg-type]
            yield [program for program in wave if not self.wanted or program.name in self.wanted]

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {child.program.name: child.pid for wave in self._waves for child in wave if child.pid}

    @property
    def said(self) -> dict[str, str]:
        """Addresses and secrets, as ``mlc.env`` has them."""
        return dict(self._fixed)

    async def temporal(self) -> Client:
        """A client of its server, as the project's own are."""
        return await connect_at(f"{HOST}:{self.ports.temporal}")


@asynccontextmanager
async def parts(*wanted: str, home: Path | None = None, **settings: str) -> AsyncIterator[Parts]:
    """These programs of standalone mode (all without a name), ready, for as long as the block lasts.

    Args:
        home: where they keep their state; a folder that goes with the block if none is given.
        settings: environment variables that they see, of those that standalone mode lets through.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="mlc-bench-", ignore_cleanup_errors=True) as folder:
        os.environ.update(settings)
        try:
            place = home or Path(folder) / "home"
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            system = Parts(place, Ports.free(), told)
            system.wanted = wanted
            try:
                await system.start()
                yield system
            finally:
                await system.stop()
        finally:
            os.environ.clear()
            os.environ.update(before)


@asynccontextmanager
async def temporal_server(*flags: str) -> AsyncIterator[tuple[Client, int]]:
    """A fresh development server with nothing in it: a client of it, and its process."""
    with tempfile.TemporaryDirectory(prefix="mlc-bench-", ignore_cleanup_errors=True) as folder:
        port, ui = free_port(), free_port()
        command = [*dev_server_command(port=port, ui_port=ui, database=Path(folder) / "temporal.db"), *flags]
        with ended(started(command)) as server:
            client = await connect_at(f"{HOST}:{port}")
            await _ready(client)
            yield client, server.pid


async def _ready(client: Client) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            await client.count_workflows("MlcTickets = 'none'")
        except (RPCError, RuntimeError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return


def started(command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
    """A process whose output nobody reads."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more
    )


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
