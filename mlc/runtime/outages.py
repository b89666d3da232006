"""How a runtime waits for a model centre that is away, so that the outcome of a long job isn't lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from mlc.model.failure import Unavailable

LONGEST_PAUSE = 30

T = TypeVar("T")
told: ContextVar[Callable[[str], None]] = ContextVar("told")
"""Told why the last try failed, where somebody else wants to know; nothing ("") once a try went well."""
log = logging.getLogger(__name__)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that can be repeated until the centre is there."""
    pause = 0.5
    while True:
        try:
            answer = await call()
        except Unavailable as error:
            told.get(_nobody)(str(error))
            pause = min(pause * 2, LONGEST_PAUSE)
            wait = error.retry_after.total_seconds() if error.retry_after else pause
            log.warning("%s Next try in %.0f s.", error, wait)
        else:
            told.get(_nobody)("")
            return answer
        await asyncio.sleep(min(wait, 10 * LONGEST_PAUSE))


def _nobody(_: str) -> None:
    pass
