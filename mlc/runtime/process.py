"""A model's own process: started clean, told what to do, and listened to."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import TypeAdapter

from mlc.model.failure import MlcError
from mlc.runtime.channel.lines import Channel, Closed
from mlc.runtime.channel.messages import SERVING, BadMessage, Failed, Scored, Tried, parsed
from mlc.runtime.harness.limits import ANSWER_VALUES, JOB_MESSAGE
from mlc.runtime.harness.offered import MONITORS
from mlc.runtime.isolation import Confinement, ContainedProcess, Level
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.names import OUTPUT_DIR, PRIVATE
from mlc.runtime.working_directory import WorkingDirectory

HARNESS = Path(__file__).with_name("harness")
# The harness goes by a name of its own, so that neither it nor this project stands in a model's import path.
LOADING = f"""
import importlib, importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "model_harness", {str(HARNESS / "__init__.py")!r}, submodule_search_locations=[{str(HARNESS)!r}])
sys.modules["model_harness"] = importlib.util.module_from_spec(spec)
"""
"""The beginning of a program of the harness's modules, which are ``model_harness`` then."""
BOOTSTRAP = f'{LOADING}importlib.import_module("model_harness.entry").main(sys.argv[1])\n'
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
WRITABLE = (OUTPUT_DIR, f"{PRIVATE}/outputs", f"{PRIVATE}/home", f"{PRIVATE}/tmp")  # noqa: S108 - in its own folder
"""Folders of a model's working directory that its process may write to."""
ORDER = PurePosixPath(PRIVATE, "order.json")
FAREWELL = 2.0
"""Seconds that a process has to end once it said its last, and what it said to arrive once it is gone."""

T = TypeVar("T")
Answer = TypeVar("Answer", Scored, Tried)
Alive = Callable[[bool], Awaitable[None]]
"""Told whether a model's own process is alive."""


