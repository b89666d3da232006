"""Blocking clients from async activities."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(threads: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call on the worker's thread pool."""
    return await asyncio.get_running_loop().run_in_executor(threads, lambda: function(*args, **kwargs))
