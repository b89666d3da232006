import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import BaseModel

from mlc.model.failure import NotFound, Refused
from mlc.model.ticket import Answer, TicketKind, TicketRef, TicketState
from mlc.ticketing import http_failure
from mlc.ticketing.content import plain
from mlc.ticketing.event_mark import EVENT_MARK, is_ours
from mlc.ticketing.expiration import expiration
from mlc.ticketing.port import Attachment, ChangedTicket, TicketRequest, Wording, withdrawal_text
from mlc.ticketing.text import one_line
from third_system.session import SYSTEM, TrackerSession
from third_system.settings import TrackerSettings

ANSWERS = {"yes": Answer.APPROVED, "no": Answer.REJECTED, "dropped": Answer.UNDECIDED}
ROOM = 5_000
BATCH = 50
_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)


class Comment(BaseModel):
    by: str
    text: str


class Ticket(BaseModel):
    number: int
    label: str
    state: str
    version: int
    updated: datetime
    by: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    due: str | None = None
    files: list[str]
    comments: list[Comment]


class Found(BaseModel):
    tickets: list[Ticket]


class TrackerTicketing:
    provider = "tracker"

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._tracker = TrackerSession(settings)

    def wording(self, kind: TicketKind) -> Wording:
        how = "Set this ticket to yes or to no."
        return Wording(yes="yes", no="no", how=how, expiration_field="Expiration Date", room=ROOM)

    def find(self, label: str) -> list[TicketRef]:
        ours = self._search([_safe(label)])
        return [self._ref(ticket) for ticket in ours][:5]

    def create(self, request: TicketRequest) -> TicketRef:
        body = {
            "board": self._settings.board,
            "label": _safe(request.label),
            "title": one_line(request.summary),
            "text": plain.render_within(request.body, ROOM),
        }
        made = self._tracker.call("create a ticket", "POST", "/tickets", Ticket.model_validate, json=body)
        return self._ref(made)

    def get(self, ref: TicketRef) -> TicketState:
        try:
            ticket = self._ticket(ref)
        except NotFound:
            self._see_board()
            return TicketState(answer=Answer.GONE)
        state = _state(ticket)
        if state.answer is Answer.PENDING:
            return state
        said = [c.text for c in ticket.comments if c.by == ticket.decided_by and not is_ours(c.text)]
        reason = said[-1] if said else None
        decided = {"decided_by": ticket.decided_by, "decided_at": ticket.decided_at, "reason": reason}
        return state.model_copy(update=decided)

    def get_many(self, refs: Sequence[TicketRef]) -> dict[str, TicketState]:
        label_of = {ref.key: _safe(ref.label) for ref in refs}
        labels, states = list(label_of.values()), dict[str, TicketState]()
        for start in range(0, len(labels), BATCH):
            for ticket in self._search(labels[start : start + BATCH]):
                if (label := label_of.get(f"T-{ticket.number}")) is not None:
                    states[label] = _state(ticket)
        return states

    def changed(self, minutes: int, most: int) -> list[ChangedTicket]:
        params = {"minutes": str(minutes), "by": "mlc"}
        found = self._tracker.call("search", "GET", "/changes", Found.model_validate, params=params).tickets
        return [ChangedTicket(ref=self._ref(t), state=_state(t), updated=t.updated) for t in found][:most]

    def properties(self, ref: TicketRef) -> dict[str, str]:
        return {}  # it keeps none

    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        mark = EVENT_MARK + _safe(event_id)
        if any(is_ours(comment.text, event_id) for comment in self._ticket(ref).comments):
            return
        self._write(ref, "comment", f"/comments/{event_id}", text=f"{text}\n\n{mark}")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        if attachment.name not in self._ticket(ref).files:
            content = base64.b64encode(attachment.content).decode()
            self._write(ref, "attach a file", f"/files/{attachment.name}", content=content)

    def link(self, ref: TicketRef, global_id: str, url: str, title: str) -> None:
        self._write(ref, "put a link", "/links", id=global_id, url=url, title=one_line(title))

    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        try:
            state = self._ticket(ref).state
        except NotFound:
            return self._gone(ref)
        refused: Refused | None = None
        try:
            self.comment(ref, event_id, withdrawal_text(reason))
        except Refused as error:
            refused = error
        if state in ANSWERS:
            return None
        try:
            http_failure.despite_conflict(partial(self._write, ref, "withdraw it", "/state", state="dropped"))
        except Refused as error:
            kept = str(error)
        else:
            return None
        if refused is not None:
            raise refused
        return kept

    def _gone(self, ref: TicketRef) -> str | None:
        try:
            self._see_board()
        except Refused as error:
            return f"Neither {ref.key} nor its board can be seen. {error}"
        return None

    def _see_board(self) -> None:
        self._tracker.call("show the board", "GET", f"/boards/{self._settings.board}", lambda _: None)

    def _ticket(self, ref: TicketRef) -> Ticket:
        return self._tracker.call(f"read {ref.key}", "GET", f"/tickets/{ref.key}", Ticket.model_validate)

    def _search(self, labels: Sequence[str]) -> list[Ticket]:
        params = {"labels": ",".join(labels), "by": "mlc"}
        return self._tracker.call("search", "GET", "/tickets", Found.model_validate, params=params).tickets

    def _write(self, ref: TicketRef, doing: str, path: str, **body: Any) -> None:
        self._tracker.call(f"{doing} on {ref.key}", "PUT", f"/tickets/{ref.key}{path}", lambda _: None, json=body)

    def _ref(self, ticket: Ticket) -> TicketRef:
        key = f"T-{ticket.number}"
        url = f"{self._settings.url}/{key}"
        return TicketRef(provider=self.provider, id=key, key=key, url=url, label=ticket.label)


def _state(ticket: Ticket) -> TicketState:
    date, problem = expiration(ticket.due, field="Expiration Date", zone=UTC, now=datetime.now(UTC))
    return TicketState(
        answer=ANSWERS.get(ticket.state, Answer.PENDING),
        status=ticket.state,
        version=str(ticket.version),
        expiration=date,
        expiration_problem=problem,
    )


def _safe(text: str) -> str:
    if not _SAFE.fullmatch(text):
        raise Refused(SYSTEM, "A label or event id may hold letters, digits and _.:- only, at most 100", status=400)
    return text
