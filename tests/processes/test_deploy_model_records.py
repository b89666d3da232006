"""Every run keeps its own record, and what was approved is what is deployed."""

import asyncio
from typing import Any

import pytest
from deploying import (
    abandoned,
    cancelled,
    deployed,
    deployments,
    fail,
    load,
    load_everything,
    loading,
    mend,
    out_of_order,
    places,
    schedule,
    successor,
    trying,
)
from failing import BAD, GOOD
from office import ASSETS, Office, Run, asset
from paperwork import add_assets, next_ticket, text, told
from servers import eventually
from tables import under

from mlc.center.modelop import wire
from mlc.model.decision import DecisionRecord, RecordEvent
from mlc.model.ticket import TicketRef

PICKLE = asset("model.pkl", "WEIGHTS_FILE", b"the one that was approved")
OTHER = asset("model.pkl", "WEIGHTS_FILE", b"another one")
WITH_PICKLE = [PICKLE, *(a for a in ASSETS if a.asset_role != "TEST_RESULT_COMPARATOR")]


async def swap(desk: Office, snapshot_id: str, new: Any = OTHER) -> None:
    """Somebody puts another file in the place of the one of its name."""
    present = (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets
    documents = [new.wire() if a.filename == new.filename else a.wire() for a in present]
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelAssets": documents}})


async def asked(desk: Office, *tags: str) -> tuple[str, Run, TicketRef]:
    """A snapshot with a pickle, whose run waits for its reviewer."""
    snapshot_id = await desk.snapshot("jira", *tags, assets=WITH_PICKLE)
    run = await desk.start(snapshot_id)
    return snapshot_id, run, await desk.ticket(run, "review")


async def records(desk: Office, snapshot_id: str) -> list[DecisionRecord]:
    return await desk.port.list_decisions(snapshot_id)


async def carried(desk: Office, snapshot_id: str) -> list[bytes | None]:
    """The pickles of a snapshot's deployments that are active, oldest first."""
    found = [await desk.center.get_deployment(each.id) for each in await deployments(desk, snapshot_id)]
    active = [each for each in found if (each.model_extra or {})["state"] == "DEPLOYED"]
    return [
        held.content()
        for each in active
        if each.deployable_model
        for held in each.deployable_model.stored_model.model_assets
        if held.filename == "model.pkl"
    ]


async def asked_anew_before_anything_is_deployed(desk: Office, snapshot_id: str, run: Run, before: TicketRef) -> None:
    """And once that is approved, what was swapped is deployed."""
    second = await next_ticket(desk, run, before)
    assert "model.pkl changed" in await text(desk, second)
    assert await deployments(desk, snapshot_id) == []
    await desk.decide(run, second, "Done")
    assert (await run.result()).outcome == "deployed"
    assert await carried(desk, snapshot_id) == [b"another one"]


async def test_a_file_that_was_swapped_while_the_ticket_waits_is_asked_about_anew(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id, run, first = await asked(desk)
    await swap(desk, snapshot_id)
    await desk.decide(run, first, "Done")
    second = await next_ticket(desk, run, first)
    said = await text(desk, second)
    assert f"Asked anew: since {first.key} was asked, model.pkl changed. The answer there does not count." in said
    assert await deployments(desk, snapshot_id) == []
    assert "mlcDecision" not in (await desk.center.get_snapshot(snapshot_id)).meta_data.custom
    await desk.decide(run, second, "Done")
    result = await run.result()
    assert result.decision is not None
    assert result.decision.ticket == second.key
    assert await carried(desk, snapshot_id) == [b"another one"]
    (said,) = await told(desk, first)
    assert f"did not count, since what it was about changed: it was asked anew on {second.key}." in said
    events = [record.event for record in await records(desk, snapshot_id)]
    assert events == [RecordEvent.ASKED, RecordEvent.ASKED, RecordEvent.DECIDED, RecordEvent.ENDED]


@pytest.mark.parametrize("how", ["added", "taken away", "table", "schema"])
async def test_whatever_of_the_snapshot_changed_is_named(desk: Office, how: str) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", "run_test", assets=[PICKLE, *ASSETS])
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    first = await desk.ticket(run, "review")
    match how:
        case "added":
            await add_assets(desk, snapshot_id, asset("more.csv", "UNKNOWN", "x"))
        case "taken away":
            kept = [a.wire() for a in (await desk.center.get_snapshot(snapshot_id)).stored_model.model_assets[1:]]
            await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelAssets": kept}})
        case "table":
            await swap(desk, snapshot_id, asset("thresholds.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.1)))
        case _:
            schema = [{"name": "in", "schemaDefinition": {"type": "record", "fields": []}}]
            await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"modelMetaData": {"inputSchema": schema}}})
    await desk.decide(run, first, "Done")
    said = await text(desk, await next_ticket(desk, run, first))
    what = {"added": "more.csv is new", "taken away": "model.pkl is gone", "table": "thresholds.dmn changed"}
    assert what.get(how, "input schema in is new") in said


async def test_a_table_that_was_swapped_while_the_ticket_waits_is_judged_by_before_it_is_asked_anew(
    desk: Office,
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", "run_test")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    first = await desk.ticket(run, "review")
    await swap(desk, snapshot_id, asset("thresholds.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.99)))
    await desk.decide(run, first, "Done")
    failed = await next_ticket(desk, run, first)
    assert (await desk.fields(failed))["summary"].startswith("[Did not succeed: review]")
    said = await text(desk, failed)
    assert f"Judged anew: since {first.key} was asked, thresholds.dmn changed. The answer there does not count." in said
    assert "auc under 0.99" in said
    await desk.decide(run, failed, "Done")
    await desk.finish_job(run, metrics={"auc": 0.995})
    second = await next_ticket(desk, run, failed)
    said = await text(desk, second)
    assert f"Asked anew: since {first.key} was asked, thresholds.dmn changed." in said
    assert "other files" not in said
    await desk.decide(run, second, "Done")
    result = await run.result()
    assert result.outcome == "deployed"
    assert result.decision is not None
    assert result.decision.ticket == second.key


async def test_a_table_swapped_for_one_that_does_not_pass_ends_the_run_when_somebody_says_so(desk: Office) -> None:
    snapshot_id = await desk.snapshot("jira", "run_test")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    first = await desk.ticket(run, "review")
    await swap(desk, snapshot_id, asset("thresholds.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.99)))
    await desk.decide(run, first, "Done")
    failed = await next_ticket(desk, run, first)
    await desk.decide(run, failed, "Rejected")
    result = await run.result()
    assert result.outcome == "rejected"
    assert result.verdict is not None
    assert not result.verdict.passed
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.ticket) == ("rejected", failed.key)


async def test_a_table_that_was_swapped_after_it_judged_and_before_anybody_was_asked_judges_first(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", "run_test")
    down = out_of_order(desk, "POST", "/decisionRecords")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    await trying(run, "bind_question")
    good = next(a for a in ASSETS if a.asset_role == "TEST_RESULT_COMPARATOR")
    await swap(desk, snapshot_id, asset("thresholds.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.99)))
    mend(down)
    failed = await desk.ticket(run, "rejection")
    assert "auc under 0.99" in await text(desk, failed)
    await swap(desk, snapshot_id, good)
    await desk.decide(run, failed, "Done")
    await desk.finish_job(run, metrics=GOOD)
    await desk.decide(run, await next_ticket(desk, run, failed), "Done")
    assert (await run.result()).outcome == "deployed"
    asked = [r for r in await records(desk, snapshot_id) if r.event is RecordEvent.ASKED]
    assert len(asked) == 1


async def test_a_test_result_that_changed_while_the_ticket_waits_is_asked_about_anew(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("jira", "run_test")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    first = await desk.ticket(run, "review")
    result_id = (await desk.status(run)).result.test_result_id
    await desk.center.patch_test_result(str(result_id), {"testResults": {"auc": 0.99}})
    await desk.decide(run, first, "Done")
    assert "the test result changed" in await text(desk, await next_ticket(desk, run, first))
    assert await deployments(desk, snapshot_id) == []


async def test_a_file_that_was_swapped_before_a_rejection_is_rejected_all_the_same(desk: Office) -> None:
    snapshot_id, run, first = await asked(desk)
    await swap(desk, snapshot_id)
    await desk.decide(run, first, "Rejected")
    assert (await run.result()).outcome == "rejected"
    decided = [r for r in await records(desk, snapshot_id) if r.event is RecordEvent.DECIDED]
    assert [(r.decision.outcome, r.label) for r in decided if r.decision] == [("rejected", first.label)]


async def test_a_file_that_was_swapped_between_approval_and_deployment_is_not_deployed(desk: Office) -> None:
    """The deployment fails at first, so that somebody has time to swap the file before the next try."""
    await desk.engine("batch")
    snapshot_id, run, first = await asked(desk)
    refused = out_of_order(desk, "POST", "/deployedModels", status=400)
    await desk.decide(run, first, "Done")
    error = await desk.ticket(run, "error")
    mend(refused)
    await swap(desk, snapshot_id)
    await desk.decide(run, error, "Done")
    await asked_anew_before_anything_is_deployed(desk, snapshot_id, run, error)


async def test_a_file_that_was_swapped_after_the_last_comparison_is_not_deployed_either(desk: Office) -> None:
    """The snapshot that the deployment embeds is compared itself: there is no moment in between."""
    await desk.engine("batch")
    snapshot_id, run, first = await asked(desk)
    down = out_of_order(desk, "GET", "/engines")
    await desk.decide(run, first, "Done")
    await trying(run, "find_places")  # what comes next is the deployment
    await swap(desk, snapshot_id)
    mend(down)
    await asked_anew_before_anything_is_deployed(desk, snapshot_id, run, first)


async def test_the_ticket_shows_what_an_approval_binds(desk: Office) -> None:
    at_an_address = wire.Asset(
        name="big.csv", filename="big.csv", asset_type="EXTERNAL_FILE", asset_role="UNKNOWN", file_url="s3://b/big.csv"
    )
    snapshot_id = await desk.snapshot("jira", assets=[*WITH_PICKLE, at_an_address])
    run = await desk.start(snapshot_id)
    said = await text(desk, await desk.ticket(run, "review"))
    (record,) = await records(desk, snapshot_id)
    assert f"SHA-256 over all {len(record.files)}: {record.digest}" in said
    hashed = next(file.sha256 for file in record.files if file.name == "model.pkl")
    assert hashed[:12] in said
    assert "Bound by address and size only, since the model centre doesn't hold what is there: big.csv." in said
    assert [file.name for file in record.files if not file.by_content] == ["big.csv"]


async def test_a_file_that_was_swapped_since_the_test_is_named_on_the_ticket(desk: Office) -> None:
    snapshot_id = await desk.snapshot("jira", "run_test", assets=[PICKLE, *ASSETS])
    run = await desk.start(snapshot_id)
    await desk.job_awaited(run)
    await swap(desk, snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    said = await text(desk, await desk.ticket(run, "review"))
    assert "The test was run on other files: model.pkl." in said


async def test_what_was_deployed_before_the_swap_is_taken_back_and_deployed_anew(desk: Office) -> None:
    """One runtime has loaded what was approved, another one fails, and the file is swapped before it is tried again."""
    await desk.engine("one", online=True)
    await desk.engine("two", online=True)
    snapshot_id, run, first = await asked(desk)
    await desk.decide(run, first, "Done")
    ids = await loading(desk, snapshot_id, 2)
    await desk.center.patch_deployment(ids["one"], {"state": "DEPLOYED"})
    await desk.center.patch_deployment(ids["two"], {"state": "ERROR", "messages": ["no memory"]})
    error = await desk.ticket(run, "error")
    await swap(desk, snapshot_id)
    await desk.decide(run, error, "Done")
    second = await next_ticket(desk, run, error)
    assert await carried(desk, snapshot_id) == []
    await desk.decide(run, second, "Done")
    await load_everything(desk, snapshot_id, run)
    assert (await run.result()).outcome == "deployed"
    assert await carried(desk, snapshot_id) == [b"another one"] * 2


async def test_a_second_approval_of_the_same_snapshot_leaves_the_first_one_in_the_record(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id, run, ticket = await asked(desk)
    await desk.comment(ticket, "the first time")
    await desk.decide(run, ticket, "Done")
    await run.result()
    again = await desk.start(snapshot_id)
    second = await desk.ticket(again, "review")
    await desk.comment(second, "the second time")
    await desk.decide(again, second, "Done")
    await again.result()
    kept = await records(desk, snapshot_id)
    decided = [record for record in kept if record.event is RecordEvent.DECIDED]
    assert [record.decision.reason for record in decided if record.decision] == ["the first time", "the second time"]
    assert len({record.first_run_id for record in decided}) == 2
    for record in decided:
        assert {file.name for file in record.files} >= {"model.pkl", "model.py", "test.csv"}
        assert all(file.sha256 for file in record.files)
        assert (record.policy["on_failed_verdict"], record.policy["run_test_tag"]) == ("reject", "run_test")
        assert record.software.startswith("mlc-temporal ")
        assert record.expiration_date is not None


async def test_a_rejected_verdict_is_recorded_with_who_when_why_and_the_verdict(desk: Office) -> None:
    snapshot_id = await desk.snapshot("jira", "run_test")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    ticket = await desk.ticket(run, "rejection")
    await desk.comment(ticket, "Not worth another try.")
    await desk.decide(run, ticket, "Rejected")
    result = await run.result()
    assert result.outcome == "rejected"
    (record,) = [r for r in await records(desk, snapshot_id) if r.event is RecordEvent.DECIDED]
    assert record.decision == result.decision
    assert record.decision is not None
    assert (record.decision.outcome, record.decision.reason) == ("rejected", "Not worth another try.")
    assert record.decision.by is not None
    assert record.decision.at is not None
    assert record.verdict is not None
    assert not record.verdict.passed
    custom = (await desk.center.get_snapshot(snapshot_id)).meta_data.custom
    assert custom["mlcDecision"]["decision"]["ticket"] == ticket.key


async def test_without_a_review_the_record_tells_what_was_deployed_with_its_hashes(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot(assets=WITH_PICKLE)
    result = await (await desk.start(snapshot_id)).result()
    (record,) = await records(desk, snapshot_id)
    assert (record.event, record.outcome) == (RecordEvent.ENDED, "deployed")
    assert [place.id for place in record.deployed] == [d.id for d in result.deployments]
    assert record.digest == result.deployments[0].digest
    assert {file.name for file in record.files if file.sha256} >= {"model.pkl", "model.py"}


async def test_the_record_has_the_hashes_of_what_was_loaded_by_a_runtime_too(desk: Office) -> None:
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot(assets=WITH_PICKLE)
    run = await desk.start(snapshot_id)
    await load_everything(desk, snapshot_id, run)
    (record,) = await records(desk, snapshot_id)
    assert record.event is RecordEvent.ENDED
    assert record.digest
    assert "model.pkl" in [file.name for file in record.files]


async def test_a_place_that_carries_other_files_than_were_deployed_last_is_made_again(desk: Office) -> None:
    await desk.engine("batch")
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot(assets=WITH_PICKLE)
    run = await desk.start(snapshot_id)
    (first,) = (await loading(desk, snapshot_id)).values()
    await fail(desk, first, "no model.pkl")
    error = await desk.ticket(run, "error")
    await swap(desk, snapshot_id)
    await desk.decide(run, error, "Done")
    await load_everything(desk, snapshot_id, run)
    result = await run.result()
    assert result.warnings == []
    assert await carried(desk, snapshot_id) == [b"another one"] * 2
    assert len({deployment.digest for deployment in result.deployments}) == 1
    assert await places(desk, snapshot_id) == [
        ("batch", "DEPLOYED"),
        ("batch", "UNDEPLOYED"),
        ("online", "DEPLOYED"),
        ("online", "UNDEPLOYED"),
    ]


async def test_a_snapshot_that_changes_whenever_it_is_deployed_is_a_warning(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.engine("batch")
    await desk.engine("online", online=True)
    snapshot_id = await desk.snapshot(assets=WITH_PICKLE)
    run = await desk.start(snapshot_id)
    await fail(desk, (await loading(desk, snapshot_id))["online"])
    error = await desk.ticket(run, "error")
    create, number = desk.port.create_deployment, iter(range(100))

    async def and_then_it_changes(new: Any) -> Any:
        made = await create(new)
        await swap(desk, snapshot_id, asset("model.pkl", "WEIGHTS_FILE", f"version {next(number)}".encode()))
        return made

    monkeypatch.setattr(desk.port, "create_deployment", and_then_it_changes)
    await swap(desk, snapshot_id)
    await desk.decide(run, error, "Done")
    await load_everything(desk, snapshot_id, run)
    assert any("its deployments carry different files" in said for said in (await run.result()).warnings)


async def test_a_place_that_is_made_again_is_taken_back_with_the_others_when_the_run_is_stopped(desk: Office) -> None:
    await desk.engine("one", online=True)
    await desk.engine("two", online=True)
    snapshot_id = await desk.snapshot(assets=WITH_PICKLE)
    run = await desk.start(snapshot_id)
    ids = await loading(desk, snapshot_id, 2)
    await load(desk, ids["one"])
    await fail(desk, ids["two"])
    error = await desk.ticket(run, "error")
    await swap(desk, snapshot_id)
    await desk.decide(run, error, "Done")
    await load(desk, (await loading(desk, snapshot_id))["two"])

    async def again() -> bool:
        return ("one", "DEPLOYING") in await places(desk, snapshot_id)

    await eventually(again)
    await run.cancel()
    await cancelled(run)
    assert {state for _, state in await places(desk, snapshot_id)} == {"UNDEPLOYED"}


async def test_a_record_that_the_centre_refuses_is_an_error_ticket_and_done_tries_again(desk: Office) -> None:
    await desk.engine("batch")
    refused = out_of_order(desk, "POST", "/decisionRecords", status=400)
    run = await desk.start(await desk.snapshot("jira", assets=WITH_PICKLE))
    error = await desk.ticket(run, "error")
    assert "The step review did not succeed." in await text(desk, error)
    mend(refused)
    await desk.decide(run, error, "Done")
    await desk.decide(run, await desk.ticket(run, "review"), "Done")
    assert (await run.result()).outcome == "deployed"


async def test_a_record_that_is_refused_for_good_abandons_the_run_when_somebody_says_so(desk: Office) -> None:
    await desk.engine("batch")
    out_of_order(desk, "POST", "/decisionRecords", status=400)
    run = await desk.start(await desk.snapshot("jira", assets=WITH_PICKLE))
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)


async def test_the_end_of_a_record_that_the_centre_refuses_is_an_error_ticket_and_the_model_stays(desk: Office) -> None:
    await desk.engine("batch")
    refused = out_of_order(desk, "POST", "/decisionRecords", status=400)
    snapshot_id = await desk.snapshot(assets=WITH_PICKLE)
    run = await desk.start(snapshot_id)
    error = await desk.ticket(run, "error")
    said = await text(desk, error)
    assert "The step done did not succeed." in said
    assert "Rejected: the process stops. The new deployments stay" in said
    await desk.decide(run, error, "Rejected")
    await abandoned(run)
    assert len(await carried(desk, snapshot_id)) == 1
    mend(refused)
    again = await desk.start(snapshot_id)
    assert (await again.result()).outcome == "deployed"


async def test_the_record_of_a_cancelled_run_ends_too_and_says_that_nothing_stays(desk: Office) -> None:
    await desk.engine("slow", online=True)
    snapshot_id, run, ticket = await asked(desk)
    await desk.decide(run, ticket, "Done")
    await loading(desk, snapshot_id)
    await run.cancel()
    await cancelled(run)
    record = (await records(desk, snapshot_id))[-1]
    assert (record.event, record.outcome, record.note) == (RecordEvent.ENDED, "abandoned", "The run was cancelled.")
    assert (record.deployed, record.answers) == ([], {ticket.label: "approved"})
    said = "This was approved. Later the run was cancelled. Nothing that it had deployed stays."
    assert await told(desk, ticket) == [f"{said} The run is {run.id}."]


async def test_a_ticket_is_told_what_stays_of_a_run_that_was_cancelled_after_it_took_over(desk: Office) -> None:
    await desk.engine("batch")
    outage = out_of_order(desk, "POST", "/notifications$")
    _, run, ticket = await asked(desk)
    await desk.decide(run, ticket, "Done")
    await trying(run, "notify")
    await run.cancel()
    mend(outage)
    await cancelled(run)
    (said,) = await told(desk, ticket)
    assert said.startswith("This was approved. Later the run was cancelled. The model stays deployed: batch. ")


async def test_an_approval_that_was_to_be_asked_anew_when_the_run_was_cancelled_is_told_so(desk: Office) -> None:
    snapshot_id, run, first = await asked(desk)
    await swap(desk, snapshot_id)
    await desk.decide(run, first, "Done")
    await next_ticket(desk, run, first)
    await run.cancel()
    await cancelled(run)
    (said,) = await told(desk, first)
    assert said.startswith("This approval did not count, since what it was about changed. Later the run was cancelled.")


async def test_the_record_of_an_abandoned_run_names_no_deployment_that_was_undone(desk: Office) -> None:
    """It had deployed, and then the earlier snapshot's schedules could not be copied."""
    await desk.engine("batch")
    before, (earlier,) = await deployed(desk, assets=WITH_PICKLE)
    await schedule(desk, earlier, before, "weekly")
    snapshot_id = await successor(desk, before)
    out_of_order(desk, "PATCH", "/deployedModels", status=400, times=1)
    run = await desk.start(snapshot_id)
    await desk.decide(run, await desk.ticket(run, "error"), "Rejected")
    await abandoned(run)
    record = (await records(desk, snapshot_id))[-1]
    assert (record.event, record.outcome, record.deployed) == (RecordEvent.ENDED, "abandoned", [])


async def test_every_answered_ticket_is_told_once_what_came_of_it(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", "run_test"))
    await desk.finish_job(run, metrics=BAD)
    rejection = await desk.ticket(run, "rejection")
    await desk.decide(run, rejection, "Done")
    await desk.finish_job(run, metrics=GOOD)
    review = await desk.ticket(run, "review")
    await desk.decide(run, review, "Done")
    await run.result()
    assert await told(desk, rejection) == [f"It was tested again. The model was deployed: batch. The run is {run.id}."]
    assert await told(desk, review) == [f"This was approved. The model was deployed: batch. The run is {run.id}."]


async def test_a_rejected_ticket_is_told_that_nothing_was_deployed(desk: Office) -> None:
    _, run, ticket = await asked(desk)
    await desk.decide(run, ticket, "Rejected")
    await run.result()
    assert await told(desk, ticket) == [f"This was rejected. Nothing was deployed. The run is {run.id}."]


async def test_a_ticket_that_takes_no_comment_does_not_keep_the_run_from_ending(desk: Office) -> None:
    await desk.engine("batch")
    _, run, ticket = await asked(desk)
    (await desk.jira.get("myself")).raise_for_status()
    await desk.decide(None, ticket, "Done")
    desk.faults.add("answer", method="POST", path="/comment", status=403, times=1000)  # type: ignore[arg-type]
    await desk.tell(run, ticket)
    result = await asyncio.wait_for(run.result(), 60)
    assert result.outcome == "deployed"
    assert await told(desk, ticket) == []
