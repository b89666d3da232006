"""One contained program, on the runtime's side: started, watched, and ended together with all that it started."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlc.runtime.isolation import adoption, cgroup
from mlc.runtime.isolation.confine import OF_ENGINES
from mlc.runtime.isolation.confinement import Confinement, Launch
from mlc.runtime.isolation.levels import Level
from mlc.runtime.isolation.printed import CappedLog
from mlc.runtime.isolation.supervisor import THREADS
from mlc.runtime.isolation.usage import disk, in_flight, memory

SUPERVISOR = Path(__file__).with_name("supervisor.py")
WATCH_INTERVAL, DISK_INTERVAL = 0.25, 1.0
"""Seconds between two looks at the memory, and at the disk."""
MOST_IN_FLIGHT, LONGEST_IN_FLIGHT = 64, 20.0
"""Files that a program's processes may be sending to one another, and seconds for which there may be such all the time:
those nobody can measure.
"""
PATIENCE, ENGINES_PATIENCE = 10.0, 30.0
"""Seconds that a supervisor has to end what it supervises, and besides for having a container removed."""
MEGABYTE = 1024**2
log = logging.getLogger(__name__)


class ContainedProcess:
    """One program, run by a level of isolation under a confinement. Each start needs an instance of its own.

    Args:
        what: for people, as the beginning of a sentence, such as ``The model``.
    """

    def __init__(self, level: Level, program: Sequence[str], confinement: Confinement, what: str = "The model") -> None:
        self.log = CappedLog()
        """What it prints."""
        self.verdict: str | None = None
        """The sentence that says why it was ended; None if it ended by itself."""
        self._level = level
        self._program = program
        self._confinement = confinement
        self._what = what
        self._started = False
        self._code: int | None = None
        self._group: Path | None = None
        self._engine = ""

    async def start(self, channel: socket.socket | None = None) -> None:
        """Start it.

        Args:
            channel: what becomes its standard input and output; None for no input, and output to the log.

        Raises:
            OSError: it can't be started.
        """
        self._already = await asyncio.to_thread(disk, None, self._confinement.writable)
        launching = asyncio.ensure_future(asyncio.to_thread(self._level.launch, self._program, self._confinement))
        try:
            launch = await asyncio.shield(launching)
        except asyncio.CancelledError:  # a thread can't be: what it opens is closed when it is done
            launching.add_done_callback(_close)
            raise
        # From here on nothing is waited for until all that is made is in hands that let go of it.
        self._engine = launch.engine
        self._control, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        self._group = cgroup.new_group()
        specification = {
            "command": [*launch.command],
            "limits": {**launch.limits},
            "processes": self._confinement.processes,
            "no_new_privileges": launch.no_new_privileges,
            "cgroup": str(self._group) if self._group else None,
            "afterwards": [*launch.afterwards],
            "control": theirs.fileno(),
        }
        try:
            with adoption.starting() as started:
                self._supervisor = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(SUPERVISOR), json.dumps(specification)),
                    cwd=self._confinement.directory,
                    env=self._confinement.environment if launch.environment is None else launch.environment,
                    stdin=channel.fileno() if channel else asyncio.subprocess.DEVNULL,
                    stdout=channel.fileno() if channel else write_end,
                    stderr=write_end,
                    start_new_session=True,
                    pass_fds=[theirs.fileno(), *launch.descriptors],
                )
                started(self._supervisor.pid)
        except BaseException:  # cancelled as well: a supervisor that is there already sees its socket close, and ends
            self._control.close()
            os.close(read_end)
            cgroup.remove(self._group)
            raise
        finally:
            theirs.close()
            for descriptor in (write_end, *launch.descriptors):
                os.close(descriptor)
        self._printing = asyncio.create_task(self._print(read_end))
        self._watching = asyncio.create_task(self._watch())
        self._started = True

    @property
    def running(self) -> bool:
        """Whether it, or anything of what it started, is there."""
        return self._started and self._supervisor.returncode is None

    @property
    def cause_of_death(self) -> str:
        """Why it is no more: a sentence's end, such as ``was killed by SIGKILL``."""
        code = self._code
        if code is None:
            return "was ended from outside"
        if self._engine and code in OF_ENGINES:
            said = (self.log.lines() or [f"exit code {code}"])[-1].removesuffix(".")
            return f"could not be started by {self._engine}: {said}"
        number = -code if code < 0 else code - 128  # as shells, bubblewrap and containers tell it
        if self._engine and number == signal.SIGKILL:  # the kernel's, which doesn't say why
            limit = self._confinement.memory // MEGABYTE
            return f"was killed by SIGKILL, as what uses more than the {limit} MB of memory that are allowed"
        if number in {each.value for each in signal.Signals}:
            return f"was killed by {signal.Signals(number).name}"
        return f"ended with exit code {code}"

    @property
    def code(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None as long as that isn't known."""
        return self._code

    async def ended(self) -> None:
        """Wait until it is gone, and all that it started."""
        await self._supervisor.wait()

    async def end(self, verdict: str | None = None) -> None:
        """End it and everything that it started, and read what it printed to the end. Can be called again."""
        self.verdict = self.verdict or verdict
        if not self._started:
            return
        self._watching.cancel()
        await asyncio.shield(self._end())

    async def _end(self) -> None:
        self._tell_supervisor()
        try:
            async with asyncio.timeout(PATIENCE + (ENGINES_PATIENCE if self._engine else 0)):
                await self._supervisor.wait()
        except TimeoutError:  # it is stopped again and again, or what it is to end can't be ended at this moment
            with suppress(ProcessLookupError):
                os.kill(self._supervisor.pid, signal.SIGKILL)
            await self._supervisor.wait()
        if self._code is None:
            with suppress(OSError, ValueError):
                self._control.setblocking(False)
                self._take(json.loads(self._control.recv(1024)))
        await asyncio.to_thread(cgroup.remove, self._group)
        adoption.ended(self._supervisor.pid)
        await adoption.end_adopted()
        await asyncio.wait({self._printing}, timeout=2)  # noqa: TID251 - no workflow
        self._printing.cancel()
        self._control.close()

    def _take(self, told: dict[str, Any]) -> None:
        self._code = told["code"]
        if what := told["too_many"]:
            most = self._confinement.processes * (THREADS if what == "threads" else 1)
            self.verdict = self.verdict or f"{self._what} started more than {most:,} {what} and was stopped."

    def _tell_supervisor(self) -> None:
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        if self._supervisor.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._supervisor.pid, signal.SIGCONT)  # a program may have stopped it

    async def _print(self, descriptor: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
        )
        try:
            while text := await reader.read(65536):
                self.log.add(text)
        finally:
            transport.close()

    async def _watch(self) -> None:
        try:
            await self._look_again_and_again()
        except Exception:  # whatever it is: what can't be measured isn't let run
            log.exception("%s could not be watched.", self._what)
            self._execute(f"{self._what} could not be watched by its runtime any more, whose log says why.")

    async def _look_again_and_again(self) -> None:
        allowed, supervisor = self._confinement, self._supervisor.pid
        looked = none_in_flight = time.monotonic()
        nested = bool(self._engine)
        while self._supervisor.returncode is None:
            if await asyncio.to_thread(memory, supervisor, nested=nested) > allowed.memory:
                limit = allowed.memory // MEGABYTE
                self._execute(f"{self._what} used more than the {limit} MB of memory that the runtime allows.")
            elif time.monotonic() - looked > DISK_INTERVAL:
                written = await asyncio.to_thread(disk, supervisor, allowed.writable) - self._already
                sent = await asyncio.to_thread(in_flight, supervisor, nested=nested)
                looked = time.monotonic()
                none_in_flight = none_in_flight if sent else looked
                if written > allowed.disk:
                    limit = allowed.disk // MEGABYTE
                    self._execute(f"{self._what} wrote more than the {limit} MB to disk that the runtime allows.")
                elif sent > MOST_IN_FLIGHT or looked - none_in_flight > LONGEST_IN_FLIGHT:
                    self._execute(f"{self._what} sent open files over a socket that nobody received, and was stopped.")
            await asyncio.sleep(WATCH_INTERVAL)

    def _execute(self, verdict: str) -> None:
        # Whoever waits sees the end and clears up: the watch itself must not be cancelled halfway.
        self.verdict = self.verdict or verdict
        self._tell_supervisor()


def _close(launching: asyncio.Future[Launch]) -> None:
    if not launching.cancelled() and launching.exception() is None:
        for descriptor in launching.result().descriptors:
            os.close(descriptor)
