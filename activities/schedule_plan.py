"""Which of the model centre's schedules are to run: those of deployments, and of monitors on deployed snapshots."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from activities.monitors import monitor_name
from mlc.center import Center, wire
from mlc.center.deployment_state import deployment_state
from mlc.model.cron import Calendar, calendars
from mlc.model.failure import NotFound
from mlc.model.file import FileRules
from mlc.model.schedule import ScheduleOrigin, ScheduleProblem, mirrored_id
from mlc.model.short import beginning
from mlc.model.signal import RUN_BACK_TEST_JIRA, BadSignal, ProcessStart, read_signal
from mlc.settings import CenterSettings, ProcessSettings

EDITION = 1
"""Part of every fingerprint: another number has all schedules made anew by a release that makes them otherwise."""

_ID = re.compile(r"[\w.:-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Owner:
    """Who has schedules: a deployment, or a monitor, for which ``id`` is the snapshot's that carries it."""

    id: str
    name: str
    snapshot: wire.DeployableModel
    schedules: Sequence[wire.Schedule]

    def problem(self, schedule: wire.Schedule, what: str) -> ScheduleProblem:
        place = f"{self.name}, schedule {_name(schedule)!r}"
        if schedule.schedule_id and schedule.schedule_id != _name(schedule):
            place += f" ({beginning(schedule.schedule_id, 100)})"
        return ScheduleProblem(
            place=place,
            what=beginning(what, 700),
            snapshot_id=self.snapshot.id,
            model_id=self.snapshot.stored_model.id or "",
        )


@dataclass(frozen=True)
class PlannedSchedule:
    """A schedule that can run."""

    owner: Owner
    source: wire.Schedule
    origin: ScheduleOrigin
    calendars: Sequence[Calendar]
    start: ProcessStart

    @property
    def id(self) -> str:
        """Its id in Temporal."""
        return mirrored_id(self.owner.id, self.origin.schedule_id)

    @property
    def workflow_id(self) -> str:
        """What the ids of its runs begin with; Temporal appends the time."""
        return self.start.workflow_id(self.origin.schedule_id)

    def problem(self, what: str) -> ScheduleProblem:
        return self.owner.problem(self.source, what)


@dataclass(frozen=True)
class SchedulePlan:
    """What is to run, and what can't and why."""

    schedules: list[PlannedSchedule] = field(default_factory=list)
    problems: list[ScheduleProblem] = field(default_factory=list)


async def schedule_plan(
    center: Center, *, center_settings: CenterSettings, settings: ProcessSettings, files: FileRules
) -> SchedulePlan:
    """Read the schedules of everything that is deployed. One that can't be used stops none of the others.

    Raises:
        ExternalError: the centre did not answer, so that what is deployed is not known.
    """
    plan, seen = SchedulePlan(), set[str]()
    async for owner in _owners(center, center_settings):
        for schedule in owner.schedules:
            try:
                planned = _planned(owner, schedule, settings, files)
                if planned.id in seen:
                    raise ValueError("another schedule there has the same scheduleId: give it one of its own.")
            except (ValueError, BadSignal) as error:
                plan.problems.append(owner.problem(schedule, str(error)))
            else:
                seen.add(planned.id)
                plan.schedules.append(planned)
    return plan


async def _owners(center: Center, settings: CenterSettings) -> AsyncIterator[Owner]:
    active = [d for d in await center.list_deployments() if deployment_state(d, settings) == settings.deployed_state]
    for listed in active:
        if listed.schedules and listed.deployable_model:
            # A listing may leave out the contents of files, which a schedule's variables may hold.
            with suppress(NotFound):
                deployment = await center.get_deployment(listed.id)
                snapshot = deployment.deployable_model or listed.deployable_model
                yield Owner(
                    deployment.id, f"Deployment {deployment.id} of {_quoted(snapshot)}", snapshot, deployment.schedules
                )
    for snapshot_id in dict.fromkeys(d.deployable_model.id for d in active if d.deployable_model):
        with suppress(NotFound):
            for owner in _monitors(await center.get_snapshot(snapshot_id)):
                yield owner


def _monitors(snapshot: wire.DeployableModel) -> Iterable[Owner]:
    for association in snapshot.associated_models:
        name = beginning(monitor_name(association), 100)
        yield Owner(snapshot.id, f"Monitor {name!r} on {_quoted(snapshot)}", snapshot, association.schedules)


def _planned(owner: Owner, schedule: wire.Schedule, settings: ProcessSettings, files: FileRules) -> PlannedSchedule:
    """The schedule as it is to run.

    Raises:
        ValueError, BadSignal: it can't; what is wrong, in a sentence or two.
    """
    schedule_id = schedule.schedule_id or ""
    if not _ID.fullmatch(schedule_id):
        raise ValueError("it needs a scheduleId of letters, digits and -_.: (200 at most).")
    cron = schedule.cron_expression or ""
    days = calendars(cron)
    zone = _zone(schedule.time_zone or settings.schedule_time_zone)
    start = _start(schedule, files)
    origin = ScheduleOrigin(
        name=_name(schedule),
        schedule_id=schedule_id,
        source=owner.name,
        snapshot_id=owner.snapshot.id,
        cron=cron,
        time_zone=zone,
        fingerprint=_fingerprint(schedule, zone, settings),
    )
    return PlannedSchedule(owner, schedule, origin, days, start)


def _start(schedule: wire.Schedule, files: FileRules) -> ProcessStart:
    action = schedule.action or {}
    name, variables = action.get("signalName"), action.get("signalVariables", {})
    if not isinstance(name, str) or not isinstance(variables, dict):
        raise ValueError(
            'its action must be {"signalName": "...", "signalVariables": {...}}, such as '
            f'"{RUN_BACK_TEST_JIRA}" with {{"MODEL_ID": "..."}}.'
        )
    try:
        return read_signal(name, variables, files)
    except BadSignal as error:
        raise ValueError(f"signal {name[:100]!r}: {error}") from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"time zone {name[:60]!r} is not known. Example: 'Europe/Berlin'.") from None
    return name


def _fingerprint(schedule: wire.Schedule, zone: str, settings: ProcessSettings) -> str:
    parts = [EDITION, schedule.wire(), zone, settings.schedule_catchup.total_seconds()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _name(schedule: wire.Schedule) -> str:
    own = schedule.meta_data.name if schedule.meta_data else ""
    return beginning(own or schedule.schedule_id or "without a name", 100)


def _quoted(snapshot: wire.DeployableModel) -> str:
    return repr(beginning(snapshot.meta_data.name or snapshot.id, 100))
