"""Temporal itself says when a mirrored cron expression fires next, and `mlc setup` turns the mirror on and off."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from mirroring import action, back_test, deployment, mirror, mirrored, running
from moments import moments
from processes.office import Office
from servers import eventually
from temporalio.client import ScheduleIntervalSpec

from mlc.model.cron import calendars
from mlc.model.processes import TASK_QUEUE
from mlc.namespace import schedule_mirror
from mlc.settings import ProcessSettings

ZONE = "Asia/Kolkata"
"""Half an hour beside the others, and without summer time."""


def upcoming(cron: str, after: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(ZONE)
    first = after.astimezone(zone)
    for moment in moments(calendars(cron), first.date(), first.date() + timedelta(days=4000)):
        if moment.replace(tzinfo=zone) > first:
            yield moment.replace(tzinfo=zone)


async def test_temporal_fires_when_the_expression_says(desk: Office) -> None:
    crons = {
        "daily": "0 0 6 * * ?",
        "sunday-first": "0 0 12 ? * 1",
        "working-days": "15 30 8-18/5 ? * MON-FRI",
        "around": "0 0/20 22-1 1,15 NOV-FEB ?",
        "leap-day": "0 0 0 29 2 ?",
        "years": "0 0 0 1 1 ? 2030-2034/2",
        "either": "30 6 1,15 * MON",
        "both": "0 0 */10 * 5",
        "unix-sunday": "0 6 * 6-8 7",
    }
    snapshot_id = await desk.snapshot()
    schedules = [back_test(snapshot_id, name, cron, timeZone=ZONE) for name, cron in crons.items()]
    id_ = await deployment(desk, *schedules, snapshot_id=snapshot_id)
    assert (await mirror(desk)).schedules == len(crons)
    for name, cron in crons.items():
        info = (await running(desk, f"mlc-{id_}-{name}")).info
        assert info.next_action_times[:3] == list(islice(upcoming(cron, info.created_at), 3)), name


async def test_setup_has_the_mirror_run_or_removes_all_that_it_made(desk: Office) -> None:
    wanted = ProcessSettings(mirror_schedules=True, mirror_interval=timedelta(minutes=3))
    unwanted = ProcessSettings(mirror_schedules=False)
    told = await schedule_mirror(desk.client, wanted)
    assert told == "schedule mlc-mirror-schedules: every 0:03:00, created"
    own = (await running(desk, "mlc-mirror-schedules")).schedule
    assert own.spec.intervals == [ScheduleIntervalSpec(every=timedelta(minutes=3))]
    assert (action(own).workflow, action(own).task_queue) == ("MirrorSchedules", TASK_QUEUE)
    await desk.client.create_schedule("mlc-made-by-it", own, memo={"mlcMirroredBy": TASK_QUEUE})

    async def removed() -> bool:
        await schedule_mirror(desk.client, unwanted)
        return await mirrored(desk, "mlc-made-by-it") is None

    await eventually(removed)
    assert await mirrored(desk, "mlc-mirror-schedules") is None
    told = await schedule_mirror(desk.client, unwanted)
    assert told == "the centre's schedules: not run here (MLC_MIRROR_SCHEDULES)"
