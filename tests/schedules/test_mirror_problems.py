"""A schedule that can't run is reported with its place, and stops none of the others."""

from typing import Any

import pytest
from mirroring import (
    DAILY,
    DEPLOYED_BATCH_JOB,
    back_test,
    batch_job,
    deployment,
    listed,
    mirror,
    mirrored,
    reschedule,
    running,
)
from processes.office import Office

from mlc.center.modelop import wire
from mlc.standalone.faults import Effect

SIGNALS = "com.modelop.mlc.definitions.Signals_"


async def warnings(desk: Office, snapshot_id: str) -> list[wire.Notification]:
    return [n for n in await desk.center.list_notifications(snapshot_id=snapshot_id) if n.severity == "WARN"]


def signal(name: str, **variables: Any) -> dict[str, Any]:
    return {"signalName": SIGNALS + name, "signalVariables": variables}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cronExpression": "0 0 6 L * ?"}, "Cron field day of month 'L': L, W, # and C"),
        ({"cronExpression": None}, "A cron expression has six or seven fields"),
        ({"timeZone": "Mars/Olympus"}, "time zone 'Mars/Olympus' is not known"),
        ({"timeZone": "../etc/passwd"}, "is not known"),
        ({"action": None}, "it must name a signal"),
        ({"action": signal("Run_Back_Test_Jira")}, "Run_Back_Test_Jira': Variable MODEL_ID is missing"),
        ({"action": signal("Run_Back_Test_Jira", MODEL="x")}, "Variable 'MODEL' is unknown"),
        ({"action": signal("deployable_model_changed", DEPLOYABLE_MODEL={"id": "x"})}, "No process is started"),
        (
            {"action": signal("DEPLOYED_BATCH_JOB", TAG="t", INPUT_FILE={"fileUrl": "file:///etc/passwd"})},
            "INPUT_FILE.fileUrl: only files below MLC_FILE_READ and MLC_FILE_ROOT are allowed for file: addresses: add "
            "the folder that holds it to MLC_FILE_READ (or set MLC_FILE_ROOT to it, for both), or embed the file.",
        ),
    ],
)
async def test_what_is_wrong_is_said_and_where(desk: Office, changes: dict[str, Any], said: str) -> None:
    snapshot_id = await desk.snapshot()
    wrong = {**back_test(snapshot_id, "wrong"), **changes}
    id_ = await deployment(desk, wrong, back_test(snapshot_id, "right"), snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert (report.schedules, report.problem_count) == (1, 1)
    (notification,) = await warnings(desk, snapshot_id)
    place = f"This schedule does not run. Deployment {id_} of 'model-"
    assert notification.message.startswith(place)
    assert ", schedule 'wrong test' (wrong): " in notification.message
    assert said in notification.message
    assert report.problems[0][:100] == notification.message.removeprefix("This schedule does not run. ")[:100]
    assert await mirrored(desk, f"mlc-{id_}-right")
    assert await mirrored(desk, f"mlc-{id_}-wrong") is None


async def test_a_problem_is_told_once_and_the_next_one_again(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id, cron="0 0 6 L * ?"), snapshot_id=snapshot_id)
    await mirror(desk)
    await mirror(desk)
    (told,) = await warnings(desk, snapshot_id)
    await desk.center.patch_notification(told.id, {"open": False})  # somebody has seen it
    await mirror(desk)
    assert len(await warnings(desk, snapshot_id)) == 1
    await reschedule(desk, id_, back_test(snapshot_id, cron="0 0 6 W * ?"))
    await mirror(desk)
    assert len(await warnings(desk, snapshot_id)) == 2


async def test_a_problem_is_told_once_by_a_centre_that_drops_our_fields(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    await deployment(desk, back_test(snapshot_id, cron="0 0 6 L * ?"), snapshot_id=snapshot_id)
    await mirror(desk)
    (told,) = await warnings(desk, snapshot_id)
    await desk.center.patch_notification(told.id, {"mlcKey": None})
    await mirror(desk)
    assert len(await warnings(desk, snapshot_id)) == 1


async def test_a_mended_problem_has_its_notification_closed_and_is_told_again_when_it_is_back(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id, cron="0 0 6 L * ?"), snapshot_id=snapshot_id)
    await mirror(desk)
    await reschedule(desk, id_, back_test(snapshot_id))
    await mirror(desk)
    (closed,) = await warnings(desk, snapshot_id)
    assert not closed.open
    assert closed.message.startswith("Mended. This schedule does not run. ")
    await reschedule(desk, id_, back_test(snapshot_id, cron="0 0 6 L * ?"))
    await mirror(desk)
    again, _ = await warnings(desk, snapshot_id)
    assert again.open
    assert again.message == closed.message.removeprefix("Mended. ")


