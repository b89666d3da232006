"""The processes with ServiceNow: reviews as change requests, everything else as incidents."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from failing import BAD, GOOD
from office import ASSETS, Office, Run, asset
from servers import eventually
from tables import under

from mlc.center.certificates import certificates
from mlc.model.processes import RunBackTestInput, RunBackTestResult
from mlc.model.ticket import TicketChanged, TicketRef
from mlc.standalone.faults import Effect

ASK = {"configure": lambda settings: settings.model_copy(update={"on_failed_verdict": "ask"})}
BY_DEFAULT = {"configure": lambda settings: settings.model_copy(update={"ticketing": "servicenow"})}


class Instance:
    """A person's side of ServiceNow, through its Table API."""

    def __init__(self, desk: Office) -> None:
        self.desk = desk
        base = str(desk.jira.base_url).removesuffix("rest/api/2/") + "api/now/table/"
        self.http = httpx.AsyncClient(base_url=base, auth=("bot", "desk-token"), verify=certificates())

    async def rows(self, table: str) -> list[dict[str, Any]]:
        return list((await self.http.get(table)).raise_for_status().json()["result"])

    async def change(self, ticket: TicketRef, **fields: str) -> None:
        table, _, sys_id = ticket.id.partition(":")
        (await self.http.patch(f"{table}/{sys_id}", json=fields)).raise_for_status()

    async def asked(self, run: Run) -> TicketRef:
        """The ticket for which the run waits."""

        async def waits() -> TicketRef | None:
            status = await self.desk.status(run)
            return status.open_tickets[-1] if status.waiting_for.startswith("an answer") else None

        return await eventually(waits)

    async def decide(self, ticket: TicketRef, state: str, comment: str) -> None:
        """Approve or reject a change request as an approver does, with a comment."""
        approval = {"sysapproval": ticket.id.partition(":")[2], "state": state, "comments": comment}
        (user,) = [row["sys_id"] for row in await self.rows("sys_user") if row["user_name"] == "bot"]
        (await self.http.post("sysapproval_approver", json=approval | {"approver": user})).raise_for_status()

    async def tell(self, run: Run, ticket: TicketRef) -> None:
        await run.signal("ticket_changed", TicketChanged(provider="servicenow", key=ticket.key))


@pytest.fixture
def instance(desk: Office) -> Instance:
    return Instance(desk)


async def test_a_review_is_a_change_request_if_the_snapshot_is_tagged_for_servicenow(
    desk: Office, instance: Instance
) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("servicenow", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await instance.asked(run)
    assert (ticket.provider, ticket.key[:3]) == ("servicenow", "CHG")
    (record,) = await instance.rows("change_request")
    assert "Approve this change request" in record["description"]
    until = datetime.now(UTC).date() + timedelta(90)
    await instance.change(ticket, u_expiration_date=until.isoformat())
    await instance.change(ticket, approval="approved")
    await instance.tell(run, ticket)
    result = await run.result()
    assert (result.outcome, result.expiration_date) == ("deployed", until)
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.ticket) == ("approved", ticket.key)
    assert await desk.tickets() == []


async def test_what_is_found_in_the_decision_tables_stands_on_a_change_request(
    desk: Office, instance: Instance
) -> None:
    tables = [asset("1.dmn", "TEST_RESULT_COMPARATOR", under("auc", 0.9)), asset("<b>2.dmn", "UNKNOWN", under("f1", 1))]
    others = [each for each in ASSETS if each.asset_role != "TEST_RESULT_COMPARATOR"]
    run = await desk.start(await desk.snapshot("run_test", "servicenow", assets=[*others, *tables]))
    await desk.finish_job(run, metrics=GOOD)
    await instance.asked(run)
    (record,) = await instance.rows("change_request")
    assert "Decision tables" in record["description"]
    assert "Warning: <b>2.dmn was not judged: its role is UNKNOWN" in record["description"]  # its text is no HTML


async def test_a_rejected_change_request_ends_the_run_with_an_incident_for_the_record(
    desk: Office, instance: Instance
) -> None:
    run = await desk.start(await desk.snapshot("servicenow", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await instance.asked(run)
    await instance.change(ticket, approval="rejected", comments="Not this quarter.")
    await instance.tell(run, ticket)
    result = await run.result()
    assert result.outcome == "rejected"
    assert [t.key[:3] for t in result.tickets] in (["CHG", "INC"], ["CHG", "CHG"])


async def test_a_failure_ticket_is_an_incident_and_resolved_it_tries_again(desk: Office, instance: Instance) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "servicenow"))
    await desk.finish_job(run, metrics=BAD)
    ticket = await instance.asked(run)
    assert ticket.key.startswith("INC")
    await instance.change(ticket, state="6", close_code="Solution provided", close_notes="Trained on more data.")
    await instance.tell(run, ticket)
    await desk.finish_job(run, metrics=GOOD)
    review = await instance.asked(run)
    assert review.key.startswith("CHG")
    await instance.change(review, approval="approved")
    await instance.tell(run, review)
    assert (await run.result()).outcome == "deployed"


