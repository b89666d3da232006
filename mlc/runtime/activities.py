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

from temporalio import activity
from temporalio.exceptions import ApplicationError

from mlc.center import Ledger, NewFile
from mlc.model.asset import Asset
from mlc.model.failure import ExternalError, FailureType, NotFound, Refused
from mlc.model.job import CLOSE_JOB, EXECUTE_JOB, JobEnd, JobEnding, JobKind, JobRecord, JobStatus, RunJobInput
from mlc.runtime.attempts import Attempt, Attempts, StoppedProcesses
from mlc.runtime.contents.fetching import fetching
from mlc.runtime.environments.installation import InstallRules
from mlc.runtime.execution import JobExecution
from mlc.runtime.harness.texts import one_line
from mlc.runtime.isolation import Level
from mlc.runtime.outages import patiently
from mlc.runtime.outcome import MEGABYTE, Limits, Outcome
from mlc.runtime.process import Allowance
from mlc.runtime.resuming import Saved
from mlc.runtime.turns import Turns
from mlc.settings import FileSettings, RuntimeSettings

HEARTBEAT_INTERVAL = 3
LONGEST_DOING = 300
LAST_WORDS = 10
"""Seconds that a cancelled job may take to tell the centre."""
MOST_FAULTS = 10
"""A job that the runtime itself has failed so often is given up. What is only away is no fault: it is waited for."""

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
    turns: Turns = field(default_factory=Turns)

    def __post_init__(self) -> None:
        self.attempts = Attempts(StoppedProcesses(self.settings.folder / "stopped"))

    @activity.defn(name=EXECUTE_JOB)
    async def execute_job(self, request: RunJobInput) -> JobEnd:
        """Run a job and store its outcome. A job that has ended already is left alone.

        A centre that is down is waited for, so that the outcome of a long job isn't lost to a short outage. The
        heartbeats of a scoring job say how many records are done, ``of`` how many, how fast and how long it still takes
        (:class:`mlc.runtime.progress.Progress`); those of a job that waits for something say what for. They also say
        what the next attempt must know, if the runtime is lost: where it can go on, and whether the model was alive.
        A job whose runtime was lost while its model was alive runs alone, and has failed if that comes too often.

        Raises:
            ApplicationError: final: ``Refused``: there is no such job, or the centre refuses this runtime; any other
                type: the runtime has failed to run the job ``MOST_FAULTS`` times.
        """
        async with self.attempts.begin(request.job_id) as attempt:
            beating = asyncio.create_task(self._beat(attempt))
            try:
                return await self._execute(request.job_id, attempt)
            except Refused as error:
                raise ApplicationError(str(error), type=FailureType.REFUSED, non_retryable=True) from None
            except Exception as error:
                await attempt.count_fault()
                if attempt.faults < MOST_FAULTS:
                    raise
                said = str(error) or type(error).__name__
                raise ApplicationError(said, type=type(error).__name__, non_retryable=True) from error
            finally:
                beating.cancel()

    @activity.defn(name=CLOSE_JOB)
    async def close_job(self, end: JobEnd) -> None:
        """Make sure that a job whose execution was cancelled or given up is not left open."""
        with suppress(NotFound):
            job = await self.center.get_job(end.job_id)
            messages = [*job.messages, *([end.message] if end.message else [])]
            await self.center.end_job(end.job_id, JobEnding(status=end.status, messages=messages))

    async def _beat(self, attempt: Attempt) -> None:
        """Tell Temporal that the job runs, and Temporal, the console, and now and then the centre how far it is."""
        said = None
        telling: asyncio.Task[None] | None = None
        while True:
            activity.heartbeat(*attempt.details())
            if attempt.records != said and attempt.records is not None:
                log.info("job %s: %s", attempt.job_id, attempt.progress.said(attempt.records))
                said = attempt.records
                # Heartbeats wait for no centre: without them the job would be given up.
                if said and (telling is None or telling.done()) and attempt.progress.is_due():
                    telling = asyncio.create_task(self._tell_progress(attempt, attempt.progress.said(said)))
            await attempt.news(HEARTBEAT_INTERVAL)

    async def _tell_progress(self, attempt: Attempt, said: str) -> None:
        try:
            await self.center.report_job(attempt.job_id, said)
        except Exception as error:
            log.warning("job %s: the centre can't be told how far it is: %s", attempt.job_id, error)

    async def _execute(self, job_id: str, attempt: Attempt) -> JobEnd:
        if attempt.alone:
            ended = (
                "its runtime was lost %d times while its model ran, and stopped %d times just after its model's start"
            )
            log.warning(f"job %s: {ended}", job_id, attempt.losses, attempt.stops)
        if attempt.losses >= self.settings.loss_limit:
            return await self._open_and_run(job_id, attempt)

        async def waits_for(jobs: list[str]) -> None:
            what = "to run alone, since its runtime was lost or stopped" if attempt.alone else "for its turn"
            await self._say(attempt, f"waiting {what}: first {', '.join(jobs)}")

        async with self.turns.take(job_id, alone=attempt.alone, waits_for=waits_for):
            if attempt.doing:
                await self._say(attempt, "running the job")
            return await self._open_and_run(job_id, attempt)

    async def _open_and_run(self, job_id: str, attempt: Attempt) -> JobEnd:
        async with AsyncExitStack() as opened:
            job = await patiently(lambda: opened.enter_async_context(self.center.open_job(job_id)))
            if job.status.terminal:
                return JobEnd(job_id=job_id, status=job.status, message="The job had ended before it was run.")
            await patiently(lambda: self.center.begin_job(job_id))
            return await self._run(job, attempt, opened.aclose)

    async def _run(self, job: JobRecord, attempt: Attempt, close: Callable[[], Awaitable[None]]) -> JobEnd:
        began = datetime.now(UTC)
        if problem := self._not_to_be_run(job, attempt):
            known = {"losses": attempt.losses} if attempt.losses else {}
            return await self._report(job, Outcome(problem=problem, messages=[problem], runtime_info=known), began)
        # An earlier try that this runtime was given up for may not have noticed yet: each has a folder of its own.
        name = re.sub(r"[^\w-]", "_", job.id)
        folder = self.workspace / "jobs" / f"{name}.{activity.info().attempt}"
        if job.kind is JobKind.SCORING:
            attempt.set_records(0)
        execution = JobExecution(
            job,
            self.center,
            level=self.level,
            folder=folder,
            environments=self.settings.folder / "environments",
            contents=fetching(self.center, self.settings, self.level, lambda doing: self._say(attempt, doing)),
            limits=limits(self.settings, self.text_limit),
            files=self.files,
            laid_out=close,
            progress=attempt.set_records,
            expected=attempt.progress.expect,
            earlier=Saved.told(attempt.resume),
            save=attempt.set_resume,
            doing=lambda doing: self._say(attempt, doing),
            alive=attempt.model_alive,
        )
        try:
            outcome = await execution.run()
            if attempt.losses:
                outcome.runtime_info["losses"] = attempt.losses
            return await self._report(job, outcome, began)
        except asyncio.CancelledError:
            await self._report_cancelled(job.id, execution)
            raise
        finally:
            await asyncio.to_thread(execution.clear)

    def _not_to_be_run(self, job: JobRecord, attempt: Attempt) -> str | None:
        if job.kind is JobKind.UNKNOWN:
            return f"This runtime knows no jobs of the type {job.type_name!r}."
        if attempt.losses >= self.settings.loss_limit:
            return (
                f"The runtime was lost {attempt.losses} times while the model was running, after the first time with "
                "no other job beside it: the model probably kills it, or takes what it needs (memory, disk, "
                "processes). Look at the end of the runtime's log, and at the machine's for what killed it. "
                "MLC_RUNTIME_LOSS_LIMIT sets after how many losses a job has failed."
            )
        return None

    async def _say(self, attempt: Attempt, doing: str) -> None:
        doing = one_line(doing, LONGEST_DOING)
        attempt.set_doing(doing)
        with suppress(ExternalError):  # nothing hangs on it
            await self.center.report_job(attempt.job_id, doing)

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

    async def _report_cancelled(self, job_id: str, execution: JobExecution) -> None:
        details = activity.cancellation_details()
        if details is None or not details.cancel_requested:
            return  # this worker stops, or the server gave this try up: another try runs the job
        messages = [*execution.outcome.messages, "The job was cancelled."]
        ending = JobEnding(status=JobStatus.CANCELLED, messages=messages)
        with suppress(TimeoutError, ExternalError):  # RunJob closes the job itself if this fails
            await asyncio.wait_for(self.center.end_job(job_id, ending), LAST_WORDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(execution.abandon), LAST_WORDS)


def limits(settings: RuntimeSettings, text_limit: int) -> Limits:
    """What the settings let one model use."""
    return Limits(
        allowance=allowance(settings),
        time=settings.time_limit,
        output=settings.output_limit_mb * MEGABYTE,
        text=text_limit,
        install=install_rules(settings),
        collect=settings.collect_time_limit,
        files=settings.output_file_limit,
        scoring_processes=settings.scoring_processes,
    )


def install_rules(settings: RuntimeSettings) -> InstallRules:
    """How the settings let models' requirements be installed."""
    return InstallRules(
        time=settings.install_time_limit,
        disk=settings.install_disk_limit_mb * MEGABYTE,
        kept=settings.environments_limit_mb * MEGABYTE,
        source_builds=settings.source_builds,
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
