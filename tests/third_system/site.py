"""A tracker on a free port, with the faults that a test plans for it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from servers import serving

from mlc.model.ticket import TicketRef
from mlc.standalone.faults import FaultMiddleware, Faults
from mlc.ticketing import registry
from third_system import TRACKER
from third_system.adapter import TrackerTicketing
from third_system.server import TOKEN, Tracker, create_app
from third_system.settings import TrackerSettings


@dataclass
class TrackerSite:
    url: str
    tracker: Tracker
    faults: Faults
    secrets: tuple[str, ...] = (TOKEN,)
    wrong_account: dict[str, Any] = field(default_factory=lambda: {"token": "wrong"})
    kind: str = "review"
    dated: bool = True
    creation: str = "/api/tickets"
    refusal: str = '{"error": "%s"}'
    withdrawn: str = "dropped"

    def settings(self, **others: Any) -> TrackerSettings:
        return TrackerSettings(**({"url": self.url, "token": TOKEN} | others))

    def adapter(self, **others: Any) -> TrackerTicketing:
        return TrackerTicketing(self.settings(**others))

    def approve(self, ref: TicketRef, by: str = "ada") -> None:
        self.tracker.change(ref.key, by, state="yes")

    def reject(self, ref: TicketRef, by: str = "ada") -> None:
        self.tracker.change(ref.key, by, state="no")

    def work_on(self, ref: TicketRef) -> None:
        self.tracker.change(ref.key, "ada", state="looked at")

    def withdraw(self, ref: TicketRef) -> None:
        self.tracker.change(ref.key, "ada", state="dropped")

    def reopen(self, ref: TicketRef) -> None:
        self.tracker.change(ref.key, "ada", state="open")

    def say(self, ref: TicketRef, text: str, by: str = "ada") -> None:
        self.tracker.say(ref.key, by, text)

    def set_expiration(self, ref: TicketRef, value: str) -> None:
        self.tracker.change(ref.key, "ada", due=value)

    def delete(self, ref: TicketRef) -> None:
        del self.tracker.tickets[ref.key]

    def copy(self, label: str) -> None:
        self.tracker.create("bob", label=label, title="COPY", text="", board="models")

    def comments(self, ref: TicketRef) -> list[str]:
        return [comment["text"] for comment in self.tracker.ticket(ref.key)["comments"]]

    def files(self, ref: TicketRef) -> list[bytes]:
        return [bytes.fromhex(content) for content in self.tracker.ticket(ref.key)["contents"]]

    def links(self, ref: TicketRef) -> list[str]:
        return list(self.tracker.ticket(ref.key)["links"].values())

    def text(self, ref: TicketRef) -> tuple[str, str]:
        ticket = self.tracker.ticket(ref.key)
        return ticket["title"], ticket["text"]


@contextmanager
def tracking() -> Iterator[TrackerSite]:
    """The tracker, served."""
    tracker, faults = Tracker(), Faults()
    app = FaultMiddleware(create_app(tracker), faults, "/api/")
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(app, listener) as url:
        yield TrackerSite(url, tracker, faults)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line that a further system costs outside its folder, for a test."""
    monkeypatch.setattr(registry, "SYSTEMS", (*registry.SYSTEMS, TRACKER))
