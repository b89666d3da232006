"""A look of the mirror reads what changed since the last one, and everything where that can't be told or is due."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mirroring import back_test, deployment, listed, mirrored, reschedule, running, undeploy
from processes.office import Office
from temporalio.testing import ActivityEnvironment

from activities.mirror import LastLook, MirrorActivities
from mlc.center.modelop import wire
from mlc.center.modelop.signals import ModelOpSignals
from mlc.model.change import Changes, OfModel
from mlc.model.file import FileRules
from mlc.model.schedule import MOST_AGAIN, MirrorLook, MirrorReport
from mlc.settings import ProcessSettings
from workflows.registry import PROCESSES

OVERLAP = ProcessSettings().mirror_overlap
LONG_AFTER = OVERLAP + timedelta(seconds=1)


class Looking:
    """Looks one after the other, as the schedule of the mirror would have them, at times of its own."""

    def __init__(self, desk: Office) -> None:
        self.desk = desk
        self.settings = ProcessSettings()
        self.now = datetime.now(UTC)
        self.last: MirrorLook | None = None
        self.asked: list[str] = []

    async def look(self, *, after: timedelta = LONG_AFTER) -> MirrorReport:
        """The next look, so long after the last one; ``asked`` is then what it asked of the centre."""
        self.now += after
        environment = ActivityEnvironment(client=self.desk.client)
        environment.info = dataclasses.replace(
            ActivityEnvironment.default_info(),
            task_queue=self.desk.task_queue,
            current_attempt_scheduled_time=self.now,
        )
        activities = MirrorActivities(self.desk.port, self.settings, FileRules(), ModelOpSignals(PROCESSES))
        self.desk.center_faults.requests.clear()
        report: MirrorReport = await environment.run(activities.mirror_changes, LastLook(looked=self.last))
        self.asked = [each.removeprefix("GET /model-manage/api/") for each in self.desk.center_faults.requests]
        self.last = report.looked
        return report


@pytest.fixture
def looking(desk: Office) -> Looking:
    return Looking(desk)


async def deployed(desk: Office, *schedule_ids: str) -> tuple[str, str]:
    """A snapshot with a deployment that has schedules: ids of both."""
    snapshot_id = await desk.snapshot()
    schedules = [back_test(snapshot_id, schedule_id) for schedule_id in schedule_ids]
    return snapshot_id, await deployment(desk, *schedules, snapshot_id=snapshot_id)


async def settled(looking: Looking) -> None:
    """Everything was looked at, and nothing has changed for longer than the overlap."""
    report = await looking.look()
    assert report.looked
    assert report.looked.full
    await looking.look()


async def test_where_nothing_changed_a_look_is_two_requests(desk: Office, looking: Looking) -> None:
    await deployed(desk, "nightly")
    await settled(looking)
    report = await looking.look()
    assert looking.asked == ["deployedModels", "deployableModels"]
    assert (report.schedules, report.looked and report.looked.full) == (0, False)


async def test_what_changed_is_mirrored_and_nothing_else_is_read(desk: Office, looking: Looking) -> None:
    others = [await deployed(desk, "nightly") for _ in range(3)]
    snapshot_id, id_ = await deployed(desk, "nightly")
    await settled(looking)
    await reschedule(desk, id_, back_test(snapshot_id, cron="0 0 7 * * ?"), back_test(snapshot_id, "weekly"))
    report = await looking.look()
    assert (report.schedules, report.created, report.updated, report.deleted) == (2, 1, 1, 0)
    assert not [asked for asked in looking.asked for other in others if set(other) & set(asked.split("/"))]
    (calendar,) = (await running(desk, f"mlc-{id_}-nightly")).schedule.spec.calendars
    assert calendar.comment == "0 0 7 * * ?"


async def test_what_comes_is_made_and_what_ends_or_is_taken_off_is_removed(desk: Office, looking: Looking) -> None:
    _, ends = await deployed(desk, "nightly")
    snapshot_id, loses = await deployed(desk, "nightly", "weekly")
    _, stays = await deployed(desk, "nightly")
    await settled(looking)
    for id_, name in ((ends, "nightly"), (loses, "weekly"), (stays, "nightly")):
        await listed(desk, f"mlc-{id_}-{name}")
    await undeploy(desk, ends)
    await reschedule(desk, loses, back_test(snapshot_id))
    _, comes = await deployed(desk, "nightly")
    report = await looking.look()
    assert (report.created, report.deleted) == (1, 2)
    there = [f"mlc-{id_}-nightly" for id_ in (loses, stays, comes)]
    assert all([await mirrored(desk, each) for each in there])
    assert not await mirrored(desk, f"mlc-{ends}-nightly")
    assert not await mirrored(desk, f"mlc-{loses}-weekly")


async def test_a_monitors_schedule_is_a_change_of_its_snapshot(desk: Office, looking: Looking) -> None:
    snapshot_id, _ = await deployed(desk)
    await settled(looking)
    monitor = {"associatedModel": {"storedModel": {"modelMetaData": {"name": "Drift"}}}}
    with_one = monitor | {"schedules": [back_test(snapshot_id, "drift")]}
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [with_one]})
    assert (await looking.look()).created == 1
    await listed(desk, f"mlc-{snapshot_id}-drift")
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [monitor]})
    assert (await looking.look()).deleted == 1


async def test_a_newer_deployment_of_the_model_takes_over_in_the_place(desk: Office, looking: Looking) -> None:
    """Although the older one has not changed."""
    stored = await desk.center.create_stored_model(wire.StoredModel(model_meta_data=wire.ModelMetaData(name="m")))
    old, new = [await desk.snapshot_of(stored) for _ in range(2)]
    first = await deployment(desk, back_test(old), snapshot_id=old)
    await settled(looking)
    await deployment(desk, back_test(new), snapshot_id=new)
    assert (await looking.look()).paused == 1
    assert (await running(desk, f"mlc-{first}-nightly")).schedule.state.paused


async def test_what_was_deleted_is_noticed_when_everything_is_read_again(desk: Office, looking: Looking) -> None:
    _, id_ = await deployed(desk, "nightly")
    await settled(looking)
    await listed(desk, f"mlc-{id_}-nightly")
    assert (await desk.model_manage.delete(f"deployedModels/{id_}")).is_success
    assert (await looking.look()).deleted == 0
    report = await looking.look(after=looking.settings.mirror_full_interval)
    assert report.looked
    assert report.looked.full
    assert not await mirrored(desk, f"mlc-{id_}-nightly")


@pytest.mark.parametrize("changes", [{"schedule_time_zone": "Europe/Berlin"}, {"schedule_catchup": timedelta(hours=2)}])
async def test_other_settings_have_everything_made_anew(
    desk: Office, looking: Looking, changes: dict[str, Any]
) -> None:
    await deployed(desk, "nightly")
    await settled(looking)
    looking.settings = looking.settings.model_copy(update=changes)
    assert (await looking.look()).updated == 1


async def test_what_could_not_be_made_is_tried_again_although_nothing_changes(desk: Office, looking: Looking) -> None:
    _, id_ = await deployed(desk, "nightly")
    taken = f"mlc-{id_}-nightly"
    await settled(looking)
    made = (await running(desk, taken)).schedule
    await desk.client.get_schedule_handle(taken).delete()
    await desk.client.create_schedule(taken, made)  # somebody else's: it carries no mark of the mirror
    await reschedule(desk, id_, back_test("other", cron="0 0 8 * * ?"))
    for _ in range(3):
        assert "another schedule of the id" in (await looking.look()).problems[0]
    await desk.client.get_schedule_handle(taken).delete()
    assert (await looking.look()).created == 1
    await looking.look()
    assert looking.asked == ["deployedModels", "deployableModels"]


async def test_a_centre_that_ignores_the_order_is_read_as_a_whole_each_time(
    desk: Office, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed(desk, "nightly")
    old = Changes(until=datetime(2020, 1, 1, tzinfo=UTC))

    async def first_of_them(_since: datetime | None) -> Changes:
        return old

    monkeypatch.setattr(desk.port, "changes", first_of_them)
    for _ in range(2):
        report = await looking.look()
        assert (report.looked, report.schedules) == (None, 1)


async def test_a_centre_that_can_not_tell_is_read_as_a_whole_each_time(
    desk: Office, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed(desk, "nightly")
    monkeypatch.setattr(desk.port.settings, "sorts_by_change", False)
    for _ in range(2):
        report = await looking.look()
        assert (report.looked, report.schedules) == (None, 1)


def looked(**changes: Any) -> MirrorLook:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    return MirrorLook(**{"full": True, "full_at": at, "until": at, "until_at": at, "edition": "e", **changes})


def test_what_came_just_before_the_last_change_is_read_again_for_a_while() -> None:
    last = looked()
    soon, later = (last.until_at + each for each in (OVERLAP / 2, OVERLAP))
    assert last.due_since(soon, OVERLAP) == last.until - OVERLAP
    assert last.due_since(later, OVERLAP) == last.until
    went = last.went_on(last.until + timedelta(hours=1), later)
    assert (went.until_at, went.full) == (later, False)
    assert last.went_on(last.until - timedelta(hours=1), later).until == last.until  # the newest was deleted
    assert last.went_on(None, later).until == last.until


@pytest.mark.parametrize(("number", "kept"), [(MOST_AGAIN, True), (MOST_AGAIN + 1, False)])
def test_too_much_to_be_looked_at_again_has_everything_looked_at(number: int, kept: bool) -> None:
    again = [OfModel(model_id=f"m{n}") for n in range(number)]
    went: Callable[..., MirrorLook | None] = looked().with_again
    assert (went([*again, *again]) is not None) is kept
