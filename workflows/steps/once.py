"""Create exactly once: a ticket, a job, a deployment, although creating is not idempotent and anything may die."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.queues import queue_of
from mlc.model.failure import FailureType, innermost
from mlc.model.open_tickets import mint
from workflows.steps.activity import HEARTBEAT_TIMEOUT, Call
from workflows.steps.patches import since

Request = TypeVar("Request")
Created = TypeVar("Created")

# One look, one POST and what belongs to it: three requests of at most 30 s each.
CREATE_TIMEOUT = timedelta(seconds=90)
FIRST_PAUSE = timedelta(seconds=1)
REFUSAL_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(minutes=15)
# A refusal waits for a person: tried four times a day, it can wait for years within one history.
LONGEST_REFUSAL_PAUSE = timedelta(hours=6)


def question_key(prefix: str, purpose: str, attempt: int) -> str:
    """The key of one creation: the same after a reset or continue-as-new, another for a new start of the process."""
    info = workflow.info()
    return mint(prefix, info.workflow_id, info.first_execution_run_id, purpose, attempt)


@dataclass
class LooseEnd(Generic[Created]):
    """A creation that was under way when its run was cancelled: nobody knows yet whether it had any effect."""

    creating: "asyncio.Future[Created]"
    find: Callable[[Any, Any], Awaitable[Created | None]]
    request: Any
    created: Callable[[Created], None]
    index_lag: timedelta
    summary: str

    async def tie(self, call: Call) -> Created | None:
        """Find out what became of it: None if there is nothing that has to be cleaned up."""
        thing: Created | None
        try:
            thing = await asyncio.shield(self.creating)
        except ActivityError:
            summary = f"look for it: {self.summary}"[:200]
            await workflow.sleep(self.index_lag, summary=f"before looking for it: {self.summary}"[:200])
            thing = await call(self.find, self.request, summary=summary)
        if thing is not None:
            self.created(thing)
        return thing


async def create_once(
    create: Callable[[Any, Request], Awaitable[Created]],
    find: Callable[[Any, Request], Awaitable[Created | None]],
    request: Request,
    *,
    created: Callable[[Created], None],
    index_lag: timedelta,
    summary: str,
    outage_budget: timedelta | None = None,
    on_trouble: Callable[[str], None] = lambda _: None,
    left: Callable[[LooseEnd[Created]], None],
) -> Created:
    """Run ``create``, an activity that looks and then POSTs at most once, until there is exactly one.

    After an answer that leaves open whether it took effect (a dropped connection, a dead worker), the thing is looked
    for when the other side's search has settled, and only then made again. ``find`` is retried by the server, so that
    waiting for a system that is down adds no history.

    Args:
        created: told what there is now.
        index_lag: how long the other side's search may lag behind its writes.
        outage_budget: how long outages are retried; None for ever.
        on_trouble: told in a sentence what is being waited for.
        left: told what a cancelled run has to find out, so that it can be cleaned up: that waits for nothing here.

    Raises:
        ActivityError: refused for good (not with ``outage_budget`` None), or down for longer than ``outage_budget``.
    """
    began = workflow.now()
    pause = FIRST_PAUSE
    creating: asyncio.Future[Created] | None = None
    try:
        while True:
            creating = workflow.start_activity_method(
                create,
                request,
                task_queue=queue_of(create, workflow.info().task_queue),
                start_to_close_timeout=CREATE_TIMEOUT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary=summary,
            )
            try:
                thing = await asyncio.shield(creating)
                created(thing)
                return thing
            except ActivityError as error:
                wait = _wait_after(error, index_lag, pause, for_ever=outage_budget is None)
                if wait is None or (outage_budget is not None and workflow.now() - began + wait > outage_budget):
                    raise
                on_trouble(f"another try: {reason(error)}")
            await workflow.sleep(wait, summary=f"before looking for it again: {summary}"[:200])
            rest = (
                max(outage_budget - (workflow.now() - began), timedelta(seconds=1))
                if outage_budget is not None
                else None
            )
            found: Created | None = await look_for(find, request, summary, outage_budget=rest)
            if found is not None:
                created(found)
                return found
            pause = min(pause * 2, LONGEST_REFUSAL_PAUSE)
    except (asyncio.CancelledError, ActivityError) as error:
        if creating is not None and is_cancelled_exception(error):
            end = LooseEnd(creating, find, request, created, index_lag, summary)
            if since("clean-up-2026-11"):
                left(end)
            else:
                await _keep_track(end)
        raise


async def look_for(
    find: Callable[[Any, Request], Awaitable[Created | None]],
    request: Request,
    summary: str,
    *,
    outage_budget: timedelta | None = None,
) -> Created | None:
    """What an earlier, unclear creation made, if it did. Retried by the server: waiting adds no history."""
    return await workflow.execute_activity_method(
        find,
        request,
        task_queue=queue_of(find, workflow.info().task_queue),
        start_to_close_timeout=CREATE_TIMEOUT,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        schedule_to_close_timeout=outage_budget,
        retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
        summary=f"look for it: {summary}"[:200],
    )


async def _keep_track(end: LooseEnd[Created]) -> None:
    """A run from before clean-ups were made in parts finds out at once, and cleans up nothing before it knows."""
    try:
        end.created(await end.creating)
    except ActivityError:
        await workflow.sleep(end.index_lag, summary=f"before looking for it: {end.summary}"[:200])
        found = await look_for(end.find, end.request, end.summary)
        if found is not None:
            end.created(found)


def reason(error: BaseException) -> str:
    """The sentence that says what went wrong, from inside Temporal's wrapping."""
    error = innermost(error)
    return getattr(error, "message", None) or str(error)


def failure_type(error: BaseException) -> str | None:
    """The type (see ``FailureType``) that an activity or a step gave its failure, if it gave one."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause.type if isinstance(cause, ApplicationError) else None


def _wait_after(error: ActivityError, index_lag: timedelta, pause: timedelta, *, for_ever: bool) -> timedelta | None:
    """How long to wait before looking again; None when another try is useless."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.non_retryable:
        return max(pause, REFUSAL_PAUSE) if for_ever else None
    pause = min(pause, LONGEST_PAUSE)
    if isinstance(cause, ApplicationError) and cause.type == FailureType.NOT_SENT:
        return max(cause.next_retry_delay or pause, pause)
    asked = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
    return max(asked or index_lag, index_lag, pause)  # unclear, a time-out, a worker that died: it may have happened
