"""RunBatchModelJob, sentence by sentence (the source text's "Run Batch Model Job MLC Process")."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from office import LAKE, Office, asset
from paperwork import failure_of, job_of, payloads, text
from servers import eventually
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from activities.batch import is_alive
from mlc.center.modelop import wire
from mlc.center.modelop.deployments import read_runtime
from mlc.model.job import RecordCounts
from mlc.model.processes import MOST_FILES, RunBatchModelJobInput, RunBatchModelJobResult
from mlc.model.ticket import TicketRef
from mlc.settings import ProcessSettings
from mlc.standalone.faults import Effect


def impatient(settings: ProcessSettings) -> ProcessSettings:
    return settings.model_copy(update={"outage_budget": timedelta(seconds=1)})


def deaf(settings: ProcessSettings) -> ProcessSettings:
    return settings.model_copy(update={"runtime_timeout": timedelta(seconds=1)})


def eager(settings: ProcessSettings) -> ProcessSettings:
    return settings.model_copy(update={"job_poll": timedelta(seconds=0.2)})


def lenient(settings: ProcessSettings) -> ProcessSettings:
    return settings.model_copy(update={"on_lost_records": "warn"})


BatchJob = WorkflowHandle[Any, RunBatchModelJobResult]


async def begin(desk: Office, tag: str, *, stage: str | None = None, **files: Any) -> BatchJob:
    given = files or {
        "input_files": [{"url": f"file://{LAKE}/in.csv"}],
        "output_files": [{"url": f"file://{LAKE}/out.csv"}],
    }
    request = RunBatchModelJobInput(tag=tag, model_stage=stage, **given)
    return await desk.begin("RunBatchModelJob", request, RunBatchModelJobResult)


async def deployed(desk: Office, tag: str, *, stage: str = "PROD", **changes: Any) -> tuple[str, str]:
    """A batch deployment of a new model's snapshot; the ids of both."""
    snapshot_id = await desk.snapshot(tag, "run_test", stage=stage)
    snapshot = await desk.center.get_snapshot(snapshot_id)
    fields = {"deployable_model": snapshot, "deployment_target": stage, "state": "DEPLOYED"} | changes
    deployment = await desk.center.create_deployment(wire.DeployedModel(**fields))
    return snapshot_id, deployment.id


async def done(desk: Office, run: BatchJob) -> RunBatchModelJobResult:
    await desk.finish_job(run)
    return await run.result()


async def test_a_scoring_job_of_the_deployed_snapshot_is_run_on_a_compatible_runtime(desk: Office) -> None:
    await desk.engine("online", online=True)
    await desk.engine("elsewhere", stage="DEV")
    engine_id = await desk.engine("batch")
    snapshot_id, deployment_id = await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    job = await job_of(desk, run)
    assert job.job_type == "MODEL_BATCH_JOB"
    assert job.model is not None
    assert job.target_engine is not None
    assert (job.model.id, job.target_engine.id) == (snapshot_id, engine_id)
    result = await done(desk, run)
    assert (result.snapshot_id, result.deployment_id, result.runtime) == (snapshot_id, deployment_id, "batch")
    assert (result.job_id, result.outputs, result.tickets) == (job.id, [f"file://{LAKE}/out.csv"], [])


