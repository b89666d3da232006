"""The errors of adapters as Temporal sees them: here it is decided what is worth another try."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from mlc.model.failure import FailureType, Refused, Unavailable
from mlc.model.truncation import truncate

OUTAGE_PAUSE = timedelta(seconds=60)
REFUSAL_PAUSE = timedelta(minutes=5)
LONGEST_MESSAGE = 1_500
"""Bytes: messages are kept in histories."""


def non_retryable(kind: FailureType, message: str) -> ApplicationError:
    """A failure that another try would only repeat."""
    return ApplicationError(truncate(message, LONGEST_MESSAGE), type=kind, non_retryable=True)


def not_finished(message: str, again_in: timedelta) -> ApplicationError:
    """Not a failure: ask again in a while. The server keeps the time, and the history does not grow."""
    return ApplicationError(
        message, type=FailureType.NOT_FINISHED, category=ApplicationErrorCategory.BENIGN, next_retry_delay=again_in
    )


@contextmanager
def translated() -> Iterator[None]:
    """Outages are retried, when the system said so if it did; a refusal is final."""
    try:
        yield
    except Unavailable as error:
        raise ApplicationError(str(error), type=FailureType.OUTAGE, next_retry_delay=error.retry_after) from None
    except Refused as error:
        raise non_retryable(FailureType.REFUSED, str(error)) from None


@contextmanager
def translated_for_ever() -> Iterator[None]:
    """For the ticket system, on which answers hang: refusals are retried too, slowly, until somebody mends it."""
    try:
        with translated():
            yield
    except ApplicationError as error:
        if error.type != FailureType.REFUSED:
            raise
        raise ApplicationError(str(error), type=FailureType.REFUSED, next_retry_delay=REFUSAL_PAUSE) from None


@contextmanager
def translated_creation() -> Iterator[None]:
    """A creating call: tell what certainly had no effect from what may have had one."""
    try:
        yield
    except Unavailable as error:
        kind = FailureType.AMBIGUOUS if error.maybe_done else FailureType.NOT_SENT
        raise ApplicationError(str(error), type=kind, next_retry_delay=error.retry_after) from None
    except Refused as error:
        raise non_retryable(FailureType.REFUSED, str(error)) from None


@asynccontextmanager
async def lookup_deadline(index_lag: timedelta) -> AsyncIterator[None]:
    """For all that comes before the POST of a creating call: it must not take so long that the POST comes too late.

    A worker that was suspended or cut off is given up when no heartbeat has come for a while; after ``index_lag``
    another one looks for what it may have made, and makes it. From then on this one must leave it alone.
    """
    heartbeat_timeout = activity.info().heartbeat_timeout or timedelta(0)
    try:
        async with asyncio.timeout((heartbeat_timeout + index_lag).total_seconds()):
            yield
    except TimeoutError:
        message = "Nothing was created, since looking for what there is took too long."
        raise ApplicationError(message, type=FailureType.NOT_SENT) from None


class Poll:
    """What a poll keeps in mind from one attempt to the next, in its heartbeat details, which outlive an attempt.

    Attributes:
        outage_since: when the outage began that lasts; None if the centre answered last time.
        told: what the run was told last of what it waits for.
    """

    def __init__(self) -> None:
        since, told = [*activity.info().heartbeat_details, None, None][:2]
        self.outage_since = datetime.fromisoformat(since) if since else None
        self.told: str = told or ""

    def keep(self) -> None:
        """Remember it as it is now."""
        since = self.outage_since.isoformat() if self.outage_since else None
        activity.heartbeat(*([since, self.told] if self.told else [since]))


@contextmanager
def translated_while_waiting(outage_budget: timedelta) -> Iterator[Poll]:
    """For a poll: only the time since an outage began counts against ``outage_budget``, not what the poll has waited.

    A poll is one activity that is retried for days, so the server's own limits would count the waiting as well.
    """
    poll = Poll()
    try:
        yield poll
    except Unavailable as error:
        raise _outage(error, outage_budget, poll) from None
    except Refused as error:
        raise non_retryable(FailureType.REFUSED, str(error)) from None
    except ApplicationError:
        _forget_outage(poll)  # the centre answered, if only that the job still runs
        raise
    _forget_outage(poll)


def _outage(error: Unavailable, outage_budget: timedelta, poll: Poll) -> ApplicationError:
    now = activity.info().started_time
    since = poll.outage_since = poll.outage_since or now
    if now - since >= outage_budget:
        return non_retryable(FailureType.OUTAGE, f"{error} This has lasted since {since:%Y-%m-%d %H:%M} UTC.")
    poll.keep()
    return ApplicationError(
        str(error),
        type=FailureType.OUTAGE,
        next_retry_delay=error.retry_after or min(max(now - since, timedelta(seconds=1)), OUTAGE_PAUSE),
    )


def _forget_outage(poll: Poll) -> None:
    if poll.outage_since is not None:
        poll.outage_since = None
        poll.keep()
