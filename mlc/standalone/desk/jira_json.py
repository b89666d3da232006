"""How tickets look in Jira's REST API v2."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from mlc.standalone.desk.scheme import CATEGORIES, Scheme, Status
from mlc.standalone.desk.tables import Attachment, Comment, History, Issue, RemoteLink

EXPIRATION_ID = "customfield_10042"
EXPIRATION_NAME = "Expiration Date"
ISSUE_TYPES = {"Task": "10100"}
LONGEST_CHANGELOG = 100
"""Edits that Cloud shows at once."""
FIRST_ID = 10_000
"""Issue 1 has id 10001, as ids do in Jira, so that nobody takes an id for the number in a key."""


def stamp(milliseconds: int) -> str:
    """A time as Jira writes it: ``2026-11-05T10:00:00.000+0000``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}+0000"


class JiraJson:
    """Writes Jira's JSON.

    Args:
        base: address of the desk, for ``self`` links.
        cloud: users have an ``accountId``, as on Jira Cloud; else ``name`` and ``key``, as on Data Center.
    """

    def __init__(self, base: str, project: str, scheme: Scheme, *, cloud: bool, expiration: bool) -> None:
        self.base = base.rstrip("/")
        self.project = project
        self.scheme = scheme
        self.cloud = cloud
        self.expiration = expiration
        self.locale = "en_US"
        """The language of the API's account."""
        self.simplified = False
        """Whether the project is team-managed, of which there are some on Cloud."""

    def url(self, path: str) -> str:
        return f"{self.base}/rest/api/2/{path}"

    def key(self, number: int) -> str:
        return f"{self.project}-{number}"

    def number(self, id_or_key: str) -> int | None:
        """The number of an issue by its id or key; None if it can be neither."""
        project, dash, digits = id_or_key.rpartition("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
            return None
        if dash:
            return int(digits) if project.upper() == self.project else None
        return int(digits) - FIRST_ID

    def account_id(self, name: str) -> str:
        """By what Cloud knows a person."""
        return f"desk:{name}"

    def user(self, name: str) -> dict[str, Any]:
        shared = {"self": self.url(f"user?accountId={name}"), "displayName": name, "active": True, "timeZone": "UTC"}
        if self.cloud:
            return shared | {"accountId": self.account_id(name), "accountType": "atlassian"}
        return shared | {"name": name, "key": name}

    def status(self, status: Status) -> dict[str, Any]:
        number, name, colour = CATEGORIES[status.category]
        return {
            "self": self.url(f"status/{status.id}"),
            "id": status.id,
            "name": status.name,
            "description": "",
            "iconUrl": f"{self.base}/",
            "statusCategory": {
                "self": self.url(f"statuscategory/{number}"),
                "id": number,
                "key": status.category,
                "colorName": colour,
                "name": name,
            },
        }

    def resolution(self, name: str) -> dict[str, Any]:
        number = self.scheme.resolution_id(name)
        return {"self": self.url(f"resolution/{number}"), "id": number, "name": name, "description": ""}

    def project_json(self) -> dict[str, Any]:
        shown = {"self": self.url("project/10000"), "id": "10000", "key": self.project, "name": "Model risk"}
        return shown | ({"projectTypeKey": "software", "simplified": self.simplified} if self.cloud else {})

    def issue_type(self, name: str) -> dict[str, Any]:
        number = ISSUE_TYPES[name]
        return {
            "self": self.url(f"issuetype/{number}"),
            "id": number,
            "name": name,
            "subtask": False,
            "description": "",
            "iconUrl": f"{self.base}/",
        }

    def issue(
        self,
        issue: Issue,
        fields: Iterable[str] | None = None,
        properties: Iterable[str] = (),
        *,
        changelog: bool = False,
    ) -> dict[str, Any]:
        """An issue with the fields asked for (default: all; ``*all``, ``*navigable`` and ``-name`` are understood)."""
        shown: dict[str, Any] = {
            "id": str(FIRST_ID + issue.number),
            "key": self.key(issue.number),
            "self": self.url(f"issue/{FIRST_ID + issue.number}"),
            "expand": "changelog",
            "fields": self._fields(issue, list(fields or ["*all"])),
        }
        wanted = set(properties)
        if wanted:
            shown["properties"] = {p.key: p.value for p in issue.properties if p.key in wanted}
        if changelog:
            histories = [self.history(history) for history in issue.histories]
            if self.cloud:
                histories = histories[::-1][:LONGEST_CHANGELOG]  # the newest first, and no more of them
            shown["changelog"] = {
                "startAt": 0,
                "maxResults": len(histories),
                "total": len(issue.histories),
                "histories": histories,
            }
        return shown

    def _fields(self, issue: Issue, wanted: list[str]) -> dict[str, Any]:
        """Only what is wanted is looked up: comments and attachments cost a query each."""
        writers: dict[str, Callable[[], Any]] = {
            "project": self.project_json,
            "issuetype": lambda: self.issue_type(issue.issue_type),
            "summary": lambda: issue.summary,
            "description": lambda: issue.description or None,
            "status": lambda: self.status(self.scheme.status(issue.status)),
            "resolution": lambda: self.resolution(issue.resolution) if issue.resolution else None,
            "labels": lambda: [label.name for label in issue.labels],
            "reporter": lambda: self.user(issue.reporter),
            "creator": lambda: self.user(issue.reporter),
            "created": lambda: stamp(issue.created),
            "updated": lambda: stamp(issue.updated),
            "attachment": lambda: [self.attachment(a) for a in issue.attachments],
            "comment": lambda: {
                "comments": [self.comment(c, issue) for c in issue.comments],
                "maxResults": len(issue.comments),
                "total": len(issue.comments),
                "startAt": 0,
            },
        }
        if self.expiration:
            writers[EXPIRATION_ID] = lambda: issue.expiration
        names = (
            set(writers) if {"*all", "*navigable"} & set(wanted) or all(n.startswith("-") for n in wanted) else set()
        )
        names |= {name for name in wanted if name in writers}
        names -= {name[1:] for name in wanted if name.startswith("-")}
        return {name: write() for name, write in writers.items() if name in names}

    def history(self, history: History) -> dict[str, Any]:
        author = self.user(history.author)
        return {"id": str(history.id), "author": author, "created": stamp(history.created), "items": history.items}

    def comment(self, comment: Comment, issue: Issue) -> dict[str, Any]:
        return {
            "self": self.url(f"issue/{FIRST_ID + issue.number}/comment/{comment.id}"),
            "id": str(comment.id),
            "author": self.user(comment.author),
            "updateAuthor": self.user(comment.author),
            "body": comment.body,
            "created": stamp(comment.created),
            "updated": stamp(comment.created),
        }

    def attachment(self, attachment: Attachment) -> dict[str, Any]:
        return {
            "self": self.url(f"attachment/{attachment.id}"),
            "id": str(attachment.id),
            "filename": attachment.filename,
            "author": self.user(attachment.author),
            "created": stamp(attachment.created),
            "size": attachment.size,
            "mimeType": attachment.mime_type,
            "content": self.url(f"attachment/content/{attachment.id}"),
        }

    def remote_link(self, link: RemoteLink, issue: Issue) -> dict[str, Any]:
        shown = {
            "id": link.id,
            "self": self.url(f"issue/{self.key(issue.number)}/remotelink/{link.id}"),
            "object": {"url": link.url, "title": link.title},
        }
        return shown | ({"globalId": link.global_id} if link.global_id else {})

    def expiration_change(self, before: str | None, after: str | None) -> dict[str, Any]:
        return {
            "field": EXPIRATION_NAME,
            "fieldtype": "custom",
            "fieldId": EXPIRATION_ID,
            "from": before,
            "fromString": _shown(before),
            "to": after,
            "toString": _shown(after),
        }


def _shown(iso: str | None) -> str | None:
    return date.fromisoformat(iso).strftime("%d/%b/%y") if iso else None
