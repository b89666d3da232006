"""RunBackTest, sentence by sentence (the source text's "Run Back Test MLC Process")."""

import asyncio
from typing import Any

import pytest
from office import ASSETS, LAKE, Office, asset
from paperwork import failure_of, job_of, text
from servers import eventually
from tables import table, under
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from mlc.center.modelop import wire
from mlc.model.processes import RunBackTestInput, RunBackTestResult
from mlc.standalone.faults import Effect

GOOD, BAD = {"auc": 0.97}, {"auc": 0.5}
BackTest = WorkflowHandle[Any, RunBackTestResult]


async def begin(desk: Office, snapshot_id: str, **files: Any) -> BackTest:
    request = RunBackTestInput(model_id=snapshot_id, **files)
    return await desk.begin("RunBackTest", request, RunBackTestResult)


async def only_notification(desk: Office, snapshot_id: str | None) -> wire.Notification:
    (said,) = await desk.center.list_notifications(snapshot_id=snapshot_id)
    return said


async def test_without_an_input_file_the_assets_with_the_role_test_data_are_the_jobs_input(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    run = await begin(desk, snapshot_id)
    job = await job_of(desk, run)
    assert job.job_type == "MODEL_BATCH_TEST_JOB"
    assert job.model is not None
    assert (job.model.id, [a.filename for a in job.input_data]) == (snapshot_id, ["test.csv"])
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "passed"


async def test_of_several_test_data_files_the_test_reads_as_many_as_the_function_takes_and_says_which(
    desk: Office,
) -> None:
    snapshot_id = await desk.snapshot(assets=[*ASSETS, asset("more.csv", "TEST_DATA", "x,y\n2,1\n")])
    run = await begin(desk, snapshot_id)
    assert [a.filename for a in (await job_of(desk, run)).input_data] == ["test.csv"]
    await desk.finish_job(run, metrics=GOOD)
    result = await run.result()
    assert (result.outcome, result.test_inputs) == ("passed", ["test.csv"])
    said = "the job read test.csv, as many as its metrics function takes; left out: more.csv."
    assert said in result.warnings[0]
    told = await only_notification(desk, snapshot_id)
    assert (told.severity, said in told.message) == ("WARN", True)


async def test_decision_tables_of_monitors_alone_judge_no_back_test_and_the_notification_says_so(desk: Office) -> None:
    others = [a for a in ASSETS if a.asset_role != "TEST_RESULT_COMPARATOR"]
    stability = asset("stability.dmn", "TEST_RESULT_COMPARATOR", under("CSI_maxCSIValue", 0.2))
    snapshot_id = await desk.snapshot(assets=[*others, stability])
    run = await begin(desk, snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    assert (await run.result()).outcome == "passed"
    said = (await only_notification(desk, snapshot_id)).message
    assert "Not judged: no decision table but of monitors. auc 0.5." in said
    assert "stability.dmn belongs to the monitor 'Stability Monitor: PSI/CSI'" in said


async def test_a_value_in_no_rule_of_its_decision_table_is_told_with_the_pass(desk: Office) -> None:
    others = [a for a in ASSETS if a.asset_role != "TEST_RESULT_COMPARATOR"]
    yes = asset("yes.dmn", "TEST_RESULT_COMPARATOR", table(["auc"], ["passes"], (["> 0.98"], ["true"])))
    snapshot_id = await desk.snapshot(assets=[*others, yes])
    run = await begin(desk, snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome == "passed"
    told = await only_notification(desk, snapshot_id)
    said = 'yes.dmn, decision "Thresholds": auc = 0.97 lies in no rule'
    assert (told.severity, said in told.message) == ("WARN", True)


async def test_an_input_file_kept_in_the_centre_is_the_jobs_input(desk: Office) -> None:
    kept = await desk.center.create_asset(asset("labelled.csv", "UNKNOWN", "x,y\n5,1\n"))
    run = await begin(desk, await desk.snapshot(), input_file={"asset_id": kept.id})
    (given,) = (await job_of(desk, run)).input_data
    assert (given.filename, given.content()) == ("labelled.csv", b"x,y\n5,1\n")
    await desk.finish_job(run, metrics=GOOD)
    await run.result()


async def test_an_external_input_file_is_handed_to_the_job_by_its_address(desk: Office) -> None:
    url = f"file://{LAKE}/labelled.csv"
    run = await begin(desk, await desk.snapshot(without=["TEST_DATA"]), input_file={"url": url})
    (given,) = (await job_of(desk, run)).input_data
    assert (given.asset_type, given.filename, given.file_url) == ("EXTERNAL_FILE", "labelled.csv", url)
    await desk.finish_job(run, metrics=GOOD)
    await run.result()


async def test_an_output_file_is_used_for_storing_the_jobs_output(desk: Office) -> None:
    url = f"file://{LAKE}/result.json"
    run = await begin(desk, await desk.snapshot(), output_file={"url": url})
    (wanted,) = (await job_of(desk, run)).output_data
    assert (wanted.asset_type, wanted.filename, wanted.file_url) == ("EXTERNAL_FILE", "result.json", url)
    await desk.finish_job(run, metrics=GOOD)
    await run.result()


async def test_without_an_output_file_an_embedded_one_is_created(desk: Office) -> None:
    run = await begin(desk, await desk.snapshot())
    (made,) = (await job_of(desk, run)).output_data
    assert (made.asset_type, made.filename, made.file_format) == ("FILE", "test_result.json", "JSON")
    await desk.finish_job(run, metrics=GOOD)
    await run.result()


async def test_a_passed_test_generates_a_notification(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    run = await begin(desk, snapshot_id)
    job_id = await desk.finish_job(run, metrics=GOOD)
    result = await run.result()
    assert (result.outcome, result.job_id, result.tickets) == ("passed", job_id, [])
    said = await only_notification(desk, snapshot_id)
    assert (said.notification_type, said.severity) == ("MODEL_TEST_NOTIFICATION", "INFO")
    assert said.message.endswith("-1) passed. auc 0.97.")


async def test_without_a_decision_table_a_completed_job_is_a_pass_that_nobody_judged(desk: Office) -> None:
    snapshot_id = await desk.snapshot(without=["TEST_RESULT_COMPARATOR"])
    run = await begin(desk, snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    assert (await run.result()).outcome == "passed"
    assert "Not judged: no decision table. auc 0.5." in (await only_notification(desk, snapshot_id)).message


async def test_its_result_is_kept_and_no_deployment_is_judged_by_it(desk: Office) -> None:
    snapshot_id = await desk.snapshot("jira")
    run = await begin(desk, snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    result = await run.result()
    (kept,) = await desk.center.list_test_results(snapshot_id)
    assert (kept.id, kept.test_results, kept.provenance["purpose"]) == (result.test_result_id, GOOD, "backTest")
    deployment = await desk.start(snapshot_id)
    ticket = await desk.ticket(deployment, "rejection")
    assert "There is no test result to judge." in await text(desk, ticket)
    await deployment.cancel()
    with pytest.raises(WorkflowFailureError):
        await deployment.result()


async def test_a_failed_test_is_a_ticket_with_the_model_its_changes_the_results_and_the_failed_rules(
    desk: Office,
) -> None:
    run = await begin(desk, await desk.snapshot(model="Credit risk"))
    await desk.finish_job(run, metrics=BAD)
    result = await run.result()
    assert (result.outcome, result.verdict and result.verdict.passed) == ("failed", False)
    (ticket,) = result.tickets
    assert ticket.provider == "jira"
    said = await text(desk, ticket)
    for part in ("Credit risk", "Changes since the last deployed snapshot", "AUC under 0.9", "Nobody waits"):
        assert part in said
    assert "auc" in said


async def test_it_does_not_wait_for_the_ticket_of_a_failed_test(desk: Office) -> None:
    run = await begin(desk, await desk.snapshot())
    await desk.finish_job(run, metrics=BAD)
    result = await run.result()
    assert (await desk.fields(result.tickets[0]))["status"]["name"] == "To Do"
    assert (await run.query("status"))["open_tickets"] == []


async def test_an_exception_while_the_job_runs_is_a_review_ticket_with_all_its_details(desk: Office) -> None:
    run = await begin(desk, await desk.snapshot())
    messages = ["metrics began", "Traceback (most recent call last):", "  File model.py, line 3", "KeyError: 'y'"]
    job_id = await desk.finish_job(run, status="ERROR", jobMessages=messages)
    result = await run.result()
    assert (result.outcome, result.job_id, result.test_result_id) == ("error", job_id, None)
    (ticket,) = result.tickets
    said = await text(desk, ticket)
    for message in messages:
        assert message.strip() in said


@pytest.mark.parametrize("result", ["FAILURE", "UNKNOWN", None])
async def test_a_test_job_that_is_complete_without_success_is_a_review_ticket(desk: Office, result: str | None) -> None:
    snapshot_id = await desk.snapshot()
    run = await begin(desk, snapshot_id)
    await desk.finish_job(run, metrics=GOOD, jobResult=result, jobMessages=["KeyError: 'y'"])
    ended = await run.result()
    assert (ended.outcome, ended.test_result_id) == ("error", None)
    (ticket,) = ended.tickets
    said = await text(desk, ticket)
    assert "ended as COMPLETE" in said
    assert "KeyError: 'y'" in said
    assert await desk.center.list_test_results(snapshot_id) == []


@pytest.mark.parametrize("output", [b"auc: 0.9", b"[1, 2]"])
async def test_a_result_that_cant_be_read_is_a_review_ticket_too(desk: Office, output: bytes) -> None:
    run = await begin(desk, await desk.snapshot())
    await desk.finish_job(run, metrics=output)
    result = await run.result()
    assert (result.outcome, len(result.tickets)) == ("error", 1)


async def test_missing_test_data_is_a_notification_and_the_run_fails_with_the_reason(desk: Office) -> None:
    snapshot_id = await desk.snapshot(without=["TEST_DATA"])
    failure = await failure_of(await begin(desk, snapshot_id))
    assert failure.type == "MissingAsset"
    said = await only_notification(desk, snapshot_id)
    assert said.severity == "ERROR"
    assert "could not be run. Snapshot" in said.message
    assert failure.message in said.message
    assert await desk.tickets() == []


async def test_an_unknown_snapshot_is_a_notification_and_the_run_fails_with_the_reason(desk: Office) -> None:
    unknown = "5a31b3c6-f033-4948-b433-bae6656baa26"
    failure = await failure_of(await begin(desk, unknown))
    assert failure.type == "NoSuchSnapshot"
    assert unknown in (await only_notification(desk, None)).message
    assert "temporal workflow start --type RunBackTest" in failure.message


async def test_a_file_where_none_may_be_is_refused_before_anything_runs(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    failure = await failure_of(await begin(desk, snapshot_id, input_file={"url": "file:///etc/passwd"}))
    assert "MLC_FILE_ROOT" in failure.message
    assert "MLC_FILE_ROOT" in (await only_notification(desk, snapshot_id)).message
    assert await desk.jobs(snapshot_id) == []


async def test_a_file_that_the_centre_does_not_keep_is_a_notification(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    unknown = "5a31b3c6-f033-4948-b433-bae6656baa26"
    failure = await failure_of(await begin(desk, snapshot_id, input_file={"asset_id": unknown}))
    assert f"keeps no file with the id '{unknown}'" in failure.message
    assert failure.message in (await only_notification(desk, snapshot_id)).message


@pytest.mark.parametrize("desk", [{"servicenow": False}], indirect=True)
async def test_a_ticket_system_that_is_not_set_up_is_said_before_anything_runs(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    failure = await failure_of(await begin(desk, snapshot_id, ticketing="servicenow"))
    assert failure.type == "NoTicketSystem"
    assert "isn't set up: send them to jira, or set" in (await only_notification(desk, snapshot_id)).message
    assert await desk.jobs(snapshot_id) == []


async def test_hints_that_come_while_the_result_is_kept_make_no_second_result(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    run = await begin(desk, snapshot_id)
    job_id = await desk.job_awaited(run)
    slow = r"/modelTestResults"
    desk.center_faults.add(Effect.SLOW, method="GET|POST", path=slow, seconds=1, times=6)
    await desk.finish_job(run, metrics=GOOD)
    for _ in range(3):
        await asyncio.sleep(0.3)  # so that each finds another moment of the keeping
        await run.signal("job_changed", {"job_id": job_id})
    assert (await run.result()).outcome == "passed"
    assert len(await desk.center.list_test_results(snapshot_id)) == 1


async def test_a_back_test_cancelled_while_its_failure_is_told_ends_its_job(desk: Office) -> None:
    run = await begin(desk, await desk.snapshot())
    job_id = await desk.job_awaited(run)
    desk.center_faults.add(Effect.ANSWER, method="GET", path=f"/jobs/{job_id}", status=403, times=1, body="{}")
    desk.center_faults.add(Effect.ANSWER, method="GET", path="/notifications", status=503, times=1000, body="{}")
    await run.signal("job_changed", {"job_id": job_id})

    async def failed() -> bool:
        return (await run.query("status"))["steps"][-1]["status"] == "failed"

    await eventually(failed)
    await run.cancel()
    desk.center_faults.planned.clear()
    with pytest.raises(WorkflowFailureError):
        await run.result()
    assert (await desk.center.get_job(job_id)).job_status == "CANCELLED"


async def test_a_cancelled_back_test_ends_its_job(desk: Office) -> None:
    run = await begin(desk, await desk.snapshot())
    job_id = await desk.job_awaited(run)
    await run.cancel()
    with pytest.raises(WorkflowFailureError) as raised:
        await run.result()
    assert isinstance(raised.value.cause, CancelledError)
    assert (await desk.center.get_job(job_id)).job_status == "CANCELLED"


async def test_a_start_without_input_says_how_to_start_it(desk: Office) -> None:
    run = await desk.client.start_workflow("RunBackTest", id=f"none-{desk.project}", task_queue=desk.task_queue)
    with pytest.raises(WorkflowFailureError) as raised:
        await run.result()
    assert "temporal workflow start --type RunBackTest" in str(raised.value.cause)


async def test_changes_since_the_deployed_snapshot_are_on_the_ticket_metric_by_metric(desk: Office) -> None:
    """The deployed snapshot was tested with 0.97; the back test of a new one gives 0.5."""
    await desk.engine("batch")
    first = await desk.snapshot("run_test", model="Churn")
    deployment = await desk.start(first)
    await desk.finish_job(deployment, metrics=GOOD)
    assert (await deployment.result()).outcome == "deployed"
    (stored,) = await desk.center.find_stored_models("Churn")
    changed = [a for a in ASSETS if a.filename != "test.csv"] + [asset("test.csv", "TEST_DATA", "x,y\n9,9\n")]
    again = stored.model_copy(update={"model_assets": changed})
    run = await begin(desk, await desk.snapshot_of(again))
    await desk.finish_job(run, metrics=BAD)
    (ticket,) = (await run.result()).tickets
    said = await text(desk, ticket)
    assert "test.csv" in said
    for number in ("0.97", "0.5", "-0.47"):
        assert number in said


async def test_a_ticket_whose_answer_was_lost_is_not_made_twice(desk: Office) -> None:
    desk.faults.add(Effect.DROP_AFTER, method="POST", path="/issue$", times=1)
    run = await begin(desk, await desk.snapshot())
    await desk.finish_job(run, metrics=BAD)
    result = await run.result()
    assert [issue["key"] for issue in await desk.tickets()] == [ticket.key for ticket in result.tickets]


async def test_the_status_shows_what_it_waits_for_and_what_it_found(desk: Office) -> None:
    run = await begin(desk, await desk.snapshot())
    await desk.job_awaited(run)
    now = await run.query("status")
    assert (now["phase"], now["waiting_for"].startswith("metrics job")) == ("test", True)
    await desk.finish_job(run, metrics=GOOD)
    await run.result()
    steps = [(step["phase"], step["status"]) for step in (await run.query("status"))["steps"]]
    assert steps == [(phase, "done") for phase in ("model", "test", "analysis", "report", "done")]

    async def listed() -> bool:
        query = f"WorkflowId = '{run.id}' AND MlcPhase = 'done'"
        return bool([r async for r in desk.client.list_workflows(query)])

    await eventually(listed)
