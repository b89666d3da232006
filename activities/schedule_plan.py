"""Which of the model centre's schedules are to run: those of deployments, and of monitors on deployed snapshots.

A deployment's schedules rest once a newer one of the same model in the same place (a runtime, or batch) has some: it
has taken them over, and the older one only waits for its end. A monitor's rest where its snapshot is nowhere newest.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from mlc.center import Center
from mlc.model.change import OfModel
from mlc.model.cron import Calendar, calendars
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.failure import NotFound
from mlc.model.fairness import fairness_key, fairness_of
from mlc.model.file import FileRules
from mlc.model.schedule import Schedule, ScheduleOrigin, ScheduleProblem, known_zone, mirrored_id
from mlc.model.signal import BadSignal, ProcessStart, Signals
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

EDITION = 5
"""Part of every fingerprint: another number has all schedules made anew by a release that makes them otherwise."""

_ID = re.compile(r"[\w.:-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Owner:
    """Who has schedules: a deployment, or a monitor, for which ``id`` is that of the snapshot that carries it.

    ``resting`` says why none of them is to run now, if so.
    """

    id: str
    name: str
    snapshot_id: str
    model_id: str
    schedules: Sequence[Schedule]
    resting: str = ""
    fairness: str = ""
    """By what the runs that its schedules start take turns with others."""
    monitor: str | None = None
    """The monitor's name, which its schedules run; None of a deployment."""

    def mirrored_id(self, schedule: Schedule) -> str:
        """The id in Temporal, or empty if it can have none."""
        return mirrored_id(self.id, schedule.id) if _ID.fullmatch(schedule.id) else ""

    def problem(self, schedule: Schedule, what: str) -> ScheduleProblem:
        place = f"{self.name}, schedule {_name(schedule)!r}"
        if schedule.id and schedule.id != _name(schedule):
            place += f" ({truncate(schedule.id, 100)})"
        return ScheduleProblem(
            place=place,
            what=truncate(what, 700),
            snapshot_id=self.snapshot_id,
            model_id=self.model_id,
            mirrored_id=self.mirrored_id(schedule),
        )


@dataclass(frozen=True)
class PlannedSchedule:
    """A schedule that can run."""

    owner: Owner
    source: Schedule
    origin: ScheduleOrigin
    calendars: Sequence[Calendar]
    start: ProcessStart

    @property
    def id(self) -> str:
        """Its id in Temporal."""
        return self.owner.mirrored_id(self.source)

    @property
    def fairness(self) -> str:
        """By what its runs take turns with others."""
        return self.start.fairness(self.owner.fairness)

    @property
    def workflow_id(self) -> str:
        """What the ids of its runs begin with; Temporal appends the time."""
        return self.start.workflow_id(self.origin.schedule_id)

    def problem(self, what: str) -> ScheduleProblem:
        return self.owner.problem(self.source, what)


@dataclass
class SchedulePlan:
    """What is to run, and what can't and why."""

    schedules: list[PlannedSchedule] = field(default_factory=list)
    problems: list[ScheduleProblem] = field(default_factory=list)
    resting: dict[str, str] = field(default_factory=dict)
    """Schedules that stay, but don't run now: why, by their ids in Temporal."""
    unheard: list[ScheduleProblem] = field(default_factory=list)
    """Schedules of signals to which nobody here listens. Nobody has to mend them."""
    deployments: frozenset[str] = frozenset()
    """Ids of the deployments that were seen in the state deployed."""
    owners: frozenset[str] | None = None
    """Where some models' were read only: ids of whatever of theirs has schedules, or may have had some."""
    last_change: datetime | None = None
    """Of those deployments, by the centre's clock."""

    def is_about(self, schedule_id: str) -> bool:
        """Whether what was read may tell of a Temporal Schedule of this id; among others, if it does."""
        return self.owners is None or any(schedule_id.startswith(mirrored_id(owner, "")) for owner in self.owners)


async def schedule_plan(
    center: Center,
    *,
    settings: ProcessSettings,
    files: FileRules,
    signals: Signals,
    models: Collection[OfModel] | None = None,
) -> SchedulePlan:
    """Read the schedules of everything that is deployed. One that can't be used stops none of the others.

    Args:
        models: those of these models only.

    Raises:
        ExternalError: the centre did not answer, so that what is deployed is not known.
    """
    if models is None:
        active, owners = [each async for each in center.iter_deployments(state=DeploymentState.DEPLOYED)], None
    else:
        active, owners = await _of_models(center, models)
    plan = SchedulePlan(
        deployments=frozenset(deployment.id for deployment in active),
        owners=owners,
        last_change=max((each.modified for each in active if each.modified), default=None),
    )
    seen = set[str]()
    async for owner in _owners(center, active):
        for schedule in owner.schedules:
            if why := owner.resting or _unheard(schedule, signals):
                plan.resting[owner.mirrored_id(schedule)] = why
                if not owner.resting:
                    plan.unheard.append(owner.problem(schedule, why))
                continue
            try:
                planned = _planned(owner, schedule, settings, files, signals)
                if planned.id in seen:
                    raise ValueError("another schedule there has the same id: give it one of its own.")
            except (ValueError, BadSignal) as error:
                plan.problems.append(owner.problem(schedule, str(error)))
            else:
                seen.add(planned.id)
                plan.schedules.append(planned)
    return plan


