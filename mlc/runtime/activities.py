"""The activities of RunJob: they run on the runtime, next to the model."""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from mlc.center import Ledger, NewFile
from mlc.model.asset import Asset
from mlc.model.failure import ExternalError, FailureType, NotFound, Refused
from mlc.model.job import CLOSE_JOB, EXECUTE_JOB, JobEnd, JobEnding, JobKind, JobRecord, JobStatus, RunJobInput
from mlc.runtime.execution import MEGABYTE, JobExecution, Limits, Outcome
from mlc.runtime.isolation import Level
from mlc.runtime.outages import patiently
from mlc.runtime.process import Allowance
from mlc.settings import FileSettings, RuntimeSettings

HEARTBEAT_INTERVAL = 3
LAST_WORDS = 10
"""Seconds that a cancelled job may take to tell the centre."""

log = logging.getLogger(__name__)


@dataclass
class JobActivities:
    """Runs jobs of the model centre, at most as many at a time as the worker has slots."""

    center: Ledger
    settings: RuntimeSettings
    level: Level
    workspace: Path
    text_limit: int
    """Bytes of a text in the centre that is read whole."""
    files: FileSettings = field(default_factory=FileSettings)

    @activity.defn(name=EXECUTE_JOB)
    async def execute_job(self, request: RunJobInput) -> JobEnd:
        """Run a job and store its outcome. A job that has ended already is left alone.

        A centre that is down is waited for, so that the outcome of a long job isn't lost to a short outage. The
        heartbeats of a scoring job say how many records are done: ``{"records": 41000}``; those of a job whose
        requirements are installed say that.

        Raises:
            ApplicationError: ``Refused``: there is no such job, or the centre refuses this runtime (final).
        """
        progress = Progress(request.job_id)
        beating = asyncio.create_task(_beat(progress))
        try:
            return await self._execute(request.job_id, progress)
        except Refused as error:
            raise ApplicationError(str(error), type=FailureType.REFUSED, non_retryable=True) from None
        finally:
            beating.cancel()

    @activity.defn(name=CLOSE_JOB)
    async def close_job(self, end: JobEnd) -> None:
        """Make sure that a job whose execution was cancelled or given up is not left open."""
        with suppress(NotFound):
            job = await self.center.get_job(end.job_id)
            messages = [*job.messages, *([end.message] if end.message else [])]
            await self.center.end_job(end.job_id, JobEnding(status=end.status, messages=messages))

    async def _execute(self, job_id: str, progress: "Progress") -> JobEnd:
        async with AsyncExitStack() as opened:
            job = await patiently(lambda: opened.enter_async_context(self.center.open_job(job_id)))
            if job.status.terminal:
                return JobEnd(job_id=job_id, status=job.status, message="The job had ended before it was run.")
            await patiently(lambda: self.center.begin_job(job_id))
            return await self._run(job, progress, opened.aclose)

    async def _run(self, job: JobRecord, progress: "Progress", close: Callable[[], Awaitable[None]]) -> JobEnd:
        began = datetime.now(UTC)
        if job.kind is JobKind.UNKNOWN:
            problem = f"This runtime knows no jobs of the type {job.type_name!r}."
            return await self._report(job, Outcome(problem=problem, messages=[problem]), began)
        # An earlier try that this runtime was given up for may not have noticed yet: each has a folder of its own.
        name = re.sub(r"[^\w-]", "_", job.id)
        folder = self.workspace / "jobs" / f"{name}.{activity.info().attempt}"
        execution = JobExecution(
            job,
            self.center,
            level=self.level,
            folder=folder,
            environments=self.settings.folder / "environments",
            limits=limits(self.settings, self.text_limit),
            files=self.files,
            laid_out=close,
            progress=progress.set,
            doing=lambda doing: self._tell(progress, doing),
        )
        try:
            return await self._report(job, await execution.run(), began)
        except asyncio.CancelledError:
            await self._report_cancelled(job.id, execution.outcome.messages)
            raise
        finally:
            await asyncio.to_thread(execution.clear)

    async def _tell(self, progress: "Progress", doing: str) -> None:
        progress.doing = doing
        with suppress(ExternalError):  # nothing hangs on it
            await self.center.report_job(progress.job_id, doing)

    async def _report(self, job: JobRecord, outcome: Outcome, began: datetime) -> JobEnd:
        ending = JobEnding(
            status=JobStatus.ERROR if outcome.problem else JobStatus.COMPLETE,
            result=outcome.result,
            messages=outcome.messages,
            records=outcome.records,
            runtime_info={"runtime": self.settings.name, **outcome.runtime_info},
            began=began,
            ended=datetime.now(UTC),
        )
        try:
            stored = await self._end(job.id, ending, outcome.outputs)
        except NotFound:
            raise
        except Refused as error:  # too large for the centre, for instance: then at least say so
            outcome.problem = f"The model centre refused the job's outcome: {error}"
            stored = await self._end(job.id, JobEnding(status=JobStatus.ERROR, messages=[outcome.problem]))
        log.info("job %s: %s", job.id, stored)
        said = outcome.problem or (str(outcome.records) if outcome.records else "")
        return JobEnd(job_id=job.id, status=stored, message=said[:500])

    async def _end(self, job_id: str, ending: JobEnding, outputs: Sequence[NewFile | Asset] = ()) -> JobStatus:
        # It may have been cancelled meanwhile, or another runtime may have ended it when this one seemed lost: then
        # it stays as it is.
        return (await patiently(lambda: self.center.end_job(job_id, ending, outputs))).status

    async def _report_cancelled(self, job_id: str, messages: list[str]) -> None:
        details = activity.cancellation_details()
        if details is None or not details.cancel_requested:
            return  # this worker stops, or the server gave this try up: another try runs the job
        ending = JobEnding(status=JobStatus.CANCELLED, messages=[*messages, "The job was cancelled."])
        with suppress(TimeoutError, ExternalError):  # RunJob closes the job itself if this fails
            await asyncio.wait_for(self.center.end_job(job_id, ending), LAST_WORDS)


