"""The mirror: the model centre's schedules as Temporal Schedules, made, changed and removed as they are there."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field

from temporalio import activity
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
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import translated
from activities.files import store_files
from activities.notifications import Notice, NotificationActivities
from activities.schedule_plan import PlannedSchedule, schedule_plan
from mlc.center import Center
from mlc.model.cron import Calendar, Values, ranges
from mlc.model.failure import Refused
from mlc.model.file import FileRules
from mlc.model.schedule import MIRRORED_BY, ORIGIN, MirrorReport, ScheduleOrigin, ScheduleProblem
from mlc.model.short import beginning
from mlc.settings import CenterSettings, ProcessSettings

CREATED, UPDATED = "created", "updated"
SHOWN, LONGEST = 5, 300
"""Problems in a report, and bytes of each: reports are kept in histories."""


class Taken(Exception):
    """Somebody else's schedule has the id."""


@dataclass
class MirrorActivities:
    center: Center
    settings: ProcessSettings
    center_settings: CenterSettings
    files: FileRules

    @activity.defn
    async def mirror_schedules(self) -> MirrorReport:
        """Bring Temporal's Schedules in line with the centre's, and tell of those that can't run."""
        mirror = Mirror(activity.client(), activity.info().task_queue, self.center, self.settings)
        with translated():
            plan = await schedule_plan(
                self.center, center_settings=self.center_settings, settings=self.settings, files=self.files
            )
            right = {planned.id for planned in plan.schedules if await mirror.bring(planned)}
            deleted = await remove_mirrored(mirror.client, mirror.task_queue, keep=right)
            problems = [*plan.problems, *mirror.problems]
            for problem in problems:
                await self._tell(problem)
        return MirrorReport(
            schedules=len(right),
            created=mirror.done[CREATED],
            updated=mirror.done[UPDATED],
            deleted=deleted,
            problem_count=len(problems),
            problems=[beginning(problem.text, LONGEST) for problem in problems[:SHOWN]],
        )

    async def _tell(self, problem: ScheduleProblem) -> None:
        notice = Notice(
            snapshot_id=problem.snapshot_id,
            model_id=problem.model_id,
            key=problem.key,
            message=f"This schedule does not run. {problem.text}",
            severity="WARN",
        )
        await NotificationActivities(self.center).notify(notice)


@dataclass
class Mirror:
    """Temporal's side. Only schedules that carry its mark, for this task queue, are ever changed or removed."""

    client: Client
    task_queue: str
    center: Center
    settings: ProcessSettings
    done: Counter[str] = field(default_factory=Counter)
    problems: list[ScheduleProblem] = field(default_factory=list)

    async def bring(self, planned: PlannedSchedule) -> bool:
        """Make the schedule, or change it if its source has changed. False: it can't run, and ``problems`` says why."""
        try:
            await self._bring(planned)
        except (Refused, Taken) as error:  # Refused: the centre does not take a file that came with it
            self.problems.append(planned.problem(str(error)))
            return False
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            self.problems.append(planned.problem(f"Temporal refuses it ({error.message})."))
            return False
        return True

    async def _bring(self, planned: PlannedSchedule) -> None:
        description = await self._described(planned.id)
        if description is None:
            await self._create(planned)
        elif await description.memo_value(MIRRORED_BY, None) != self.task_queue:
            raise Taken(f"Temporal has another schedule of the id {planned.id}: remove that one.")
        elif (origin := await origin_of(description)) is None or origin.fingerprint != planned.origin.fingerprint:
            await self._update(planned)

    async def _described(self, schedule_id: str) -> ScheduleDescription | None:
        try:
            return await self.client.get_schedule_handle(schedule_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None

    async def _create(self, planned: PlannedSchedule) -> None:
        schedule = await self._schedule(planned)
        schedule.state = ScheduleState(note=f"Mirrored from the model centre: {planned.origin.source}.")
        try:
            await self.client.create_schedule(planned.id, schedule, memo={MIRRORED_BY: self.task_queue})
        except ScheduleAlreadyRunningError:
            return  # another mirror was quicker
        self.done[CREATED] += 1

    async def _update(self, planned: PlannedSchedule) -> None:
        wanted = await self._schedule(planned)

        def updated(current: ScheduleUpdateInput) -> ScheduleUpdate:
            # Its state is the operator's: a pause, with the note that says why.
            wanted.state = current.description.schedule.state
            return ScheduleUpdate(wanted)

        await self.client.get_schedule_handle(planned.id).update(updated)
        self.done[UPDATED] += 1

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
                static_summary=beginning(f"Schedule {origin.name}", 200),
            ),
            spec=ScheduleSpec(
                calendars=[_calendar(calendar, origin.cron) for calendar in planned.calendars],
                time_zone_name=origin.time_zone,
            ),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=self.settings.schedule_catchup),
        )


async def remove_mirrored(client: Client, task_queue: str, *, keep: Container[str] = ()) -> int:
    """Remove the schedules that this task queue's mirror made, all but those to keep; how many there were."""
    removed = 0
    async for listed in await client.list_schedules():
        if listed.id not in keep and await listed.memo_value(MIRRORED_BY, None) == task_queue:
            try:
                await client.get_schedule_handle(listed.id).delete()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:  # the list lags
                    raise
            else:
                removed += 1
    return removed


async def origin_of(description: ScheduleDescription) -> ScheduleOrigin | None:
    """Which of the centre's schedules a mirrored one comes from; None if it doesn't say so."""
    action = description.schedule.action
    payload = (action.memo or {}).get(ORIGIN) if isinstance(action, ScheduleActionStartWorkflow) else None
    if not isinstance(payload, Payload):
        return None
    (origin,) = await description.data_converter.decode([payload], [ScheduleOrigin])
    return origin if isinstance(origin, ScheduleOrigin) else None


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
