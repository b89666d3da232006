"""The centre's schedules run in Temporal, as they are in the centre."""

from datetime import timedelta
from typing import Any

import pytest
from mirroring import (
    DAILY,
    action,
    back_test,
    batch_job,
    deployment,
    listed,
    mirror,
    mirrored,
    reschedule,
    running,
    started_with,
    undeploy,
)
from processes.office import Office
from servers import eventually
from temporalio.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleOverlapPolicy,
    ScheduleRange,
    ScheduleSpec,
    WorkflowFailureError,
)

from mlc.center.modelop import wire
from mlc.center.modelop.signals import PREFIX
from mlc.model.monitor_processes import RunMonitorsInput
from mlc.standalone.faults import Effect

EMPTY = '{"_embedded": {"deployedModels": []}, "page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}}'
"""A page of a listing with nothing on it."""


async def test_a_schedule_of_a_deployment_runs_in_temporal(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id, cron="0 30 6 ? * MON-FRI"), snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert (report.schedules, report.created, report.problem_count) == (1, 1, 0)
    made = (await running(desk, f"mlc-{id_}-nightly")).schedule
    (calendar,) = made.spec.calendars
    assert (calendar.second, calendar.minute, calendar.hour) == (
        (ScheduleRange(0),),
        (ScheduleRange(30),),
        (ScheduleRange(6),),
    )
    assert (calendar.day_of_week, calendar.comment) == ((ScheduleRange(1, 5),), "0 30 6 ? * MON-FRI")
    assert made.spec.time_zone_name == "UTC"
    assert (action(made).workflow, action(made).id) == ("RunBackTest", f"back-test-{snapshot_id}-nightly")
    assert action(made).task_queue == desk.task_queue
    assert (await started_with(desk, made)).model_id == snapshot_id
    assert (made.policy.overlap, made.policy.catchup_window) == (ScheduleOverlapPolicy.SKIP, timedelta(hours=1))
    assert f"deployment {id_} of 'model-" in (made.state.note or "").lower()


async def test_what_it_starts_takes_turns_by_its_models_group_and_a_batch_job_by_its_tag(desk: Office) -> None:
    stored = wire.StoredModel(group="credit", model_meta_data=wire.ModelMetaData(name="m"))
    snapshot_id = await desk.snapshot_of(await desk.center.create_stored_model(stored))
    id_ = await deployment(desk, back_test(snapshot_id), batch_job("cc-fraud"), snapshot_id=snapshot_id)
    await mirror(desk)
    made = [(await running(desk, f"mlc-{id_}-{name}")).schedule for name in ("nightly", "scoring")]
    assert [action(each).priority.fairness_key for each in made] == ["credit", "cc-fraud"]
    await desk.client.get_schedule_handle(f"mlc-{id_}-nightly").trigger()

    async def fired() -> str | None:
        actions = (await running(desk, f"mlc-{id_}-nightly")).info.recent_actions
        if not actions:
            return None
        started = actions[-1].action
        assert isinstance(started, ScheduleActionExecutionStartWorkflow)
        described = await desk.client.get_workflow_handle(started.workflow_id).describe()
        return described.raw_description.workflow_execution_info.priority.fairness_key

    assert await eventually(fired) == "credit"


