"""What the board's pages show, gathered from the database."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from mlc.standalone.desk.board.markup import to_html
from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.desk.tables import Issue, Label, Property

CARDS = 50
"""Tickets shown in a column, the newest first."""
KINDS = {"review": "Approval", "rejection": "Rejection", "error": "Error", "record": "Record"}
EVENT_MARK = "gov-event:"


@dataclass(frozen=True)
class Card:
    """A ticket on the board."""

    key: str
    summary: str
    kind: str
    model: str
    created: int
    updated: int


@dataclass(frozen=True)
class Column:
    status: Status
    cards: list[Card]
    total: int


@dataclass(frozen=True)
class Happening:
    """Something that happened to a ticket: a comment, or an edit in words."""

    at: int
    author: str
    said: Markup | None = None
    did: str = ""


def columns(session: Session, json: JiraJson) -> list[Column]:
    """All statuses with their newest tickets. The open ones are never left out, whatever is empty."""
    counts = session.execute(select(Issue.status, func.count()).group_by(Issue.status))
    counted = {status: count for status, count in counts}  # noqa: C416  # rows, not pairs, to the type checker
    shown = []
    for status in json.scheme.statuses:
        query = select(Issue).where(Issue.status == status.id).order_by(Issue.number.desc()).limit(CARDS)
        issues = session.scalars(query.options(selectinload(Issue.properties))).all()
        if issues or status.category == "new":
            shown.append(Column(status, [card(issue, json) for issue in issues], counted.get(status.id, 0)))
    return shown


def moves(now: Status, scheme: Scheme) -> list[Status]:
    """Where a person may move a ticket: an open one to an end (those first) or to another stage, a closed one back."""
    others = [status for status in scheme.statuses if status.id != now.id]
    if now.category == "done":
        return [status for status in others if status.category == "new"]
    return sorted(others, key=lambda status: status.category != "done")


def card(issue: Issue, json: JiraJson) -> Card:
    """A ticket in short. Kind and model are what the process said; a person's own ticket has neither."""
    said = _said(issue.properties)
    return Card(
        key=json.key(issue.number),
        summary=issue.summary,
        kind=KINDS.get(said.get("kind", ""), "Task"),
        model=said.get("model", "") or _model(issue.labels),
        created=issue.created,
        updated=issue.updated,
    )


def happenings(issue: Issue) -> list[Happening]:
    """A ticket's comments and edits, the newest first."""
    said = [Happening(c.created, c.author, said=to_html(_without_mark(c.body))) for c in issue.comments]
    did = [Happening(h.created, h.author, did="; ".join(_edit(item) for item in h.items)) for h in issue.histories]
    made = Happening(issue.created, issue.reporter, did="made this ticket")
    return [*sorted([*said, *did], key=lambda happening: happening.at, reverse=True), made]


def _edit(item: dict[str, str | None]) -> str:
    name, before, after = item["field"] or "", item["fromString"], item["toString"]
    if name == "Attachment":
        return f"attached {after}"
    if name in {"description", "summary"}:
        return f"changed the {name}"
    if not after:
        return f"cleared {name}"
    return f"set {name} to {after}" + (f" (was {before})" if before else "")


def _without_mark(body: str) -> str:
    """A comment without the line by which a process knows its own comments again."""
    return "\n".join(line for line in body.splitlines() if not line.startswith(EVENT_MARK))


def _said(properties: Iterable[Property]) -> dict[str, str]:
    kept = next((p.value for p in properties if p.key == "gov.ticket"), {})
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def _model(labels: Iterable[Label]) -> str:
    return next((label.name.removeprefix("model-") for label in labels if label.name.startswith("model-")), "")
