"""What the webhooks of all ticket systems have in common: an event becomes a hint to the run that waits for the ticket.

Nothing of the event is believed but which ticket it is about: the run reads the ticket itself. So the worst that a
forged event can do is one more read, and a replayed one not even that: it is known by its signed body, since the
delivery's id is not signed. TLS ends at the proxy in front of the gateway.
"""

import hashlib
import ipaddress
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, SecretStr

from mlc.gateway.hints import Hints
from mlc.gateway.intake import Bodies, RateLimit, presents, read_body, signature_verifies
from mlc.model import retry_after
from mlc.model.ticket import Provider, TicketChanged
from mlc.settings import GatewaySettings
from mlc.ticketing.system import SystemSettings, TicketSystem
from mlc.ticketing.webhook import BadEvent, Event, Webhook

log = logging.getLogger("mlc.gateway")

OLDEST, NEWEST = 24 * 3600.0, 60.0
"""Seconds that an event may lie in the past (Jira repeats a failed delivery for hours) and in the future."""
PAUSE = timedelta(seconds=10)
"""After which a source that sent too many may send again."""
DELIVERY = re.compile(r"[A-Za-z0-9._:-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Sender:
    """A ticket system as the gateway hears it. ``secrets`` sign what it sends; ``secrets_setting`` names where."""

    provider: Provider
    name: str
    secrets: Sequence[SecretStr]
    secrets_setting: str
    webhook: Webhook


def sender(system: TicketSystem[Any], settings: SystemSettings) -> Sender:
    """A system of the registry, by its settings."""
    return Sender(
        provider=system.provider,
        name=system.name,
        secrets=settings.webhook_secrets,
        secrets_setting=system.settings.variable("webhook_secrets"),
        webhook=system.webhook(settings),
    )


class Accepted(BaseModel):
    """``signalled`` counts the runs that were told; 0 with ``why`` when nobody was."""

    signalled: int = 0
    why: str = ""


def given(secrets: Sequence[SecretStr | None]) -> bool:
    """Whether there is a secret that is not empty: anybody can compute an empty one's signature."""
    return any(secret is not None and secret.get_secret_value().strip() for secret in secrets)


def webhook_api(sender: Sender, settings: GatewaySettings, hints: Hints) -> APIRouter:
    """The receiver of a ticket system's webhooks; without a secret, one that says that there is none."""
    router = APIRouter()
    path = "/".join(["/webhooks", sender.provider, *filter(None, [settings.webhook_suffix])])
    if not given([*sender.secrets, settings.webhook_token]):

        @router.post(path, include_in_schema=False)
        async def refuse() -> None:
            raise HTTPException(
                404, f"No webhooks of {sender.name} are taken here: {sender.secrets_setting} holds no secret."
            )

        return router

    rate = RateLimit(settings.webhook_rate, settings.webhook_burst)
    bodies = Bodies(lifetime=OLDEST + NEWEST)

    @router.post(
        path,
        name=f"{sender.name}'s webhook",
        status_code=202,
        include_in_schema=not settings.webhook_suffix,
        openapi_extra=_documented(sender),
        responses=_ANSWERS,
    )
    async def receive(request: Request) -> Accepted:
        """An event about a ticket: signed with the webhook's secret, or with a bearer or basic secret."""
        source = request.client.host if request.client else ""
        if not _allowed(source, settings):
            raise HTTPException(403, "No webhooks are taken from this address.")
        if not rate.admits(source):
            raise HTTPException(429, "Too many webhooks from this source.", retry_after.encode(PAUSE))
        body = await read_body(request, settings.max_webhook_body)
        signed = _authenticate(request, body, sender, settings)
        try:
            event = sender.webhook.read(body)
        except BadEvent as error:
            raise HTTPException(400, f"Not an event of {sender.name}: {error}.") from None
        if event is None:
            return Accepted(why="The event is about no ticket.")
        _check_age(event)
        if not sender.webhook.key.fullmatch(event.key):
            raise HTTPException(400, f"{sender.webhook.key_field} is not the key of a ticket.")
        if event.place not in sender.webhook.places:
            return Accepted(why="The ticket's project or table is not listened to.")
        delivery = request.headers.get(sender.webhook.delivery_header, "")
        delivery = delivery if DELIVERY.fullmatch(delivery) else ""
        # Without a signature, or without its moment, the next event may well have the same body.
        digest = hashlib.sha256(body).digest() if signed and event.unrepeatable else None
        del body  # an answer may take seconds
        if digest is not None and bodies.seen(digest):
            return Accepted(why="This event was dealt with before.")
        hint = TicketChanged(provider=sender.provider, key=event.key, delivery_id=delivery or None)
        signalled = await hints.ticket_changed(hint, event.labels, created=event.created)
        log.info("%s webhook delivery=%s key=%s runs=%d", sender.provider, delivery or "-", event.key, signalled)
        if digest is not None:
            bodies.add(digest)
        return Accepted(signalled=signalled, why="" if signalled else "No run waits for this ticket.")

    return router


def _allowed(source: str, settings: GatewaySettings) -> bool:
    if not settings.webhook_networks:
        return True
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in settings.webhook_networks)


def _authenticate(request: Request, body: bytes, sender: Sender, settings: GatewaySettings) -> bool:
    """Whether the event is signed; without a signature it must present the secret of those that can't sign."""
    for header in sender.webhook.signature_headers:
        signature = request.headers.get(header)
        if signature is not None:
            if not signature_verifies(signature, body, sender.secrets):
                raise HTTPException(401, f"The signature in {header} is not right for this body.")
            return True
    if not presents(request, settings.webhook_token):
        usual = sender.webhook.signature_headers[0]
        raise HTTPException(401, f"The webhook carries no {usual}: set its secret in {sender.name}.")
    return False


def _check_age(event: Event) -> None:
    # Without a time it is taken for new: more than one further look at the ticket it can't bring about.
    if event.sent is not None and not -NEWEST <= time.time() - event.sent <= OLDEST:
        raise HTTPException(400, "The event's timestamp is more than a day old, or lies in the future.")


_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body names no ticket, or it was sent more than a day ago"},
    401: {"description": "No signature, or a wrong one"},
    403: {"description": "The sender's address is not among MLC_GATEWAY_WEBHOOK_NETWORKS"},
    413: {"description": "The body is too large"},
    429: {"description": "Too many webhooks from this source"},
    503: {"description": "Temporal is down: nobody was told, send it again"},
}


def _documented(sender: Sender) -> dict[str, Any]:
    headers = (
        (sender.webhook.signature_headers[0], "sha256=<HMAC-SHA256 of the raw body, hexadecimal or base64>"),
        (sender.webhook.delivery_header, "The delivery's id, the same when it is repeated"),
    )
    content = {"application/json": {"schema": {"type": "object"}, "example": sender.webhook.example}}
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [
            {"in": "header", "name": name, "schema": {"type": "string"}, "description": text} for name, text in headers
        ],
    }
