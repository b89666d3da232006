"""The sweep repairs what a lost webhook broke, and leaves everybody else alone."""

import uuid
from datetime import date
from typing import Any

from office import Office, Run
from servers import eventually

from mlc.model.ticket import TicketRef


async def sweep(desk: Office) -> Any:
    id_ = f"sweep-{uuid.uuid4()}"
    run: Any = await desk.client.start_workflow("SweepTickets", id=id_, task_queue=desk.task_queue)
    desk.started.append(run)
    return await run.result()


async def length(run: Run) -> int:
    return (await run.describe()).history_length


async def review(desk: Office) -> tuple[Run, TicketRef]:
    """A run that waits for its reviewer, as visibility knows it."""
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(run, "review")
    await listed(desk, ticket)
    return run, ticket


async def listed(desk: Office, ticket: TicketRef) -> None:
    """Visibility lags behind a run's upserts."""

    async def found() -> bool:
        query = f"MlcTickets = '{ticket.label}' AND ExecutionStatus = 'Running'"
        return bool([run async for run in desk.client.list_workflows(query)])

    await eventually(found)


async def test_a_decision_whose_webhook_was_lost_reaches_the_run(swept_desk: Office) -> None:
    run, ticket = await review(swept_desk)
    await swept_desk.decide(None, ticket, "Done")
    await sweep(swept_desk)
    assert (await run.result()).outcome == "deployed"


async def test_sweeps_over_an_unchanged_ticket_add_no_history(swept_desk: Office) -> None:
    run, _ = await review(swept_desk)
    before = await length(run)
    for _ in range(10):
        await sweep(swept_desk)
    assert await length(run) == before


async def test_an_approval_that_cant_be_used_is_not_brought_up_by_every_sweep(swept_desk: Office) -> None:
    run, ticket = await review(swept_desk)
    await swept_desk.decide(run, ticket, "Done", customfield_10042="2001-01-01")

    async def remarked() -> bool:
        return "2001-01-01" in (await swept_desk.status(run)).waiting_for

    await eventually(remarked)
    await settled(swept_desk)
    before = await length(run)
    for _ in range(5):
        await sweep(swept_desk)
    assert await length(run) == before
    (
        await swept_desk.jira.put(f"issue/{ticket.key}", json={"fields": {"customfield_10042": "2099-01-01"}})
    ).raise_for_status()
    await sweep(swept_desk)
    assert (await run.result()).expiration_date == date(2099, 1, 1)


async def test_a_deleted_ticket_is_asked_anew(swept_desk: Office) -> None:
    run, ticket = await review(swept_desk)
    (await swept_desk.jira.delete(f"issue/{ticket.key}")).raise_for_status()
    await sweep(swept_desk)

    async def asked_anew() -> TicketRef | None:
        tickets = (await swept_desk.status(run)).open_tickets
        return tickets[0] if tickets and tickets[0].key != ticket.key else None

    second = await eventually(asked_anew)
    await swept_desk.decide(run, second, "Done")
    assert [t.key for t in (await run.result()).tickets] == [ticket.key, second.key]


async def test_the_ticket_of_a_terminated_run_is_withdrawn(swept_desk: Office) -> None:
    run, ticket = await review(swept_desk)
    await run.terminate("gone")

    async def terminated() -> bool:
        query = f"MlcTickets = 'jira:{ticket.key}' AND ExecutionStatus = 'Terminated'"
        return bool([r async for r in swept_desk.client.list_workflows(query)])

    await eventually(terminated)
    await sweep(swept_desk)
    assert (await swept_desk.fields(ticket))["status"]["name"] == "Withdrawn"


async def settled(desk: Office) -> None:
    """The sweeps of a test begin when visibility shows what the run last read."""
    last: list[str] = []

    async def same_twice() -> bool:
        nonlocal last
        now = [str(r.typed_search_attributes) async for r in desk.client.list_workflows("ExecutionStatus = 'Running'")]
        same, last = now == last, now
        return same

    await eventually(same_twice)
