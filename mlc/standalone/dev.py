"""Everything of standalone mode on one machine, started, kept running and ended together. Behind ``mlc dev``."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from rich.console import Console
from temporalio.client import Client

from mlc import start
from mlc.center.certificates import certificates
from mlc.model.job import runtime_task_queue
from mlc.model.processes import TASK_QUEUE
from mlc.settings.reading import SETTINGS_FILE
from mlc.standalone.access.client import issue_runtime_token
from mlc.standalone.children import Child, Program
from mlc.standalone.environment import HOST, Ports, fixed, prepare
from mlc.standalone.home import Tell, held
from mlc.standalone.needs import (
    BATCH_RUNTIME,
    CENTER_TOKEN,
    ONLINE_RUNTIME,
    Environments,
    around_proxies,
    needs,
    unheard,
)
from mlc.standalone.readiness import answers, jobs_namespace, polls, takes_runs
from mlc.standalone.temporal_server import dev_server_command
from mlc.temporal import connect_at

START_TIMEOUT = 90.0
"""Seconds in which each process must be ready; most take two, on a loaded machine far more."""
STAGE = "PROD"
ONLINE_TAG = "online"
"""Service tag of the online runtime: only snapshots that carry it are deployed there, all others as batch only."""


class Standalone:
    """The processes of standalone mode. All state is in one folder: started on it again, they go on where they were."""

    def __init__(self, home: Path, ports: Ports, tell: Tell) -> None:
        self.home, self.ports = home, ports
        self._tell = tell
        self._waves: list[list[Child]] = []
        self._environments: Environments
        self._fixed: dict[str, str] = {}

    @property
    def addresses(self) -> dict[str, str]:
        """Where a person finds what."""
        return {
            "Temporal UI": f"http://{HOST}:{self.ports.ui}",
            "Ticket board": f"http://{HOST}:{self.ports.desk}",
            "Model centre": f"http://{HOST}:{self.ports.center}",
            "Gateway": f"http://{HOST}:{self.ports.gateway}/docs",
            "Online scoring": f"http://{HOST}:{self.ports.online}/{ONLINE_RUNTIME}/api/roundtrip/0/1",
            "Settings": str(self.home / SETTINGS_FILE),
        }

    async def start(self) -> None:
        """Start everything and wait until it is ready; from then on whatever dies is started again.

        Raises:
            NotReady: something didn't come up. What did is still to be stopped.
        """
        logs = self.home / "logs"
        logs.mkdir(exist_ok=True)
        self._fixed = prepare(self.home, self.ports)
        self._environments = Environments(self.home, self._fixed)
        temporal = await connect_at(f"{HOST}:{self.ports.temporal}")
        async with httpx.AsyncClient(timeout=2, verify=certificates()) as http:
            for programs in self._programs(temporal, http):
                wave = [await self._child(program, logs) for program in programs]
                self._waves.append(wave)
                await asyncio.gather(*(child.start() for child in wave))
                await asyncio.gather(*(child.wait_ready(START_TIMEOUT) for child in wave))
                for child in wave:
                    child.keep_running()

    async def stop(self) -> None:
        """End everything, in the reverse order: Temporal is the last."""
        for wave in reversed(self._waves):
            await asyncio.gather(*(child.stop() for child in wave))

    def environment(self, program: str) -> dict[str, str]:
        """What a process of this name sees, once all was started: nothing in it leads to other systems than these."""
        return self._environments.of(needs()[program])

    async def _child(self, program: Program, logs: Path) -> Child:
        needed = needs()[program.name]
        # A runtime has one of its own, new with each start: by it the centre knows what the runtime may read and write.
        token = await self._issued(program.name) if needed.models else ""
        env = self._environments.of(needed, token)
        return Child(program, env=env, folder=self.home, logs=logs, tell=self._tell)

    async def _issued(self, runtime: str) -> str:
        return await issue_runtime_token(f"http://{HOST}:{self.ports.center}", self._fixed[CENTER_TOKEN], runtime)

    def _programs(self, temporal: Client, http: httpx.AsyncClient) -> Iterator[Sequence[Program]]:
        ports = self.ports
        server = dev_server_command(port=ports.temporal, ui_port=ports.ui, database=self.home / "temporal.db")
        yield [Program("temporal", server, takes_runs(temporal))]
        yield [
            Program("center", start.command("center"), answers(http, f"http://{HOST}:{ports.center}/")),
            Program("desk", start.command("desk"), answers(http, f"http://{HOST}:{ports.desk}/")),
            Program("setup", start.command("setup")),
        ]
        batch = start.command("runtime", "--name", BATCH_RUNTIME, "--stage", STAGE)
        serving = ("--tag", ONLINE_TAG, "--online", "--port", str(ports.online))
        online = start.command("runtime", "--name", ONLINE_RUNTIME, "--stage", STAGE, *serving)
        jobs = jobs_namespace(self.home)
        yield [
            Program("worker", start.command("worker"), polls(temporal, TASK_QUEUE)),
            Program(BATCH_RUNTIME, batch, polls(temporal, runtime_task_queue(BATCH_RUNTIME), namespace=jobs)),
            Program(ONLINE_RUNTIME, online, polls(temporal, runtime_task_queue(ONLINE_RUNTIME), namespace=jobs)),
            Program("gateway", start.command("gateway"), answers(http, f"http://{HOST}:{ports.gateway}/readyz")),
        ]


def teller(console: Console) -> Tell:
    """Prints lines as they are, however long: addresses stay whole."""
    return lambda line: console.print(line, markup=False, soft_wrap=True)


def said_in_vain(home: Path) -> str:
    """A sentence about the settings that the environment has and that do not count here; empty if there are none."""
    if not (names := unheard(home, fixed())):
        return ""
    return (
        f"{', '.join(names)}: set in the environment, which does not count for what is started here. Write it into "
        f"{home / SETTINGS_FILE}, where lines that you add stay, and start again."
    )


@asynccontextmanager
async def standalone(home: Path, *, free_ports: bool, tell: Tell) -> AsyncIterator[Standalone]:
    """Everything of standalone mode for as long as the block lasts. ``home`` is an absolute path.

    Raises:
        CannotStart: the folder is in use or not ours alone, or a port is in use.
        NotReady: something didn't come up.
    """
    with held(home, tell):
        ports = Ports.last(home) if free_ports else Ports()
        ports.check()
        system = Standalone(home, ports, tell)
        try:
            await system.start()
            yield system
        finally:
            await system.stop()


async def run_until_told(
    home: Path, *, free_ports: bool, tell: Tell, work: Callable[[Standalone], Awaitable[None]]
) -> bool:
    """Run standalone mode while ``work`` goes on; Ctrl-C and SIGTERM end it, and a start that is under way, too.

    Returns:
        Whether ``work`` came to its own end.

    Raises:
        CannotStart: the folder is in use or not ours alone, or a port is in use.
        NotReady: something didn't come up.
    """
    os.environ.update(around_proxies(os.environ))
    running, loop = asyncio.current_task(), asyncio.get_running_loop()
    told, over = asyncio.Event(), asyncio.Event()
    assert running is not None

    def end() -> None:
        if not (told.is_set() or over.is_set()):
            told.set()
            tell("Ending ...")
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    try:
        async with standalone(home, free_ports=free_ports, tell=tell) as system:
            try:
                await work(system)
            finally:
                over.set()  # everything is being ended: that is not to be interrupted
    except asyncio.CancelledError:
        if not told.is_set():
            raise
    return not told.is_set()
