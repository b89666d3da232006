"""A model's own process: started clean, watched, and ended together with everything that it started."""

import asyncio
import json
import os
import signal
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from mlc.model.failure import MlcError

HARNESS = Path(__file__).with_name("harness")
# The harness goes by a name of its own, so that neither it nor this project stands in a model's import path.
BOOTSTRAP = f"""
import importlib, importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "model_harness", {str(HARNESS / "__init__.py")!r}, submodule_search_locations=[{str(HARNESS)!r}])
sys.modules["model_harness"] = importlib.util.module_from_spec(spec)
importlib.import_module("model_harness.entry").main(sys.argv[1])
"""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
MARK = "MODEL_PROCESS"
"""Every process that a model starts inherits this variable: so they are found however they were detached."""
MESSAGE_LIMIT = 64 * 1024 * 1024
WATCH_INTERVAL = 0.25
MOST_PROCESSES = 256


class ModelDied(MlcError):
    """The model process ended, or was ended, before it answered. The text is one sentence."""


class CappedLog:
    """The first and the last of what a process prints; what lies between is counted, not kept."""

    def __init__(self, half: int = 48 * 1024) -> None:
        self._half = half
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, text: bytes) -> None:
        """Take what was printed."""
        room = self._half - len(self._head)
        self._head += text[:room]
        self._tail += text[room:]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def lines(self) -> list[str]:
        """The kept text as lines, each of at most 2,000 characters."""
        self._trim()
        text = self._head.decode(errors="replace")
        if self._dropped:
            text += f"\n[... {self._dropped:,} bytes of output left out ...]\n"
        text += self._tail.decode(errors="replace")
        return [line if len(line) <= 2000 else line[:2000] + " [...]" for line in text.splitlines()]

    def _trim(self) -> None:
        excess = max(0, len(self._tail) - self._half)
        del self._tail[:excess]
        self._dropped += excess


class ModelProcess:
    """One process that runs the harness in a directory.

    Args:
        python: the interpreter, with pandas.
        directory: working directory; ``__moc_runtime`` in it holds the order, HOME and TMPDIR.
        memory_limit: bytes; over it the process and its descendants are killed.
        extra_environment: names of variables to hand on besides the harmless ones.
    """

    def __init__(
        self, python: str, directory: Path, memory_limit: int, extra_environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = CappedLog()
        self._python = python
        self._directory = directory
        self._memory_limit = memory_limit
        self._environment = {**clean_environment(directory), **(extra_environment or {}), MARK: uuid.uuid4().hex}
        self._verdict: str | None = None
        self._asked = 0
        self._started = False

    async def start(self, order: Mapping[str, Any]) -> None:
        """Start it with an order (see :class:`mlc.runtime.order.Order`)."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        with theirs:
            order_file = self._directory / "__moc_runtime" / "order.json"
            order_file.write_text(json.dumps({**order, "channel": theirs.fileno(), "memory_limit": self._memory_limit}))
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *(self._python, "-P", "-c", BOOTSTRAP, str(order_file)),
                    cwd=self._directory,
                    env=self._environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=write_end,
                    stderr=write_end,
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
            except OSError:
                ours.close()
                os.close(read_end)
                raise
            finally:
                os.close(write_end)
        self._started = True
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MESSAGE_LIMIT)
        self._printing = asyncio.create_task(self._print(read_end))
        self._watching = asyncio.create_task(self._watch())

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.returncode is None

    async def message(self) -> dict[str, Any]:
        """The next thing that the process has to say.

        Raises:
            ModelDied: it ended, or was ended, without a word.
        """
        line = asyncio.ensure_future(self._reader.readline())
        ended = asyncio.ensure_future(self._process.wait())
        try:
            # A forked child may hold the channel open after the process is gone: so both are waited for.
            await asyncio.wait({line, ended}, return_when=asyncio.FIRST_COMPLETED)  # noqa: TID251 - no workflow
            with suppress(TimeoutError, ValueError, ConnectionError):
                if text := await asyncio.wait_for(line, 2):
                    answer: dict[str, Any] = json.loads(text)
                    return answer
        finally:
            line.cancel()
            ended.cancel()
        await self.end()
        raise ModelDied(self._verdict or self._cause_of_death())

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            ModelDied: it ended, or was ended, before it answered.
        """
        self._asked += 1
        number = self._asked
        with suppress(ConnectionError):
            self._writer.write(json.dumps({**request, "id": number}).encode() + b"\n")
            await self._writer.drain()
        while True:  # an answer that nobody waits for any more is passed over
            answer = await self.message()
            if answer.get("id") == number:
                return answer

    async def ended(self) -> None:
        """Wait until the process is gone."""
        await self._process.wait()

    async def end(self, verdict: str | None = None) -> None:
        """Kill it and everything that it started, and read what it printed to the end. Can be called again.

        Args:
            verdict: the sentence that a pending :meth:`message` raises.
        """
        self._verdict = self._verdict or verdict
        if not self._started:
            return
        self._watching.cancel()
        if self.running:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.shield(self._process.wait())
        for _ in range(50):  # a process that forks faster than it is killed is found again
            if not await asyncio.to_thread(self._kill_descendants):
                break
            await asyncio.sleep(0.05)
        self._writer.close()
        await asyncio.wait({self._printing}, timeout=2)  # noqa: TID251 - no workflow
        self._printing.cancel()

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
        while self.running:
            count, memory = await asyncio.to_thread(self._usage)
            if memory > self._memory_limit:
                limit = self._memory_limit // 1024**2
                await self._execute(f"The model used more than the {limit} MB of memory that the runtime allows.")
            elif count > MOST_PROCESSES:
                await self._execute(f"The model started more than {MOST_PROCESSES} processes and was stopped.")
            await asyncio.sleep(WATCH_INTERVAL)

    async def _execute(self, verdict: str) -> None:
        # Whoever waits in `message` sees the end and clears up: the watch itself must not be cancelled halfway.
        self._verdict = verdict
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _usage(self) -> tuple[int, int]:
        """Number and memory, in bytes, of the process and its descendants, pages that they share counted once."""
        count = memory = 0
        for process in self._descendants():
            with suppress(psutil.Error):
                count += 1
                if count <= MOST_PROCESSES:
                    memory += _proportional_memory(process)
        return count, memory

    def _kill_descendants(self) -> int:
        killed = 0
        for process in self._descendants():
            with suppress(psutil.Error):
                process.kill()
                killed += 1
        return killed

    def _descendants(self) -> Iterator[psutil.Process]:
        mark, session = self._environment[MARK], self._process.pid
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if os.getsid(process.pid) == session or process.environ().get(MARK) == mark:
                    yield process

    def _cause_of_death(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"The model process was killed by {signal.Signals(-code).name}."
        return f"The model process ended with exit code {code} before it gave a result."


def _proportional_memory(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "pss", None) or full.uss)


def clean_environment(directory: Path) -> dict[str, str]:
    """The environment of a model: what interpreters need, a HOME and a TMPDIR of its own, and no secret.

    The hash seed is fixed, so that the same model on the same data gives the same result.
    """
    own = {"HOME": directory / "__moc_runtime" / "home", "TMPDIR": directory / "__moc_runtime" / "tmp"}
    for path in own.values():
        path.mkdir(parents=True, exist_ok=True)
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **{name: str(path) for name, path in own.items()},
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MALLOC_ARENA_MAX": "2",  # else each thread reserves 64 MB of address space, which the limit counts
    }
