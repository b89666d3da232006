"""What a business rule or a flow of ServiceNow sends when a ticket changes (``POST /webhooks/servicenow``).

ServiceNow has no signed webhooks of its own; a script sends them (docs/servicenow-webhook.md). It signs as Jira does,
in ``X-Hub-Signature`` or ``X-MLC-Signature``; a site that can't run it sends the gateway's bearer token or basic
password. The body tells of one record; instead of ``timestamp`` it may have ``sys_updated_on``, in UTC::

    {"event": "change_request.updated", "table": "change_request", "sys_id": "...", "number": "CHG0030001",
     "correlation_id": "gov-...", "sys_mod_count": 3, "timestamp": 1769851800000}
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.wire import TIME_FORMAT
from mlc.ticketing.webhook import BadEvent, Event, Moment, Read, Webhook, parsed


def _value(given: Any) -> Any:
    """A flow may send a field as the Table API does: with its value and what people see of it."""
    found = given.get("value") or given.get("display_value") if isinstance(given, Mapping) else given
    return found.strip() if isinstance(found, str) else found


Text = Annotated[str | None, BeforeValidator(_value)]


class Record(Read):
    """The fields that are used. ServiceNow's scripts write numbers as texts as easily as as numbers."""

    number: Text = None
    table: Text = None
    correlation_id: Text = None
    event: Text = None
    sys_mod_count: Annotated[int | None, BeforeValidator(_value)] = None
    timestamp: Moment = None
    sys_updated_on: Text = None


def webhook(settings: ServiceNowSettings) -> Webhook:
    """What ServiceNow's webhooks look like."""
    return Webhook(
        key=re.compile(r"[A-Za-z][A-Za-z0-9_]{0,58}[0-9]", re.ASCII),
        key_field="number",
        places=frozenset(settings.webhook_tables or settings.tables),
        signature_headers=["X-Hub-Signature", "X-MLC-Signature"],
        delivery_header="X-MLC-Delivery",
        example={
            "event": "change_request.updated",
            "table": "change_request",
            "sys_id": "0123456789abcdef0123456789abcdef",
            "number": "CHG0030001",
            "correlation_id": "gov-0123456789abcdef01234567",
            "timestamp": 1700000000000,
        },
        read=read_event,
    )


def read_event(body: bytes) -> Event | None:
    """What counts of an event of ServiceNow.

    Raises:
        BadEvent: it is none.
    """
    record = parsed(Record, body)
    if not record.number and record.event:
        return None
    if not record.number:
        raise BadEvent("it names no ticket in number")
    sent = _sent(record)
    return Event(
        key=record.number,
        place=record.table or "",
        labels=[record.correlation_id] if record.correlation_id else [],
        created=record.sys_mod_count == 0 or (record.event or "").endswith(("inserted", "created")),
        sent=sent,
        # A record may be updated twice in the second that sys_updated_on tells.
        unrepeatable=record.timestamp is not None or None not in (sent, record.sys_mod_count),
    )


def _sent(record: Record) -> float | None:
    """Seconds since 1970. Both fields are under the signature, which no header is."""
    if record.timestamp is not None:
        return record.timestamp / 1000
    try:
        return datetime.strptime(record.sys_updated_on or "", TIME_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
