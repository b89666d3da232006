"""The one rule for failure tickets: Rejected stops. (That Done tries again is tested where each failure is.)"""

import pytest
from failing import ERRORS, REJECTED, Failing, snapshot_gone
from office import Office
from paperwork import next_ticket, text
from temporalio.client import WorkflowFailureError


@pytest.mark.parametrize("failing", REJECTED.values(), ids=REJECTED.keys())
async def test_rejected_on_a_rejection_ticket_completes_the_run_as_rejected(desk: Office, failing: Failing) -> None:
    await desk.engine("batch")
    run = await failing(desk)
    ticket = await desk.ticket(run, "rejection")
    assert "Rejected: the process stops." in await text(desk, ticket)
    await desk.decide(run, ticket, "Rejected")
    result = await run.result()
    assert result.outcome == "rejected"
    assert result.deployments == []
    assert [t.key for t in result.tickets] == [ticket.key]
    snapshot_id = run.id.removeprefix("deploy-")
    assert await desk.center.list_deployments(snapshot_id=snapshot_id) == []
    (notification,) = await desk.center.list_notifications(snapshot_id=snapshot_id)
    assert "was rejected and not deployed." in notification.message


@pytest.mark.parametrize("failing", ERRORS.values(), ids=ERRORS.keys())
async def test_rejected_on_an_error_ticket_fails_the_run_as_abandoned(desk: Office, failing: Failing) -> None:
    await desk.engine("batch")
    run = await failing(desk)
    ticket = await desk.ticket(run, "error")
    said = await text(desk, ticket)
    assert "Rejected: the process stops, and everything that this run deployed is undone." in said
    await desk.decide(run, ticket, "Rejected")
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()
    assert getattr(failure.value.cause, "type", None) == "DeploymentAbandoned"
    assert (await desk.status(run)).result.outcome == "abandoned"
    assert (await desk.status(run)).open_tickets == []


async def test_a_snapshot_that_is_gone_meanwhile_is_an_error_that_done_looks_for_again(desk: Office) -> None:
    run = await snapshot_gone(desk)
    ticket = await desk.ticket(run, "error")
    said = await text(desk, ticket)
    assert "The model centre could not be read when this ticket was written" in said
    assert "There is no snapshot" in said
    await desk.decide(run, ticket, "Done")
    again = await next_ticket(desk, run, ticket)
    assert "There is no snapshot" in await text(desk, again)


async def test_each_attempt_makes_one_ticket_and_every_ticket_is_in_the_result(desk: Office) -> None:
    run = await REJECTED["missing test data"](desk)
    first = await desk.ticket(run, "rejection")
    await desk.decide(run, first, "Done")
    second = await next_ticket(desk, run, first)
    await desk.decide(run, second, "Done")
    third = await next_ticket(desk, run, second)
    await desk.decide(run, third, "Rejected")
    assert [t.key for t in (await run.result()).tickets] == [first.key, second.key, third.key]
    assert [issue["key"] for issue in await desk.tickets()] == [first.key, second.key, third.key]