async def test_the_most_recent_deployment_under_the_tag_is_run(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    newest, _ = await deployed(desk, "fraud")
    await deployed(desk, "another-tag")
    run = await begin(desk, "fraud")
    assert (await done(desk, run)).snapshot_id == newest


async def test_the_model_stage_decides_between_deployments_of_different_stages(desk: Office) -> None:
    await desk.engine("prod-batch", stage="PROD")
    await desk.engine("dev-batch", stage="DEV")
    prod, _ = await deployed(desk, "fraud", stage="PROD")
    dev, _ = await deployed(desk, "fraud", stage="DEV")
    for stage, snapshot_id, runtime in [
        ("Production", prod, "prod-batch"),
        ("dev", dev, "dev-batch"),
        (None, dev, "dev-batch"),
    ]:
        run = await begin(desk, "fraud", stage=stage)
        result = await done(desk, run)
        assert (result.snapshot_id, result.runtime) == (snapshot_id, runtime)


@pytest.mark.parametrize("state", ["UNDEPLOYED", "ERROR"])
async def test_only_a_deployment_in_the_state_deployed_is_run(desk: Office, state: str) -> None:
    await desk.engine("batch")
    good, _ = await deployed(desk, "fraud")
    _, ended = await deployed(desk, "fraud")
    await desk.center.patch_deployment(ended, {"state": state})
    run = await begin(desk, "fraud")
    assert (await done(desk, run)).snapshot_id == good


async def test_an_online_deployment_is_not_run_as_batch(desk: Office) -> None:
    online = wire.Engine(id=await desk.engine("online", online=True), name="online")
    await desk.engine("batch")
    good, _ = await deployed(desk, "fraud")
    await deployed(desk, "fraud", engine=online)
    run = await begin(desk, "fraud")
    assert (await done(desk, run)).snapshot_id == good


async def test_inputs_and_outputs_are_set_in_the_order_given(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    kept = [await desk.center.create_asset(asset(f"{n}.csv", "UNKNOWN", f"x\n{n}\n")) for n in (3, 1, 2)]
    run = await begin(
        desk,
        "fraud",
        input_files=[{"asset_id": a.id} for a in kept],
        output_files=[{"filename": f"out-{n}.json"} for n in (3, 1, 2)],
    )
    job = await job_of(desk, run)
    assert [a.content() for a in job.input_data] == [b"x\n3\n", b"x\n1\n", b"x\n2\n"]
    assert [a.filename for a in job.output_data] == ["out-3.json", "out-1.json", "out-2.json"]
    assert (await done(desk, run)).outputs == ["out-3.json", "out-1.json", "out-2.json"]


async def test_a_tag_that_no_deployment_has_is_an_error_and_a_jira_notification(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "churn")
    run = await begin(desk, "fraud", stage="PROD")
    failure = await failure_of(run)
    assert failure.type == "NoDeployment"
    assert "the tag 'fraud' at stage 'PROD'" in failure.message
    assert "tags: churn)" in failure.message
    (ticket,) = (await run.query("status"))["result"]["tickets"]
    (issue,) = await desk.tickets()
    assert (ticket["provider"], ticket["key"]) == ("jira", issue["key"])
    said = issue["fields"]["description"]
    assert "The batch job for the tag 'fraud' at stage 'PROD' could not be run, or did not end well." in said


async def test_a_control_tag_is_no_model_service_tag(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    assert (await failure_of(await begin(desk, "run_test"))).type == "NoDeployment"


async def test_a_deployment_that_no_batch_runtime_suits_is_an_error_and_a_jira_notification(desk: Office) -> None:
    await desk.engine("online", online=True)
    await desk.engine("elsewhere", stage="DEV")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    failure = await failure_of(run)
    assert failure.type == "NoMatchingRuntime"
    assert "stage 'PROD', model type PYTHON, tags ['fraud', 'run_test']." in failure.message
    for runtime in ("online (stage PROD, tags [], platform python), online", "elsewhere (stage DEV, tags []"):
        assert runtime in failure.message
    assert len(await desk.tickets()) == 1


async def test_a_failed_job_is_an_error_and_a_jira_notification_with_its_messages(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    await desk.finish_job(run, status="ERROR", jobMessages=["record 17 of in.csv: could not convert 'n/a'"])
    failure = await failure_of(run)
    assert failure.type == "JobFailed"
    (ticket,) = (await run.query("status"))["result"]["tickets"]
    said = await text(desk, TicketRef.model_validate(ticket))
    assert "record 17 of in.csv: could not convert 'n/a'" in said


@pytest.mark.parametrize(
    ("doing", "shown"),
    [
        ("installing 14 packages for Python 3.11", "installing 14 packages for Python 3.11"),
        ("**bold**\n`code`" + "x" * 1_000, r"\*\*bold\*\* \`code\`xxx"),
    ],
)
async def test_the_status_says_what_the_job_does_just_now(desk: Office, doing: str, shown: str) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    job_id = await desk.job_awaited(run)
    await desk.center.patch_job(job_id, {"jobStatus": "RUNNING", "runtimeInfo": {"doing": doing}})
    await run.signal("job_progress", {"job_id": "another", "doing": "nothing of ours"})
    await run.signal("job_changed", {"job_id": job_id})

    async def says() -> bool:
        return f"scoring job {job_id}: {shown}" in (await run.query("status"))["waiting_for"]

    await eventually(says)
    assert f"scoring job {job_id}: {shown}" in (await run.query("__temporal_workflow_metadata")).current_details
    await desk.center.patch_job(job_id, {"jobStatus": "COMPLETE", "jobResult": "SUCCESS"})
    await run.signal("job_changed", {"job_id": job_id})
    assert (await run.result()).job_id == job_id
    sizes = [len(p.data) for event in (await run.fetch_history()).events for _, p in payloads(event)]
    assert max(sizes) < 2_048


@pytest.mark.parametrize("desk", [{"configure": eager}], indirect=True)
async def test_what_a_job_does_is_told_when_it_changes_and_not_at_each_look(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    job_id = await desk.job_awaited(run)

    async def looks() -> int:
        return max((a.attempt for a in (await run.describe()).raw_description.pending_activities), default=0)

    for doing in ("installing 2 packages", "running the model"):
        await desk.center.patch_job(job_id, {"jobStatus": "RUNNING", "runtimeInfo": {"doing": doing}})
        before = await looks()

        async def looked_often(before: int = before) -> bool:
            return await looks() >= before + 5

        await eventually(looked_often)
    told = [e async for e in run.fetch_history_events() if e.HasField("workflow_execution_signaled_event_attributes")]
    assert [e.workflow_execution_signaled_event_attributes.signal_name for e in told] == ["job_progress"] * 2
    await run.cancel()


@pytest.mark.parametrize("result", ["FAILURE", "UNKNOWN", None])
async def test_a_complete_job_without_success_is_an_error_and_a_jira_notification(
    desk: Office, result: str | None
) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    await desk.finish_job(run, jobResult=result, jobMessages=["ValueError: no such column"])
    failure = await failure_of(run)
    assert failure.type == "JobFailed"
    (ticket,) = (await run.query("status"))["result"]["tickets"]
    said = await text(desk, TicketRef.model_validate(ticket))
    assert "ended as COMPLETE" in said
    assert "ValueError: no such column" in said


LOST = {"read": 4, "written": 2, "bad": 2, "unanswered": 0, "examples": ["Record 2 of in.csv is bad: KeyError: 'a'."]}
WARNING = "2 of 4 records were lost (2 bad); 2 were written. Record 2 of in.csv is bad: KeyError: 'a'."


@pytest.mark.parametrize("result", ["SUCCESS", "FAILURE"])
async def test_lost_records_are_an_error_and_a_jira_notification_with_the_first_ones_reason(
    desk: Office, result: str
) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    await desk.finish_job(run, jobResult=result, runtimeInfo={"records": LOST})
    failure = await failure_of(run)
    assert failure.type == "JobFailed"
    (ticket,) = (await run.query("status"))["result"]["tickets"]
    said = await text(desk, TicketRef.model_validate(ticket))
    for told in (failure.message, said):
        assert "lost records: 2 of 4 records were lost (2 bad); 2 were written. Record 2 of in.csv is bad: Key" in told


@pytest.mark.parametrize("desk", [{"configure": lenient}], indirect=True)
@pytest.mark.parametrize("result", ["SUCCESS", "FAILURE"])
async def test_lost_records_are_a_warning_where_the_settings_say_so(desk: Office, result: str) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    await desk.finish_job(run, jobResult=result, runtimeInfo={"records": LOST})
    ended = await run.result()
    assert ended.records == RecordCounts(read=4, written=2, bad=2, unanswered=0)
    assert (ended.warnings, ended.tickets) == ([WARNING], [])
    assert "2 of 4 records were lost" in (await run.query("__temporal_workflow_metadata")).current_details
    notes = {step["phase"]: step["note"] for step in (await run.query("status"))["steps"]}
    assert notes["scoring"].startswith(WARNING)


@pytest.mark.parametrize("desk", [{"configure": lenient}], indirect=True)
async def test_a_failure_whose_records_nobody_counted_stays_one_where_lost_ones_are_a_warning(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    await desk.finish_job(run, jobResult="FAILURE", jobMessages=["Records in/out: 4/2"])
    assert (await failure_of(run)).type == "JobFailed"
    assert len(await desk.tickets()) == 1


async def test_several_models_under_a_tag_are_named_in_a_warning(desk: Office) -> None:
    await desk.engine("batch")
    older, _ = await deployed(desk, "fraud")
    newer, _ = await deployed(desk, "fraud")
    result = await done(desk, await begin(desk, "fraud"))
    assert result.snapshot_id == newer
    (warning,) = [said for said in result.warnings if "Several models" in said]
    for snapshot_id in (older, newer):
        assert (await desk.center.get_snapshot(snapshot_id)).stored_model.model_meta_data.name in warning


async def test_the_result_says_how_many_records_were_read_and_written_or_that_nobody_knows(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    for told, counts, warnings in (
        ({"read": 3, "written": 6, "bad": 0, "unanswered": 0}, (3, 6, 0), 0),
        ({"read": 0, "written": 0, "bad": 0, "unanswered": 0}, (0, 0, 0), 1),
        (None, None, 1),
    ):
        run = await begin(desk, "fraud")
        await desk.finish_job(run, runtimeInfo={"records": told})
        result = await run.result()
        found = (r.read, r.written, r.bad) if (r := result.records) else None
        assert (found, len(result.warnings)) == (counts, warnings)


async def test_a_file_where_none_may_be_is_an_error_and_a_jira_notification(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud", input_files=[{"url": "s3://bucket/in.csv"}])
    assert "'s3' addresses are not supported" in (await failure_of(run)).message
    assert len(await desk.tickets()) == 1


@pytest.mark.parametrize("desk", [{"configure": deaf}], indirect=True)
async def test_a_runtime_that_is_broken_or_silent_gets_no_job(desk: Office) -> None:
    for name, state, kind in [("broken", "ERROR", "JOB"), ("silent", "RUNNING", "HEARTBEAT"), ("idle", "INIT", "JOB")]:
        last = {"date": "2026-01-01T00:00:00Z", "type": kind}
        await desk.center.save_engine(
            wire.Engine(name=name, environment_name="PROD", platform={"python": "3"}, state=state, lastActivity=last)
        )
    await silence(desk, "silent")
    await deployed(desk, "fraud")
    for _ in range(3):
        assert (await done(desk, await begin(desk, "fraud"))).runtime == "idle"


@pytest.mark.parametrize("desk", [{"configure": deaf}], indirect=True)
async def test_where_every_suiting_runtime_is_silent_the_ticket_says_so(desk: Office) -> None:
    last = {"date": "2026-01-01T00:00:00Z", "type": "HEARTBEAT"}
    await desk.center.save_engine(wire.Engine(name="silent", environment_name="PROD", lastActivity=last))
    await silence(desk, "silent")
    await deployed(desk, "fraud")
    failure = await failure_of(await begin(desk, "fraud"))
    assert "Not heard of for a while: silent." in failure.message


async def silence(desk: Office, runtime: str) -> None:
    """Wait until the runtime was heard of longer ago than this office's workers bear."""

    async def silent() -> bool:
        engine = next(e for e in await desk.center.list_engines() if e.name == runtime)
        return not is_alive(read_runtime(engine, desk.port.settings), datetime.now(UTC), timedelta(seconds=1))

    await eventually(silent)


@pytest.mark.parametrize("how", ["tag", "flag"])
async def test_a_tag_that_was_added_after_the_deployment_counts(desk: Office, how: str) -> None:
    await desk.engine("batch")
    snapshot_id, _ = await deployed(desk, "fraud")
    meta = {"tags": ["fraud", "later"]} if how == "tag" else {"custom": {"later": True}}
    await desk.center.patch_snapshot(snapshot_id, {"metaData": meta})
    run = await begin(desk, "later")
    assert (await done(desk, run)).snapshot_id == snapshot_id


async def test_a_deployment_whose_snapshot_is_gone_is_passed_over(desk: Office) -> None:
    await desk.engine("batch")
    good, _ = await deployed(desk, "fraud")
    gone, _ = await deployed(desk, "fraud")
    (await desk.model_manage.delete(f"deployableModels/{gone}")).raise_for_status()
    run = await begin(desk, "fraud")
    assert (await done(desk, run)).snapshot_id == good


async def test_the_runtime_suits_the_stage_of_the_deployment(desk: Office) -> None:
    """It was deployed to another stage than the snapshot's own."""
    await desk.engine("prod-batch", stage="PROD")
    await desk.engine("dev-batch", stage="DEV")
    await deployed(desk, "fraud", stage="PROD", deployment_target="DEV")
    run = await begin(desk, "fraud")
    assert (await done(desk, run)).runtime == "dev-batch"


@pytest.mark.parametrize("desk", [{"configure": impatient}], indirect=True)
async def test_a_batch_job_cancelled_while_its_failure_is_told_ends_its_job(desk: Office) -> None:
    """The centre was away for too long, the job still runs, and the ticket system is away, too."""
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    job_id = await desk.job_awaited(run)
    desk.faults.add(Effect.ANSWER, method="POST", path="/issue$", status=503, times=1000, body="{}")
    desk.center_faults.add(Effect.ANSWER, method="GET", path="/jobs/", status=503, times=1000, body="{}")
    await run.signal("job_changed", {"job_id": job_id})

    async def telling() -> bool:
        return "another try" in (await run.query("status"))["waiting_for"]

    await eventually(telling)
    desk.center_faults.planned.clear()
    await run.cancel()
    with pytest.raises(WorkflowFailureError):
        await run.result()
    assert (await desk.center.get_job(job_id)).job_status == "CANCELLED"


async def test_nothing_that_a_run_with_many_files_writes_down_is_large(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    files = [{"url": f"file://{LAKE}/{'folder/' * 8}part-{number:05}.csv"} for number in range(50)]
    outputs = [{"url": f"file://{LAKE}/{'folder/' * 8}out-{number:05}.csv"} for number in range(50)]
    run = await begin(desk, "fraud", input_files=files, output_files=outputs)
    result = await done(desk, run)
    assert (len(result.outputs), result.output_count) == (10, 50)
    sizes = [len(p.data) for event in (await run.fetch_history()).events for _, p in payloads(event)]
    assert max(sizes) <= MOST_FILES + 1_000
    assert sorted(sizes)[-4] <= 2_048


async def test_a_cancelled_batch_job_ends_its_scoring_job(desk: Office) -> None:
    await desk.engine("batch")
    await deployed(desk, "fraud")
    run = await begin(desk, "fraud")
    job_id = await desk.job_awaited(run)
    await run.cancel()
    with pytest.raises(WorkflowFailureError) as raised:
        await run.result()
    assert isinstance(raised.value.cause, CancelledError)
    assert (await desk.center.get_job(job_id)).job_status == "CANCELLED"
    assert await desk.tickets() == []
