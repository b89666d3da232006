"""A ticket system that this house has never heard of, from a snapshot's tag through its webhook to a deployment."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from office import Office, office
from paperwork import failure_of
from pydantic import SecretStr
from servers import eventually
from temporalio.testing import WorkflowEnvironment
from third_system.settings import TrackerSettings
from third_system.site import TrackerSite, register, tracking

from mlc.gateway.app import create_app
from mlc.model.processes import RunBackTestInput, RunBackTestResult
from mlc.model.ticket import TicketRef
from mlc.settings import GatewaySettings

SECRET = "secret-of-the-webhook"


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackerSite]:
    register(monkeypatch)
    with tracking() as site:
        yield site


@pytest.fixture
async def desk(dev_server: WorkflowEnvironment, tmp_path: Path, tracker: TrackerSite) -> AsyncIterator[Office]:
    async with office(dev_server.client, tmp_path, tickets=[tracker.settings()]) as opened:
        yield opened


async def test_a_review_asked_for_by_its_tag_is_answered_there_and_heard_through_the_gateway(
    desk: Office, tracker: TrackerSite
) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("tracked", without=["TEST_RESULT_COMPARATOR"]))

    async def asked() -> TicketRef | None:
        status = await desk.status(run)
        return status.open_tickets[-1] if status.waiting_for.startswith("an answer") else None

    ticket = await eventually(asked)
    assert (ticket.provider, ticket.key) == ("tracker", "T-1")
    assert "Set this ticket to yes or to no." in tracker.text(ticket)[1]
    gateway = create_app(
        GatewaySettings(),
        TrackerSettings(webhook_secrets=[SecretStr(SECRET)]),
        temporal=desk.client,
        center=desk.port,
    )
    tracker.approve(ticket)
    body = json.dumps({"ticket": 1, "board": "models", "label": ticket.label, "at": int(time.time())}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://gateway") as http:
        forged = await http.post("/webhooks/tracker", content=body, headers={"X-Tracker-Signature": "sha256=00"})
        assert forged.status_code == 401
        told = await http.post("/webhooks/tracker", content=body, headers={"X-Tracker-Signature": signature})
        assert (told.status_code, told.json()["signalled"]) == (202, 1)
    result = await run.result()
    assert result.outcome == "deployed"
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.by, result.decision.ticket) == ("approved", "ada", "T-1")
    assert await desk.tickets() == []


async def test_a_failed_back_test_can_be_sent_there(desk: Office, tracker: TrackerSite) -> None:
    request = RunBackTestInput(model_id=await desk.snapshot(), ticketing="tracker")
    run = await desk.begin("RunBackTest", request, RunBackTestResult)
    await desk.finish_job(run, metrics={"auc": 0.5})
    (ticket,) = (await run.result()).tickets
    assert (ticket.provider, "AUC under 0.9" in tracker.text(ticket)[1]) == ("tracker", True)


@pytest.mark.parametrize("name", ["Tracker", "trakcer", "Service-Now"])
async def test_a_misspelt_system_fails_the_run_at_once_and_those_there_are_are_named(desk: Office, name: str) -> None:
    request = {"model_id": await desk.snapshot(), "ticketing": name}
    failure = await failure_of(await desk.begin("RunBackTest", request, RunBackTestResult))
    assert failure.type == "NoTicketSystem"
    assert f"The tickets are to go to {name!r}" in str(failure)
    assert "jira or servicenow or tracker" in str(failure)


@pytest.mark.parametrize("name", ["", "x' OR '1'='1", "a\nb", "x" * 41, 7, ["jira"]])
async def test_what_can_be_no_systems_name_fails_the_run_at_once(desk: Office, name: object) -> None:
    request = {"model_id": "any", "ticketing": name}
    failure = await failure_of(await desk.begin("RunBackTest", request, RunBackTestResult))
    assert "ticketing" in str(failure)
