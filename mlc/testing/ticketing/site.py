"""A ticket system as the suites see it, and how they wait for something there."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import pytest

from mlc.model.ticket import TicketRef
from mlc.standalone.faults import Faults
from mlc.ticketing import Section, Ticketing, TicketRequest
from mlc.ticketing.system import SystemSettings

LABEL = "gov-0123456789abcdef01234567"


class Site(Protocol):
    """A ticket system, and what people do there. ``ada`` decides unless said otherwise.

    It is a real server, behind whose API stands :class:`mlc.standalone.faults.FaultMiddleware`.
    """

    @property
    def url(self) -> str: ...
    @property
    def faults(self) -> Faults:
        """What goes wrong with the requests to it, and which came."""

    @property
    def secrets(self) -> Sequence[str]:
        """What an adapter sends to prove who it is, in every form in which it does."""

    wrong_account: dict[str, Any]
    """Settings with which it lets nobody in."""
    kind: str
    """Of the tickets that the tests make."""
    dated: bool
    """Whether they have a field for the expiration date."""

    @property
    def creation(self) -> str:
        """Path of the request (POST) that makes one."""

    refusal: str
    """A refusal's body in the system's own shape, with %s for the message."""
    withdrawn: str
    """What people see of a withdrawn ticket's status."""

    def settings(self, **others: Any) -> SystemSettings:
        """The settings to get there; ``others`` than the usual ones, ``url`` and ``timeout`` among them."""

    def adapter(self, **others: Any) -> Ticketing:
        """The adapter with these settings."""

    def approve(self, ref: TicketRef, by: str = "ada") -> None: ...
    def reject(self, ref: TicketRef, by: str = "ada") -> None: ...
    def work_on(self, ref: TicketRef) -> None: ...
    def withdraw(self, ref: TicketRef) -> None: ...
    def reopen(self, ref: TicketRef) -> None: ...
    def say(self, ref: TicketRef, text: str, by: str = "ada") -> None: ...
    def set_expiration(self, ref: TicketRef, value: str) -> None: ...
    def delete(self, ref: TicketRef) -> None: ...
    def copy(self, label: str) -> None:
        """A person copies a ticket, and its label with it."""

    def comments(self, ref: TicketRef) -> list[str]: ...
    def files(self, ref: TicketRef) -> list[bytes]: ...
    def links(self, ref: TicketRef) -> list[str]:
        """The addresses that count, one for each title."""

    def text(self, ref: TicketRef) -> tuple[str, str]:
        """Summary and description."""


class OnSite:
    """Fixtures that the suites make of the fixture ``site``, which is supplied by whoever runs them."""

    @pytest.fixture
    def tickets(self, site: Site) -> Ticketing:
        return site.adapter()

    @pytest.fixture
    def question(self, site: Site) -> TicketRequest:
        """What is asked, of the kind that the site is about."""
        body = [Section(heading="What is asked", paragraphs=["May it be deployed?"], facts=[("Model", "fraud-xgb")])]
        return TicketRequest(label=LABEL, kind=site.kind, summary="[Model approval] fraud-xgb", body=body)


def eventually(holds: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)
