"""Training, and what can go wrong with it."""

import pytest
from failing import (
    MODEL_FILE,
    missing_training_data,
    start,
    training_job_cancelled,
    training_job_error,
)
from office import Office, asset
from paperwork import add_assets, text


async def test_missing_training_data_is_said_and_done_trains_with_what_was_added(desk: Office) -> None:
    await desk.engine("batch")
    run = await missing_training_data(desk)
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "The step training did not succeed. What shall happen?" in said
    assert "has no asset with the role TRAINING_DATA. Add one and try again." in said
    snapshot_id = run.id.removeprefix("deploy-")
    await add_assets(desk, snapshot_id, asset("train.csv", "TRAINING_DATA", "x,y\n1,0\n"))
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, outputData=[MODEL_FILE.wire()])
    assert (await run.result()).outcome == "deployed"
    (job,) = await desk.jobs(snapshot_id)
    assert [given["filename"] for given in job["inputData"]] == ["train.csv"]


async def test_a_training_jobs_error_stands_on_the_ticket_and_done_trains_again_with_another_job(desk: Office) -> None:
    await desk.engine("batch")
    run = await training_job_error(desk)
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "ended as ERROR. KeyError: 'y'" in said
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, outputData=[MODEL_FILE.wire()])
    assert (await run.result()).outcome == "deployed"
    jobs = await desk.jobs(run.id.removeprefix("deploy-"))
    assert sorted(job["jobStatus"] for job in jobs) == ["COMPLETE", "ERROR"]


@pytest.mark.parametrize("result", ["FAILURE", "UNKNOWN", None])
async def test_a_training_job_that_is_complete_without_success_has_failed_and_changes_nothing(
    desk: Office, result: str | None
) -> None:
    await desk.engine("batch")
    run = await start(desk, "train")
    snapshot_id = run.id.removeprefix("deploy-")
    before = await desk.center.get_snapshot(snapshot_id)
    output = [MODEL_FILE.wire()]
    await desk.finish_job(run, jobResult=result, outputData=output, jobMessages=["ValueError: no convergence"])
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "ended as COMPLETE" in said
    assert "ValueError: no convergence" in said
    assert (await desk.center.get_snapshot(snapshot_id)).stored_model == before.stored_model
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, outputData=output)
    assert (await run.result()).outcome == "deployed"


async def test_a_training_job_cancelled_in_the_centre_is_a_failure_like_any_other(desk: Office) -> None:
    await desk.engine("batch")
    run = await training_job_cancelled(desk)
    ticket = await desk.ticket(run, "rejection")
    assert "ended as CANCELLED" in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, outputData=[MODEL_FILE.wire()])
    assert (await run.result()).outcome == "deployed"


@pytest.mark.parametrize("before", [b"older", b"trained"], ids=["another model", "the same model"])
async def test_a_newly_trained_artefact_takes_the_place_of_the_one_of_its_name(desk: Office, before: bytes) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("train")
    await add_assets(desk, snapshot_id, asset("model.pkl", "WEIGHTS_FILE", before))
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, outputData=[MODEL_FILE.wire()])
    assert (await run.result()).outcome == "deployed"
    assets = (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets
    (trained,) = [a for a in assets if a.filename == "model.pkl"]
    assert trained.content() == b"trained"
    assert trained.asset_role == "WEIGHTS_FILE"
    assert len(assets) == 7


async def test_training_that_makes_nothing_goes_on_and_says_so(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("train"))
    await desk.finish_job(run)
    assert (await run.result()).outcome == "deployed"
    notes = {step.phase: step.note for step in (await desk.status(run)).steps}
    assert notes["training"] == "made no artefacts"


@pytest.mark.parametrize("name", ["thresholds.dmn", "Model.py", "test.csv"])
async def test_an_artefact_that_would_replace_the_snapshots_table_source_or_data_is_refused(
    desk: Office, name: str
) -> None:
    snapshot_id = await desk.snapshot("train")
    before = (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, outputData=[asset(name, "UNKNOWN", b"made by training").wire()])
    ticket = await desk.ticket(run, "rejection")
    assert "Give the artefact another name." in await text(desk, ticket)
    assert (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets == before
