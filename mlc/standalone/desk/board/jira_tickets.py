"""The board's tickets of Jira."""

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from mlc.standalone.desk.board.markup import to_html
from mlc.standalone.desk.board.page import DATED, KINDS, Card, Column, File, Happening, Move, Said, TicketPage, answers
from mlc.standalone.desk.jira_json import EXPIRATION_NAME, JiraJson
from mlc.standalone.desk.parts import Parts
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.standalone.desk.tables import Issue, Label, Property
from mlc.standalone.desk.tickets import Invalid
from mlc.ticketing.event_mark import EVENT_MARK


def columns(session: Session, desk: Parts, most: int) -> list[Column]:
    """All statuses with their newest tickets."""
    counts = session.execute(select(Issue.status, func.count()).group_by(Issue.status))
    counted = {status: count for status, count in counts}  # noqa: C416  # rows, not pairs, to the type checker
    shown = []
    for status in desk.json.scheme.statuses:
        query = select(Issue).where(Issue.status == status.id).order_by(Issue.number.desc()).limit(most)
        issues = session.scalars(query.options(selectinload(Issue.properties)))
        cards = [_card(issue, desk.json) for issue in issues]
        shown.append(Column(status.name, status.category, cards, counted.get(status.id, 0)))
    return shown


def page(session: Session, desk: Parts, key: str) -> TicketPage:
    """Raises NoSuchTicket: there is no such ticket."""
    issue = desk.tickets.issue(session, key)
    now = desk.json.scheme.status(issue.status)
    said, dated = _said(issue.properties), _is_dated(issue, desk)
    facts = [f"Resolution: {issue.resolution}"] if issue.resolution else []
    return TicketPage(
        card=_card(issue, desk.json),
        status=now.name,
        category=now.category,
        facts=facts,
        reporter=issue.reporter,
        description=to_html(issue.description),
        links=[(link.title, link.url) for link in issue.links],
        files=[File(str(file.id), file.filename, file.size) for file in issue.attachments],
        happenings=_happenings(issue),
        moves=_moves(now, desk.json.scheme, answers(said)),
        expiration_name=EXPIRATION_NAME if dated else "",
        expiration=issue.expiration if dated else None,
        version=_version(issue),
    )


def save(session: Session, desk: Parts, key: str, said: Said) -> None:
    """Do what a person's form says.

    Raises:
        NoSuchTicket: there is no such ticket.
        Invalid: something in it can't be used.
    """
    issue = desk.tickets.issue(session, key)
    # What is said and until when comes before the decision that it belongs to.
    if said.comment:
        desk.tickets.comment(session, issue, said.by, said.comment)
    if said.expiration is not None and _is_dated(issue, desk):
        desk.tickets.edit(session, issue, said.by, {"expiration": said.expiration or None})
    if said.to and said.to != issue.status:
        try:
            to = desk.json.scheme.status(said.to)
        except StopIteration:
            raise Invalid("There is no such status.") from None
        desk.tickets.move(session, issue, said.by, to)


def _version(issue: Issue) -> str:
    """Another one after each comment and edit. What a process attaches to its ticket is not what a person answers."""
    edits = [h for h in issue.histories if any(item["field"] != "Attachment" for item in h.items)]
    return f"{issue.status}.{len(edits)}.{len(issue.comments)}"


def _is_dated(issue: Issue, desk: Parts) -> bool:
    """Whether an expiration date has an effect on this ticket."""
    return desk.tickets.expiration and _said(issue.properties).get("kind") == DATED


def _moves(now: Status, scheme: Scheme, called: Mapping[str, str]) -> list[Move]:
    """Where a person may move a ticket: an open one to an end (those first) or to another stage, a closed one back.

    ``called``: what the answers do, by the tones of their buttons.
    """
    others = [status for status in scheme.statuses if status.id != now.id]
    if now.category == "done":
        return [Move(status.id, "Reopen") for status in others if status.category == "new"]
    others.sort(key=lambda status: status.category != "done")
    tones = {"done": "done", "rejected": "rejected"}
    moves = [Move(status.id, status.name, tones.get(status.name.casefold(), "")) for status in others]
    return [move.called(called.get(move.tone, "")) for move in moves]


def _card(issue: Issue, json: JiraJson) -> Card:
    """A ticket in short. Kind and model are what the process said; a person's own ticket has neither."""
    said = _said(issue.properties)
    return Card(
        key=json.key(issue.number),
        place="Jira",
        summary=issue.summary,
        kind=KINDS.get(said.get("kind", ""), "Task"),
        model=said.get("model", "") or _model(issue.labels),
        created=issue.created,
        resolution=_odd_resolution(issue, json.scheme),
    )


def _odd_resolution(issue: Issue, scheme: Scheme) -> str:
    """A ticket's resolution, where it is not the one that its status brings."""
    brought = scheme.status(issue.status).resolution
    return issue.resolution if issue.resolution and issue.resolution != brought else ""


def _happenings(issue: Issue) -> list[Happening]:
    """A ticket's comments and edits, the newest first."""
    said = [Happening(c.created, c.author, said=to_html(without_mark(c.body))) for c in issue.comments]
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


def without_mark(body: str) -> str:
    """A comment without the line by which a process knows its own comments again."""
    return "\n".join(line for line in body.splitlines() if not line.startswith(EVENT_MARK))


def _said(properties: Iterable[Property]) -> dict[str, str]:
    kept = next((p.value for p in properties if p.key == "gov.ticket"), {})
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def _model(labels: Iterable[Label]) -> str:
    return next((label.name.removeprefix("model-") for label in labels if label.name.startswith("model-")), "")
