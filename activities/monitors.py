"""Monitors: which ones a snapshot should carry, and adding those that are missing."""

from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass

from temporalio import activity

from activities.arity import NotClear
from activities.chosen_inputs import chosen_monitor_inputs, left_out
from activities.deployments import previously_deployed
from activities.failures import translated
from activities.schedules import copied
from mlc.center import Center, NewMonitor
from mlc.model.asset import AssetRole
from mlc.model.base import Record
from mlc.model.snapshot import Monitor, Snapshot
from mlc.model.truncation import truncate

EVERYWHERE = (
    "Data Drift Monitor: Comprehensive Analysis",
    "Concept Drift Monitor: Comprehensive Analysis",
    "Stability Monitor: PSI/CSI",
)
REGRESSION = ("Performance Monitor: Regression", *EVERYWHERE)
CLASSIFICATION = ("Performance Monitor: Classification", *EVERYWHERE)


class MonitorsAdded(Record):
    """Names of the monitors that were added, and a sentence for each that could not be, or should be checked."""

    added: list[str] = []
    warnings: list[str] = []


@dataclass
class MonitorActivities:
    center: Center

    @activity.defn
    async def add_missing_monitors(self, snapshot_id: str) -> MonitorsAdded:
        """Put the out-of-the-box monitors of the snapshot's methodology on it; those already there stay as they are.

        A monitor that the previously deployed snapshot carries brings its schedules and thresholds along.
        """
        with translated():
            async with AsyncExitStack() as opened:
                return await self._add(await opened.enter_async_context(self.center.open_snapshot(snapshot_id)), opened)

    async def _add(self, snapshot: Snapshot, opened: AsyncExitStack) -> MonitorsAdded:
        present = {monitor.name for monitor in snapshot.monitors}
        names, warnings = wanted_monitors(snapshot)
        missing = [name for name in names if name not in present]
        if not missing:
            return MonitorsAdded(warnings=warnings)
        previous_id = await previously_deployed(self.center, snapshot)
        previous = await opened.enter_async_context(self.center.open_snapshot(previous_id)) if previous_id else None
        inherited = {monitor.name: monitor for monitor in previous.monitors} if previous else {}
        added: dict[str, NewMonitor] = {}
        chosen: defaultdict[str, list[str]] = defaultdict(list)
        for name in missing:
            monitor = await self._monitor(name, snapshot, inherited.get(name), previous_id or "", opened)
            if isinstance(monitor, str):
                warnings.append(truncate(monitor, 250))
            else:
                added[name] = monitor
                chosen[left_out(snapshot, monitor.inputs)].append(name)
        warnings += [truncate(f"{said}: {', '.join(those)}.", 500) for said, those in chosen.items() if said]
        if added:
            await self.center.add_monitors(snapshot, list(added.values()))
        return MonitorsAdded(added=list(added), warnings=warnings)

    async def _monitor(
        self, name: str, snapshot: Snapshot, inherited: Monitor | None, previous_id: str, opened: AsyncExitStack
    ) -> NewMonitor | str:
        """The monitor as it goes on the snapshot, or why it can't."""
        models = await self.center.find_models(name, monitors=True)
        monitor = await self.center.latest_snapshot(models[0].id) if models else None
        if monitor is None:
            return f"Monitor {name!r} was not added: the model centre has no snapshot of a monitor of this name."
        there = {asset.role for asset in snapshot.assets}
        lacking = [role for role in monitor.model.required_roles if role not in there]
        if lacking:
            return f"Monitor {name!r} was not added: the snapshot has no asset with the role {' or '.join(lacking)}."
        try:
            inputs = chosen_monitor_inputs(snapshot, monitor.model)
        except NotClear as problem:
            return f"Monitor {name!r} was not added: {problem}."
        brought = inherited or Monitor(name=name)
        return NewMonitor(
            monitor=await opened.enter_async_context(self.center.open_snapshot(monitor.id)),
            inputs=inputs,
            tables=[asset for asset in brought.assets if asset.role == AssetRole.TEST_RESULT_COMPARATOR],
            schedules=[copied(schedule, previous_id, snapshot.id, self.center) for schedule in brought.schedules],
        )


def wanted_monitors(snapshot: Snapshot) -> tuple[tuple[str, ...], list[str]]:
    """The monitors for the model's methodology, and a warning where the methodology does not decide."""
    methodology = snapshot.model.methodology
    if "regression" in methodology.casefold():
        return REGRESSION, []
    if "classification" in methodology.casefold():
        return CLASSIFICATION, []
    said = f"is {truncate(methodology, 100)!r}" if methodology else "is not given"
    return CLASSIFICATION, [f"The model's methodology {said}: it got the monitors of a classification model."]