async def test_fired_it_starts_the_run_under_the_schedules_id(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    await desk.client.get_schedule_handle(f"mlc-{id_}-nightly").trigger()

    async def fired() -> str | None:
        recent = (await running(desk, f"mlc-{id_}-nightly")).info.recent_actions
        return recent[-1].action.workflow_id if recent else None

    workflow_id = await eventually(fired)
    assert workflow_id.startswith(f"back-test-{snapshot_id}-nightly-20")
    run = desk.client.get_workflow_handle(workflow_id)
    description = await run.describe()
    assert description.workflow_type == "RunBackTest"
    assert (await description.memo())["mlcSchedule"]["cron"] == DAILY

    async def job_made() -> list[dict[str, Any]]:
        return await desk.jobs(snapshot_id)

    assert [job["jobType"] for job in await eventually(job_made)] == ["MODEL_BATCH_TEST_JOB"]
    await run.terminate()


async def test_a_batch_job_gets_its_file_by_an_id_that_stays_the_same(desk: Office) -> None:
    id_ = await deployment(desk, batch_job("cc-fraud"))
    await mirror(desk)
    made = (await running(desk, f"mlc-{id_}-scoring")).schedule
    first = await started_with(desk, made)
    assert (action(made).workflow, action(made).id) == ("RunBatchModelJob", "batch-cc-fraud-scoring")
    assert (first.tag, first.input_files[0].filename) == ("cc-fraud", "in.csv")
    asset_id = first.input_files[0].asset_id or ""
    assert (await desk.center.get_asset(asset_id)).content() == b"x\n1\n"

    await reschedule(desk, id_, batch_job("cc-fraud", cronExpression="0 0 7 * * ?"))
    assert (await mirror(desk)).updated == 1
    assert await started_with(desk, (await running(desk, f"mlc-{id_}-scoring")).schedule) == first

    await reschedule(desk, id_, batch_job("cc-fraud", content="x\n2\n"))
    await mirror(desk)
    second = await started_with(desk, (await running(desk, f"mlc-{id_}-scoring")).schedule)
    assert (await desk.center.get_asset(second.input_files[0].asset_id or "")).content() == b"x\n2\n"


async def test_what_has_not_changed_is_left_alone(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), batch_job("t"), snapshot_id=snapshot_id)
    await mirror(desk)
    before = (await running(desk, f"mlc-{id_}-nightly")).info
    report = await mirror(desk)
    assert (report.schedules, report.created, report.updated, report.deleted) == (2, 0, 0, 0)
    assert (await running(desk, f"mlc-{id_}-nightly")).info.last_updated_at == before.last_updated_at


async def test_a_change_keeps_an_operators_pause_and_its_note(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    await desk.client.get_schedule_handle(f"mlc-{id_}-nightly").pause(note="Ann: the data is being moved")
    await reschedule(desk, id_, back_test(snapshot_id, cron="0 0 7,19 * * ?", timeZone="Europe/Berlin"))
    assert (await mirror(desk)).updated == 1
    changed = (await running(desk, f"mlc-{id_}-nightly")).schedule
    assert changed.spec.calendars[0].hour == (ScheduleRange(7), ScheduleRange(19))
    assert changed.spec.time_zone_name == "Europe/Berlin"
    assert (changed.state.paused, changed.state.note) == (True, "Ann: the data is being moved")


@pytest.mark.parametrize("how", ["taken off", "undeployed"])
async def test_a_schedule_that_is_gone_runs_no_more(desk: Office, how: str) -> None:
    snapshot_id = await desk.snapshot()
    stays = back_test(snapshot_id, "stays")
    id_ = await deployment(desk, stays, back_test(snapshot_id, "goes"), snapshot_id=snapshot_id)
    await mirror(desk)
    await (reschedule(desk, id_, stays) if how == "taken off" else undeploy(desk, id_))
    await removed(desk, f"mlc-{id_}-goes")
    assert bool(await mirrored(desk, f"mlc-{id_}-stays")) is (how == "taken off")


async def test_schedules_of_monitors_run_while_their_snapshot_is_deployed(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    monitor = {
        "associatedModel": {"storedModel": {"modelMetaData": {"name": "Weekly check"}}},
        "schedules": [back_test(snapshot_id, "weekly", cron="0 0 6 ? * SUN")],
    }
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [monitor]})
    assert (await mirror(desk)).schedules == 0
    # Twice deployed, once mirrored.
    ids = [await deployment(desk, snapshot_id=snapshot_id) for _ in range(2)]
    report = await mirror(desk)
    assert (report.schedules, report.problem_count) == (1, 0)
    made = (await running(desk, f"mlc-{snapshot_id}-weekly")).schedule
    assert made.spec.calendars[0].day_of_week == (ScheduleRange(0),)
    assert "Monitor 'Weekly check' on 'model-" in (made.state.note or "")
    assert action(made).workflow == "RunMonitors"
    assert action(made).id == f"monitors-{snapshot_id}-weekly"
    for id_ in ids:
        await undeploy(desk, id_)
    await removed(desk, f"mlc-{snapshot_id}-weekly")


