"""Processes that a supervisor starts, waits for, starts again when they die, and ends."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlc.model.failure import MlcError

GUARD = Path(__file__).with_name("guard.py")
LARGE_LOG = 5 * 1024 * 1024
POLL = 0.1
GRACE = 3.0
"""Seconds that a process has to end by itself once it was asked to."""
FIRST_PAUSE, LONGEST_PAUSE, STABLE = 0.5, 30.0, 60.0
"""Seconds before a dead process is started again, doubled each time; one that ran for ``STABLE`` begins anew."""


class NotReady(MlcError):
    """A process ended or stayed silent instead of getting ready. The text says which, why, and what it last logged."""


@dataclass(frozen=True)
class Program:
    """What to run. ``ready`` is asked with the process's id until it says yes; an exception counts as no.

    Without ``ready`` the program does one thing, and is ready when it has ended with exit code 0.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[int], Awaitable[bool]] | None = None


class Child:
    """One process of a supervisor, in a session of its own: a Ctrl-C in the terminal reaches the supervisor only.

    Args:
        program: what to run.
        env: its whole environment.
        folder: its current folder.
        logs: the folder of its log.
        tell: told when it died.
    """

    def __init__(
        self, program: Program, *, env: Mapping[str, str], folder: Path, logs: Path, tell: Callable[[str], None]
    ) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._env, self._folder, self._tell = env, folder, tell
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._log_began = 0
        self._spawning = asyncio.Lock()
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The process's id; None when it doesn't run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the process. Its output goes to the end of its log, which is put aside when it is large."""
        async with self._spawning:
            if self._stopped:
                return
            if self.log.exists() and self.log.stat().st_size > LARGE_LOG:
                self.log.replace(self.log.with_suffix(".log.1"))
            with self.log.open("ab") as output:
                self._log_began = output.tell()
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(GUARD), str(os.getpid())),
                    *self.program.command,
                    env=self._env,
                    cwd=self._folder,
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )

    async def wait_ready(self, seconds: float) -> None:
        """Wait until the process is ready.

        Raises:
            NotReady: it ended, or wasn't in time.
        """
        deadline = time.monotonic() + seconds
        while not await self._is_ready():
            if self._process is not None and self._process.returncode is not None:
                if self.program.ready is None and self._process.returncode == 0:
                    return
                raise NotReady(f"{self.program.name} {_how_it_ended(self._process.returncode)}.{self._last_words()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.program.name} was not ready within {seconds:.0f} seconds.{self._last_words()}")
            await asyncio.sleep(POLL)

    def keep_running(self) -> None:
        """From now on start the process again whenever it dies, and say so."""
        if self.program.ready is not None:
            self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ask the process to end, and kill it and what it left in its session if it doesn't in time."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        async with self._spawning:  # a start under way is let through, and ended
            self._stopped = True
        if self._process is None:
            return
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE)
        self._signal(signal.SIGKILL)
        await self._process.wait()

    async def _keep(self) -> None:
        assert self._process is not None
        pause, began = FIRST_PAUSE, time.monotonic()
        while True:
            code = await self._process.wait()
            pause = FIRST_PAUSE if time.monotonic() - began > STABLE else pause
            self._signal(signal.SIGKILL)  # what it may have left behind
            self._tell(f"{self.program.name} {_how_it_ended(code)}; it is started again. Log: {self.log}")
            await asyncio.sleep(pause)
            pause, began = min(pause * 2, LONGEST_PAUSE), time.monotonic()
            await asyncio.shield(asyncio.ensure_future(self.start()))

    async def _is_ready(self) -> bool:
        pid = self.pid
        if pid is None or self.program.ready is None:
            return False
        try:
            return await self.program.ready(pid)
        except Exception:  # a server that isn't up yet refuses in many ways
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self._log_began)
            lines = file.read().decode(errors="replace").splitlines()[-15:]
        said = "".join(f"\n  | {line}" for line in lines) if lines else " It logged nothing."
        return f" Log: {self.log}{said}"


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
