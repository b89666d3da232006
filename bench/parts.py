"""Programs for benches: parts of standalone mode, or a Temporal server alone, on free ports in a folder of their own.

Nothing of the user's is touched, and all of it ends with the block.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from measuring import told
from temporalio.client import Client
from temporalio.service import RPCError

from mlc.standalone.children import GUARD, Child, Program
from mlc.standalone.dev import Standalone
from mlc.standalone.environment import HOST, Ports
from mlc.standalone.temporal_server import dev_server_command
from mlc.temporal import connect_at

SECONDS_TO_START = 60.0
LISTENS = {"center": "MLC_STANDALONE_CENTER_PORT", "desk": "MLC_DESK_PORT"}


REQUEST = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1\r\n")
CHUNK = 256 * 1024


@dataclass
class Relay:
    """Between a server and those who call it: counts requests and bytes. It listens where they look for the server."""

    port: int
    behind: int
    requests: list[str] = field(default_factory=list)
    """Paths, as they came."""
    received: int = 0
    """Bytes that came to the server, ..."""
    sent: int = 0
    """... and from it."""

    def forget(self) -> None:
        """Count anew."""
        self.requests.clear()
        self.received = self.sent = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Relay]:
        server = await asyncio.start_server(self._meet, HOST, self.port)
        async with server:
            yield self

    async def _meet(self, caller: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            server, ask = await asyncio.open_connection(HOST, self.behind)
        except OSError:
            answer.close()
            return
        await asyncio.gather(self._pass_on(caller, ask, of_caller=True), self._pass_on(server, answer, of_caller=False))

    async def _pass_on(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, of_caller: bool) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if of_caller:
                    self.received += len(chunk)
                    # A client sends a request's head in one piece, and waits for the answer before the next one.
                    if found := REQUEST.match(chunk):
                        self.requests.append(found[1].decode(errors="replace"))
                else:
                    self.sent += len(chunk)
                to.write(chunk)
                await to.drain()
        with suppress(OSError):
            to.close()


class Parts(Standalone):
    """Some of standalone mode's programs, by their names in ``needs()``; started as ``mlc dev`` starts them.

    ``relays`` stand before some of them, by the same names.
    """

    wanted: Sequence[str] = ()
    relays: Mapping[str, Relay] = {}
    settings: Mapping[str, str] = {}
    """What all of them see besides."""
    flags: Sequence[str] = ()
    """Dynamic configuration of Temporal, as ``name=value``; the last of a name counts."""

    async def _child(self, program: Program, logs: Path) -> Child:
        child = await super()._child(program, logs)
        env = {**child._env, **self.settings}
        if relay := self.relays.get(program.name):
            env[LISTENS[program.name]] = str(relay.behind)
        child._env = env
        return child

    def _programs(self, *systems: object) -> Iterator[Sequence[Program]]:
        for wave in super()._programs(*systems):  # type: ignore[arg-type]
            yield [self._flagged(program) for program in wave if not self.wanted or program.name in self.wanted]

    def _flagged(self, program: Program) -> Program:
        if program.name != "temporal" or not self.flags:
            return program
        said = {flag.partition("=")[0] for flag in self.flags}
        kept, option = [], "--dynamic-config-value"
        words = iter(program.command)
        for word in words:
            if word != option:
                kept.append(word)
            elif (flag := next(words)).partition("=")[0] not in said:
                kept += [option, flag]
        return replace(program, command=[*kept, *(word for flag in self.flags for word in (option, flag))])

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
async def parts(
    *wanted: str, home: Path | None = None, counted: Sequence[str] = (), flags: Sequence[str] = (), **settings: str
) -> AsyncIterator[Parts]:
    """These programs of standalone mode (all without a name), ready, for as long as the block lasts.

    Args:
        home: where they keep their state; a folder that goes with the block if none is given.
        flags: Temporal's dynamic configuration, as ``name=value``, where it differs from standalone mode's.
        counted: ``center``, ``desk`` or both: a relay before them counts what they are asked.
        settings: environment variables that they see besides their own.
    """
    with tempfile.TemporaryDirectory(prefix="mlc-bench-", ignore_cleanup_errors=True) as folder:
        place = home or Path(folder) / "home"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        system = Parts(place, Ports.free(), told)
        system.wanted, system.settings, system.flags = wanted, settings, flags
        system.relays = {name: Relay(getattr(system.ports, name), free_port()) for name in counted}
        async with AsyncExitStack() as stack:
            for relay in system.relays.values():
                await stack.enter_async_context(relay.open())
            try:
                await system.start()
                yield system
            finally:
                await system.stop()


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
    """A process whose output nobody reads. It ends with this one, however this one ends."""
    guarded = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *command]
    silent = subprocess.DEVNULL
    return subprocess.Popen(guarded, stdin=silent, stdout=silent, stderr=silent, **more)


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