@pytest.mark.parametrize(
    ("signal", "more", "ticketing"),
    [
        ("RUN_MONITOR", {"MONITOR": "Weekly check"}, None),
        ("MODEL_DATA_DRIFT_TEST", {}, None),
        ("MODEL_BACK_TEST", {"JOB_PARAMETERS": {"column": "date"}}, None),
        ("Run_Back_Test_ServiceNow", {}, "servicenow"),
    ],
)
async def test_a_monitors_schedule_runs_that_monitor_whatever_signal_it_names(
    desk: Office, signal: str, more: dict[str, Any], ticketing: str | None
) -> None:
    snapshot_id = await desk.snapshot()
    schedule = back_test(
        snapshot_id,
        action={"signalName": f"{PREFIX}Signals_{signal}", "signalVariables": {"MODEL_ID": snapshot_id, **more}},
    )
    await carry(desk, snapshot_id, schedule)
    await deployment(desk, snapshot_id=snapshot_id)
    assert (await mirror(desk)).schedules == 1
    made = action((await running(desk, f"mlc-{snapshot_id}-nightly")).schedule)
    (given,) = await desk.client.data_converter.decode(list(made.args), [RunMonitorsInput])
    assert given == RunMonitorsInput(
        model_id=snapshot_id,
        monitor="Weekly check",
        ticketing=ticketing,
        job_parameters=more.get("JOB_PARAMETERS", {}),
    )


@pytest.mark.parametrize(
    ("signal", "more", "said"),
    [
        ("MODEL_BACK_TEST", {}, "has no name"),
        ("RUN_MONITOR", {"MONITOR": "Weekly chek"}, "MONITOR names another monitor"),
        ("MODEL_DATA_DRIFT_TEST", {"MODEL_ID": "another"}, "MODEL_ID names another snapshot"),
        ("MODEL_BACK_TEST", {"INPUT_FILE": {"assetType": "FILE", "filename": "a.csv", "fileContentString": "x\n1\n"}},
         "A monitor takes no input_file: what it reads is set on it"),
    ],
)  # fmt: skip
async def test_a_monitors_schedule_that_means_something_else_is_a_problem(
    desk: Office, signal: str, more: dict[str, Any], said: str
) -> None:
    snapshot_id = await desk.snapshot()
    variables = {"MODEL_ID": snapshot_id, **more}
    schedule = back_test(snapshot_id, action={"signalName": f"{PREFIX}Signals_{signal}", "signalVariables": variables})
    await carry(desk, snapshot_id, schedule, name="" if "no name" in said else "Weekly check")
    await deployment(desk, snapshot_id=snapshot_id)
    report = await mirror(desk)
    assert report.schedules == 0
    (problem,) = report.problems
    assert said in problem


async def carry(desk: Office, snapshot_id: str, *schedules: dict[str, Any], name: str = "Weekly check") -> None:
    """Put a monitor with schedules on a snapshot."""
    model = {"storedModel": {"modelMetaData": {"name": name}}}
    monitor = {"associatedModel": model, "schedules": list(schedules)}
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [monitor]})


