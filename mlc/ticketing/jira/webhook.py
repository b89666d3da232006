"""Jira's own webhooks, and what Jira Automation sends (``POST /webhooks/jira``)."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.webhook import BadEvent, Event, Moment, Read, Webhook, parsed

KEY = re.compile(r"[A-Z][A-Z0-9_]{1,99}-[1-9][0-9]{0,17}", re.ASCII)
_KEY_WITHIN = re.compile(rf"(?<![\w-]){KEY.pattern}(?![\w-])", re.ASCII)
_BETWEEN_LABELS = re.compile(r"[\s,;\"'\[\]]+")


def _labels(given: object) -> list[str]:
    """Labels as a list, or as the text that a template of Automation makes of it; there none are ``None``."""
    if isinstance(given, str):
        return [label for label in _BETWEEN_LABELS.split(given) if label]
    return [label for label in given if isinstance(label, str)] if isinstance(given, list) else []


def _issue(given: Any) -> Any:
    """Custom data may hold the key alone where the issue would be."""
    return {"key": given} if isinstance(given, str) else given


def _key(given: Any) -> Any:
    """A key, from among what a template puts around it: blanks, quotation marks, a link's address."""
    found = _KEY_WITHIN.search(given) if isinstance(given, str) else None
    return found[0] if found else given


Key = Annotated[str | None, BeforeValidator(_key)]


class Fields(Read):
    labels: Annotated[list[str], BeforeValidator(_labels)] = []


class Issue(Read):
    key: Key = None
    fields: Fields = Fields()


class JiraEvent(Issue):
    """The fields that are used, of Jira's own webhook body and of the three shapes that Automation sends.

    Automation may send the bare issue: then its fields are the event's. Data of people's own may name it otherwise.
    """

    timestamp: Moment = None
    webhookEvent: str | None = None  # noqa: N815 - Jira's name
    issue: Annotated[Issue, BeforeValidator(_issue)] = Issue()
    issueKey: Key = None  # noqa: N815 - as templates have it
    issue_key: Key = None


def webhook(settings: JiraSettings) -> Webhook:
    """What Jira's webhooks look like."""
    return Webhook(
        key=KEY,
        key_field="issue.key",
        places=frozenset(settings.webhook_projects or [settings.project]),
        signature_headers=["X-Hub-Signature"],
        delivery_header="X-Atlassian-Webhook-Identifier",
        example={
            "timestamp": 1700000000000,
            "webhookEvent": "jira:issue_updated",
            "issue": {"id": "10001", "key": "MLR-7", "fields": {"labels": ["gov-0123456789abcdef01234567"]}},
        },
        read=read_event,
    )


def read_event(body: bytes) -> Event | None:
    """What counts of an event of Jira.

    Raises:
        BadEvent: it is none.
    """
    event = parsed(JiraEvent, body)
    keys = [key for key in (event.issue.key, event.key, event.issueKey, event.issue_key) if key]
    if not keys and event.webhookEvent:
        return None
    if not keys:
        raise BadEvent("it names no ticket, neither in issue.key nor in key")
    key = next(filter(KEY.fullmatch, keys), keys[0])
    return Event(
        key=key,
        place=key.rpartition("-")[0],
        labels=[*event.issue.fields.labels, *event.fields.labels],
        created=event.webhookEvent == "jira:issue_created",
        sent=None if event.timestamp is None else event.timestamp / 1000,
        unrepeatable=event.timestamp is not None,
    )