async def _of_models(center: Center, models: Collection[OfModel]) -> tuple[list[DeploymentRecord], frozenset[str]]:
    """What of these models is deployed, newest first; and what may have schedules, or have had some."""
    found: dict[str, DeploymentRecord] = {}
    whole = {of.model_id: of for of in models if of.model_id} | {of.snapshot_id: of for of in models if not of.model_id}
    for of in whole.values():
        listed = (
            await center.list_deployments(model_id=of.model_id)
            if of.model_id
            else await center.list_deployments(snapshot_id=of.snapshot_id)
        )
        found |= {each.id: each for each in listed}
    owners = {of.snapshot_id for of in models} | {each.snapshot_id for each in found.values()} | found.keys()
    active = [each for each in found.values() if each.state is DeploymentState.DEPLOYED]
    return active, frozenset(owners - {""})


async def _owners(center: Center, active: Sequence[DeploymentRecord]) -> AsyncIterator[Owner]:
    places = Places()
    for listed in active:
        resting = places.taken_over(listed)
        if listed.schedules and listed.snapshot_id:
            # A listing may leave out the contents of files, which a schedule's variables may hold.
            with suppress(NotFound):
                deployment = await center.get_deployment(listed.id)
                name = f"Deployment {deployment.id} of {_quoted(listed.snapshot_name or listed.snapshot_id)}"
                fairness = fairness_key(listed.model_group, listed.model_id, listed.snapshot_id)
                given = deployment.schedules
                yield Owner(deployment.id, name, listed.snapshot_id, listed.model_id, given, resting, fairness)
    for snapshot_id in dict.fromkeys(d.snapshot_id for d in active if d.snapshot_id):
        resting = "" if snapshot_id in places.newest else "A newer snapshot of the model is deployed in its places."
        with suppress(NotFound):
            for owner in _monitors(await center.get_snapshot(snapshot_id), resting):
                yield owner


@dataclass
class Places:
    """Which snapshots of each model are deployed where; told of the deployments one by one, newest first."""

    newest: set[str] = field(default_factory=set)
    """Snapshots that are the newest of their model in a place."""
    _there: dict[tuple[str, str | None], list[str]] = field(default_factory=dict)
    _with_schedules: set[str] = field(default_factory=set)

    def taken_over(self, deployment: DeploymentRecord) -> str:
        """That the deployment's schedules are a newer one's now; empty if they aren't.

        A newer one that has none yet has not taken any over: DeployModel copies them after it has deployed.
        """
        place = deployment.model_id or deployment.snapshot_id, deployment.runtime_id
        newer = self._there.setdefault(place, [])
        # They may stand on another of that snapshot's deployments: they are copied to the first one.
        over = any(other in self._with_schedules for other in newer)
        if not newer:
            self.newest.add(deployment.snapshot_id)
        newer.append(deployment.snapshot_id)
        if deployment.schedules:
            self._with_schedules.add(deployment.snapshot_id)
        return "A newer deployment of the model in the same place has schedules." if over else ""


def _unheard(schedule: Schedule, signals: Signals) -> str:
    name = schedule.signal
    return (
        f"Nobody here listens to {name}, so it does not run."
        if isinstance(name, str) and name in signals.unheard
        else ""
    )


def _monitors(snapshot: Snapshot, resting: str) -> Iterable[Owner]:
    for monitor in snapshot.monitors:
        name = f"Monitor {truncate(monitor.name, 100)!r} on {_quoted(snapshot.name or snapshot.id)}"
        fairness = fairness_of(snapshot.model, snapshot.id)
        yield Owner(
            snapshot.id, name, snapshot.id, snapshot.model.id, monitor.schedules, resting, fairness, monitor.name
        )


def _planned(
    owner: Owner, schedule: Schedule, settings: ProcessSettings, files: FileRules, signals: Signals
) -> PlannedSchedule:
    """The schedule as it is to run.

    Raises:
        ValueError, BadSignal: it can't; what is wrong, in a sentence or two.
    """
    if not _ID.fullmatch(schedule.id):
        raise ValueError("it needs an id of letters, digits and -_.: (200 at most).")
    days = calendars(schedule.cron)
    zone = known_zone(schedule.time_zone or settings.schedule_time_zone)
    start = _start(owner, schedule, files, signals)
    origin = ScheduleOrigin(
        name=_name(schedule),
        schedule_id=schedule.id,
        source=owner.name,
        snapshot_id=owner.snapshot_id,
        cron=schedule.cron,
        time_zone=zone,
        fingerprint=_fingerprint(schedule, zone, owner, settings),
    )
    return PlannedSchedule(owner, schedule, origin, days, start)


def _start(owner: Owner, schedule: Schedule, files: FileRules, signals: Signals) -> ProcessStart:
    name, variables = schedule.signal, schedule.variables
    if not isinstance(name, str) or not isinstance(variables, dict):
        such = f", such as {signals.example}" if signals.example else "; no process here is started by one"
        raise ValueError(f"it must name a signal and an object with its variables{such}.")
    try:
        if owner.monitor is not None:
            return signals.read_of_monitor(name, variables, files, owner.snapshot_id, owner.monitor)
        return signals.read(name, variables, files)
    except BadSignal as error:
        raise ValueError(f"signal {name[:100]!r}: {error}") from None


def _fingerprint(schedule: Schedule, zone: str, owner: Owner, settings: ProcessSettings) -> str:
    catchup = settings.schedule_catchup.total_seconds()
    parts = [EDITION, schedule.model_dump(mode="json"), zone, owner.fairness, owner.monitor, catchup]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def edition(settings: ProcessSettings, files: FileRules) -> str:
    """Of all but the centre's own that schedules are made by: another one has everything looked at anew."""
    parts = [EDITION, settings.schedule_time_zone, settings.schedule_catchup.total_seconds(), repr(files)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _name(schedule: Schedule) -> str:
    return truncate(schedule.name or schedule.id or "without a name", 100)


def _quoted(name: str) -> str:
    return repr(truncate(name, 100))
