"""Call an activity that can be repeated: outages are retried for as long as the outage budget lasts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.queues import queue_of

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

# A handful of requests of at most 30 s each.
TIMEOUT = timedelta(minutes=3)
# The worker sends heartbeats for every activity that runs: an attempt that died with it is noticed after this time.
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
RETRY = RetryPolicy(maximum_interval=timedelta(minutes=1))


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
