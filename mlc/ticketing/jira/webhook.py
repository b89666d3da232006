"""Jira's own webhooks, and what Jira Automation sends (``POST /webhooks/jira``)."""

import re

from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.webhook import Event, Read, Webhook, parsed


class Fields(Read):
    labels: list[str] | None = None


class Issue(Read):
    key: str
    fields: Fields | None = None


class JiraEvent(Read):
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


def webhook(settings: JiraSettings) -> Webhook:
    """What Jira's webhooks look like."""
    return Webhook(
        key=re.compile(r"[A-Z][A-Z0-9_]{1,99}-[1-9][0-9]{0,17}", re.ASCII),
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
    issue = event.subject()
    if issue is None:
        return None
    return Event(
        key=issue.key,
        place=issue.key.rpartition("-")[0],
        labels=(issue.fields and issue.fields.labels) or [],
        created=event.webhookEvent == "jira:issue_created",
        sent=None if event.timestamp is None else event.timestamp / 1000,
        unrepeatable=event.timestamp is not None,
    )
