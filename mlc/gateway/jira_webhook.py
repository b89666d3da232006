"""``POST /webhooks/jira``: an event of Jira becomes a hint to the run that waits for that ticket.

Nothing of the event is believed but which ticket it is about: the run reads the ticket itself. So the worst that a
forged or replayed event can do is one more read. TLS ends at the proxy in front of the gateway.
"""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, ValidationError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from mlc.gateway.intake import Deliveries, RateLimit, bears, read_body, signature_verifies
from mlc.gateway.temporal import calling
from mlc.model.processes import TICKET_CHANGED, Attribute
from mlc.model.ticket import TicketChanged
from mlc.settings import GatewaySettings, JiraSettings

log = logging.getLogger("mlc.gateway")

OLDEST, NEWEST = 24 * 3600.0, 60.0
"""Seconds that an event may lie in the past (Jira repeats a failed delivery for hours) and in the future."""
LOOKS = (0.0, 0.2, 0.6, 1.2)
"""Seconds before each search for the waiting run: visibility lags behind the run that has just made its ticket."""
MOST_RUNS = 20
MOST_LABELS = 5

# Both stand within quotes in a visibility query: nothing but these characters may ever get there.
KEY = re.compile(r"[A-Z][A-Z0-9_]{1,99}-[1-9][0-9]{0,17}", re.ASCII)
LABEL = re.compile(r"gov-[0-9a-f]{24}", re.ASCII)
DELIVERY = re.compile(r"[A-Za-z0-9._:-]{1,200}", re.ASCII)


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Fields(_Read):
    labels: list[str] | None = None


class Issue(_Read):
    id: str | int | None = None
    key: str
    fields: Fields | None = None


class Event(_Read):
    """The fields that are used, of Jira's own webhook body and of the three shapes that Automation sends."""

    timestamp: int | None = None
    webhookEvent: str | None = None  # noqa: N815 - Jira's name
    issue: Issue | None = None
    key: str | None = None
    fields: Fields | None = None

    def subject(self) -> Issue | None:
        """The issue that the event is about; Automation may send the bare issue."""
        if self.issue is None and self.key is not None:
            return Issue(key=self.key, fields=self.fields)
        return self.issue


class Accepted(BaseModel):
    """``signalled`` counts the runs that were told; 0 with ``why`` when nobody was."""

    signalled: int = 0
    why: str = ""


def jira_webhook(settings: GatewaySettings, jira: JiraSettings, temporal: Client) -> APIRouter:
    """The receiver of Jira's webhooks.

    Raises:
        ValueError: no secret is configured, so that anybody could call.
    """
    secrets = [secret for secret in jira.webhook_secrets if secret.get_secret_value()]
    if not secrets and not (settings.webhook_token and settings.webhook_token.get_secret_value()):
        raise ValueError(
            "No secret for Jira's webhooks: set MLC_JIRA_WEBHOOK_SECRETS (a JSON list of one or two texts) "
            "to the secret of the webhook in Jira, or MLC_GATEWAY_WEBHOOK_TOKEN for Jira Automation."
        )
    projects = frozenset(settings.webhook_projects or [jira.project])
    rate = RateLimit(settings.webhook_rate, settings.webhook_burst)
    deliveries = Deliveries()
    router = APIRouter()

    @router.post("/webhooks/jira", status_code=202, openapi_extra=_documented(), responses=_ANSWERS)
    async def receive(request: Request) -> Accepted:
        """An event of Jira about a ticket: signed with the webhook's secret, or with a bearer token (Automation)."""
        if not rate.admits(request.client.host if request.client else ""):
            raise HTTPException(429, "Too many webhooks from this source.", {"Retry-After": "10"})
        body = await read_body(request, settings.max_webhook_body)
        signature = request.headers.get("x-hub-signature")
        if signature is not None:
            if not signature_verifies(signature, body, secrets):
                raise HTTPException(401, "The signature in X-Hub-Signature is not right for this body.")
        elif not bears(request, settings.webhook_token):
            raise HTTPException(401, "The webhook carries no X-Hub-Signature: set its secret in Jira.")
        event = _parse(body)
        _check_age(event, signed=signature is not None)
        issue = event.subject()
        if issue is None:
            return Accepted(why="The event is about no issue.")
        if not KEY.fullmatch(issue.key):
            raise HTTPException(400, "issue.key is not the key of an issue, such as MLR-7.")
        if issue.key.rpartition("-")[0] not in projects:
            return Accepted(why="The issue's project is not listened to.")
        delivery = request.headers.get("x-atlassian-webhook-identifier", "")
        delivery = delivery if DELIVERY.fullmatch(delivery) else ""
        if delivery and deliveries.seen(delivery, body):
            return Accepted(why="This delivery was dealt with before.")
        signalled = await _tell(temporal, issue, delivery or None, created=event.webhookEvent == "jira:issue_created")
        log.info("jira webhook delivery=%s key=%s runs=%d", delivery or "-", issue.key, signalled)
        if delivery:
            deliveries.add(delivery, body)
        return Accepted(signalled=signalled, why="" if signalled else "No run waits for this issue.")

    return router


