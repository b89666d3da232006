"""What the processes need of a ticket system."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mlc.model.base import Record
from mlc.model.ticket import TicketKind, TicketRef, TicketState


class Table(Record):
    """A table of texts; every row has as many cells as ``header``."""

    header: list[str]
    rows: list[list[str]]


class Section(Record):
    """A heading with paragraphs, facts (name and value), lines, a table and links (title and address), each if any.

    All texts are plain: an adapter escapes them for its own markup. ``lines`` are shown as they are, in a type of equal
    widths, such as those of a difference between two files.
    """

    heading: str = ""
    paragraphs: list[str] = []
    facts: list[tuple[str, str]] = []
    lines: list[str] = []
    table: Table | None = None
    links: list[tuple[str, str]] = []


class Attachment(Record):
    name: str
    content: bytes
    content_type: str = "application/json"


class TicketRequest(Record):
    """A ticket to be created: what it says, in no system's markup.

    ``label`` is the question's key (see ``TicketQuestion``); ``properties`` is machine state kept with the ticket where
    the system can (JSON-able, small); ``summary`` is one line.
    """

    label: str
    kind: str
    summary: str
    body: list[Section]
    labels: list[str] = []
    properties: dict[str, str] = {}
    attachments: list[Attachment] = []
    links: list[tuple[str, str]] = []


NOBODY_WAITS = "Nobody waits for an answer to this ticket any more."
"""What a ticket is told that is withdrawn, since it may have to stay open."""
ROOM = 30_000
"""Characters of a long ticket's text. Jira's own limit is 32,767 unless an administrator changed it."""


class Wording(Record):
    """How people answer a ticket, in the words of its system, for the sentences of :mod:`mlc.ticketing.content`.

    ``yes`` and ``no`` begin a line that says what an answer does: "Done or Approved: that step is tried again".
    ``how`` is a whole sentence on a question's ticket that says what to do there for either answer.
    ``key_place`` says where on the ticket its key stands. ``expiration_field`` is what people know the field by in
    which a ticket holds an expiration date; None where tickets have none, or it has no effect. ``room`` is how many
    characters of text fit on a ticket: the rest is attached. ``shows_links`` is whether the system shows a ticket's
    links beside its text: then they don't stand in the text as well.
    """

    yes: str
    no: str
    how: str
    ticket: str = "ticket"
    key_place: str = "a label of this ticket"
    expiration_field: str | None = None
    room: int = ROOM
    shows_links: bool = False


class ChangedTicket(Record):
    """A ticket that changed, as a search tells it: ``state`` says neither who decided nor why."""

    ref: TicketRef
    state: TicketState
    updated: datetime


class Ticketing(Protocol):
    """A ticket system. Blocking: call it from a thread. One instance serves all threads (a client per thread inside).

    Every method raises :mod:`mlc.model.failure`'s ``Unavailable``, ``Refused`` or ``NotFound``, nothing else.
    """

    provider: str
    """The name that its registry entry has and ``TicketRef.provider`` says."""

    def wording(self, kind: TicketKind) -> Wording:
        """How a ticket of this kind is answered here: names of statuses, verbs, fields."""

    def find(self, label: str) -> list[TicketRef]:
        """Tickets made by us under this label, oldest first, at most five. May lag behind ``create``."""

    def create(self, request: TicketRequest) -> TicketRef:
        """Make one ticket: exactly one POST. ``Unavailable.maybe_done`` tells whether it may exist all the same.

        Attachments and links are added by the caller afterwards (``attach``, ``link``): each can be repeated.
        """

    def get(self, ref: TicketRef) -> TicketState:
        """Read by id, past any search index. A deleted ticket is ``Answer.GONE``, no error."""

    def get_many(self, refs: Sequence[TicketRef]) -> dict[str, TicketState]:
        """Read many by their labels, keyed by label, with at most one request for each 50. Not found: left out."""

    def changed(self, minutes: int, most: int) -> list[ChangedTicket]:
        """Tickets under our labels that changed in the last minutes, the one longest ago first; at most so many.

        Copies that people make may be among them, and what we wrote ourselves is a change, too. May lag.
        """

    def properties(self, ref: TicketRef) -> dict[str, str]:
        """What ``TicketRequest.properties`` kept with a ticket, its ``label`` with them.

        Empty where the system keeps none, or the ticket is not one that we made.
        """

    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        """Add a comment once: a second call with the same ``event_id`` does nothing.

        Raises:
            NotFound: the ticket is gone. (Only ``close`` takes that for done.)
        """

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach once by name."""

    def link(self, ref: TicketRef, global_id: str, url: str, title: str) -> None:
        """Add or replace a link."""

    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        """Withdraw an open ticket, by a status that means neither yes nor no; with one comment, ``withdrawal_text``.

        The comment is written first, and once for an ``event_id`` however often this is called: it says what is to be
        known even where the ticket then has to stay open. A ticket that somebody has closed keeps its status. One that
        is gone (404, 410) has been withdrawn: that is no error, if the account can still see where its tickets are.

        Returns:
            Why the ticket stays open, in a sentence: there is no such status; or the system does not let it go there
            (a field that is required, a rule, a missing permission, a conflict that lasts); or nobody can say whether
            it is gone, since the account sees nothing else there either. None: it is withdrawn, closed or gone.

        Raises:
            Unavailable: not now. What was done is done; to be called again.
            Refused: the ticket stays open, and no comment could be written either.
        """


def withdrawal_text(reason: str) -> str:
    """The one comment on a ticket that is withdrawn: why, and that it need not be answered."""
    return f"{reason.strip()} {NOBODY_WAITS}"
