"""Tokens are in no history, ticket, notification, answer or log, whatever goes wrong on the way."""

import base64
import json
import logging
from datetime import timedelta

import pytest
from failing import BAD, GOOD
from office import Office
from paperwork import payloads, remarked, remarks
from temporalio.client import WorkflowFailureError

from mlc.standalone.faults import Effect

SECRETS = ("desk-token", "center-token", base64.b64encode(b"bot:desk-token").decode())


def echo(*secrets: str) -> str:
    """What a talkative server answers."""
    said = f"You sent Authorization: {' '.join(secrets)}"
    return json.dumps({"errorMessages": [said], "message": said})


QUICK = {"configure": lambda s: s.model_copy(update={"job_poll": timedelta(seconds=1)})}


@pytest.mark.parametrize("desk", [QUICK], indirect=True)
async def test_no_secret_is_in_a_history_a_ticket_or_a_log_of_a_run_with_faults(
    desk: Office, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk_says, center_says = echo("desk-token", SECRETS[2]), echo("Bearer center-token")
    for faults, create, read, said in (
        (desk.faults, "/issue$", "/issue/", desk_says),
        (desk.center_faults, "/jobs$", "/jobs/", center_says),
    ):
        faults.add(Effect.DROP_AFTER, method="POST", path=create)
        faults.add(Effect.ANSWER, method="GET", path=read, status=500, body=said)
        faults.add(Effect.ANSWER, method="GET", path=read, status=503, headers={"Retry-After": "1"}, body=said)
        faults.add(Effect.DROP, method="GET", path=read)
    desk.faults.add(Effect.ANSWER, method="POST", path="/remotelink$", status=403, body=desk_says)
    desk.center_faults.add(Effect.ANSWER, method="POST", path="/deployedModels$", status=401, body=center_says)
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira")
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=BAD)
    rejection = await desk.ticket(run, "rejection")
    await desk.decide(run, rejection, "Done")
    await desk.finish_job(run, metrics=GOOD)
    review = await desk.ticket(run, "review")
    await desk.decide(run, review, "Done", customfield_10042="2001-01-01")
    await remarked(desk, run, review)
    (await desk.jira.put(f"issue/{review.key}", json={"fields": {"customfield_10042": None}})).raise_for_status()
    await desk.tell(run, review)
    error = await desk.ticket(run, "error")
    await desk.decide(run, error, "Rejected")
    with pytest.raises(WorkflowFailureError) as failure:
        await run.result()

    events = (await run.fetch_history()).events
    history = [str(event) for event in events]
    history += [str(payload.data) for event in events for _, payload in payloads(event)]
    tickets = [str(await desk.fields(t)) + str(await remarks(desk, t)) for t in (rejection, review, error)]
    notifications = [n.message for n in await desk.center.list_notifications(snapshot_id=snapshot_id)]
    status = (await desk.status(run)).model_dump_json()
    printed = "".join(capfd.readouterr())
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert any("was answered with 401" in place for place in tickets)  # so the faults did happen
    assert "left out: Jira answered 403" in logged
    assert any("***" in place for place in (*history, logged))
    for secret in SECRETS:
        for place in (*history, *tickets, *notifications, status, printed, logged, repr(failure.value.cause)):
            assert secret not in place
