"""A snapshot that is changed while a ticket waits, and what a run leaves alone; flags instead of tags."""

from typing import Any

import pytest
from failing import GOOD
from office import Office, asset
from paperwork import add_assets, tag, text
from servers import eventually


async def test_a_tag_and_data_added_while_a_ticket_waits_count_from_the_next_attempt(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", without=["TEST_DATA"])
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    await add_assets(desk, snapshot_id, asset("later.csv", "TEST_DATA", "x,y\n1,0\n"))
    await tag(desk, snapshot_id, ["run_test", "jira"])
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    (job,) = await desk.jobs(snapshot_id)
    assert [given["filename"] for given in job["inputData"]] == ["later.csv"]
    review = await desk.ticket(run, "review")
    assert "jira, run_test" in await text(desk, review)
    await desk.decide(run, review, "Done")
    result = await run.result()
    assert result.decision is not None
    assert result.decision.ticket == review.key


async def test_a_tag_taken_away_while_a_ticket_waits_skips_the_step(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", without=["TEST_DATA"])
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    await tag(desk, snapshot_id, [])
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    assert await desk.jobs(snapshot_id) == []


async def test_a_run_leaves_alone_what_it_was_not_asked_to_change(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira", methodology="Boosted regression", without=["TEST_DATA"])
    custom = {"team": "fraud", "nested": {"cost": 7}}
    await desk.center.patch_snapshot(snapshot_id, {"metaData": {"custom": custom}})
    before = await desk.center.get_snapshot(snapshot_id)
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    await add_assets(desk, snapshot_id, asset("test.csv", "TEST_DATA", "x,y\n1,0\n"))
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics=GOOD)
    await desk.decide(run, await desk.ticket(run, "review"), "Done")
    result = await run.result()
    after = await desk.center.get_snapshot(snapshot_id)
    assert after.stored_model.model_meta_data == before.stored_model.model_meta_data
    assert after.meta_data.tags == before.meta_data.tags
    assert after.meta_data.name == before.meta_data.name
    assert {name: after.meta_data.custom[name] for name in custom} == custom
    assert result.monitors_added[0] == "Performance Monitor: Regression"
    attributes = str((await run.describe()).typed_search_attributes)
    assert after.stored_model.model_meta_data.name in attributes
    assert "PROD" in attributes


@pytest.mark.parametrize("value", [True, "true", "TRUE"])
async def test_a_true_flag_in_the_custom_metadata_is_as_good_as_a_tag(desk: Office, value: Any) -> None:
    snapshot_id = await desk.snapshot()
    flags = {"train": value, "run_test": value, "jira": value}
    await desk.center.patch_snapshot(snapshot_id, {"metaData": {"custom": flags}})
    run = await desk.start(snapshot_id)
    await desk.finish_job(run)
    await desk.finish_job(run, metrics=GOOD)
    assert await desk.ticket(run, "review")


@pytest.mark.parametrize("value", [False, "false", "no", "", 0, 1, None, ["true"]], ids=repr)
async def test_any_other_value_of_a_flag_asks_for_nothing(desk: Office, value: Any) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    flags = {"train": value, "run_test": value, "jira": value}
    await desk.center.patch_snapshot(snapshot_id, {"metaData": {"custom": flags}})
    run = await desk.start(snapshot_id)
    assert (await run.result()).outcome == "deployed"
    skipped = [step.phase for step in (await desk.status(run)).steps if step.status == "skipped"]
    assert skipped == ["training", "testing", "review", "expiration"]


async def test_the_steps_that_were_not_asked_for_say_so(desk: Office) -> None:
    run = await desk.start(await desk.snapshot())

    async def past() -> bool:
        return len((await desk.status(run)).steps) > 5

    await eventually(past)
    steps = (await desk.status(run)).steps
    assert [step.note for step in steps[1:5]] == ["not asked for", "not asked for", "not asked for", "nobody was asked"]
