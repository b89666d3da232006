"""Call an activity that can be repeated: outages are retried for as long as the outage budget lasts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from activities.queues import queue_of
from workflows.steps.patches import is_recent

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

# A handful of requests of at most 30 s each.
TIMEOUT = timedelta(minutes=3)
# The worker sends heartbeats for every activity that runs: an attempt that died with it is noticed after this time.
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
RETRY = RetryPolicy(maximum_interval=timedelta(minutes=1))
AT_ONCE = timedelta(seconds=1)
"""How long the one try within the workflow's own worker may take."""


class Call(Protocol):
    """A way to call activities: ``call``, or one that says what is in its way."""

    async def __call__(
        self,
        activity: Callable[[Any, Argument], Awaitable[Answer]],
        argument: Argument,
        *,
        summary: str,
        outage_budget: timedelta | None = None,
    ) -> Answer:
        """See ``call``."""
        ...


async def call(
    activity: Callable[[Any, Argument], Awaitable[Answer]],
    argument: Argument,
    *,
    summary: str,
    outage_budget: timedelta | None = None,
    retry: RetryPolicy = RETRY,
) -> Answer:
    """Run an activity method until it answers, fails for good, or ``outage_budget`` is over (None: never)."""
    return await workflow.execute_activity_method(
        activity,
        argument,
        task_queue=queue_of(activity, workflow.info().task_queue),
        start_to_close_timeout=TIMEOUT,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        schedule_to_close_timeout=outage_budget,
        retry_policy=retry,
        summary=summary,
    )


async def call_at_once(
    activity: Callable[[Any, Argument], Awaitable[Answer]],
    argument: Argument,
    *,
    summary: str,
    outage_budget: timedelta | None = None,
) -> Answer:
    """Like ``call``, but tried once within the workflow's own worker first, where an answer costs no way to the server.

    Most answers come within milliseconds. What takes longer than a second, or fails in a way that another try may mend,
    becomes an activity that is seen, has heartbeats and is retried; it comes no sooner than the other side asked for.

    The server learns of the try when its workflow task ends, and not at all if that fails: the worker died, or a
    signal or a cancellation came before the run's end was told. Then the run doesn't know that it was tried, and tries
    again or goes another way. So this is for what changes nothing, and for what is there once under its key however
    often it is done, and needs no clean-up. All else is a ``call``: it stands in the history before it begins.
    """
    if is_recent():
        try:
            return await workflow.execute_local_activity_method(
                activity,
                argument,
                schedule_to_close_timeout=AT_ONCE,
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary=summary,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            cause = error.cause if isinstance(error, ActivityError) else error
            if isinstance(cause, ApplicationError) and cause.non_retryable:
                raise _as_of_an_activity(cause, summary) from cause
            if isinstance(cause, ApplicationError) and (pause := cause.next_retry_delay):
                await workflow.sleep(pause, summary=f"before another try: {summary}"[:200])
    return await call(activity, argument, summary=summary, outage_budget=outage_budget)


def _as_of_an_activity(cause: ApplicationError, summary: str) -> ActivityError:
    """What a failure is wrapped in. One of a call within the worker comes without, at the latest in a replay."""
    return ActivityError(
        cause.message,
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=summary,
        activity_id="",
        retry_state=None,
    )
