"""Blocking clients from async activities."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from datetime import timedelta
from typing import ParamSpec, TypeVar

from mlc.ticketing import waiting

P = ParamSpec("P")
T = TypeVar("T")

_end: ContextVar[float] = ContextVar("end", default=float("inf"))


def begins(time_limit: timedelta | None) -> None:
    """Say that an activity begins, for which the server waits so long.

    The worker hears of its end only seconds after the server has given it up, and perhaps made another attempt.
    """
    _end.set(time.monotonic() + time_limit.total_seconds() if time_limit else float("inf"))


async def in_thread(threads: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call on the worker's thread pool.

    When the activity ends before it (cancelled, out of time), the call is told so, and makes no further request.
    """
    left = threading.Event()
    context = copy_context()
    context.run(waiting.until, left, _end.get())
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: context.run(function, *args, **kwargs))
    finally:
        left.set()
