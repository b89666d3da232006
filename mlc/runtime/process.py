"""A model's own process: started clean, told what to do, and listened to."""

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mlc.model.failure import MlcError
from mlc.runtime.isolation import Confinement, ContainedProcess, Level
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.names import OUTPUT_DIR, PRIVATE
from mlc.runtime.working_directory import WorkingDirectory

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
WRITABLE = (OUTPUT_DIR, f"{PRIVATE}/outputs", f"{PRIVATE}/home", f"{PRIVATE}/tmp")  # noqa: S108 - in its own folder
"""Folders of a model's working directory that its process may write to."""
ORDER = PurePosixPath(PRIVATE, "order.json")
MESSAGE_LIMIT = 64 * 1024 * 1024


class ModelDied(MlcError):
    """The model process ended, or was ended, before it answered. The text is one sentence."""


@dataclass(frozen=True)
class Allowance:
    """What one model's process may use: ``memory`` and ``disk`` in bytes, ``processes`` at the same time.

    ``environment`` are variables that it sees besides the harmless ones.
    """

    memory: int
    disk: int
    processes: int = 256
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class ModelProcess:
    """One process that runs the harness in a directory.

    Args:
        python: the interpreter, with pandas.
        directory: working directory; ``__moc_runtime`` in it holds the order, HOME and TMPDIR.
    """

    def __init__(self, level: Level, python: str, directory: Path, allowance: Allowance) -> None:
        self._directory = directory.resolve()
        self._memory = allowance.memory
        confinement = confinement_in(self._directory, allowance, readable=[HARNESS, *interpreter_files(python)])
        # Not -I, by which variables have no effect: its environment is made for it, and alone can fix the hash seed.
        program = [python, "-P", "-s", "-c", BOOTSTRAP, str(self._directory / ORDER)]
        self._process = ContainedProcess(level, program, confinement)
        self.log = self._process.log
        self._asked = 0

    async def start(self, order: Mapping[str, Any]) -> None:
        """Start it with an order (see :class:`mlc.runtime.order.Order`)."""
        ours, theirs = socket.socketpair()
        await asyncio.to_thread(self._write, json.dumps({**order, "memory_limit": self._memory}))
        try:
            await self._process.start(theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MESSAGE_LIMIT)

    def _write(self, order: str) -> None:
        # Code of the model may have run already, while its requirements were installed.
        with WorkingDirectory(self._directory).create(ORDER) as file:
            file.write(order.encode())

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.running

    async def message(self) -> dict[str, Any]:
        """The next thing that the process has to say.

        Raises:
            ModelDied: it ended, or was ended, without a word.
        """
        line = asyncio.ensure_future(self._reader.readline())
        ended = asyncio.ensure_future(self._process.ended())
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
        raise ModelDied(self._process.verdict or self._cause_of_death())

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
        await self._process.ended()

    async def end(self, verdict: str | None = None) -> None:
        """Kill it and everything that it started, and read what it printed to the end. Can be called again.

        Args:
            verdict: the sentence that a pending :meth:`message` raises.
        """
        await self._process.end(verdict)
        if hasattr(self, "_writer"):
            self._writer.close()

    def _cause_of_death(self) -> str:
        cause = self._process.cause_of_death
        return f"The model process {cause}{' before it gave a result' if 'exit code' in cause else ''}."


def confinement_in(directory: Path, allowance: Allowance, *, readable: list[Path]) -> Confinement:
    """What a program may see and use that runs in a model's working directory, whose writable folders are made."""
    for name in WRITABLE:
        WorkingDirectory(directory).make(PurePosixPath(name))
    return Confinement(
        directory=directory,
        writable=[directory / name for name in WRITABLE],
        readable=readable,
        environment={**clean_environment(directory), **allowance.environment},
        memory=allowance.memory,
        disk=allowance.disk,
        processes=allowance.processes,
        network=allowance.network,
    )


def clean_environment(directory: Path) -> dict[str, str]:
    """The environment of a model: what interpreters need, a HOME and a TMPDIR of its own, and no secret.

    The hash seed is fixed, so that the same model on the same data gives the same result.
    """
    own = {"HOME": directory / PRIVATE / "home", "TMPDIR": directory / PRIVATE / "tmp"}
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **{name: str(path) for name, path in own.items()},
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MALLOC_ARENA_MAX": "2",  # else each thread reserves 64 MB of address space, which the limit counts
    }
