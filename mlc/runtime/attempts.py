"""The attempts at jobs on one runtime process, as Temporal is told of them.

They tell how far they are, and what the next attempt at the same job must know if the runtime is lost. A loss counts
against a job only if its model was alive, for then the model may be what the runtime died of. So Temporal knows that a
model is alive *before* it is started, and hears at once when it has ended or when the runtime is stopped.

Temporal takes a runtime for lost that it hasn't heard of for a while. If it was only cut off, the model goes on living
there until the runtime hears that its attempt was given up; then it is killed. Where the next attempt is made by the
same process, that one was not lost, and nothing is counted. Another process of the same name can't know whether the
first one lives: there, being cut off counts as a loss, and the job's next attempt runs alone.

Temporal may be away just when the runtime is stopped: where everything is restarted, it usually is. So that a process
was stopped stands in the runtime's folder as well, for the next process there.

Who stopped a runtime by a signal nobody can tell: nearly always an operator, so that is no loss. But where nothing
keeps a model from it, a model can do it as well. So a job whose runtime was stopped several times just after its model
was started runs alone, too: then it stops no other job. It is never given up for that.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import AsyncActivityCancelledError, AsyncActivityHandle
from temporalio.service import RPCError, RPCStatusCode

from mlc.runtime.progress import Progress

LAST_WORDS = 2.0
"""Seconds that Temporal may take to hear that a model has ended: the heartbeats tell it later anyway."""
TRIES_TIMEOUT = timedelta(seconds=5)
PAUSE = 1.0
JUST_STARTED = 60.0
"""Seconds for which a model is taken to have just been started."""
REMEMBERED = 30 * 24 * 3600
"""Seconds for which it is known that a process was stopped."""
_PROCESS = re.compile(r"[0-9a-f]{32}")
MOST_STOPS = 3
"""As many times a runtime may be stopped just after a job's model was started, and the job not run alone."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Past:
    """What became of the earlier attempts at a job."""

    losses: int = 0
    """How often a runtime was lost while the job's model was alive on it."""
    faults: int = 0
    """How often the runtime itself failed to run the job."""
    stops: int = 0
    """How often a runtime was stopped just after the job's model was started."""


class StoppedProcesses:
    """Which processes of a runtime were stopped, as a file for each in a folder. They are forgotten after a month."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, process: str) -> None:
        """This one is being stopped. A folder that can't be written is passed over: Temporal is told as well."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / process).touch()
            for file in self._folder.iterdir():
                if time.time() - file.stat().st_mtime > REMEMBERED:
                    file.unlink(missing_ok=True)

    def __contains__(self, process: object) -> bool:
        return (
            isinstance(process, str) and _PROCESS.fullmatch(process) is not None and (self._folder / process).exists()
        )


def past_of(details: Sequence[Any], process: str, stopped: Container[object] = ()) -> Past:
    """What the last heartbeat of the earlier attempts says, to this process; ``stopped``: those that were not lost.

    One of an older release says how many records were done, or nothing at all. What is missing, or is not what this
    module writes, counts for nothing: no job is given up for what nobody can say of it.
    """
    told = details[0] if details and isinstance(details[0], dict) else {}
    lost = told.get("running") is True and told.get("process") != process and told.get("process") not in stopped
    return Past(_count(told.get("losses")) + lost, _count(told.get("faults")), _count(told.get("stops")))


def _count(told: Any) -> int:
    return told if type(told) is int and told >= 0 else 0  # true is no number


