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


@contextmanager
def translated_while_waiting(outage_budget: timedelta) -> Iterator[None]:
    """For a poll: only the time since an outage began counts against ``outage_budget``, not what the poll has waited.

    A poll is one activity that is retried for days, so the server's own limits would count the waiting as well. When
    the outage began is kept in the heartbeat details, which outlive an attempt.
    """
    try:
        yield
    except Unavailable as error:
        raise _outage(error, outage_budget) from None
    except Refused as error:
        raise non_retryable(FailureType.REFUSED, str(error)) from None
    except ApplicationError:
        _forget_outage()  # the centre answered, if only that the job still runs
        raise
    _forget_outage()


def _outage(error: Unavailable, outage_budget: timedelta) -> ApplicationError:
    now = activity.info().started_time
    since = _outage_since() or now
    if now - since >= outage_budget:
        return non_retryable(FailureType.OUTAGE, f"{error} This has lasted since {since:%Y-%m-%d %H:%M} UTC.")
    activity.heartbeat(since.isoformat())
    return ApplicationError(
        str(error),
        type=FailureType.OUTAGE,
        next_retry_delay=error.retry_after or min(max(now - since, timedelta(seconds=1)), OUTAGE_PAUSE),
    )


def _forget_outage() -> None:
    if _outage_since() is not None:
        activity.heartbeat(None)


def _outage_since() -> datetime | None:
    details = activity.info().heartbeat_details
    return datetime.fromisoformat(details[0]) if details and details[0] else None
