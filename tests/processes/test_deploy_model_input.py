"""What a person can get wrong when starting DeployModel, and what the run then says, at once."""

import json
import uuid
from typing import Any

import pytest
from office import Office
from paperwork import text
from temporalio.client import WorkflowFailureError, WorkflowHandle

RIGHT = "temporal workflow start --type DeployModel --task-queue mlc --workflow-id deploy-"


async def failure_of(handle: WorkflowHandle[Any, Any]) -> str:
    with pytest.raises(WorkflowFailureError) as failure:
        await handle.result()
    return str(failure.value.cause)


async def start(desk: Office, given: list[Any], workflow_id: str) -> WorkflowHandle[Any, Any]:
    return await desk.client.start_workflow("DeployModel", args=given, id=workflow_id, task_queue=desk.task_queue)


async def test_an_unknown_snapshot_fails_the_run_with_its_id_and_the_right_command(desk: Office) -> None:
    said = await failure_of(await start(desk, [{"snapshot_id": "nope"}], "deploy-nope"))
    assert "There is no snapshot 'nope'" in said
    assert RIGHT in said


async def test_a_misspelt_field_is_named_with_the_right_command(desk: Office) -> None:
    said = await failure_of(await start(desk, [{"snapshotid": "secret-value"}], f"deploy-{uuid.uuid4()}"))
    assert "Unknown field 'snapshotid', missing field 'snapshot_id'" in said
    assert RIGHT in said
    assert "secret-value" not in said


@pytest.mark.parametrize(
    "given", [["x"], [[]], [None], [], [{"snapshot_id": ""}], [{"snapshot_id": 7}]], ids=json.dumps
)
async def test_any_other_input_fails_the_run_at_once(desk: Office, given: list[Any]) -> None:
    said = await failure_of(await start(desk, given, f"deploy-{uuid.uuid4()}"))
    assert "snapshot_id" in said


async def test_another_workflow_id_fails_the_run_with_the_right_command(desk: Office) -> None:
    snapshot_id = await desk.snapshot()
    said = await failure_of(await start(desk, [{"snapshot_id": snapshot_id}], str(uuid.uuid4())))
    assert f"{RIGHT}{snapshot_id}" in said


async def test_a_monitors_snapshot_fails_the_run_and_is_not_deployed(desk: Office) -> None:
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot("jira")
    category = {"storedModel": {"modelMetaData": {"modelCategory": "MODEL_MONITORING_MODEL"}}}
    await desk.center.patch_snapshot(snapshot_id, category)
    run = await desk.start(snapshot_id)
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "NotDeployable"
    assert "is a monitor, not a business model: it is not deployed." in str(failure.value.cause)
    assert await desk.tickets() == []
    assert await desk.center.list_deployments(snapshot_id=snapshot_id) == []


async def test_a_model_that_no_runtime_runs_is_rejected_before_anybody_reviews_it_and_done_looks_again(
    desk: Office,
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira")
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelMetaData": {"type": "R"}}})
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "The model is of the type R, which no runtime of the model centre runs: they run python." in said
    assert await desk.jobs(snapshot_id) == []
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelMetaData": {"type": "PYTHON"}}})
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics={"auc": 0.97})
    await desk.decide(run, await desk.ticket(run, "review"), "Done")
    assert (await run.result()).outcome == "deployed"
