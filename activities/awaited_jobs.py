"""A job that is waited for without holding anything: asked for once, and again by the next attempt."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.failures import Poll, non_retryable, not_finished
from activities.job_ends import job_problem
from mlc.center import Center
from mlc.model.failure import FailureType, NotFound
from mlc.model.job import Job, JobProgress, JobRecord
from mlc.model.processes import JOB_PROGRESS
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

LONGEST_DOING = 200
"""Bytes."""


@asynccontextmanager
async def finished_job(center: Center, settings: ProcessSettings, job: Job, poll: Poll) -> AsyncIterator[JobRecord]:
    """The job once it is complete, open: what it made can be read. Raises as ``ended_job`` does.

    It is opened at once when somebody says that it has ended: later looks don't read in vain what it carries.
    """
    if activity.info().attempt > 1:
        await ended_job(center, settings, job, poll)
    async with AsyncExitStack() as opened:
        try:
            finished = await opened.enter_async_context(center.open_job(job.id))
        except NotFound:
            raise _gone(job) from None
        yield await ended_job(center, settings, job, poll, finished)


async def ended_job(
    center: Center, settings: ProcessSettings, job: Job, poll: Poll, current: JobRecord | None = None
) -> JobRecord:
    """The job once it is complete, and a success; ``current`` is how it is now, if it was read already.

    Raises:
        ApplicationError: ``NotFinished`` (ask again), ``JobFailed``, ``JobDeadline`` (final).
    """
    try:
        current = current or await center.get_job(job.id)
    except NotFound:
        raise _gone(job) from None
    if current.status.terminal:
        if problem := job_problem(job, current):
            raise non_retryable(FailureType.JOB_FAILED, f"The {job.kind} job {job.id} {problem}")
        return current
    left = job.deadline - activity.info().started_time if job.deadline else settings.job_poll
    if left <= timedelta(0):
        await center.cancel_job(job.id)
        raise non_retryable(
            FailureType.JOB_DEADLINE,
            f"The {job.kind} job {job.id} was still {current.status} after {settings.job_deadline}; it was cancelled.",
        )
    if (doing := truncate(current.doing, LONGEST_DOING)) != poll.told:
        await _tell_run(job, doing)
        poll.told = doing
        poll.keep()
    pause = min(settings.job_poll, left)
    raise not_finished(f"Job {job.id} is {current.status}, next look in {pause.total_seconds():.0f} s", pause)


async def _tell_run(job: Job, doing: str) -> None:
    """Let the run that waits show what its job does. It is news, and no more: nothing hangs on it."""
    run = activity.client().get_workflow_handle(activity.info().workflow_id or "")
    try:
        await run.signal(JOB_PROGRESS, JobProgress(job_id=job.id, doing=doing))
    except RPCError as error:
        activity.logger.warning("The run was not told what job %s does: %s", job.id, error)


def _gone(job: Job) -> ApplicationError:
    return non_retryable(FailureType.JOB_FAILED, f"Job {job.id} is no longer in the model centre.")