@dataclass
class Progress:
    """How far a job is: how many records of a scoring job are done, and what is done that may take long.

    ``records`` is None until that is known, and for other jobs.
    """

    job_id: str
    records: int | None = None
    doing: str = ""

    def details(self) -> list[dict[str, Any]]:
        """What a heartbeat says of it."""
        records = {} if self.records is None else {"records": self.records}
        found = {**records, **({"doing": self.doing} if self.doing else {})}
        return [found] if found else []

    def set(self, records: int) -> None:
        self.records = records


async def _beat(progress: Progress) -> None:
    """Tell Temporal that the job runs, and Temporal and the console how far it is."""
    said = None
    while True:
        activity.heartbeat(*progress.details())
        if progress.records != said:
            log.info("job %s: %s records", progress.job_id, f"{progress.records:,}")
            said = progress.records
        await asyncio.sleep(HEARTBEAT_INTERVAL)


def limits(settings: RuntimeSettings, text_limit: int) -> Limits:
    """What the settings let one model use."""
    return Limits(
        allowance=allowance(settings),
        time=settings.time_limit,
        output=settings.output_limit_mb * MEGABYTE,
        text=text_limit,
        install=settings.install_time_limit,
        collect=settings.collect_time_limit,
        files=settings.output_file_limit,
    )


def allowance(settings: RuntimeSettings) -> Allowance:
    """What the settings let one model's process use."""
    return Allowance(
        memory=settings.memory_limit_mb * MEGABYTE,
        disk=settings.disk_limit_mb * MEGABYTE,
        processes=settings.process_limit,
        network=settings.network,
        environment={name: os.environ[name] for name in settings.environment if name in os.environ},
    )
