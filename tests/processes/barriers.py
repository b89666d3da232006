"""Runs that stay where a test wants them: before or after a call of the centre, until the test lets them go on."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import httpx
from office import Office
from temporalio import activity
from temporalio.worker import (
    Interceptor,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

from mlc.model.processes import deploy_model_id


class Barrier:
    """Before an activity's calls of a method of the centre, those runs stay that are to be ``held``."""

    def __init__(self, desk: Office, activity_name: str, method: str, *held: str) -> None:
        self._activity = activity_name
        self._call = getattr(desk.port, method)
        self._held = {deploy_model_id(snapshot_id) for snapshot_id in held}
        self._reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._go: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        setattr(desk.port, method, self._through)

    async def reached(self, *snapshot_ids: str) -> None:
        """Wait until the runs of these snapshots are there."""
        async with asyncio.timeout(90):
            for id_ in snapshot_ids:
                await self._reached[deploy_model_id(id_)].wait()

    def open(self, *snapshot_ids: str) -> None:
        """Let the runs of these snapshots go on."""
        for id_ in snapshot_ids:
            self._held.discard(deploy_model_id(id_))
            self._go[deploy_model_id(id_)].set()

    async def _through(self, *arguments: Any, **named: Any) -> Any:
        if activity.in_activity():
            info = activity.info()
            if info.activity_type == self._activity and info.workflow_id in self._held:
                self._reached[info.workflow_id].set()
                await self._go[info.workflow_id].wait()
        return await self._call(*arguments, **named)


class HeldAnswer:
    """The centre's answer to the first request that an activity makes within the workflow's worker, until ``release``.

    What was asked for is done by then.
    """

    def __init__(self, desk: Office, activity_name: str) -> None:
        self._activity = activity_name
        self._reached, self._go = asyncio.Event(), asyncio.Event()
        hooks = desk.port._own_http.event_hooks
        desk.port._own_http.event_hooks = {**hooks, "response": [*hooks["response"], self._hold]}

    async def reached(self) -> None:
        """Wait until the centre has answered."""
        async with asyncio.timeout(60):
            await self._reached.wait()

    def release(self) -> None:
        self._go.set()

    async def _hold(self, _response: httpx.Response) -> None:
        if not activity.in_activity() or self._reached.is_set():
            return
        info = activity.info()
        if info.is_local and info.activity_type == self._activity:
            self._reached.set()
            await self._go.wait()


class _Patience(WorkflowOutboundInterceptor):
    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:  # noqa: A002
        input.schedule_to_close_timeout = timedelta(minutes=1)
        return super().start_local_activity(input)


class _Patient(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Patience(outbound))


class Patient(Interceptor):
    """Lets a worker's runs wait for a local call: a test that holds an answer decides when it comes, not the clock."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[_Patient]:  # noqa: A002
        return _Patient
