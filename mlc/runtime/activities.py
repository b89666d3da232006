"""The activities of RunJob: they run on the runtime, next to the model."""

import asyncio
import logging
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from mlc.center import Center, wire
from mlc.model.failure import FailureType, NotFound, Refused, Unavailable
from mlc.model.job import CLOSE_JOB, EXECUTE_JOB, JobEnd, JobKind, JobStatus, RunJobInput
from mlc.runtime.execution import MEGABYTE, JobExecution, Limits, Outcome
from mlc.settings import CenterSettings, FileSettings, RuntimeSettings

HEARTBEAT_INTERVAL = 3
LONGEST_PAUSE = 30
LAST_WORDS = 10
"""Seconds that a cancelled job may take to tell the centre."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class JobActivities:
    """Runs jobs of the model centre, at most as many at a time as the worker has slots."""

    center: Center
    settings: RuntimeSettings
    workspace: Path
    center_settings: CenterSettings = field(default_factory=CenterSettings)
    files: FileSettings = field(default_factory=FileSettings)

    @activity.defn(name=EXECUTE_JOB)
    async def execute_job(self, request: RunJobInput) -> JobEnd:
        """Run a job and store its outcome. A job that has ended already is left alone.

        A centre that is down is waited for, so that the outcome of a long job isn't lost to a short outage. The
        heartbeats of a scoring job say how many records are done: ``{"records": 41000}``.

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
            if job.job_status not in wire.TERMINAL_STATUSES:
                messages = [*job.job_messages, *([end.message] if end.message else [])]
                await self.center.patch_job(
                    end.job_id, {"jobStatus": end.status, "jobResult": "FAILURE", "jobMessages": messages}
                )

    async def _execute(self, job_id: str, progress: "Progress") -> JobEnd:
        job = await patiently(lambda: self.center.get_job(job_id))
        if job.job_status in wire.TERMINAL_STATUSES:
            return JobEnd(
                job_id=job_id, status=JobStatus(job.job_status), message="The job had ended before it was run."
            )
        await patiently(lambda: self.center.patch_job(job_id, {"jobStatus": wire.RUNNING}))
        began = time.time()
        kind = self._kind(job.job_type)
        # An earlier try that this runtime was given up for may not have noticed yet: each has a folder of its own.
        name = re.sub(r"[^\w-]", "_", job_id)
        folder = self.workspace / "jobs" / f"{name}.{activity.info().attempt}"
        if kind is None:
            problem = f"This runtime knows no jobs of the type {job.job_type!r}."
            return await self._report(job, Outcome(problem=problem, messages=[problem]), began)
        execution = JobExecution(
            job,
            kind,
            folder=folder,
            environments=self.settings.folder / "environments",
            limits=limits(self.settings),
            files=self.files,
            extra_environment=extra_environment(self.settings),
            progress=progress.set,
        )
        try:
            return await self._report(job, await execution.run(), began)
        except asyncio.CancelledError:
            await self._report_cancelled(job_id, execution.outcome.messages)
            raise
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _report(self, job: wire.Job, outcome: Outcome, began: float) -> JobEnd:
        ended = time.time()
        changes: dict[str, Any] = {
            "jobStatus": wire.ERROR if outcome.problem else wire.COMPLETE,
            "jobResult": "FAILURE" if outcome.problem else "SUCCESS",
            "jobMessages": outcome.messages,
            "runtimeInfo": {"runtime": self.settings.name, **outcome.runtime_info},
            "jobRunTime": round((ended - began) * 1000),
            "jobEndTime": round(ended * 1000),
        }
        if outcome.outputs:
            changes["outputData"] = [asset.wire() for asset in outcome.outputs]
        try:
            stored = await patiently(lambda: self._end(job.id, changes))
        except NotFound:
            raise
        except Refused as error:  # too large for the centre, for instance: then at least say so
            outcome.problem = f"The model centre refused the job's outcome: {error}"
            changes = {"jobStatus": wire.ERROR, "jobResult": "FAILURE", "jobMessages": [outcome.problem]}
            stored = await patiently(lambda: self._end(job.id, changes))
        log.info("job %s: %s", job.id, stored)
        return JobEnd(job_id=job.id, status=JobStatus(stored), message=(outcome.problem or "")[:500])

    async def _end(self, job_id: str, changes: Mapping[str, Any]) -> str:
        # It may have been cancelled meanwhile, or another runtime may have ended it when this one seemed lost.
        current = await self.center.get_job(job_id)
        if current.job_status in wire.TERMINAL_STATUSES:
            return current.job_status
        return (await self.center.patch_job(job_id, changes)).job_status

    async def _report_cancelled(self, job_id: str, messages: list[str]) -> None:
        details = activity.cancellation_details()
        if details is None or not details.cancel_requested:
            return  # this worker stops, or the server gave this try up: another try runs the job
        changes = {
            "jobStatus": wire.CANCELLED,
            "jobResult": "FAILURE",
            "jobMessages": [*messages, "The job was cancelled."],
        }
        with suppress(TimeoutError, Unavailable, Refused):  # RunJob closes the job itself if this fails
            await asyncio.wait_for(self._end(job_id, changes), LAST_WORDS)

    def _kind(self, job_type: str) -> JobKind | None:
        names = self.center_settings
        known = {
            names.training_job_type: JobKind.TRAINING,
            names.metrics_job_type: JobKind.METRICS,
            names.scoring_job_type: JobKind.SCORING,
        }
        return known.get(job_type)


@dataclass
class Progress:
    """How many records of a scoring job are done; None until that is known, and for other jobs."""

    job_id: str
    records: int | None = None

    def set(self, records: int) -> None:
        self.records = records


async def _beat(progress: Progress) -> None:
    """Tell Temporal that the job runs, and Temporal and the console how far it is."""
    said = None
    while True:
        activity.heartbeat(*([] if progress.records is None else [{"records": progress.records}]))
        if progress.records != said:
            log.info("job %s: %s records", progress.job_id, f"{progress.records:,}")
            said = progress.records
        await asyncio.sleep(HEARTBEAT_INTERVAL)


def limits(settings: RuntimeSettings) -> Limits:
    """What the settings let one model use."""
    return Limits(
        memory=settings.memory_limit_mb * MEGABYTE,
        time=settings.time_limit,
        output=settings.output_limit_mb * MEGABYTE,
    )


def extra_environment(settings: RuntimeSettings) -> dict[str, str]:
    """The variables that the settings let models see."""
    return {name: os.environ[name] for name in settings.environment if name in os.environ}


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that can be repeated until the centre is there."""
    pause = 0.5
    while True:
        try:
            return await call()
        except Unavailable as error:
            pause = min(pause * 2, LONGEST_PAUSE)
            wait = error.retry_after.total_seconds() if error.retry_after else pause
            log.warning("%s Next try in %.0f s.", error, wait)
        await asyncio.sleep(min(wait, 10 * LONGEST_PAUSE))
