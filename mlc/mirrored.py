"""The mirrored schedules as ``mlc schedule`` shows and fires them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.mirrored_schedules import origin_of
from activities.schedule_plan import schedule_plan
from mlc.center import Center
from mlc.center.capability import Capability
from mlc.center.modelop.signals import ModelOpSignals
from mlc.model.base import Record
from mlc.model.failure import ExternalError, MlcError, innermost
from mlc.model.processes import TASK_QUEUE
from mlc.model.schedule import MIRROR_SCHEDULE, MIRROR_SCHEDULES, MIRRORED_BY, PREFIX, MirrorReport
from mlc.settings import FileSettings, ProcessSettings
from workflows.registry import PROCESSES

RUNNING, COMPLETED = "running", "completed"
OFF = "The centre's schedules are not run here: set MLC_MIRROR_SCHEDULES=true and run `mlc setup`."
MIRROR_TIMEOUT = timedelta(seconds=60)
FIRING_TIMEOUT = 20.0
"""Seconds in which Temporal must have started what was fired."""
LAGS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks for what was just made."""
ALL_LISTED = 1.0
"""After such a pause a name that isn't among as many as there are is not to come: what ended may be listed still."""


class NotFired(MlcError):
    """A schedule that can't be fired. The text says why and what to do."""


class LastRun(Record):
    """``outcome`` is ``running``, what the process calls its outcome, or how the run ended."""

    workflow_id: str
    started: datetime
    outcome: str


class MirroredSchedule(Record):
    """A schedule as it runs in Temporal. ``workflow_id`` is what the ids of its runs begin with."""

    id: str
    name: str
    schedule_id: str
    cron: str
    time_zone: str
    starts: str
    workflow_id: str
    source: str
    snapshot_id: str
    next: datetime | None
    last: LastRun | None
    paused: bool
    note: str | None


async def mirrored_schedules(client: Client, task_queue: str = TASK_QUEUE) -> list[MirroredSchedule]:
    """What the mirror of this task queue made, by name."""
    found = []
    async for listed in await client.list_schedules():
        if await listed.memo_value(MIRRORED_BY, None) == task_queue:
            description = await _described(client, listed.id)
            schedule = description and await _mirrored(client, description)
            if schedule:
                found.append(schedule)
    return sorted(found, key=lambda schedule: (schedule.name, schedule.id))


async def problems(client: Client, center: Center, schedules: Sequence[MirroredSchedule]) -> list[str]:
    """What keeps schedules from running: those of the centre that are wrong, missing here or heard by nobody, and the
    mirror itself.
    """
    own = await _described(client, MIRROR_SCHEDULE)
    if own is None:
        return [OFF]
    last = await _last_run(client, own)
    found = (
        []
        if last is None or last.outcome in {RUNNING, COMPLETED}
        else [f"The mirror itself: its last run {last.outcome}"]
    )
    settings = ProcessSettings()
    signals = ModelOpSignals(PROCESSES, foreign=Capability.READS_ANY_ASSET in center.capabilities)
    try:
        plan = await schedule_plan(center, settings=settings, files=FileSettings().rules, signals=signals)
    except ExternalError as error:
        return [*found, f"The model centre's schedules can't be read: {error}"]
    known = {schedule.id for schedule in schedules}
    missing = (
        "not in Temporal yet: the mirror looks again within "
        f"{settings.mirror_interval}; if it can't be made, a notification on its snapshot says why."
    )
    unmade = [planned.problem(missing) for planned in plan.schedules if planned.id not in known]
    return found + [problem.text for problem in (*plan.problems, *unmade, *plan.unheard)]


async def fire(client: Client, name: str, task_queue: str = TASK_QUEUE) -> str:
    """Start what a schedule starts, now, whether or not it is paused; the run's workflow id.

    Args:
        name: its name, its id in the centre or its id in Temporal. One that the mirror has not made yet is waited for.

    Raises:
        NotFired: there is no such schedule, there are several, or its last run has not ended.
    """
    schedule = await _of_id(client, name, task_queue) or _only(name, await mirrored_schedules(client, task_queue))
    if schedule is None:
        report = await mirror_now(client, task_queue)
        schedule = await _appearing(client, name, task_queue, report.schedules)
    if schedule.last and schedule.last.outcome == RUNNING:
        raise NotFired(f"{schedule.name!r} still runs as {schedule.last.workflow_id}: wait for it, or cancel it.")
    handle = client.get_schedule_handle(schedule.id)
    before = (await handle.describe()).info.num_actions
    await handle.trigger()
    try:
        async with asyncio.timeout(FIRING_TIMEOUT):
            info = (await handle.describe()).info
            while info.num_actions == before:
                await asyncio.sleep(0.1)
                info = (await handle.describe()).info
    except TimeoutError:
        raise NotFired(f"Temporal did not start {schedule.name!r} within {FIRING_TIMEOUT:.0f} s.") from None
    return _started(info.recent_actions[-1].action)


