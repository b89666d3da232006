"""Heartbeats of activities, so that a worker that died is noticed within seconds, not when their time is up."""

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.threads import begins

PER_TIMEOUT = 4
"""Heartbeats in the time in which the server must hear one: some may be lost or late."""


class Heartbeats(Interceptor):
    """Sends heartbeats for ``activities`` while they run, wherever a workflow set a heartbeat timeout.

    Their details stay as they were: what an earlier attempt left there is still there for the next one.
    """

    def __init__(self, activities: Collection[Callable[..., Any]]) -> None:
        self._activities = activities

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Heartbeating(next, self._activities)


class _Heartbeating(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, activities: Collection[Callable[..., Any]]) -> None:
        super().__init__(following)
        self._activities = activities

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        begins(activity.info().start_to_close_timeout)
        timeout = activity.info().heartbeat_timeout
        if timeout is None or input.fn not in self._activities:
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(timeout / PER_TIMEOUT))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat(every: timedelta) -> None:
    details = activity.info().heartbeat_details
    while True:
        await asyncio.sleep(every.total_seconds())  # most activities end before: for them nothing is sent
        activity.heartbeat(*details)
