"""DeployModel's normal course and the one rule for failure tickets, on real servers."""

import asyncio
from datetime import date

import pytest
from office import Office, asset
from paperwork import remarks
from servers import eventually
from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from mlc.model.processes import DeployModelInput, Phase

GOOD = {"auc": 0.97, "f1_score": 0.95}
BAD = {"auc": 0.5, "f1_score": 0.4}


async def test_a_snapshot_is_trained_tested_judged_approved_and_deployed(desk: Office) -> None:
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot("train", "run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, outputData=[asset("model.pkl", "UNKNOWN", b"trained").wire()])
    job_id = await desk.finish_job(run, metrics=GOOD)
    ticket = await desk.ticket(run, "review")
    await desk.decide(run, ticket, "Done", customfield_10042="2099-05-01")
    await loaded(desk, snapshot_id)
    result = await run.result()

    assert result.outcome == "deployed"
    assert result.verdict is not None
    assert result.verdict.passed
    assert result.decision is not None
    assert result.decision.outcome == "approved"
    assert result.expiration_date == date(2099, 5, 1)
    assert len(result.monitors_added) == 4
    assert [d.runtime for d in result.deployments] == ["online"]
    assert [t.key for t in result.tickets] == [ticket.key]

    snapshot = await desk.center.get_snapshot(snapshot_id)
    assert "model.pkl" in [a.filename for a in snapshot.stored_model.model_assets]
    assert (snapshot.model_extra or {})["expirationDate"] == "2099-05-01"
    assert snapshot.meta_data.custom["mlcDecision"]["jobId"] == job_id
    stored = await desk.center.list_test_results(snapshot_id)
    assert [r.test_results for r in stored] == [GOOD]
    assert stored[0].provenance["inputs"]["test.csv"]


async def test_without_any_tag_nothing_is_asked_and_the_notification_says_so(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    result = await (await desk.start(snapshot_id)).result()
    assert result.outcome == "deployed"
    assert [d.mode for d in result.deployments] == ["batch"]
    assert await desk.tickets() == []
    notifications = await desk.center.list_notifications(snapshot_id=snapshot_id)
    assert "Nobody was asked" in notifications[0].message


async def test_missing_test_data_makes_a_rejection_ticket_and_done_tries_again(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", without=["TEST_DATA"])
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    assert "TEST_DATA" in (await desk.fields(ticket))["description"]

    snapshot = await desk.center.get_snapshot(snapshot_id)
    assets = [*snapshot.stored_model.model_assets, asset("test.csv", "TEST_DATA", "x,y\n1,0\n")]
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelAssets": [a.wire() for a in assets]}})
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "deployed"
    assert len(await desk.tickets()) == 1


async def test_a_verdict_that_did_not_pass_names_the_rules_and_done_tests_again(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    ticket = await desk.ticket(run, "rejection")
    assert "AUC under 0.9" in (await desk.fields(ticket))["description"]
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    review = await desk.ticket(run, "review")
    await desk.decide(run, review, "Done")
    result = await run.result()
    assert result.outcome == "deployed"
    assert result.expiration_date is not None
    assert len(await desk.jobs(snapshot_id)) == 2


async def test_rejected_after_a_failed_verdict_ends_the_run_completed_as_rejected(desk: Office) -> None:
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    await desk.decide(run, await desk.ticket(run, "rejection"), "Rejected")
    result = await run.result()
    assert result.outcome == "rejected"
    assert result.deployments == []


async def test_a_reviewers_rejection_is_recorded_by_a_ticket_and_ends_the_run(desk: Office) -> None:
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    await desk.decide(run, await desk.ticket(run, "review"), "Rejected")
    result = await run.result()
    assert result.outcome == "rejected"
    assert result.decision is not None
    assert result.decision.outcome == "rejected"
    summaries = [issue["fields"]["summary"] for issue in await desk.tickets()]
    assert len(summaries) == 2


async def test_no_matching_runtime_makes_an_error_ticket_and_rejected_abandons_the_run(desk: Office) -> None:
    await desk.engine("elsewhere", stage="DEV")
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "error")
    assert "No runtime matches" in (await desk.fields(ticket))["description"]
    await desk.decide(run, ticket, "Rejected")
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "DeploymentAbandoned"
    assert await desk.center.list_deployments(snapshot_id=snapshot_id) == []


async def test_an_error_ticket_answered_with_done_tries_the_deployment_again(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "error")
    await desk.engine("batch")
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"


async def test_a_failed_online_deployment_is_cleared_and_tried_again_alone(desk: Office) -> None:
    await desk.engine("batch")
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await loaded(desk, snapshot_id, state="ERROR", messages=["init failed: no model.pkl"])
    ticket = await desk.ticket(run, "error")
    assert "no model.pkl" in (await desk.fields(ticket))["description"]
    await desk.decide(run, ticket, "Done")
    await loaded(desk, snapshot_id)
    result = await run.result()
    assert sorted(d.mode for d in result.deployments) == ["batch", "online"]
    states = [(d.model_extra or {})["state"] for d in await desk.center.list_deployments(snapshot_id=snapshot_id)]
    assert sorted(states) == ["DEPLOYED", "DEPLOYED", "UNDEPLOYED"]


async def test_a_new_snapshot_takes_over_schedules_and_ends_the_previous_deployment(desk: Office) -> None:
    await desk.engine("batch")
    first = await desk.snapshot()
    result = await (await desk.start(first)).result()
    schedule = {
        "scheduleId": "weekly",
        "cronExpression": "0 0 6 * * ?",
        "action": {"signalName": "x", "signalVariables": {"MODEL_ID": first}},
    }
    await desk.center.patch_deployment(result.deployments[0].id, {"schedules": [schedule]})
    stored = (await desk.center.get_snapshot(first)).stored_model
    second = await desk.snapshot_of(stored)
    result = await (await desk.start(second)).result()
    assert result.schedules_copied == 1
    old = await desk.center.list_deployments(snapshot_id=first)
    new = await desk.center.list_deployments(snapshot_id=second)
    assert (old[0].model_extra or {})["state"] == "UNDEPLOYED"
    assert old[0].schedules == []
    assert new[0].schedules[0].action["signalVariables"] == {"MODEL_ID": second}


async def test_an_expiration_date_in_the_past_is_remarked_once_and_keeps_the_question_open(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(run, "review")
    await desk.decide(run, ticket, "Done", customfield_10042="2001-01-01")

    async def remarked() -> bool:
        return (await desk.fields(ticket))["comment"]["total"] == 1

    await eventually(remarked)
    await desk.tell(run, ticket)
    await desk.tell(run, ticket)
    put = await desk.jira.put(f"issue/{ticket.key}", json={"fields": {"customfield_10042": "2099-01-01"}})
    put.raise_for_status()
    await desk.tell(run, ticket)
    assert (await run.result()).expiration_date == date(2099, 1, 1)
    assert len(await remarks(desk, ticket)) == 1


async def test_a_cancelled_run_withdraws_its_ticket_and_cancels_its_job(desk: Office) -> None:
    waiting = await desk.start(await desk.snapshot("jira"))
    ticket = await desk.ticket(waiting, "rejection")  # a table and no test result
    snapshot_id = await desk.snapshot("run_test")
    testing = await desk.start(snapshot_id)

    async def in_flight() -> bool:
        return " job " in (await desk.status(testing)).waiting_for

    await eventually(in_flight)
    for run in (waiting, testing):
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert (await desk.fields(ticket))["status"]["name"] == "Withdrawn"
    assert [job["jobStatus"] for job in await desk.jobs(snapshot_id)] == ["CANCELLED"]


async def test_starting_twice_joins_the_run_and_makes_one_ticket(desk: Office) -> None:
    snapshot_id = await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"])
    run = await desk.start(snapshot_id)
    await desk.ticket(run, "review")
    with pytest.raises(WorkflowAlreadyStartedError) as refused:  # the client's choice; the server can also join it
        await desk.start(snapshot_id)
    assert refused.value.run_id == run.first_execution_run_id
    joined = await desk.client.start_workflow(
        "DeployModel",
        DeployModelInput(snapshot_id=snapshot_id),
        id=run.id,
        task_queue=desk.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    assert joined.result_run_id == run.first_execution_run_id
    assert len(await desk.tickets()) == 1
    assert (await desk.status(run)).phase is Phase.REVIEW


async def loaded(desk: Office, snapshot_id: str, *, state: str = "DEPLOYED", **changes: object) -> None:
    """Play the online runtime: load (or not) every deployment of the snapshot that waits for it."""

    async def waiting() -> list[str]:
        found = await desk.center.list_deployments(snapshot_id=snapshot_id)
        return [d.id for d in found if (d.model_extra or {})["state"] == "DEPLOYING"]

    ids = await eventually(waiting)
    await asyncio.gather(*(desk.center.patch_deployment(i, {"state": state, **changes}) for i in ids))
