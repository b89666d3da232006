"""What the board shows of a ticket, of whatever system."""

from dataclasses import dataclass, field

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
    """A button: ``to`` is what the form sends, ``tone`` is ``done``, ``rejected`` or nothing."""

    to: str
    label: str
    tone: str = ""


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
