"""The reviewer's decision: approved, rejected or overridden, and how it is kept."""

import json
from typing import Any

import pytest
from failing import BAD, GOOD
from office import Office, Run
from paperwork import remarked, remarks, text
from servers import eventually

from mlc.model.processes import Phase
from mlc.model.ticket import TicketRef
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.faults import Effect

ASK = {"configure": lambda s: s.model_copy(update={"on_failed_verdict": "ask"})}

USUAL = Scheme().statuses
LAX = {"scheme": Scheme((*USUAL, Status("10005", "Closed", "done"), Status("10006", "Shelved", "done", "Won't Do")))}
"""A project with one closed status that says nothing, and one that says no by its resolution."""

LATER = {"scheme": Scheme(resolutions={**Scheme().resolutions, "10005": "Later"})}


async def review(desk: Office, *tags: str) -> tuple[Run, TicketRef]:
    """A run that waits for its reviewer."""
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", *tags, without=["TEST_RESULT_COMPARATOR"]))
    return run, await desk.ticket(run, "review")


async def move(desk: Office, ticket: TicketRef, status: str, resolution: str) -> None:
    """Move a ticket with a resolution of one's own."""
    found = (await desk.jira.get(f"issue/{ticket.key}/transitions")).raise_for_status().json()["transitions"]
    body: dict[str, Any] = {"transition": {"id": next(t["id"] for t in found if t["to"]["name"] == status)}}
    body["fields"] = {"resolution": {"name": resolution}}
    (await desk.jira.post(f"issue/{ticket.key}/transitions", json=body)).raise_for_status()


async def test_the_review_ticket_asks_and_says_which_status_means_what(desk: Office) -> None:
    _, ticket = await review(desk)
    said = await text(desk, ticket)
    assert "May this snapshot be deployed?" in said
    assert "Move this ticket to Done or Approved to approve it, to Rejected to reject it." in said
    assert "Left empty, it holds for one year." in said


async def test_a_rejected_review_is_recorded_on_a_ticket_and_in_the_centre(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    ticket = await desk.ticket(run, "review")
    await desk.comment(ticket, "The training data is from 2019.")
    await desk.decide(run, ticket, "Rejected")
    result = await run.result()

    assert result.outcome == "rejected"
    assert await desk.center.list_deployments(snapshot_id=snapshot_id) == []
    steps = [(step.phase, step.status) for step in (await desk.status(run)).steps]
    assert steps[-2:] == [(Phase.REVIEW, "rejected"), (Phase.DONE, "done")]
    record = result.tickets[-1]
    assert (await desk.fields(record))["property"]["kind"] == "record"
    said = await text(desk, record)
    assert "A record. Nobody waits for an answer on this ticket." in said
    assert "was rejected. The training data is from 2019." in said

    snapshot = await desk.center.get_snapshot(snapshot_id)
    kept = snapshot.meta_data.custom["mlcDecision"]
    assert kept["decision"]["outcome"] == "rejected"
    assert "bot" in kept["decision"]["by"]
    assert kept["decision"]["at"]
    assert kept["decision"]["reason"] == "The training data is from 2019."
    assert kept["decision"]["ticket"] == ticket.key
    assert kept["testResultId"] == result.test_result_id
    assert kept["assets"]["model.py"]
    assert "expirationDate" not in (snapshot.model_extra or {})


async def test_half_an_emoji_in_a_comment_keeps_no_run_from_going_on(desk: Office) -> None:
    """As a text has it that was cut there: no history can hold it."""
    run, ticket = await review(desk)
    me = (await desk.jira.get("myself")).raise_for_status().json()
    cut = {"id": "999", "body": "Cut here \ud83d", "author": me, "created": "2026-11-20T12:00:00.000+0000"}
    page = json.dumps({"startAt": 0, "maxResults": 100, "total": 1, "comments": [cut]})
    desk.faults.add(Effect.ANSWER, method="GET", path="/comment", status=200, times=9, body=page)
    await desk.decide(run, ticket, "Done")

    decision = (await run.result()).decision
    assert decision is not None
    assert decision.reason == "Cut here \N{REPLACEMENT CHARACTER}"


async def test_an_approval_without_a_comment_has_no_reason(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Done")
    decision = (await run.result()).decision
    assert decision is not None
    assert (decision.outcome, decision.reason, decision.status) == ("approved", None, "Done")


@pytest.mark.parametrize("desk", [ASK], indirect=True)
async def test_a_failed_verdict_can_be_put_to_the_reviewer_whose_done_needs_a_comment(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=BAD)
    ticket = await desk.ticket(run, "review")
    assert "Its decision tables say no." in await text(desk, ticket)
    await desk.decide(run, ticket, "Done")
    said = await remarked(desk, run, ticket)
    assert said == (
        "The test result did not pass the decision tables. To approve all the same, write a comment with the reason."
    )
    await desk.tell(run, ticket)
    await desk.tell(run, ticket)
    await desk.comment(ticket, "Approved for the pilot only.")
    await desk.tell(run, ticket)
    result = await run.result()
    assert result.outcome == "deployed"
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.reason) == ("overridden", "Approved for the pilot only.")
    custom = (await desk.center.get_snapshot(result.snapshot_id)).meta_data.custom
    assert custom["mlcDecision"]["decision"]["outcome"] == "overridden"
    assert not custom["mlcDecision"]["verdict"]["passed"]
    assert len(await remarks(desk, ticket)) == 2


@pytest.mark.parametrize("desk", [ASK], indirect=True)
async def test_a_failed_verdict_that_the_reviewer_rejects_needs_no_comment(desk: Office) -> None:
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics=BAD)
    await desk.decide(run, await desk.ticket(run, "review"), "Rejected")
    result = await run.result()
    assert result.outcome == "rejected"
    assert result.decision is not None
    assert result.decision.outcome == "rejected"