@pytest.mark.parametrize("desk", [BY_DEFAULT], indirect=True)
async def test_a_setting_sends_the_reviews_of_all_snapshots_to_servicenow(desk: Office, instance: Instance) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await instance.asked(run)
    assert ticket.provider == "servicenow"
    await instance.change(ticket, approval="approved")
    await instance.tell(run, ticket)
    assert (await run.result()).outcome == "deployed"


async def test_a_lost_webhook_of_servicenow_is_made_good_by_the_sweep(swept_desk: Office) -> None:
    instance = Instance(swept_desk)
    await swept_desk.engine("batch")
    run = await swept_desk.start(await swept_desk.snapshot("servicenow", without=["TEST_RESULT_COMPARATOR"]))
    other = await swept_desk.start(await swept_desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket, theirs = await instance.asked(run), await swept_desk.ticket(other, "review")

    async def listed() -> bool:
        found = [
            r async for r in swept_desk.client.list_workflows(f"MlcTickets IN ('{ticket.label}', '{theirs.label}')")
        ]
        return len(found) == 2

    await eventually(listed)
    await instance.change(ticket, approval="approved")
    await swept_desk.decide(None, theirs, "Done")
    await swept_desk.client.execute_workflow(
        "SweepTickets", id=f"sweep-{uuid.uuid4()}", task_queue=swept_desk.task_queue
    )
    assert [(await r.result()).outcome for r in (run, other)] == ["deployed", "deployed"]


async def test_a_cancelled_run_withdraws_its_change_request(desk: Office, instance: Instance) -> None:
    run = await desk.start(await desk.snapshot("servicenow", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await instance.asked(run)
    await run.cancel()

    async def withdrawn() -> bool:
        (record,) = await instance.rows("change_request")
        return bool(record["state"] == "4")

    await eventually(withdrawn)
    assert ticket.key == (await instance.rows("change_request"))[0]["number"]


async def test_a_failed_back_test_is_an_incident_with_the_failed_rules(desk: Office, instance: Instance) -> None:
    request = RunBackTestInput(model_id=await desk.snapshot(), ticketing="servicenow")
    run = await desk.begin("RunBackTest", request, RunBackTestResult)
    await desk.finish_job(run, metrics=BAD)
    (ticket,) = (await run.result()).tickets
    (record,) = await instance.rows("incident")
    assert (ticket.key, record["number"][:3]) == (record["number"], "INC")
    assert "AUC under 0.9" in record["description"]
    assert await desk.tickets() == []


NO_ROLE = '{"error": {"message": "Insufficient rights to query records"}, "status": "failure"}'


async def said_on(instance: Instance, text: str) -> list[str]:
    """What the process said on tickets that holds a text."""
    return [row["value"] for row in await instance.rows("sys_journal_field") if text in row["value"]]


@pytest.mark.parametrize("answer", ["approved", "rejected"])
async def test_a_decision_whose_reason_can_not_be_read_counts_and_its_ticket_says_so(
    desk: Office, instance: Instance, answer: str
) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("servicenow", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await instance.asked(run)
    await instance.decide(ticket, answer, "Because.")
    path = "/table/sys_journal_field$"
    desk.faults.add(Effect.ANSWER, path=path, status=403, body=NO_ROLE, times=999)
    await instance.tell(run, ticket)
    result = await run.result()
    assert result.outcome == {"approved": "deployed", "rejected": "rejected"}[answer]
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.reason) == (answer, None)
    desk.faults.planned.clear()
    (said,) = await said_on(instance, "could not be read")
    assert said.startswith(f"This was {answer}. Its reason, if one was given, could not be read. ServiceNow does not ")
    assert "a role that reads the table sys_journal_field" in said


@pytest.mark.parametrize("desk", [ASK], indirect=True)
async def test_an_approval_against_the_result_whose_reason_can_not_be_read_does_not_count_and_says_why(
    desk: Office, instance: Instance
) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "servicenow"))
    await desk.finish_job(run, metrics=BAD)
    ticket = await instance.asked(run)
    await instance.decide(ticket, "approved", "The figures are from a bad day.")
    path = "/table/sys_journal_field$"
    desk.faults.add(Effect.ANSWER, path=path, status=403, body=NO_ROLE, times=999)

    async def refused() -> bool:
        return "sys_journal_field" in (await desk.status(run)).waiting_for

    for _ in range(3):
        await instance.tell(run, ticket)
    await eventually(refused)
    desk.faults.planned.clear()
    (said,) = await said_on(instance, "write a comment with the reason. ServiceNow does not show our account what is")
    assert said.startswith("The test result did not pass the decision tables.")
    await instance.tell(run, ticket)
    result = await run.result()
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.reason) == ("overridden", "The figures are from a bad day.")