class Attempt:
    """One attempt at a job. Made by :meth:`Attempts.begin`.

    ``records`` is None until it is known how many a scoring job has done, and for other jobs; ``doing`` is what is done
    that may take long; ``resume`` is what the attempt after this one must know to go on with what this one wrote.
    """

    def __init__(self, job_id: str, past: Past, process: str, handle: AsyncActivityHandle) -> None:
        self.job_id = job_id
        self.records: int | None = None
        self.losses = past.losses
        self.faults = past.faults
        self.stops = past.stops
        self.doing = ""
        self.resume: dict[str, Any] | None = None
        self.progress = Progress()
        self._running = False
        self._stopping = False
        self._process = process
        self._handle = handle
        self._news = asyncio.Event()
        self._telling = asyncio.Lock()
        self._started = 0.0

    @property
    def alone(self) -> bool:
        """Whether no other job must run beside it, since it may be what its runtime ended of."""
        return self.losses > 0 or self.stops >= MOST_STOPS

    def details(self) -> list[dict[str, Any]]:
        """What a heartbeat says."""
        found: dict[str, Any] = {} if self.records is None else {"records": self.records}
        found |= self.progress.details(self.records)
        found |= {"doing": self.doing} if self.doing else {}
        found |= {"resume": self.resume} if self.resume else {}
        found |= {"losses": self.losses} if self.losses else {}
        found |= {"faults": self.faults} if self.faults else {}
        found |= {"stops": self.stops} if self.stops else {}
        found |= {"running": True, "process": self._process} if self._running else {}
        return [found] if found else []

    def set_records(self, records: int) -> None:
        """So many are done."""
        self.records = records
        self.progress.set(records)

    def set_resume(self, resume: dict[str, Any] | None) -> None:
        """The next attempt must know that, to go on where this one is: see :mod:`mlc.runtime.resuming`."""
        self.resume = resume
        self._news.set()

    def set_doing(self, doing: str) -> None:
        """That is done now."""
        self.doing = doing
        self._news.set()

    async def model_alive(self, alive: bool) -> None:
        """The job's model is about to be started, or has ended with all that it started.

        Before a model is started this waits until Temporal knows, however long that takes: else a model that kills its
        runtime at once would never be counted.
        """
        if alive:
            self._running = not self._stopping
            self._started = time.monotonic()
            await self._tell()
        elif self._running:
            await self._withdraw()

    async def stop(self) -> None:
        """The runtime is being stopped: if it is lost from now on, that is not the model's doing."""
        self._stopping = True
        if self._running:
            self.stops += time.monotonic() - self._started < JUST_STARTED
            await self._withdraw()

    async def count_fault(self) -> None:
        """The runtime itself failed."""
        self.faults += 1
        await self._withdraw()

    async def _withdraw(self) -> None:
        self._running = False
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._tell()

    async def _tell(self) -> None:
        # The worker's own heartbeats are held back for a moment: whichever comes last must be the newest.
        self._news.set()
        while True:
            try:
                async with self._telling:
                    await self._handle.heartbeat(*self.details(), rpc_timeout=TRIES_TIMEOUT)
                return
            except AsyncActivityCancelledError:
                return  # the worker's own heartbeats bring that news
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return  # given up; that news as well
                log.warning("job %s: Temporal can't be told of it: %s", self.job_id, error)
            await asyncio.sleep(PAUSE)

    async def news(self, seconds: float) -> None:
        """Wait until there is something new to tell, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()


class Attempts:
    """The attempts that one runtime process makes just now."""

    def __init__(self, stopped: StoppedProcesses) -> None:
        self._process = uuid.uuid4().hex
        self._stopped = stopped
        self._open: list[Attempt] = []
        self._stopping = False

    @asynccontextmanager
    async def begin(self, job_id: str) -> AsyncIterator[Attempt]:
        """The attempt that this activity makes."""
        info = activity.info()
        handle = activity.client().get_async_activity_handle(task_token=info.task_token)
        past = past_of(info.heartbeat_details, self._process, self._stopped)
        attempt = Attempt(job_id, past, self._process, handle)
        if info.heartbeat_details and isinstance(info.heartbeat_details[0], dict):
            attempt.resume = info.heartbeat_details[0].get("resume")
        if self._stopping:
            await attempt.stop()
        self._open.append(attempt)
        try:
            yield attempt
        finally:
            await attempt.model_alive(False)
            self._open.remove(attempt)

    async def stop(self) -> None:
        """The runtime is being stopped."""
        self._stopping = True
        if self._open:
            self._stopped.add(self._process)
        await asyncio.gather(*(attempt.stop() for attempt in self._open))
