"""Monitors: which ones a snapshot should carry, and adding those that are missing."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain

from temporalio import activity

from activities.arity import NotClear
from activities.chosen_inputs import chosen_monitor_inputs, left_out
from activities.earlier_deployments import previous_of
from activities.failures import translated
from activities.monitor_needs import Columns, as_added, attached, inputs_of, known_columns, what_lacks
from activities.schedules import copied
from mlc.center import Beside, Capability, Catalogue, Center, NewMonitor, Surroundings
from mlc.model.asset import AssetRole
from mlc.model.base import Record
from mlc.model.monitor_plan import MonitorPlan, plan_monitors, wanted_monitors
from mlc.model.schedule import Timing
from mlc.model.snapshot import Model, Monitor, Snapshot
from mlc.model.truncation import truncate

_WAITS = (
    f"The snapshot has no asset with the role {AssetRole.COMPARATOR_DATA}, so what it scores is compared: until it has "
    "scored something, each run of these monitors will end in an error: {}."
)


class MonitorsAdded(Record):
    """Names of the monitors that were added, and a sentence for each that could not be, or should be checked."""

    added: list[str] = []
    warnings: list[str] = []
    missing: list[str] = []
    """Names of those that could not be added."""


@dataclass
class MonitorActivities:
    center: Center
    schedule: str = ""
    """When a monitor runs of which nobody says it (``MLC_MONITOR_SCHEDULE``); empty: not by itself."""
    reads_scored: bool = True
    """Whether monitors read what a model has scored (``MLC_MONITOR_PRODUCTION``)."""

    @activity.defn
    async def add_missing_monitors(self, snapshot_id: str) -> MonitorsAdded:
        """Put the out-of-the-box monitors of the snapshot's methodology on it; those already there stay as they are.

        A monitor that the previously deployed snapshot carries brings its thresholds along, and its schedules where the
        model does not say when it runs.
        """
        with translated():
            async with AsyncExitStack() as opened:
                around = self.center.open_surroundings(snapshot_id, Beside.DEPLOYMENTS, Beside.MONITORS)
                return await self._add(await opened.enter_async_context(around), opened)

    @activity.defn
    async def plan_monitors(self, snapshot_id: str) -> MonitorPlan:
        """What ``add_missing_monitors`` would do with the snapshot as it is; nothing is changed."""
        with translated():
            return await planned(self.center, snapshot_id, reads_scored=self.reads_scored)

    async def _add(self, around: Surroundings, opened: AsyncExitStack) -> MonitorsAdded:
        snapshot, available = around.snapshot, await _available(around)
        plan = await _plan(self.center, snapshot, available, fetched=False, reads_scored=self.reads_scored)
        told = [f"Monitor {name!r} was not added: {why}." for name, why in plan.lacking.items()]
        warnings = [*plan.warnings, *(truncate(sentence, 250) for sentence in told)]
        if plan.add:
            previous_id = previous_of(snapshot, await around.deployments())
            previous = await opened.enter_async_context(self.center.open_snapshot(previous_id)) if previous_id else None
            inherited = {monitor.name: monitor for monitor in previous.monitors} if previous else {}
            added = [
                self._monitor(available[name], snapshot, inherited.get(name), previous_id or "") for name in plan.add
            ]
            await self.center.add_monitors(snapshot, added)
        return MonitorsAdded(added=plan.add, warnings=warnings, missing=list(plan.lacking))

    def _monitor(
        self, monitor: Snapshot, snapshot: Snapshot, inherited: Monitor | None, previous_id: str
    ) -> NewMonitor:
        """The monitor as it goes on the snapshot: it runs when the model says, else as before, else by the setting."""
        joins = _joins_scores(self.center, self.reads_scored)
        brought = inherited or Monitor(name=monitor.model.name)
        timing = snapshot.model.monitor_timings.get(monitor.model.name)
        old = [] if timing else brought.schedules
        if self.schedule and not timing and not old:
            timing = Timing(cron=self.schedule)
        return NewMonitor(
            monitor=monitor,
            inputs=chosen_monitor_inputs(snapshot, as_added(snapshot, monitor.model, joins)),
            tables=[asset for asset in brought.assets if asset.role == AssetRole.TEST_RESULT_COMPARATOR],
            schedules=[copied(schedule, previous_id, snapshot.id, self.center) for schedule in old],
            timing=timing,
        )


async def planned(center: Center, snapshot_id: str, *, reads_scored: bool = True) -> MonitorPlan:
    """Which monitors a snapshot would get, why not the others, and what those lack that it would get.

    Args:
        reads_scored: their production data are what the model has scored, where the centre can have that read.
    """
    async with center.open_surroundings(snapshot_id, Beside.MONITORS) as around:
        return await _plan(center, around.snapshot, await _available(around), fetched=True, reads_scored=reads_scored)


async def _plan(
    center: Center, snapshot: Snapshot, available: Mapping[str, Snapshot], *, fetched: bool, reads_scored: bool
) -> MonitorPlan:
    """``fetched``: files are asked for, too, to see what they lack. Where nobody decides that is not worth requests."""
    joins = _joins_scores(center, reads_scored)
    models = {name: monitor.model for name, monitor in available.items()}
    added = [inputs_of(snapshot, as_added(snapshot, model, joins)) for model in models.values()]
    read = chain(attached(snapshot, joins)[0].values(), added)
    columns = await known_columns(center, snapshot, chain.from_iterable(read), fetched=fetched)
    truth = reads_scored and brings_labels_later(center)
    # A schema may be long.
    return await asyncio.to_thread(plan_for, snapshot, models, columns, scored=joins, truth=truth)


async def _available(around: Surroundings) -> Mapping[str, Snapshot]:
    """The newest snapshots of the monitors that a snapshot lacks, by name, as far as the centre has them."""
    present = {monitor.name for monitor in around.snapshot.monitors}
    wanted = wanted_monitors(around.snapshot.model.methodology)[0]
    return await around.monitors([name for name in wanted if name not in present])


def _joins_scores(center: Catalogue, reads_scored: bool) -> bool:
    return reads_scored and Capability.JOINS_SCORES in center.capabilities


def brings_labels_later(center: Catalogue) -> bool:
    """Whether monitors of what a model has scored find labels that come later."""
    return {Capability.JOINS_SCORES, Capability.KEEPS_TRUTH} <= set(center.capabilities)


async def newest_monitor(center: Catalogue, name: str) -> Snapshot | None:
    """The newest snapshot of the monitor of a name; None if the centre has none."""
    models = await center.find_models(name, monitors=True)
    return await center.latest_snapshot(models[0].id) if models else None


def plan_for(
    snapshot: Snapshot, available: Mapping[str, Model], columns: Columns, *, scored: bool = True, truth: bool = False
) -> MonitorPlan:
    """What becomes of the monitors that a snapshot should have, of which so many are there, by name.

    One whose needs are not all met, but by an asset that is missing, is added with a warning: the schema may be mended.
    So is one that lacks production data, where its jobs read what the model has ``scored``: it waits for that. What
    those lack that are there already is told, too.
    """
    asked, available = available, {name: as_added(snapshot, each, scored) for name, each in available.items()}
    reads, ailing = attached(snapshot, scored)
    unclear: dict[str, str] = {}
    chosen: defaultdict[str, list[str]] = defaultdict(list)
    for name, monitor in available.items():
        try:
            chosen[left_out(snapshot, chosen_monitor_inputs(snapshot, monitor))].append(name)
        except NotClear as problem:
            unclear[name] = str(problem)
    plan = plan_monitors(
        snapshot.model.methodology,
        present={monitor.name for monitor in snapshot.monitors},
        roles={asset.role for asset in snapshot.assets},
        needed={name: monitor.required_roles for name, monitor in available.items()},
        unclear=unclear,
    )
    choices = [truncate(f"{said}: {', '.join(names)}.", 500) for said, names in chosen.items() if said]
    reads |= {name: inputs_of(snapshot, available[name]) for name in plan.add}
    lacks = [*ailing, *what_lacks(snapshot, reads, columns, truth=truth)]
    waiting = [name for name in plan.add if available[name] is not asked[name]]
    waits = [truncate(_WAITS.format(", ".join(waiting)), 600)] if waiting else []
    return plan.model_copy(update={"warnings": [*plan.warnings, *choices, *waits, *lacks]})