def _parse(body: bytes) -> Event:
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise HTTPException(400, f"Not an event of Jira: {place}: {first['msg']}.") from None


def _check_age(event: Event, *, signed: bool) -> None:
    if event.timestamp is None:
        if signed:
            raise HTTPException(400, "The event has no timestamp (milliseconds since 1970).")
        return  # Automation sends none
    age = time.time() - event.timestamp / 1000
    if not -NEWEST <= age <= OLDEST:
        raise HTTPException(400, "The event's timestamp is more than a day old, or lies in the future.")


async def _tell(temporal: Client, issue: Issue, delivery: str | None, *, created: bool) -> int:
    """Signal the running workflows that wait for the issue; how many took it."""
    labels = [label for label in (issue.fields and issue.fields.labels) or [] if LABEL.fullmatch(label)][:MOST_LABELS]
    # Only an issue with our label can be one that a run is about to wait for. A run reads its ticket before it waits,
    # so the event of the creation itself tells it nothing that would be worth waiting for.
    looks = LOOKS if labels and not created else LOOKS[:1]
    hint = TicketChanged(provider="jira", key=issue.key, delivery_id=delivery)
    async with calling():
        for pause in looks:
            await asyncio.sleep(pause)
            if runs := await _waiting(temporal, issue.key, labels):
                return sum([await _signal(temporal, run, hint) for run in runs])
    return 0


async def _waiting(temporal: Client, key: str, labels: Sequence[str]) -> list[str]:
    tickets = ", ".join(f"'{ticket}'" for ticket in (f"jira:{key}", *labels))
    query = f"{Attribute.TICKETS} IN ({tickets}) AND ExecutionStatus = 'Running'"
    return [run.id async for run in temporal.list_workflows(query, page_size=MOST_RUNS, limit=MOST_RUNS)]


async def _signal(temporal: Client, workflow_id: str, hint: TicketChanged) -> bool:
    try:
        await temporal.get_workflow_handle(workflow_id).signal(TICKET_CHANGED, hint)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:  # ended since it was listed
            return False
        raise
    return True


_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body is no event of Jira, or its timestamp is out of bounds"},
    401: {"description": "No signature, or a wrong one"},
    413: {"description": "The body is too large"},
    429: {"description": "Too many webhooks from this source"},
    503: {"description": "Temporal is down: nothing was stored, send it again"},
}


def _documented() -> dict[str, Any]:
    example = {
        "timestamp": 1700000000000,
        "webhookEvent": "jira:issue_updated",
        "issue": {"id": "10001", "key": "MLR-7", "fields": {"labels": ["gov-0123456789abcdef01234567"]}},
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
        },
        "parameters": [
            {"in": "header", "name": name, "schema": {"type": "string"}, "description": text}
            for name, text in (
                ("X-Hub-Signature", "sha256=<HMAC-SHA256 of the raw body, hexadecimal or base64>"),
                ("X-Atlassian-Webhook-Identifier", "The delivery's id, the same when it is repeated"),
            )
        ],
    }
