"""One ticket a question, whatever happens to the call that makes it."""

from typing import Any

import pytest
from office import Office
from servers import eventually

from mlc.standalone.faults import Effect

FAULTS: dict[str, list[dict[str, Any]]] = {
    "connection dropped before": [{"effect": Effect.DROP}],
    "connection dropped after": [{"effect": Effect.DROP_AFTER}],
    "dropped after, twice": [{"effect": Effect.DROP_AFTER}, {"effect": Effect.DROP_AFTER}],
    "502 after": [{"effect": Effect.ANSWER_AFTER, "status": 502}],
    "503 before": [{"effect": Effect.ANSWER, "status": 503, "headers": {"Retry-After": "1"}}],
    "429 before": [{"effect": Effect.ANSWER, "status": 429, "headers": {"Retry-After": "1"}}],
    "HTML after": [{"effect": Effect.ANSWER_AFTER, "status": 200, "body": "<html>hibernating</html>"}],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
async def test_there_is_one_ticket_after(desk: Office, faults: list[dict[str, Any]]) -> None:
    for fault in faults:
        desk.faults.add(method="POST", path="/issue$", **fault)
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))
    ticket = await desk.ticket(run, "review")
    await desk.decide(run, ticket, "Done")
    assert (await run.result()).outcome == "deployed"
    assert [issue["key"] for issue in await desk.tickets()] == [ticket.key]


async def test_a_ticket_whose_attachment_was_lost_gets_it_all_the_same(desk: Office) -> None:
    desk.faults.add(Effect.DROP, method="POST", path="/attachments$")
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira"))
    await desk.finish_job(run, metrics={"auc": 0.95})
    ticket = await desk.ticket(run, "review")
    fields = await desk.fields(ticket)
    assert [a["filename"].partition("-")[0] for a in fields["attachment"]] == ["test"]
    assert len(await desk.tickets()) == 1


async def test_a_ticket_system_that_refuses_is_waited_for_visibly(desk: Office) -> None:
    desk.faults.add(Effect.ANSWER, method="POST", path="/issue$", status=400, body="{}", times=1)
    run = await desk.start(await desk.snapshot("jira", without=["TEST_RESULT_COMPARATOR"]))

    async def said() -> bool:
        return "another try" in (await desk.status(run)).waiting_for

    await eventually(said)
    await run.terminate()
