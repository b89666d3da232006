"""What can be done with tickets. Every change writes its history and its webhook in one transaction."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mlc.model.failure import MlcError
from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.outbox import Outbox
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.desk.sessions import Sessions, writes
from mlc.standalone.desk.tables import Attachment, Comment, History, Issue, Label, Property, RemoteLink

LONGEST = {"summary": 255, "description": 32_767, "comment": 32_767}


class Invalid(MlcError):
    """A request that can't be carried out. ``errors`` maps fields to sentences, as Jira's answer does."""

    def __init__(self, message: str = "", **errors: str) -> None:
        super().__init__(message or "; ".join(errors.values()))
        self.messages = [message] if message else []
        self.errors = errors


class NoSuchTicket(MlcError):
    """There is no such ticket (or part of one)."""


@dataclass(frozen=True)
class File:
    """A file to attach."""

    name: str
    mime_type: str
    content: bytes


class Tickets(Sessions):
    """The desk's tickets.

    Args:
        engine: from :func:`~mlc.standalone.database.open_database`.
        json: how an issue looks in a webhook.
        outbox: takes the webhooks.
        expiration: whether tickets have the field "Expiration Date".
    """

    def __init__(self, engine: Engine, json: JiraJson, outbox: Outbox, *, expiration: bool) -> None:
        super().__init__(engine, outbox)
        self._json = json
        self.scheme: Scheme = json.scheme
        self.expiration = expiration

    def issue(self, session: Session, id_or_key: str) -> Issue:
        """Look a ticket up by id or key.

        Raises:
            NoSuchTicket: there is none.
        """
        number = self._json.number(id_or_key)
        lock = True if writes(session) else None
        issue = session.get(Issue, number, with_for_update=lock) if number is not None else None
        if issue is None:
            raise NoSuchTicket
        return issue

    def create(self, session: Session, author: str, fields: Mapping[str, Any]) -> Issue:
        """Make a ticket out of checked values: summary, description, labels, issue_type, expiration, properties."""
        now = _now()
        issue = Issue(
            issue_type=fields["issue_type"],
            summary=_text("summary", fields["summary"]),
            description=_text("description", fields.get("description") or ""),
            status=self.scheme.statuses[0].id,
            resolution=None,
            expiration=self._date(fields.get("expiration")),
            reporter=author,
            created=now,
            updated=now,
            labels=[Label(name=name) for name in _labels(fields.get("labels") or [])],
            properties=[Property(key=key, value=value) for key, value in fields.get("properties", {}).items()],
        )
        session.add(issue)
        session.flush()
        self._tell(session, "jira:issue_created", issue, author)
        return issue

    def edit(self, session: Session, issue: Issue, author: str, fields: Mapping[str, Any]) -> None:
        """Change summary, description, expiration or labels (a list: the whole new set)."""
        items: list[dict[str, Any]] = []
        for name in ("summary", "description"):
            if name in fields:
                new = _text(name, fields[name] or "")
                items.append(_change(name, getattr(issue, name), new))
                setattr(issue, name, new)
        if "expiration" in fields:
            new_date = self._date(fields["expiration"])
            items.append(self._json.expiration_change(issue.expiration, new_date))
            issue.expiration = new_date
        if "labels" in fields:
            old, new_labels = sorted(label.name for label in issue.labels), _labels(fields["labels"])
            kept = {label.name: label for label in issue.labels}
            issue.labels = [kept.get(name) or Label(name=name) for name in new_labels]
            items.append(_change("labels", " ".join(old), " ".join(sorted(new_labels))))
        self._record(session, issue, author, [item for item in items if item["fromString"] != item["toString"]])

    def move(self, session: Session, issue: Issue, author: str, to: Status, resolution: str | None = None) -> None:
        """Move a ticket to another status.

        Raises:
            Invalid: the status asks for a resolution, or there is no such resolution.
        """
        if resolution is not None and self.scheme.resolution_id(resolution) is None:
            raise Invalid(resolution=f"The resolution '{resolution}' does not exist.")
        if to.needs_resolution and resolution is None:
            raise Invalid(resolution="Resolution is required.")
        before, old = self.scheme.status(issue.status), issue.resolution
        new = (resolution or to.resolution) if to.category == "done" else None
        items = [_change("status", before.name, to.name, before.id, to.id)]
        if new != old:
            items.insert(
                0,
                _change(
                    "resolution",
                    old,
                    new,
                    self.scheme.resolution_id(old) if old else None,
                    self.scheme.resolution_id(new) if new else None,
                ),
            )
        issue.status, issue.resolution = to.id, new
        self._record(session, issue, author, items)

    def comment(self, session: Session, issue: Issue, author: str, body: str) -> Comment:
        comment = Comment(author=author, body=_text("comment", body), created=self._touch(issue))
        issue.comments.append(comment)
        session.flush()
        self._tell(session, "comment_created", issue, author, comment=self._json.comment(comment, issue))
        return comment

    def attach(self, session: Session, issue: Issue, author: str, file: File) -> Attachment:
        attachment = Attachment(
            author=author,
            filename=file.name,
            mime_type=file.mime_type,
            size=len(file.content),
            content=file.content,
            created=self._touch(issue),
        )
        issue.attachments.append(attachment)
        session.flush()
        self._record(session, issue, author, [_change("Attachment", None, file.name, None, str(attachment.id))])
        return attachment

    def link(
        self, session: Session, issue: Issue, global_id: str | None, url: str, title: str
    ) -> tuple[RemoteLink, bool]:
        """Add a link, or replace the one with this global id; tells whether it is new."""
        found = next((link for link in issue.links if global_id and link.global_id == global_id), None)
        link = found or RemoteLink(global_id=global_id or None)
        link.url, link.title = url, title
        if found is None:
            issue.links.append(link)
        session.flush()
        return link, found is None

    def delete(self, session: Session, issue: Issue, author: str) -> None:
        self._tell(session, "jira:issue_deleted", issue, author)
        session.delete(issue)

    def _record(self, session: Session, issue: Issue, author: str, items: list[dict[str, Any]]) -> None:
        if not items:
            return
        history = History(author=author, created=self._touch(issue), items=items)
        issue.histories.append(history)
        session.flush()
        changelog = {"id": str(history.id), "items": items}
        self._tell(session, "jira:issue_updated", issue, author, changelog=changelog)

    def _touch(self, issue: Issue) -> int:
        """The time of a change; no two changes of a ticket have the same."""
        issue.updated = max(_now(), issue.updated + 1)
        return issue.updated

    def _tell(self, session: Session, event: str, issue: Issue, author: str, **more: Any) -> None:
        payload = {
            "timestamp": _now(),
            "webhookEvent": event,
            "user": self._json.user(author),
            "issue": self._json.issue(issue),
        }
        if event == "jira:issue_updated":
            payload["issue_event_type_name"] = "issue_generic"
        self._outbox.put(session, "jira", payload | more)

    def _date(self, value: str | None) -> str | None:
        if not value:
            return None
        if not self.expiration:
            raise Invalid(
                customfield_10042="Field 'customfield_10042' cannot be set. It is not on the screen, or unknown."
            )
        try:
            return date.fromisoformat(value).isoformat()
        except (TypeError, ValueError):
            raise Invalid(customfield_10042="Error parsing date string: it must look like 2030-12-31.") from None


def _now() -> int:
    return time.time_ns() // 1_000_000


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(**{field: "Operation value must be a string"})
    if field != "description" and not value.strip():
        raise Invalid(**{field: f"You must specify a {field}."})
    if field == "summary" and "\n" in value:
        raise Invalid(summary="The summary is invalid because it contains newline characters.")
    if "\0" in value:
        raise Invalid(**{field: "The entered text holds a NUL character, which can't be kept."})
    if len(value) > LONGEST[field]:
        raise Invalid(**{field: f"The entered text is too long. It exceeds the limit of {LONGEST[field]} characters."})
    return value


def _labels(values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(name, str) for name in values):
        raise Invalid(labels="Operation value must be a list of strings")
    if any(not name or len(name) > 255 or any(c.isspace() or c == "\0" for c in name) for name in values):
        raise Invalid(labels="A label holds 1 to 255 characters and no spaces.")
    return list(dict.fromkeys(values))


def _change(
    field: str, before: str | None, after: str | None, from_id: str | None = None, to_id: str | None = None
) -> dict[str, Any]:
    return {
        "field": field,
        "fieldtype": "jira",
        "fieldId": field.lower(),
        "from": from_id,
        "fromString": before,
        "to": to_id,
        "toString": after,
    }