async def mirror_now(client: Client, task_queue: str = TASK_QUEUE) -> MirrorReport:
    """Have a worker look at all of the centre's schedules at once.

    Raises:
        NotFired: the mirror is off, or no worker did it in time.
    """
    if task_queue == TASK_QUEUE and await _described(client, MIRROR_SCHEDULE) is None:
        raise NotFired(OFF)
    try:
        report: MirrorReport = await client.execute_workflow(
            MIRROR_SCHEDULES,
            id=f"{MIRROR_SCHEDULE}-{uuid4()}",
            task_queue=task_queue,
            execution_timeout=MIRROR_TIMEOUT,
            result_type=MirrorReport,
        )
    except WorkflowFailureError as error:
        raise NotFired(f"The centre's schedules could not be mirrored ({innermost(error)}): is a worker up?") from None
    return report


async def _appearing(client: Client, name: str, task_queue: str, count: int) -> MirroredSchedule:
    """A schedule that the mirror has just made: Temporal's list of schedules lags.

    Until all ``count`` are listed, one of that name may not be the only one.
    """
    for pause in (0.0, *LAGS):
        await asyncio.sleep(pause)
        if schedule := await _of_id(client, name, task_queue):
            return schedule
        everything = await mirrored_schedules(client, task_queue)
        if len(everything) >= count:
            if schedule := _only(name, everything):
                return schedule
            if pause >= ALL_LISTED:
                break
    if _only(name, everything):
        raise NotFired(
            f"Temporal lists {len(everything)} of {count} schedules by now, and another one may be called {name!r}: "
            "try again in a moment, or give the id of the one that is meant (`mlc schedule list`)."
        )
    there = ", ".join(repr(each.name) for each in everything) or "none"
    raise NotFired(f"There is no schedule {name!r}; there are: {there}. `mlc schedule list` says more.")


async def _of_id(client: Client, schedule_id: str, task_queue: str) -> MirroredSchedule | None:
    """The one of this id in Temporal, which is there as soon as it is made."""
    description = await _described(client, schedule_id) if schedule_id.startswith(PREFIX) else None
    if description is None or await description.memo_value(MIRRORED_BY, None) != task_queue:
        return None
    return await _mirrored(client, description)


def _only(name: str, schedules: Sequence[MirroredSchedule]) -> MirroredSchedule | None:
    """The one of this name or id."""
    found = [each for each in schedules if name in {each.name, each.schedule_id, each.id}]
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise NotFired(f"{len(found)} schedules are called {name!r}; give the id of one: {ids}.")
    return found[0] if found else None


async def _described(client: Client, schedule_id: str) -> ScheduleDescription | None:
    try:
        return await client.get_schedule_handle(schedule_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def _mirrored(client: Client, description: ScheduleDescription) -> MirroredSchedule | None:
    origin, action = await origin_of(description), description.schedule.action
    if origin is None or not isinstance(action, ScheduleActionStartWorkflow):
        return None
    coming = description.info.next_action_times
    return MirroredSchedule(
        id=description.id,
        name=origin.name,
        schedule_id=origin.schedule_id,
        cron=origin.cron,
        time_zone=origin.time_zone,
        starts=action.workflow,
        workflow_id=action.id,
        source=origin.source,
        snapshot_id=origin.snapshot_id,
        next=coming[0] if coming else None,
        last=await _last_run(client, description),
        paused=description.schedule.state.paused,
        note=description.schedule.state.note,
    )


async def _last_run(client: Client, description: ScheduleDescription) -> LastRun | None:
    if not description.info.recent_actions:
        return None
    last = description.info.recent_actions[-1]
    workflow_id = _started(last.action)
    return LastRun(workflow_id=workflow_id, started=last.started_at, outcome=await _outcome(client, workflow_id))


async def _outcome(client: Client, workflow_id: str) -> str:
    run = client.get_workflow_handle(workflow_id)
    try:
        status = (await run.describe()).status
        if status is WorkflowExecutionStatus.RUNNING or status is None:
            return RUNNING
        result = await run.result()
    except WorkflowFailureError as error:
        return f"failed: {innermost(error)}"
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return "ended, and is no longer kept"
    return str(result.get("outcome") or COMPLETED) if isinstance(result, dict) else COMPLETED


def _started(action: object) -> str:
    return action.workflow_id if isinstance(action, ScheduleActionExecutionStartWorkflow) else ""
