"""A cancelled run leaves nothing behind: no job, no open ticket, no half deployment, wherever it was cancelled."""

from datetime import timedelta
from pathlib import Path

import pytest
from deploying import (
    cancelled,
    deployed,
    fail,
    load,
    loading,
    mend,
    notifications,
    out_of_order,
    places,
    schedule,
    state,
    successor,
    trying,
)
from office import Office, Run, premises
from servers import eventually
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from mlc.model.deployment import Deployment
from mlc.model.processes import Phase
from mlc.settings import ProcessSettings
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.faults import Effect

GOOD = {"auc": 0.97}


async def job_awaited(desk: Office, run: Run) -> str:
    """The id of the job that the run waits for."""

    async def awaited() -> str:
        waiting_for = (await desk.status(run)).waiting_for
        return waiting_for.rsplit(" ", 1)[1] if " job " in waiting_for else ""

    return await eventually(awaited)


async def unclear(desk: Office, run: Run) -> None:
    """Wait until the run doesn't know whether something was created."""

    async def said() -> bool:
        return "another try" in (await desk.status(run)).waiting_for

    await eventually(said)


async def undoing(desk: Office, run: Run) -> None:
    """Wait until the run says that its deployments can't be undone now."""

    async def said() -> bool:
        return "undo the deployments (" in (await desk.status(run)).waiting_for

    await eventually(said)


async def made(run: Run) -> list[str]:
    """Ids of the deployments that the run has been told of."""
    scheduled: dict[int, str] = {}
    ids = []
    for event in (await run.fetch_history()).events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
        if event.HasField("activity_task_completed_event_attributes"):
            completed = event.activity_task_completed_event_attributes
            if scheduled[completed.scheduled_event_id] == "deploy":
                ids.append(Deployment.model_validate_json(completed.result.payloads[0].data).id)
    return ids


async def job_states(desk: Office, snapshot_id: str) -> list[str]:
    return [job["jobStatus"] for job in await desk.jobs(snapshot_id)]


async def ticket_states(desk: Office) -> list[str]:
    return [issue["fields"]["status"]["name"] for issue in await desk.tickets()]


@pytest.mark.parametrize("tag", ["train", "run_test"])
async def test_cancelled_in_training_or_testing_ends_the_job(desk: Office, tag: str) -> None:
    snapshot_id = await desk.snapshot(tag)
    run = await desk.start(snapshot_id)
    await job_awaited(desk, run)
    await run.cancel()
    await cancelled(run)
    assert await job_states(desk, snapshot_id) == ["CANCELLED"]
    assert await desk.tickets() == []


async def test_cancelled_in_review_withdraws_the_ticket_and_leaves_the_evidence(desk: Office) -> None:
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    ticket = await desk.ticket(run, "review")
    await run.cancel()
    await cancelled(run)
    fields = await desk.fields(ticket)
    assert (fields["status"]["name"], fields["resolution"]["name"]) == ("Withdrawn", "Withdrawn")
    assert "The run was cancelled." in fields["comment"]["comments"][0]["body"]
    assert await job_states(desk, snapshot_id) == ["COMPLETE"]
    assert len(await desk.center.list_test_results(snapshot_id)) == 1


@pytest.mark.parametrize(
    "desk",
    [{"scheme": Scheme(statuses=(Status("1", "To Do", "new"), Status("2", "Done", "done", "Done")))}],
    indirect=True,
)
async def test_where_no_status_withdraws_the_ticket_stays_open_with_a_comment_and_is_never_done(desk: Office) -> None:
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(run, "review")
    await run.cancel()
    await cancelled(run)
    fields = await desk.fields(ticket)
    assert fields["status"]["name"] == "To Do"
    assert "The run was cancelled." in fields["comment"]["comments"][0]["body"]


@pytest.mark.parametrize(("tag", "role"), [("train", "TRAINING_DATA"), ("run_test", "TEST_DATA")])
async def test_cancelled_at_a_failure_ticket_withdraws_it(desk: Office, tag: str, role: str) -> None:
    run = await desk.start(await desk.snapshot(tag, without=[role]))
    await desk.ticket(run, "rejection")
    await run.cancel()
    await cancelled(run)
    assert await ticket_states(desk) == ["Withdrawn"]


