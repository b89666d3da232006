"""Schedules: what the previously deployed snapshot had goes on with the new one."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio import activity

from activities.deployments import Deployments, active_deployments
from activities.failures import translated
from mlc.center import Center, wire
from mlc.settings import CenterSettings


@dataclass
class ScheduleActivities:
    center: Center
    center_settings: CenterSettings

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
            snapshot = await self.center.get_snapshot(deployments.snapshot_id)
            earlier = await active_deployments(self.center, self.center_settings, snapshot, but=deployments.ids)
            if not earlier:
                return 0
            previous_id = _snapshot_id(earlier[0])
            old = [s for deployment in earlier if _snapshot_id(deployment) == previous_id for s in deployment.schedules]
            copies = {copy.schedule_id: copy for copy in (copied(s, previous_id, snapshot.id) for s in old)}
            if copies:
                first = await self.center.get_deployment(deployments.ids[0])
                own = [s for s in first.schedules if s.schedule_id not in copies]
                await self.center.patch_deployment(
                    first.id, {"schedules": [schedule.wire() for schedule in [*own, *copies.values()]]}
                )
        return len(copies)


def _snapshot_id(deployment: wire.DeployedModel) -> str:
    return deployment.deployable_model.id if deployment.deployable_model else ""


def copied(schedule: wire.Schedule, old_id: str, new_id: str) -> wire.Schedule:
    """The same schedule for another snapshot."""
    document = _replaced(schedule.wire(), old_id, new_id)
    document["scheduleId"] = str(uuid5(NAMESPACE_URL, f"{schedule.schedule_id}|{new_id}"))
    return wire.Schedule.model_validate(document)


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
