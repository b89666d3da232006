"""How a runtime waits for a model centre that is away, so that the outcome of a long job isn't lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mlc.model.failure import Unavailable

LONGEST_PAUSE = 30

T = TypeVar("T")
log = logging.getLogger(__name__)


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
