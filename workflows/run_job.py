"""RunJob: one job of the model centre, run on a runtime. Lives on the runtime's own task queue."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as ActivityTimeout

from mlc.model.job import CLOSE_JOB, EXECUTE_JOB, JobEnd, JobStatus, RunJobInput, slots_task_queue
from mlc.model.processes import RUN_JOB

HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""A runtime beats every three seconds; one that misses three beats is taken for lost."""
LONGEST = timedelta(days=30)
"""Above every time limit: the runtime itself ends a model that takes too long, and waits for a centre that is down."""
LONGEST_PAUSE = timedelta(seconds=30)
"""Between two attempts. The first one after a loss comes within a second of its being noticed."""


@workflow.defn(name=RUN_JOB)
class RunJob:
    """Execute, and make sure that the job is closed in the centre whatever becomes of it."""

    @workflow.run
    async def run(self, request: RunJobInput) -> JobEnd:
        """Returns how the job ended; a model's own failure is an end, not a failure of this workflow."""
        try:
            end: JobEnd = await workflow.execute_activity(
                EXECUTE_JOB,
                request,
                task_queue=slots_task_queue(workflow.info().task_queue),
                result_type=JobEnd,
                start_to_close_timeout=LONGEST,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                # However often a runtime is restarted: no job is given up for that. What the model is to blame for, and
                # what the runtime fails at, the runtime itself counts from attempt to attempt.
                retry_policy=RetryPolicy(maximum_interval=LONGEST_PAUSE),
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=f"Run job {request.job_id}",
            )
        except (ActivityError, asyncio.CancelledError) as error:
            await self._close(_end(request.job_id, error))
            raise
        return end

    async def _close(self, end: JobEnd) -> None:
        # Tried by the server: however long the centre is down, that adds no event to the history. It takes none of the
        # runtime's slots, so it waits for no other job.
        await workflow.execute_activity(
            CLOSE_JOB,
            end,
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
            summary=f"Close job {end.job_id} as {end.status}",
        )


def _end(job_id: str, error: BaseException) -> JobEnd:
    if is_cancelled_exception(error):
        return JobEnd(job_id=job_id, status=JobStatus.CANCELLED, message="The job was cancelled.")
    cause = error.cause if isinstance(error, ActivityError) else None
    if isinstance(cause, ActivityTimeout):
        # Of a run that an earlier release began, which made ten attempts whatever had become of them.
        message = "The job was given up: its runtime was lost too often while it ran the job."
    else:
        reason = getattr(cause, "message", None) or str(cause or error)
        message = f"The runtime could not run the job: {reason.rstrip('.')}."
    return JobEnd(job_id=job_id, status=JobStatus.ERROR, message=message)
