"""Temporal's side of the mirror: the schedules that it makes, changes, pauses and removes, and how they are known."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import Priority
from temporalio.service import RPCError, RPCStatusCode

from activities.files import store_files
from activities.schedule_plan import PlannedSchedule
from mlc.center import Center
from mlc.model.change import OfModel
from mlc.model.cron import Calendar, Values, ranges
from mlc.model.failure import MlcError, Refused
from mlc.model.schedule import MIRRORED_BY, ORIGIN, PAUSED, ScheduleOrigin, ScheduleProblem
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

CREATED, UPDATED, RESTED = "created", "updated", "paused"
LONGEST_NOTE = 500


class Taken(MlcError):
    """Somebody else's schedule has the id."""


@dataclass
class Mirror:
    """Temporal's side. Only schedules that carry its mark, for this task queue, are ever changed or removed."""

    client: Client
    task_queue: str
    center: Center
    settings: ProcessSettings
    done: Counter[str] = field(default_factory=Counter)
    problems: list[ScheduleProblem] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    """Snapshots of which schedules were made, changed, set going again or removed."""
    again: list[OfModel] = field(default_factory=list)
    """To be looked at again although nothing of it changes in the centre."""

    async def bring(self, planned: PlannedSchedule) -> bool:
        """Make the schedule, or change it if its source has changed. False: it can't run, and ``problems`` says why."""
        try:
            await self._bring(planned)
        except (Refused, Taken) as error:  # Refused: the centre does not take a file that came with it
            self._failed(planned, str(error))
            return False
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            self._failed(planned, f"Temporal refuses it ({error.message}).")
            return False
        return True

    def _failed(self, planned: PlannedSchedule, why: str) -> None:
        problem = planned.problem(why)
        self.problems.append(problem)
        self.again.append(OfModel(model_id=problem.model_id, snapshot_id=problem.snapshot_id))

    async def rest(self, schedule_id: str, why: str) -> None:
        """Pause a schedule that must not run now, if it is ours; one that an operator has paused stays as it is."""
        description = await self.described(schedule_id)
        if description is None or not await self._ours(description):
            return
        state, note = description.schedule.state, truncate(f"{PAUSED}{why}", LONGEST_NOTE)
        if not state.paused or (_paused_by_mirror(state) and state.note != note):
            await self.client.get_schedule_handle(schedule_id).pause(note=note)
            self.done[RESTED] += 1

    async def described(self, schedule_id: str) -> ScheduleDescription | None:
        try:
            return await self.client.get_schedule_handle(schedule_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None

    async def _bring(self, planned: PlannedSchedule) -> None:
        description = await self.described(planned.id)
        if description is None:
            await self._create(planned)
        elif not await self._ours(description):
            raise Taken(f"Temporal has another schedule of the id {planned.id}: remove that one.")
        elif (origin := await origin_of(description)) is None or origin.fingerprint != planned.origin.fingerprint:
            await self._update(planned)
        elif _paused_by_mirror(description.schedule.state):
            await self.client.get_schedule_handle(planned.id).unpause(note=_note(planned))
            self._did(UPDATED, planned)

    async def _ours(self, description: ScheduleDescription) -> bool:
        return bool(await description.memo_value(MIRRORED_BY, None) == self.task_queue)

    async def _create(self, planned: PlannedSchedule) -> None:
        schedule = await self._schedule(planned)
        schedule.state = ScheduleState(note=_note(planned))
        try:
            await self.client.create_schedule(planned.id, schedule, memo={MIRRORED_BY: self.task_queue})
        except ScheduleAlreadyRunningError:
            return  # another mirror was quicker
        self._did(CREATED, planned)

    async def _update(self, planned: PlannedSchedule) -> None:
        wanted = await self._schedule(planned)

        def updated(current: ScheduleUpdateInput) -> ScheduleUpdate:
            # Its state is the operator's: a pause, with the note that says why. All but the mirror's own pause.
            wanted.state = current.description.schedule.state
            if _paused_by_mirror(wanted.state):
                wanted.state = replace(wanted.state, paused=False, note=_note(planned))
            return ScheduleUpdate(wanted)

        await self.client.get_schedule_handle(planned.id).update(updated)
        self._did(UPDATED, planned)

    def _did(self, what: str, planned: PlannedSchedule) -> None:
        self.done[what] += 1
        self.changed.add(planned.origin.snapshot_id)

    async def _schedule(self, planned: PlannedSchedule) -> Schedule:
        asset_ids = await store_files(self.center, planned.workflow_id, planned.start.embedded)
        origin = planned.origin
        return Schedule(
            action=ScheduleActionStartWorkflow(
                planned.start.workflow,
                planned.start.input(asset_ids),
                id=planned.workflow_id,
                task_queue=self.task_queue,
                memo={ORIGIN: origin},
                priority=Priority(fairness_key=planned.fairness),
                static_summary=truncate(f"Schedule {origin.name}", 200),
            ),
            spec=ScheduleSpec(
                calendars=[_calendar(calendar, origin.cron) for calendar in planned.calendars],
                time_zone_name=origin.time_zone,
            ),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=self.settings.schedule_catchup),
        )


async def mirrored(client: Client, task_queue: str) -> AsyncIterator[str]:
    """The ids of the schedules that this task queue's mirror made, as Temporal's list, which lags, has them."""
    async for listed in await client.list_schedules():
        if await listed.memo_value(MIRRORED_BY, None) == task_queue:
            yield listed.id


async def remove(client: Client, schedule_id: str) -> bool:
    """Remove a schedule; False if there is none."""
    try:
        await client.get_schedule_handle(schedule_id).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def remove_mirrored(client: Client, task_queue: str) -> int:
    """Remove all schedules that this task queue's mirror made; how many there were."""
    return sum([await remove(client, schedule_id) async for schedule_id in mirrored(client, task_queue)])


async def origin_of(description: ScheduleDescription) -> ScheduleOrigin | None:
    """Which of the centre's schedules a mirrored one comes from; None if it doesn't say so."""
    action = description.schedule.action
    payload = (action.memo or {}).get(ORIGIN) if isinstance(action, ScheduleActionStartWorkflow) else None
    if not isinstance(payload, Payload):
        return None
    (origin,) = await description.data_converter.decode([payload], [ScheduleOrigin])
    return origin if isinstance(origin, ScheduleOrigin) else None


def _paused_by_mirror(state: ScheduleState) -> bool:
    return state.paused and (state.note or "").startswith(PAUSED)


def _note(planned: PlannedSchedule) -> str:
    return f"Mirrored from the model centre: {planned.origin.source}."


def _calendar(calendar: Calendar, comment: str) -> ScheduleCalendarSpec:
    return ScheduleCalendarSpec(
        second=_ranges(calendar.second),
        minute=_ranges(calendar.minute),
        hour=_ranges(calendar.hour),
        day_of_month=_ranges(calendar.day_of_month),
        month=_ranges(calendar.month),
        day_of_week=_ranges(calendar.day_of_week),
        year=_ranges(calendar.year),
        comment=comment,
    )


def _ranges(values: Values) -> list[ScheduleRange]:
    return [ScheduleRange(*each) for each in ranges(values)]
