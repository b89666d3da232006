"""A decision that comes too late is answered, once, with what holds and what can be done."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from office import ASSETS, Office, Run
from paperwork import comments
from servers import eventually
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleState,
    WorkflowFailureError,
)
from test_sweep_tickets import listed, sweep

from mlc.model.ticket import TicketRef

PLAIN = [a for a in ASSETS if a.asset_role != "TEST_RESULT_COMPARATOR"]


async def asked(desk: Office) -> tuple[Run, TicketRef]:
    """A run that waits for its reviewer."""
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", assets=PLAIN))
    return run, await desk.ticket(run, "review")


async def deployed(desk: Office) -> tuple[Run, TicketRef]:
    """A run that was approved and has ended."""
    run, ticket = await asked(desk)
    await desk.decide(run, ticket, "Done")
    await run.result()
    return run, ticket


async def answers(desk: Office, ticket: TicketRef) -> list[str]:
    """What was said to late changes."""
    late = [said for said in await comments(desk, ticket) if "gov-event:late-" in said]
    return [said.partition(" gov-event:")[0] for said in late]


async def test_a_rejection_that_comes_after_the_deployment_is_answered_once_with_what_holds(
    swept_desk: Office,
) -> None:
    run, ticket = await deployed(swept_desk)
    result = await run.result()
    await sweep(swept_desk)
    assert await answers(swept_desk, ticket) == []  # what the run itself has written is no news
    await swept_desk.decide(None, ticket, "To Do")
    await swept_desk.decide(None, ticket, "Rejected")
    reports = [await sweep(swept_desk) for _ in range(3)]
    (said,) = await answers(swept_desk, ticket)
    assert "This ticket was changed to Rejected by bot (desk:bot) after its answer had been taken." in said
    assert "The change has no effect. What holds: this was approved by bot (desk:bot) on " in said
    assert f"The model was deployed on {datetime.now(UTC):%Y-%m-%d}" in said
    assert f"batch (deployment {result.deployments[0].id})" in said
    assert "To take it back, end the deployment in the model centre, or deploy another snapshot of the model." in said
    assert f"--workflow-id {run.id} " in said
    assert reports[0]["looked_until"]


async def test_a_late_rejection_of_a_snapshot_that_was_deployed_again_is_told_where_it_is_now(
    swept_desk: Office,
) -> None:
    run, ticket = await deployed(swept_desk)
    again = await swept_desk.start((await run.result()).snapshot_id)
    await swept_desk.decide(again, await swept_desk.ticket(again, "review"), "Done")
    (now,) = (await again.result()).deployments
    await swept_desk.decide(None, ticket, "Rejected")
    await sweep(swept_desk)
    (said,) = await answers(swept_desk, ticket)
    assert f"It is no longer active there, but was deployed again: batch (deployment {now.id})." in said


async def test_an_approval_that_comes_after_the_rejection_is_answered_with_the_way_to_ask_anew(
    swept_desk: Office,
) -> None:
    run, ticket = await asked(swept_desk)
    await swept_desk.decide(run, ticket, "Rejected")
    await run.result()
    await swept_desk.decide(None, ticket, "To Do")
    await swept_desk.decide(None, ticket, "Done")
    await sweep(swept_desk)
    (said,) = await answers(swept_desk, ticket)
    assert "What holds: this was rejected by bot (desk:bot)" in said
    assert f"The run {run.id} ended as rejected; it left nothing deployed. To have it reviewed anew: temporal" in said


async def test_a_ticket_that_is_reopened_after_its_answer_was_taken_is_answered(swept_desk: Office) -> None:
    _, ticket = await deployed(swept_desk)
    await swept_desk.decide(None, ticket, "To Do")
    await sweep(swept_desk)
    (said,) = await answers(swept_desk, ticket)
    assert "This ticket was changed to To Do after its answer had been taken. The change has no effect." in said


async def test_an_answer_that_was_changed_and_put_back_is_no_news(swept_desk: Office) -> None:
    _, ticket = await deployed(swept_desk)
    for status in ("To Do", "Rejected", "To Do", "Done"):
        await swept_desk.decide(None, ticket, status)
    await swept_desk.comment(ticket, "and somebody says something")
    await sweep(swept_desk)
    assert await answers(swept_desk, ticket) == []


async def test_an_expiration_date_that_is_changed_after_the_approval_is_answered(swept_desk: Office) -> None:
    run, ticket = await asked(swept_desk)
    await swept_desk.decide(run, ticket, "Done", customfield_10042="2098-01-01")
    await run.result()
    await sweep(swept_desk)
    assert await answers(swept_desk, ticket) == []
    put = await swept_desk.jira.put(f"issue/{ticket.key}", json={"fields": {"customfield_10042": "2099-01-01"}})
    put.raise_for_status()
    await sweep(swept_desk)
    (said,) = await answers(swept_desk, ticket)
    assert "The expiration date here was changed to 2099-01-01 after the answer had been taken." in said
    assert ", until 2098-01-01." in said


async def test_a_late_change_while_the_run_goes_on_is_told_how_to_stop_it(swept_desk: Office) -> None:
    """No runtime matches: the run waits on an error ticket, long after its review was answered."""
    run = await swept_desk.start(await swept_desk.snapshot("jira", assets=PLAIN, stage="NOWHERE"))
    ticket = await swept_desk.ticket(run, "review")
    await swept_desk.decide(run, ticket, "Done")
    await swept_desk.ticket(run, "error")
    await swept_desk.decide(None, ticket, "To Do")
    await swept_desk.decide(None, ticket, "Rejected")
    await sweep(swept_desk)
    (said,) = await answers(swept_desk, ticket)
    assert "if it still runs, it goes on with that answer. To stop it, cancel the run in Temporal" in said


async def test_a_question_that_is_still_open_and_a_deleted_ticket_are_not_late(swept_desk: Office) -> None:
    run, ticket = await asked(swept_desk)
    await listed(swept_desk, ticket)
    await swept_desk.comment(ticket, "I will look at it")
    _, gone = await deployed(swept_desk)
    (await swept_desk.jira.delete(f"issue/{gone.key}")).raise_for_status()
    await sweep(swept_desk)
    assert await answers(swept_desk, ticket) == []
    assert await run.query("status")


async def test_tickets_of_another_installation_and_copies_are_left_alone(swept_desk: Office) -> None:
    """Labelled as ours are, but the centre knows of no answer that was taken from them."""
    _, ticket = await deployed(swept_desk)
    made = []
    for label, snapshot_id in (("gov-" + "0" * 24, "of-another-centre"), (ticket.label, None)):
        fields = {
            "project": {"key": swept_desk.project},
            "issuetype": {"name": "Task"},
            "summary": "theirs",
            "labels": [label, "gov-managed"],
        }
        kept = {"label": label, "snapshot_id": snapshot_id}
        properties = [{"key": "gov.ticket", "value": kept}] if snapshot_id else []
        answer = await swept_desk.jira.post("issue", json={"fields": fields, "properties": properties})
        key = answer.raise_for_status().json()["key"]
        made.append(ticket.model_copy(update={"key": key, "id": key}))
    for other in made:
        await swept_desk.decide(None, other, "Rejected")
    await sweep(swept_desk)
    for other in made:
        assert await comments(swept_desk, other) == []


async def test_each_sweep_begins_where_the_last_one_of_its_schedule_ended(swept_desk: Office) -> None:
    """The schedule hands it over: nothing is kept in files."""
    _, ticket = await deployed(swept_desk)
    id_ = f"sweep-{uuid.uuid4()}"
    action = ScheduleActionStartWorkflow("SweepTickets", id=id_, task_queue=swept_desk.task_queue)
    spec, state = ScheduleSpec(), ScheduleState(paused=True)
    schedule = await swept_desk.client.create_schedule(id_, Schedule(action=action, spec=spec, state=state))
    try:
        asked_for: list[str] = []
        for number in range(2):
            await schedule.trigger()

            async def begun(number: int = number) -> Any:
                actions = (await schedule.describe()).info.recent_actions
                return actions[number].action if len(actions) > number else None

            started = await eventually(begun)
            handle = swept_desk.client.get_workflow_handle(started.workflow_id)
            asked_for.append((await handle.result())["looked_until"])
            history = await handle.fetch_history()
            inputs = [
                event.activity_task_scheduled_event_attributes.input.payloads[0].data.decode()
                for event in history.events
                if event.activity_task_scheduled_event_attributes.activity_type.name == "answer_late_changes"
            ]
            wanted = '{"since":null}' if number == 0 else f'{{"since":"{asked_for[0]}"}}'
            assert inputs == [wanted]
            if number == 0:
                await swept_desk.decide(None, ticket, "To Do")
    finally:
        await schedule.delete()
    assert len(await answers(swept_desk, ticket)) == 1


@pytest.mark.parametrize("kind", ["rejection", "error"])
async def test_a_failure_ticket_that_is_changed_after_the_end_is_answered_too(swept_desk: Office, kind: str) -> None:
    if kind == "error":
        run = await swept_desk.start(await swept_desk.snapshot(assets=PLAIN, stage="NOWHERE"))
    else:
        run = await swept_desk.start(await swept_desk.snapshot("train", without=["TRAINING_DATA"]))
    ticket = await swept_desk.ticket(run, kind)
    await swept_desk.decide(run, ticket, "Rejected")
    with suppress(WorkflowFailureError):  # an error ticket's does fail
        await run.result()
    await swept_desk.decide(None, ticket, "To Do")
    await swept_desk.decide(None, ticket, "Done")
    await sweep(swept_desk)
    (said,) = await answers(swept_desk, ticket)
    assert "What holds: it was answered with no." in said
