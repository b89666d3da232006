"""A run and its tickets: found, read, deleted, decided early, and hints that are wrong or missing."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from failing import missing_test_data
from office import Office, Run
from paperwork import next_ticket, remarked, remarks
from servers import eventually

from mlc.model.ticket import TicketRef
from mlc.standalone.faults import Effect

LAGGING = {"index_lag": 2.0, "configure": lambda s: s.model_copy(update={"ticket_index_lag": timedelta(seconds=3)})}
"""A desk whose search finds a new ticket after two seconds, and a worker that waits longer before it asks again."""


async def waiting(desk: Office) -> Run:
    await desk.engine("batch")
    return await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))


async def quiet(desk: Office, run: Run) -> int:
    """The length of the history, once nothing is under way."""

    async def idle() -> bool:
        description = (await run.describe()).raw_description
        return not description.pending_activities and not description.HasField("pending_workflow_task")

    await eventually(idle)
    return (await run.describe()).history_length


async def activities(run: Run, name: str) -> int:
    """How many times an activity was begun."""
    events = (await run.fetch_history()).events
    return sum(e.activity_task_scheduled_event_attributes.activity_type.name == name for e in events)


async def sweep(desk: Office) -> Any:
    return await desk.client.execute_workflow("SweepTickets", id=f"sweep-{uuid.uuid4()}", task_queue=desk.task_queue)


async def test_a_deleted_ticket_is_asked_anew_as_the_next_attempt(desk: Office) -> None:
    run = await waiting(desk)
    ticket = await desk.ticket(run, "review")
    (await desk.jira.delete(f"issue/{ticket.key}")).raise_for_status()
    await desk.tell(run, ticket)
    second = await next_ticket(desk, run, ticket)
    written = (await desk.fields(second))["property"]
    assert (written["kind"], written["step"], written["attempt"]) == ("review", "review", "2")
    assert second.label != ticket.label
    await desk.decide(run, second, "Done")
    assert [t.key for t in (await run.result()).tickets] == [ticket.key, second.key]


async def test_a_deleted_failure_ticket_is_asked_anew_and_the_step_is_not_tried_meanwhile(desk: Office) -> None:
    run = await missing_test_data(desk)
    ticket = await desk.ticket(run, "rejection")
    (await desk.jira.delete(f"issue/{ticket.key}")).raise_for_status()
    await desk.tell(run, ticket)
    second = await next_ticket(desk, run, ticket)
    assert await activities(run, "create_job") == 1
    await desk.decide(run, second, "Rejected")
    assert (await run.result()).outcome == "rejected"


async def test_a_ticket_that_was_decided_before_the_run_waits_needs_no_hint(desk: Office) -> None:
    desk.faults.add(Effect.SLOW, method="POST", path="/remotelink$", seconds=2)
    run = await waiting(desk)
    (issue,) = await eventually(desk.tickets)
    early = TicketRef(provider="jira", id=issue["id"], key=issue["key"], url="", label="")
    await desk.decide(None, early, "Done")
    assert (await desk.status(run)).open_tickets == []
    result = await run.result()
    assert (result.outcome, [t.key for t in result.tickets]) == ("deployed", [issue["key"]])


async def test_many_sweeps_over_a_status_that_means_neither_add_no_history_and_no_comment(
    swept_desk: Office,
) -> None:
    run = await waiting(swept_desk)
    ticket = await swept_desk.ticket(run, "review")
    await swept_desk.decide(run, ticket, "Withdrawn")
    await remarked(swept_desk, run, ticket)
    version = (await swept_desk.fields(ticket))["updated"]

    async def visible() -> bool:
        query = f"MlcTickets = '{ticket.label}'"
        return version in str([r.typed_search_attributes async for r in swept_desk.client.list_workflows(query)])

    await eventually(visible)
    before = await quiet(swept_desk, run)
    for _ in range(20):
        await sweep(swept_desk)
    assert await quiet(swept_desk, run) == before
    assert len(await remarks(swept_desk, ticket)) == 1


@pytest.mark.parametrize("what", ["remotelink", "attachments"])
@pytest.mark.parametrize("status", [403, 413])
async def test_a_link_or_an_attachment_that_is_refused_is_left_out_and_the_ticket_waited_for(
    desk: Office, what: str, status: int
) -> None:
    desk.faults.add(Effect.ANSWER, method="POST", path=f"/{what}$", status=status, times=1000, body="{}")
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics={"auc": 0.95})
    ticket = await desk.ticket(run, "review")
    if what == "remotelink":  # nothing else on the ticket leads to the run
        (said,) = await remarks(desk, ticket)
        assert said.startswith(f"The run in Temporal: http://127.0.0.1:8233/namespaces/default/workflows/{run.id}/")
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    assert len(await desk.tickets()) == 1


@pytest.mark.parametrize("desk", [LAGGING], indirect=True)
@pytest.mark.parametrize("what", ["remotelink", "attachments"])
async def test_a_link_or_an_attachment_that_comes_too_fast_makes_no_second_ticket(desk: Office, what: str) -> None:
    wait = {"Retry-After": "1"}
    desk.faults.add(Effect.ANSWER, method="POST", path=f"/{what}$", status=429, headers=wait, times=2)
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics={"auc": 0.95})
    ticket = await desk.ticket(run, "review")
    assert desk.faults.requests.count("POST /rest/api/2/issue") == 1
    links = (await desk.jira.get(f"issue/{ticket.key}/remotelink")).raise_for_status().json()
    assert [link["object"]["title"] for link in links] == ["The run in Temporal"]
    assert len((await desk.fields(ticket))["attachment"]) == 1
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"


async def test_hints_for_other_tickets_and_forged_ones_read_nothing_and_change_nothing(desk: Office) -> None:
    run = await waiting(desk)
    ticket = await desk.ticket(run, "review")
    reads = await activities(run, "read_ticket")
    await run.signal("ticket_changed", {"provider": "jira", "key": f"{desk.project}-999"})
    await run.signal("ticket_changed", {"provider": "jira", "key": f"gov-{'0' * 24}"})
    await run.signal("ticket_changed", {"provider": "jira", "key": ticket.key, "status": "Done"})
    await run.signal("ticket_changed", {"status": "Done"})
    await run.signal("ticket_changed")
    await run.signal("ticket_changed", "approved")
    await run.signal("ticket_changed", args=["approved", {"provider": "jira", "key": ticket.key}])
    await run.signal("job_changed", {"job_id": "nobody's"})
    await run.signal("approve_everything", {"answer": "approved"})
    await quiet(desk, run)
    assert await activities(run, "read_ticket") == reads
    assert (await desk.status(run)).open_tickets == [ticket]
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"


async def test_repeated_hints_for_an_undecided_ticket_change_nothing(desk: Office) -> None:
    run = await waiting(desk)
    ticket = await desk.ticket(run, "review")
    before = await desk.status(run)
    for _ in range(20):
        await desk.tell(run, ticket)
    await quiet(desk, run)
    assert await desk.status(run) == before
    assert await remarks(desk, ticket) == []
    assert len(await desk.tickets()) == 1
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"


async def test_recheck_tickets_says_what_it_saw_and_resumes_a_run_whose_webhook_was_lost(desk: Office) -> None:
    run = await waiting(desk)
    ticket = await desk.ticket(run, "review")
    assert await run.execute_update("recheck_tickets") == {ticket.key: "pending (status To Do)"}
    await desk.decide(None, ticket, "Done")
    assert await run.execute_update("recheck_tickets") == {ticket.key: "approved (status Done)"}
    assert (await run.result()).outcome == "deployed"


async def test_recheck_tickets_of_a_deleted_ticket_says_that_it_is_gone(desk: Office) -> None:
    run = await waiting(desk)
    ticket = await desk.ticket(run, "review")
    (await desk.jira.delete(f"issue/{ticket.key}")).raise_for_status()
    assert await run.execute_update("recheck_tickets") == {ticket.key: "gone (status ?)"}
    assert (await next_ticket(desk, run, ticket)).key != ticket.key


async def test_recheck_tickets_of_a_run_without_open_tickets_answers_with_none(desk: Office) -> None:
    run = await desk.start(await desk.snapshot("run_test"))

    async def testing() -> bool:
        return " job " in (await desk.status(run)).waiting_for

    await eventually(testing)
    assert await run.execute_update("recheck_tickets") == {}