async def test_a_resolution_that_says_no_rejects_although_the_status_is_done(desk: Office) -> None:
    run, ticket = await review(desk)
    await move(desk, ticket, "Done", "Won't Do")
    await desk.tell(run, ticket)
    result = await run.result()
    assert result.outcome == "rejected"
    assert result.decision is not None
    assert (result.decision.status, result.decision.resolution) == ("Done", "Won't Do")


@pytest.mark.parametrize("desk", [LAX], indirect=True)
async def test_a_closed_status_that_nobody_knows_rejects_if_its_resolution_says_no(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Shelved")
    assert (await run.result()).outcome == "rejected"


@pytest.mark.parametrize("desk", [LAX], indirect=True)
async def test_a_status_that_means_neither_is_remarked_once_and_the_question_stays_open(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Closed")
    said = await remarked(desk, run, ticket)
    assert said.startswith(
        "This ticket is closed (status 'Closed') in a way that means neither yes nor no, so nothing was decided. "
        "Its status 'Closed' (id "
    )
    assert "the language of our account" in said
    for _ in range(3):
        await desk.tell(run, ticket)
    await desk.decide(run, ticket, "To Do")

    async def open_again() -> bool:
        return "may this snapshot be deployed" in (await desk.status(run)).waiting_for

    await eventually(open_again)
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    assert len(await remarks(desk, ticket)) == 1


@pytest.mark.parametrize("desk", [LATER], indirect=True)
async def test_a_resolution_that_is_on_neither_list_is_named_and_the_question_stays_open(desk: Office) -> None:
    run, ticket = await review(desk)
    await move(desk, ticket, "Done", "Later")
    await desk.tell(run, ticket)
    said = await remarked(desk, run, ticket)
    assert "(status 'Done', resolution 'Later') in a way that means neither yes nor no" in said
    assert "its resolution 'Later' (id 10005) is on neither list: Done, Approved, " in said
    assert "What can be done: reopen this ticket and answer it with one of these." in said
    await desk.decide(run, ticket, "To Do")
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    assert len(await remarks(desk, ticket)) == 1


async def test_a_ticket_that_a_person_withdraws_stays_a_question(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "Withdrawn")
    said = await remarked(desk, run, ticket)
    assert said == (
        "This ticket is closed (status 'Withdrawn', resolution 'Withdrawn') in a way that means neither yes nor no, "
        "so nothing was decided."
    )
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"


async def test_a_status_on_the_way_decides_nothing(desk: Office) -> None:
    run, ticket = await review(desk)
    await desk.decide(run, ticket, "In Review")
    assert await run.execute_update("recheck_tickets") == {ticket.key: "pending (status In Review)"}
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    assert await remarks(desk, ticket) == []