async def test_a_schedule_that_has_become_wrong_is_paused_until_it_is_mended(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    note = (await running(desk, f"mlc-{id_}-nightly")).schedule.state.note
    await reschedule(desk, id_, back_test(snapshot_id, cron="every day at six"))
    assert [(await mirror(desk)).paused for _ in range(2)] == [1, 0]
    state = (await running(desk, f"mlc-{id_}-nightly")).schedule.state
    assert state.paused
    assert (state.note or "").startswith("mlc: A cron expression has ")
    # Mended as it was, so that only the pause is to be taken back; and mended otherwise.
    for cron in (DAILY, "every day at six", "0 0 7 * * ?"):
        await reschedule(desk, id_, back_test(snapshot_id, cron=cron))
        report = await mirror(desk)
        state = (await running(desk, f"mlc-{id_}-nightly")).schedule.state
        assert (report.updated, state.paused) == ((0, True) if report.problem_count else (1, False))
    assert (report.schedules, state.note) == (1, note)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_an_operators_pause_outlasts_a_problem(desk: Office, when: str) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    handle = desk.client.get_schedule_handle(f"mlc-{id_}-nightly")
    if when == "before":
        await handle.pause(note="Ann: the data is being moved")
    await reschedule(desk, id_, back_test(snapshot_id, cron="every day at six"))
    await mirror(desk)
    if when == "meanwhile":
        await handle.pause(note="Ann: the data is being moved")
        await mirror(desk)
    await reschedule(desk, id_, back_test(snapshot_id))
    await mirror(desk)
    state = (await handle.describe()).schedule.state
    assert (state.paused, state.note) == (True, "Ann: the data is being moved")


async def test_a_schedule_of_a_signal_that_nobody_listens_to_is_no_problem_and_does_not_run(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    unheard = back_test(snapshot_id, action=signal("model_changed", MODEL_ID=snapshot_id))
    id_ = await deployment(desk, unheard, snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert (report.schedules, report.unheard, report.problem_count) == (0, 1, 0)
    assert await warnings(desk, snapshot_id) == []
    assert await mirrored(desk, f"mlc-{id_}-nightly") is None


async def test_a_problem_of_a_monitor_names_the_monitor(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    monitor = {
        "associatedModel": {"storedModel": {"modelMetaData": {"name": "Data Drift"}}},
        "schedules": [back_test(snapshot_id, action=signal("Weekly_Check", MODEL_ID=snapshot_id))],
    }
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [monitor]})
    await deployment(desk, snapshot_id=snapshot_id)
    (problem,) = (await mirror(desk)).problems
    assert problem.startswith("Monitor 'Data Drift' on 'model-")
    assert ", schedule 'nightly test' (nightly): signal 'com.modelop.mlc.definitions.Signals_Weekly" in problem


async def test_schedules_without_an_id_or_with_anothers_are_wrong(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    nameless = {**back_test(snapshot_id), "scheduleId": None, "metaData": None}
    strange = back_test(snapshot_id, "a/b c")
    await deployment(desk, nameless, strange, back_test(snapshot_id), back_test(snapshot_id), snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert (report.schedules, report.problem_count) == (1, 3)
    assert "schedule 'without a name': it needs an id" in report.problems[0]
    assert "schedule 'a/b c test' (a/b c): it needs an id" in report.problems[1]
    assert "another schedule there has the same id" in report.problems[2]


async def test_a_file_that_the_centre_does_not_take_is_a_problem_of_its_schedule_alone(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, batch_job("t"), back_test(snapshot_id), snapshot_id=snapshot_id)
    assert (await mirror(desk)).schedules == 2
    await listed(desk, f"mlc-{id_}-scoring")
    await reschedule(desk, id_, batch_job("t", content="x\n2\n"), back_test(snapshot_id))
    desk.center_faults.add(Effect.ANSWER, method="POST", path="/assets", status=413)
    report = await mirror(desk)
    assert (report.schedules, report.problem_count) == (1, 1)
    assert "POST assets was answered with 413" in report.problems[0]
    assert (await running(desk, f"mlc-{id_}-scoring")).schedule.state.paused, "it would run with the old file"
    assert await mirrored(desk, f"mlc-{id_}-nightly")


async def test_a_report_stays_small_however_much_is_wrong(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    action = {"signalName": DEPLOYED_BATCH_JOB + "x" * 2000, "signalVariables": {}}
    many = [back_test(snapshot_id, f"wrong-{number}", action=action) for number in range(30)]
    await deployment(desk, *many, snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert report.problem_count == 30
    assert len(report.model_dump_json()) < 2048