async def test_schedules_of_others_are_never_touched(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    theirs = Schedule(
        ScheduleActionStartWorkflow("TheirWorkflow", id="theirs", task_queue="theirs"),
        spec=ScheduleSpec(cron_expressions=["0 0 1 1 *"]),
    )
    own, same_id = "mlc-theirs-weekly", f"mlc-{id_}-nightly"
    try:
        await desk.client.create_schedule(own, theirs)
        await desk.client.create_schedule(same_id, theirs, memo={"mlcMirroredBy": "another task queue"})
        await listed(desk, same_id)
        report = await mirror(desk)
        assert report.schedules == 0
        assert f"Temporal has another schedule of the id {same_id}" in report.problems[0]
        for theirs_id in (own, same_id):
            assert action((await running(desk, theirs_id)).schedule).workflow == "TheirWorkflow"
    finally:
        for theirs_id in (own, same_id):
            await desk.client.get_schedule_handle(theirs_id).delete()


async def test_a_centre_that_does_not_answer_changes_nothing(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    desk.center_faults.add(Effect.ANSWER, method="GET", path="/deployedModels", status=403)
    with pytest.raises(WorkflowFailureError):
        await mirror(desk)
    assert await mirrored(desk, f"mlc-{id_}-nightly")


async def test_only_what_is_deployed_is_read(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    await undeploy(desk, await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id))
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    desk.center_faults.requests.clear()
    await mirror(desk)
    api = "GET /model-manage/api"
    # What other tests have left is looked up once more before it is removed.
    when_it_changed = [f"{api}/deployedModels", f"{api}/deployableModels"]
    assert [asked for asked in desk.center_faults.requests if "findAllByDeployableModel" not in asked] == [
        *when_it_changed,
        f"{api}/deployedModels/search/findAllByState",
        f"{api}/deployedModels/{id_}",
        f"{api}/deployableModels/{snapshot_id}",
        *when_it_changed,
    ]


async def test_what_a_listing_has_left_out_is_not_taken_for_gone(desk: Office) -> None:
    """As when a deployment ends between two pages, and another moves to the page that was read already."""
    snapshot_id = await desk.snapshot()
    id_ = await deployment(desk, back_test(snapshot_id), snapshot_id=snapshot_id)
    await mirror(desk)
    await listed(desk, f"mlc-{id_}-nightly")
    desk.center_faults.add(Effect.ANSWER, method="GET", path="/findAllByState", status=200, body=EMPTY)
    assert (await mirror(desk)).schedules == 0
    assert await mirrored(desk, f"mlc-{id_}-nightly")


async def test_a_newer_deployment_in_the_same_place_takes_the_schedules_over_once_it_has_some(desk: Office) -> None:
    """As while DeployModel waits before it ends the earlier deployment."""
    engine = wire.Engine(id=await desk.engine("online", online=True, stage="UAT"), name="online")
    first = await desk.snapshot()
    stored = (await desk.center.get_snapshot(first)).stored_model
    second = await desk.snapshot_of(stored)
    old = await deployment(desk, back_test(first), snapshot_id=first)
    elsewhere = await deployment(desk, back_test(first), snapshot_id=first, engine=engine)
    new = await deployment(desk, snapshot_id=second)
    assert (await mirror(desk)).schedules == 2, "there is nothing yet that could run in their stead"
    await reschedule(desk, new, back_test(second))
    report = await mirror(desk)
    assert (report.schedules, report.paused) == (2, 1)
    assert await paused(desk, f"mlc-{old}-nightly")
    assert not await paused(desk, f"mlc-{new}-nightly")
    assert not await paused(desk, f"mlc-{elsewhere}-nightly")
    await undeploy(desk, new)  # the run was given up
    await mirror(desk)
    assert not await paused(desk, f"mlc-{old}-nightly")


async def test_a_monitors_schedule_rests_where_a_newer_snapshot_is_deployed(desk: Office) -> None:
    first = await desk.snapshot()
    await carry(desk, first, back_test(first, "weekly"))
    await deployment(desk, snapshot_id=first)
    assert (await mirror(desk)).schedules == 1
    second = await desk.snapshot_of((await desk.center.get_snapshot(first)).stored_model)
    await deployment(desk, snapshot_id=second)
    report = await mirror(desk)
    assert (report.schedules, report.paused) == (0, 1)
    assert await paused(desk, f"mlc-{first}-weekly")


async def test_a_new_deployment_takes_the_schedules_over_and_the_old_ones_end(desk: Office) -> None:
    """From DeployModel's own runs: what it copies and ends is what runs."""
    await desk.engine("batch")
    first = await desk.snapshot()
    (old,) = (await (await desk.start(first)).result()).deployments
    await reschedule(desk, old.id, back_test(first))
    await mirror(desk)
    assert await mirrored(desk, f"mlc-{old.id}-nightly")
    stored = (await desk.center.get_snapshot(first)).stored_model
    second = await desk.snapshot_of(stored)
    (new,) = (await (await desk.start(second)).result()).deployments
    (copy,) = (await desk.center.get_deployment(new.id)).schedules
    await mirror(desk)
    made = (await running(desk, f"mlc-{new.id}-{copy.schedule_id}")).schedule
    assert (await started_with(desk, made)).model_id == second
    assert action(made).id == f"back-test-{second}-{copy.schedule_id}"
    await removed(desk, f"mlc-{old.id}-nightly")


async def paused(desk: Office, schedule_id: str) -> bool:
    return (await running(desk, schedule_id)).schedule.state.paused


async def removed(desk: Office, schedule_id: str) -> None:
    """Mirror until the schedule is gone: Temporal's list of schedules lags."""

    async def gone() -> bool:
        await mirror(desk)
        return await mirrored(desk, schedule_id) is None

    await eventually(gone)