async def test_cancelled_while_it_is_unclear_whether_a_ticket_was_made_finds_and_withdraws_it(desk: Office) -> None:
    desk.faults.add(Effect.DROP_AFTER, method="POST", path="/issue$")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    await unclear(desk, run)
    await run.cancel()
    await cancelled(run)
    assert await ticket_states(desk) == ["Withdrawn"]


async def test_cancelled_while_it_is_unclear_whether_a_job_was_made_finds_and_ends_it(desk: Office) -> None:
    desk.center_faults.add(Effect.DROP_AFTER, method="POST", path="/jobs$")
    snapshot_id = await desk.snapshot("run_test")
    run = await desk.start(snapshot_id)
    await unclear(desk, run)
    await run.cancel()
    await cancelled(run)
    assert await job_states(desk, snapshot_id) == ["CANCELLED"]


async def test_cancelled_while_it_is_unclear_whether_a_deployment_was_made_finds_and_undoes_it(desk: Office) -> None:
    await desk.engine("batch")
    desk.center_faults.add(Effect.DROP_AFTER, method="POST", path="/deployedModels$")
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await unclear(desk, run)
    await run.cancel()
    await cancelled(run)
    assert await places(desk, snapshot_id) == [("batch", "UNDEPLOYED")]


OUTAGES = {
    "submitted": ((), "GET", "/deployableModels/", "submit_snapshot"),
    "review": (("jira",), "PATCH", "/modelTestResults/", "judge"),
    "monitors": ((), "GET", "/storedModels", "add_missing_monitors"),
    "deployment": ((), "GET", "/engines", "find_places"),
}


