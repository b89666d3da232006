"""Runs that stay where a test wants them: before one of their calls of the centre, until the test lets them go on."""

import asyncio
from collections import defaultdict
from typing import Any

from office import Office
from temporalio import activity

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
        async with asyncio.timeout(30):
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
