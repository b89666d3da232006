"""What the board shows of a ticket, of whatever system."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from markupsafe import Markup

KINDS = {
    "review": "Approval",
    "rejection": "Rejection",
    "error": "Error",
    "record": "Record",
    "failed test": "Failed test",
    "job review": "Job error",
    "notification": "Notification",
}
"""What the kinds of tickets are called; a person's own ticket has none."""
ASKED = frozenset({"review", "rejection", "error"})
"""Kinds of tickets that wait for an answer."""
_TOLD = frozenset(name for kind, name in KINDS.items() if kind not in ASKED)
DATED = "review"
"""The kind of ticket on which an expiration date has an effect."""


def answers(said: Mapping[str, str]) -> dict[str, str]:
    """What the answers to a ticket do, by the tone of their buttons, as the process said it with the ticket.

    A ticket for which nobody waits can be closed; of a person's own nothing is known.
    """
    if said.get("kind", "") in KINDS and said.get("kind") not in ASKED:
        return {"done": "Close"}
    return {"done": said.get("yes", ""), "rejected": said.get("no", "")}


@dataclass(frozen=True)
class Card:
    """A ticket on the board. ``place`` is its system, and the table or project that it is in."""

    key: str
    place: str
    summary: str
    kind: str
    model: str
    created: int
    """Milliseconds since 1970."""
    resolution: str = ""
    """Where it is another one than its status brings: then the column alone does not tell what was answered."""

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for an answer; of a person's own ticket nothing is known."""
        return self.kind not in _TOLD


@dataclass
class Column:
    """Tickets of one standing. ``category`` is one of Jira's: ``new``, ``indeterminate``, ``done``."""

    title: str
    category: str
    cards: list[Card] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True)
class Happening:
    """Something that happened to a ticket: a comment, or an edit in words."""

    at: int
    author: str
    said: Markup | None = None
    did: str = ""


@dataclass(frozen=True)
class Move:
    """A button: ``to`` is what the form sends, ``tone`` is ``done``, ``rejected`` or nothing.

    ``label`` says what it does; ``status`` is what the ticket's system calls that, where it is another word.
    """

    to: str
    label: str
    tone: str = ""
    status: str = ""

    def called(self, answer: str) -> "Move":
        """The same button with what this ticket calls it."""
        return replace(self, label=answer, status=self.label) if answer and answer != self.label else self


@dataclass(frozen=True)
class File:
    id: str
    name: str
    size: int


@dataclass(frozen=True)
class TicketPage:
    """``expiration`` is None if this ticket has no such field."""

    card: Card
    status: str
    category: str
    facts: list[str]
    reporter: str
    description: Markup
    links: list[tuple[str, str]]
    files: list[File]
    happenings: list[Happening]
    moves: list[Move]
    version: str
    """Changes whenever a person or process says or edits something: a form is of one version."""
    expiration_name: str = ""
    expiration: str | None = None


@dataclass(frozen=True)
class Said:
    """What a person's form says, checked: ``to`` is one of the moves offered, or empty."""

    by: str
    comment: str = ""
    expiration: str | None = None
    to: str = ""