@pytest.mark.parametrize(("tags", "method", "path", "activity"), OUTAGES.values(), ids=OUTAGES.keys())
async def test_cancelled_in_an_outage_of_the_centre_ends_without_waiting_for_it(
    desk: Office, tags: tuple[str, ...], method: str, path: str, activity: str
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", *tags)
    run = await desk.start(snapshot_id) if activity != "submit_snapshot" else None
    if run is not None:
        await job_awaited(desk, run)
    outage = out_of_order(desk, method, path)
    if run is None:
        run = await desk.start(snapshot_id)
    else:
        await desk.finish_job(run, metrics=GOOD)
    await trying(run, activity)
    await run.cancel()
    await cancelled(run)
    mend(outage)
    assert await places(desk, snapshot_id) == []
    assert await desk.tickets() == []


async def test_cancelled_while_the_expiration_date_is_written_leaves_nothing_deployed(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"])
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "review")
    out_of_order(desk, "PATCH", "/deployableModels/")
    await desk.decide(run, ticket, "Done")
    await trying(run, "keep_decision")
    await run.cancel()
    await cancelled(run)
    assert await places(desk, snapshot_id) == []
    assert await ticket_states(desk) == ["Done"]  # what the reviewer said stays said


async def test_cancelled_while_a_deployment_loads_undoes_all_and_leaves_the_earlier_ones(desk: Office) -> None:
    await desk.engine("east", online=True)
    await desk.engine("west", online=True)
    first, _ = await deployed(desk)
    second = await successor(desk, first)
    run = await desk.start(second)
    await load(desk, (await loading(desk, second, 2))["west"])
    await run.cancel()
    await cancelled(run)
    assert await places(desk, second) == [("east", "UNDEPLOYED"), ("west", "UNDEPLOYED")]
    assert await places(desk, first) == [("east", "DEPLOYED"), ("west", "DEPLOYED")]


async def test_cancelled_while_schedules_are_copied_undoes_the_deployments(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    await schedule(desk, old, first, "weekly")
    second = await successor(desk, first)
    outage = out_of_order(desk, "PATCH", "/deployedModels/")
    run = await desk.start(second)
    await trying(run, "copy_schedules")
    await run.cancel()
    await undoing(desk, run)
    mend(outage)
    await cancelled(run)
    assert await places(desk, second) == [("batch", "UNDEPLOYED")]
    assert await places(desk, first) == [("batch", "DEPLOYED")]
    assert len((await desk.center.get_deployment(old)).schedules) == 1


async def test_cancelled_while_earlier_deployments_end_keeps_the_new_ones(desk: Office) -> None:
    await desk.engine("batch")
    first, [old] = await deployed(desk)
    second = await successor(desk, first)
    out_of_order(desk, "PATCH", f"/deployedModels/{old}$")
    run = await desk.start(second)
    await trying(run, "take_over")
    await run.cancel()
    await cancelled(run)
    assert await places(desk, second) == [("batch", "DEPLOYED")]


async def test_cancelled_at_the_notification_keeps_the_deployment(desk: Office) -> None:
    await desk.engine("batch")
    outage = out_of_order(desk, "POST", "/notifications$")
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await trying(run, "notify")
    await run.cancel()
    await cancelled(run)
    mend(outage)
    assert await places(desk, snapshot_id) == [("batch", "DEPLOYED")]
    assert (await desk.status(run)).phase is Phase.DONE
    assert await notifications(desk, snapshot_id) == []


async def test_cancelled_while_an_abandoned_run_cleans_up_finishes_the_clean_up(desk: Office) -> None:
    await desk.engine("batch")
    await desk.engine("east", online=True)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await fail(desk, (await loading(desk, snapshot_id))["east"])
    ticket = await desk.ticket(run, "error")
    outage = out_of_order(desk, "PATCH", "/deployedModels/")
    await desk.decide(run, ticket, "Rejected")
    await undoing(desk, run)
    await run.cancel()
    await undoing(desk, run)
    mend(outage)
    await cancelled(run)
    assert await places(desk, snapshot_id) == [("batch", "UNDEPLOYED"), ("east", "UNDEPLOYED")]


async def test_cancelled_twice_is_cancelled_once(desk: Office) -> None:
    await desk.engine("east", online=True)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await eventually(lambda: made(run))  # the centre has it earlier than the run is told of it
    outage = out_of_order(desk, "PATCH", "/deployedModels/")
    await run.cancel()
    await undoing(desk, run)
    await run.cancel()
    mend(outage)
    await cancelled(run)
    assert await places(desk, snapshot_id) == [("east", "UNDEPLOYED")]


@pytest.mark.parametrize(
    "desk", [{"configure": lambda s: s.model_copy(update={"center_index_lag": timedelta(seconds=3)})}], indirect=True
)
async def test_cancelled_where_an_unclear_deployment_cant_be_looked_for_undoes_the_others(desk: Office) -> None:
    await desk.engine("east", online=True)
    await desk.engine("west", online=True)
    desk.center_faults.add(Effect.DROP_AFTER, method="POST", path="/deployedModels$")
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await loading(desk, snapshot_id, 2)
    await unclear(desk, run)
    (known,) = await eventually(lambda: made(run))
    out_of_order(desk, "GET", "/findAllByDeployableModel_Id$", status=403)
    await run.cancel()
    await cancelled(run)
    assert state(await desk.center.get_deployment(known)) == "UNDEPLOYED"
    assert any("403" in warning for warning in (await desk.status(run)).result.warnings)


async def test_a_hint_about_the_job_together_with_the_cancel_does_not_swallow_it(
    dev_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    queue = f"mlc-hint-{tmp_path.name}"
    async with premises(dev_server.client, tmp_path, task_queue=queue, process=ProcessSettings()) as desk:
        snapshot_id = await desk.snapshot("run_test")
        async with Worker(desk.client, task_queue=queue):
            run = await desk.start(snapshot_id)
            job_id = await job_awaited(desk, run)
        await run.signal("job_changed", {"job_id": job_id})
        await run.cancel()
        async with Worker(desk.client, task_queue=queue):  # both arrive in one activation
            await cancelled(run)
        assert await job_states(desk, snapshot_id) == ["CANCELLED"]
