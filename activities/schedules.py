"""Schedules: what the previously deployed snapshot had goes on with the new one."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio import activity

from activities.deployments import Deployments
from activities.failures import translated
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.deployment import DeploymentState
from mlc.model.failure import NotFound
from mlc.model.schedule import Schedule


class Successor(Record):
    """A deployment that takes the place of another one of the same snapshot."""

    snapshot_id: str
    previous: str
    """The deployment's id; its schedules go on."""
    deployment: str


@dataclass
class ScheduleActivities:
    center: Center

    @activity.defn
    async def copy_schedules(self, deployments: Deployments) -> int:
        """Copy the schedules of the model's previous deployment, once a snapshot.

        That is another snapshot's, or, when a snapshot is deployed again, its own earlier one. They go on the first of
        the new deployments, with the old snapshot's id replaced by the new one's. A copy's id follows from the
        original's, so that another try copies nothing twice.

        Returns:
            How many schedules the new snapshot has from the previous one.
        """
        with translated():
            id_, model_id = deployments.snapshot_id, deployments.model_id
            if not model_id:
                model_id = (await self.center.get_snapshot(id_)).model.id
            # Of no model there are none: nobody can say which others belong to it.
            listed = await self.center.list_deployments(model_id=model_id) if model_id else []
            active = [d for d in listed if d.state is DeploymentState.DEPLOYED and d.id not in deployments.ids]
            # One that its run may still take back hasn't got its schedules yet, or not for good.
            earlier = [deployment for deployment in active if not deployment.provisional]
            if not earlier:
                return 0
            previous_id = earlier[0].snapshot_id
            old = [s for deployment in earlier if deployment.snapshot_id == previous_id for s in deployment.schedules]
            copies = {copy.id: copy for copy in (copied(s, previous_id, id_, self.center) for s in old)}
            if copies:
                first = next((d for d in listed if d.id == deployments.ids[0] and not d.schedules), None)
                if first is None:  # a listing may leave out the contents of files, which its schedules may hold
                    first = await self.center.get_deployment(deployments.ids[0])
                own = [schedule for schedule in first.schedules if schedule.id not in copies]
                await self.center.set_schedules(first.id, [*own, *copies.values()])
        return len(copies)

    @activity.defn
    async def carry_over(self, successor: Successor) -> int:
        """Copy one deployment's schedules to the one that takes its place, and none that the snapshot has elsewhere.

        Returns:
            How many. None where the previous one is gone.
        """
        with translated():
            try:
                old = await self.center.get_deployment(successor.previous)
            except NotFound:
                return 0
            id_ = successor.snapshot_id
            copies = {copy.id: copy for copy in (copied(s, id_, id_, self.center) for s in old.schedules)}
            if copies:
                new = await self.center.get_deployment(successor.deployment)
                own = [schedule for schedule in new.schedules if schedule.id not in copies]
                await self.center.set_schedules(new.id, [*own, *copies.values()])
        return len(copies)


def copied(schedule: Schedule, old_id: str, new_id: str, center: Center) -> Schedule:
    """The same schedule for another snapshot. One without an id gets one that follows from all that it says."""
    document = schedule.model_dump(mode="json")
    old_id, new_id = (center.own_id(each) if each else "" for each in (old_id, new_id))
    own = schedule.id or json.dumps(document, sort_keys=True)
    copy_id = str(uuid5(NAMESPACE_URL, f"{own}|{new_id}"))
    return Schedule.model_validate(_replaced(document, old_id, new_id) | {"id": copy_id})


def _replaced(value: Any, old: str, new: str) -> Any:
    match value:
        case dict():
            return {key: _replaced(item, old, new) for key, item in value.items()}
        case list():
            return [_replaced(item, old, new) for item in value]
        case str() if old:
            return value.replace(old, new)
        case _:
            return value