async def unwatched(_alive: bool) -> None:
    """Tell nobody."""


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
        answer_limit: bytes of an answer to a request.
    """

    def __init__(
        self, level: Level, python: str, directory: Path, allowance: Allowance, *, answer_limit: int = JOB_MESSAGE
    ) -> None:
        self._directory = directory.resolve()
        self._memory = allowance.memory
        confinement = confinement_in(
            self._directory, allowance, readable=[HARNESS, MONITORS, *interpreter_files(python)]
        )
        # Not -I, by which variables have no effect: its environment is made for it, and alone can fix the hash seed.
        program = [python, "-P", "-s", "-c", BOOTSTRAP, str(self._directory / ORDER)]
        self._process = ContainedProcess(level, program, confinement)
        self.log = self._process.log
        self._channel: Channel | None = None
        self._answer_limit = answer_limit
        self._asked = 0
        self._waiting: dict[int, _Question] = {}
        self._serving: asyncio.Task[None] | None = None

    async def start(self, order: Mapping[str, Any]) -> None:
        """Start it with an order (see :class:`mlc.runtime.order.Order`)."""
        limits = {"memory_limit": self._memory, "answer_limit": self._answer_limit}
        await asyncio.to_thread(self._write, json.dumps({**order, **limits}))
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        try:
            await self._process.start(theirs)
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()
        await self._channel.open()

    def _write(self, order: str) -> None:
        # Code of the model may have run already, while its requirements were installed.
        with WorkingDirectory(self._directory).create(ORDER) as file:
            file.write(order.encode())

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.running

    @property
    def last_words(self) -> str:
        """The sentence that says why it is no more."""
        cause = self._process.cause_of_death
        early = " before it gave a result" if "exit code" in cause else ""
        return self._process.verdict or f"The model process {cause}{early}."

    async def message(self, messages: TypeAdapter[T]) -> T:
        """The next thing that the process has to say before it serves: one of these messages.

        Raises:
            ModelDied: it ended, or was ended, without a word; or it was ended since it sent something else.
        """
        try:
            return await parsed(await self._line(JOB_MESSAGE), messages)
        except BadMessage as bad:
            raise await self.broke(str(bad)) from None

    async def broke(self, problem: str) -> ModelDied:
        """End a process that did not keep to what it may say; what to raise.

        Args:
            problem: the end of a sentence, such as ``it sent a message longer than 10 bytes``.
        """
        await self.end(f"The model's process did not speak as it must: {problem}.")
        return ModelDied(self.last_words)

    async def finished(self) -> None:
        """Make sure that nothing follows the last message, which is there.

        Raises:
            ModelDied: something does.
        """
        assert self._channel is not None
        try:
            async with asyncio.timeout(FAREWELL):
                await self._channel.line(JOB_MESSAGE, awaited=lambda: False)
        except BadMessage:
            raise await self.broke("it went on after its last message") from None
        except (TimeoutError, Closed):  # a thread of the model's may keep it alive; it is ended now
            return

    def serve(self) -> None:
        """From now on answer requests; what the process says without being asked ends it."""
        self._serving = asyncio.create_task(self._serve())

    async def ask(self, request: Mapping[str, Any], kind: type[Answer]) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            ModelDied: it ended, or was ended, before it answered; or what it answered was no such answer.
        """
        if self._channel is None or self._serving is None or self._serving.done():
            raise ModelDied(self.last_words)
        self._asked += 1
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[self._asked] = _Question(kind, len(request.get("records", ())), waiting)
        line = json.dumps({**request, "id": self._asked}).encode()
        try:
            await self._channel.write(line)
            return await waiting
        except asyncio.CancelledError:
            waiting.cancel()
            raise

    async def ended(self) -> None:
        """Wait until the process is gone."""
        await self._process.ended()

    async def end(self, verdict: str | None = None) -> None:
        """Kill it and everything that it started, and read what it printed to the end. Can be called again.

        Args:
            verdict: the sentence that a pending :meth:`message` raises.
        """
        await self._process.end(verdict)
        if self._channel is not None:
            self._channel.close()

    async def _line(self, limit: int, awaited: Callable[[], bool] = lambda: True) -> bytes:
        assert self._channel is not None
        line = asyncio.ensure_future(self._channel.line(limit, awaited))
        ended = asyncio.ensure_future(self._process.ended())
        try:
            # A forked child may hold the channel open after the process is gone: so both are waited for.
            await asyncio.wait({line, ended}, return_when=asyncio.FIRST_COMPLETED)  # noqa: TID251 - no workflow
            with suppress(TimeoutError):
                return await asyncio.wait_for(line, FAREWELL)
        except Closed:  # as it happens when a process ends; but it need not
            await asyncio.wait({ended}, timeout=FAREWELL)  # noqa: TID251 - no workflow
            if self.running:
                raise await self.broke("it closed its channel and went on") from None
        finally:
            line.cancel()
            ended.cancel()
        await self.end()
        raise ModelDied(self.last_words)

    async def _serve(self) -> None:
        death = "The model's process is gone."
        try:
            while True:
                line = await self._line(self._answer_limit, awaited=lambda: bool(self._waiting))
                self._take(await parsed(line, SERVING, ANSWER_VALUES))
        except BadMessage as bad:
            death = str(await self.broke(str(bad)))
        except ModelDied as died:
            death = str(died)
            await self.end()
        finally:
            for question in self._waiting.values():
                if not question.answer.done():
                    question.answer.set_exception(ModelDied(death))
            self._waiting.clear()

    def _take(self, message: Scored | Tried | Failed) -> None:
        if isinstance(message, Failed):
            raise ModelDied(message.message)
        question = self._waiting.get(message.id)
        if question is None:
            raise BadMessage(f"it answered the request {message.id}, which nobody has made or which was answered")
        if not isinstance(message, question.kind):
            raise BadMessage(f"it answered a request with {message.event}")
        if isinstance(message, Scored) and len(message.outcomes) != question.records:
            raise BadMessage(f"it gave {len(message.outcomes):,} outcomes for {question.records:,} records")
        del self._waiting[message.id]
        if not question.answer.done():  # else nobody waits for it any more
            question.answer.set_result(message)


@dataclass(frozen=True)
class _Question:
    """A request that was not answered yet."""

    kind: type[Scored | Tried]
    records: int
    answer: asyncio.Future[Any]


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
        "MALLOC_ARENA_MAX": "2",  # else each thread has a heap of its own, of up to 64 MB
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # else pyarrow, which pandas loads where it is, reserves a gigabyte
    }
