"""What activities talk to besides the centre, as small as their calls of it: a ticket system, and Temporal's lists."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from activities.sweep import TICKETS
from mlc.model.failure import ExternalError, Refused
from mlc.model.ticket import Answer, TicketKind, TicketRef, TicketState
from mlc.ticketing import Attachment, TicketRequest, Wording
from mlc.ticketing.port import ChangedTicket


@dataclass
class Board:
    """A ticket system in a list. ``broken`` are the errors that its next calls of these names end with."""

    provider: str = "jira"
    tickets: list[tuple[TicketRef, TicketRequest]] = field(default_factory=list)
    states: dict[str, TicketState] = field(default_factory=dict)
    news: list[ChangedTicket] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    broken: dict[str, ExternalError] = field(default_factory=dict)
    kept: dict[str, str | None] = field(default_factory=dict)
    """By key, why a ticket stays open that is to be withdrawn."""

    def wording(self, kind: TicketKind) -> Wording:
        return Wording(yes="Done: yes", no="Rejected: no", how="Decide.", shows_links=True)

    def find(self, label: str) -> list[TicketRef]:
        self._called("find")
        return [ref for ref, request in self.tickets if request.label == label]

    def create(self, request: TicketRequest) -> TicketRef:
        self._called("create")
        key = f"T-{len(self.tickets) + 1}"
        ref = TicketRef(provider=self.provider, id=key, key=key, url=f"http://board/{key}", label=request.label)
        self.tickets.append((ref, request))
        return ref

    def get(self, ref: TicketRef) -> TicketState:
        self._called("get")
        return self.states.get(ref.label, TicketState(answer=Answer.PENDING, version="1"))

    def get_many(self, refs: Sequence[TicketRef]) -> dict[str, TicketState]:
        self._called("get_many")
        return {ref.label: self.states[ref.label] for ref in refs if ref.label in self.states}

    def changed(self, minutes: int, most: int) -> list[ChangedTicket]:
        self._called(f"changed {minutes} {most}")
        return self.news[:most]

    def properties(self, ref: TicketRef) -> dict[str, str]:
        self._called("properties")
        kept = next((request.properties for other, request in self.tickets if other.key == ref.key), {})
        return {**kept, "label": ref.label} if kept else {}

    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        self._called(f"comment {ref.key} {event_id}")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        self._called("attach")

    def link(self, ref: TicketRef, global_id: str, url: str, title: str) -> None:
        self._called(f"link {url}")

    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        self._called(f"close {ref.key} {event_id}")
        return self.kept.get(ref.key)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if error := self.broken.pop(call.split(maxsplit=1)[0], None):
            raise error


@dataclass
class Temporal:
    """The lists of runs and schedules that the sweep and the mirror read, and what they did."""

    waiting: list[Any] = field(default_factory=list)
    ended: list[Any] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    """Runs to which the server takes no more signals."""
    signals: list[tuple[str, str]] = field(default_factory=list)
    schedules: dict[str, Any] = field(default_factory=dict)

    def run(self, id_: str, *entries: str, ended: bool = False) -> None:
        attributes = TypedSearchAttributes([SearchAttributePair(TICKETS, list(entries))])
        run = SimpleNamespace(id=id_, run_id=f"{id_}-r", typed_search_attributes=attributes)
        (self.ended if ended else self.waiting).append(run)

    async def list_workflows(self, query: str, **_: Any) -> AsyncIterator[Any]:
        found = self.ended if "CloseTime" in query else self.waiting
        for run in found:
            entries = run.typed_search_attributes.get(TICKETS) or []
            if "IS NOT NULL" in query or any(f"'{entry}'" in query for entry in entries):
                yield run

    def get_workflow_handle(self, workflow_id: str, *, run_id: str | None = None) -> Any:
        assert run_id is None, "it may have gone on as another run since it was listed"

        async def signal(name: str, what: Any) -> None:
            if workflow_id in self.gone:
                raise RPCError("gone", RPCStatusCode.NOT_FOUND, b"")
            if workflow_id in self.deaf:
                raise RPCError(
                    "exceeded workflow execution limit for signal events", RPCStatusCode.INVALID_ARGUMENT, b""
                )
            self.signals.append((workflow_id, what.key))

        return SimpleNamespace(signal=signal)

    async def list_schedules(self) -> AsyncIterator[Any]:
        return _nothing()

    def get_schedule_handle(self, _id: str) -> Any:
        async def describe() -> Any:
            raise RPCError("none", RPCStatusCode.NOT_FOUND, b"")

        return SimpleNamespace(describe=describe)

    async def create_schedule(self, id_: str, schedule: Any, **_: Any) -> None:
        self.schedules[id_] = schedule


async def _nothing() -> AsyncIterator[Any]:
    for each in ():
        yield each


NO = Refused("Jira", "it may not.", status=403)
