"""The sweep: open tickets of all waiting runs against the ticket system, a hundred at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from temporalio import activity
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import translated
from activities.threads import in_thread
from mlc.model.attribute import Attribute
from mlc.model.base import Record
from mlc.model.failure import MlcError, Refused, Unavailable
from mlc.model.open_tickets import OpenTicket, decode, is_label, waiting_for_labels
from mlc.model.processes import TICKET_CHANGED
from mlc.model.ticket import Answer, TicketChanged, TicketState
from mlc.ticketing import TicketSystems

TICKETS = SearchAttributeKey.for_keyword_list(Attribute.TICKETS)

WAITING = f"{Attribute.TICKETS} IS NOT NULL AND ExecutionStatus = 'Running'"
ENDED = f"{Attribute.TICKETS} IS NOT NULL AND ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled')"
ORPHANED = timedelta(days=3)
"""For so long after a run's end the sweep looks for tickets that it left open: longer than a ticket system is down."""
BATCH = 100
AT_ONCE = 4
"""Batches that are dealt with at the same time: while one is searched for, others are waited for."""
REFUSALS_IN_A_ROW = 20
"""After so many tickets of a system that can't be read by themselves, none is any more: it has lost a right, say."""


class Unreadable(MlcError):
    """A ticket that its system can't show, although it answers otherwise."""


class SweepReport(Record):
    """What a sweep saw and did."""

    open_tickets: int = 0
    woken: int = 0
    withdrawn: int = 0
    remarked: int = 0
    """Changes that came too late, and were answered."""
    looked_until: datetime | None = None
    """Where the next sweep begins to look for such changes."""


@dataclass
class SweepActivities:
    tickets: TicketSystems
    threads: Executor

    @activity.defn
    async def sweep_tickets(self) -> SweepReport:
        """Wake the runs whose ticket was decided, is gone, or has changed since they read it."""
        refusals = Counter[str]()

        async def wake(batch: list[OpenTicket]) -> int:
            news = [ticket for ticket, state in await self._read(batch, refusals) if is_news(ticket, state)]
            return sum([await self._wake(ticket) for ticket in news])

        seen, woken = await _each(_batches(WAITING), wake)
        return SweepReport(open_tickets=seen, woken=woken)

    @activity.defn
    async def withdraw_orphans(self) -> int:
        """Close the tickets of runs that ended without doing so: nobody waits for their answers."""
        refusals = Counter[str]()

        async def withdraw(batch: list[OpenTicket]) -> int:
            pending = [each for each, state in await self._read(batch, refusals) if state.answer is Answer.PENDING]
            asked = await waited_for(ticket.label for ticket in pending)
            return sum([await self._withdraw(ticket) for ticket in pending if ticket.label not in asked])

        since = activity.info().started_time - ORPHANED
        _, withdrawn = await _each(_batches(f"{ENDED} AND CloseTime > '{since.isoformat()}'"), withdraw)
        return withdrawn

    async def _read(self, tickets: list[OpenTicket], refusals: Counter[str]) -> list[tuple[OpenTicket, TicketState]]:
        """One search in each system; those that it does not find are read one by one, since a search may lag.

        A ticket that can't be read is left out: the others' runs wait, too.

        Args:
            refusals: of each system, one after the other, in this whole sweep.
        """
        states: dict[str, TicketState] = {}
        with translated():
            for provider in dict.fromkeys(ticket.provider for ticket in tickets):
                refs = [ticket.ref for ticket in tickets if ticket.provider == provider]
                with suppress(Refused):  # then each of them is, and says so
                    states |= await in_thread(self.threads, self.tickets[provider].get_many, refs)
            for ticket in tickets:
                if ticket.label in states or refusals[ticket.provider] >= REFUSALS_IN_A_ROW:
                    continue
                try:
                    states[ticket.label] = await self._read_one(ticket)
                    refusals[ticket.provider] = 0
                except (Refused, Unreadable) as error:
                    refusals[ticket.provider] += 1
                    activity.logger.warning("%s of %s is left out: %s", ticket.key, ticket.workflow_id, error)
        return [(ticket, states[ticket.label]) for ticket in tickets if ticket.label in states]

    async def _read_one(self, ticket: OpenTicket) -> TicketState:
        """A ticket by itself.

        Raises:
            Unreadable: its system is up, and has no answer for this one.
        """
        system = self.tickets[ticket.provider]
        try:
            return await in_thread(self.threads, system.get, ticket.ref)
        except Unavailable as error:
            await in_thread(
                self.threads, system.get_many, [ticket.ref]
            )  # one that is down has no answer to that either
            raise Unreadable(str(error)) from None

    async def _withdraw(self, ticket: OpenTicket) -> int:
        reason = f"The run {ticket.workflow_id} has ended."
        with translated():
            try:
                close = self.tickets[ticket.provider].close
                left = await in_thread(self.threads, close, ticket.ref, f"ended-{ticket.run_id}", reason)
            except Refused as error:
                left = str(error)
        if left:
            activity.logger.warning("%s could not be withdrawn: %s", ticket.key, left)
        return 0 if left else 1

    async def _wake(self, ticket: OpenTicket) -> int:
        # By the workflow's id alone: the run may have gone on as a new one since it was listed.
        run = activity.client().get_workflow_handle(ticket.workflow_id)
        try:
            await run.signal(TICKET_CHANGED, TicketChanged(provider=ticket.provider, key=ticket.key))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # else it ended meanwhile: visibility lags
                activity.logger.warning("%s could not be told of %s: %s", ticket.workflow_id, ticket.key, error)
            return 0  # the others' runs wait, too
        return 1


def is_news(ticket: OpenTicket, state: TicketState) -> bool:
    """Whether the run would see something that it has not seen.

    A run that has read this very version is left alone even when the ticket is decided: what it read could not be used
    (a date in the past, say), and it has said so on the ticket.
    """
    if ticket.seen is None:
        return state.answer is not Answer.PENDING
    return state.version != ticket.seen


async def somebody_waits(label: str) -> bool:
    """Whether a running run waits for the ticket of one that has ended, as after a reset."""
    return bool(await waited_for([label]))


async def waited_for(labels: Iterable[str]) -> set[str]:
    """Those of these labels for whose tickets a running run waits, by what visibility knows."""
    wanted = {label for label in labels if is_label(label)}
    found = set[str]()
    ordered = sorted(wanted)
    for start in range(0, len(ordered), BATCH):
        async for run in activity.client().list_workflows(waiting_for_labels(ordered[start : start + BATCH])):
            found |= wanted.intersection(run.typed_search_attributes.get(TICKETS) or [])
    return found


async def _each(
    batches: AsyncIterator[list[OpenTicket]], deal: Callable[[list[OpenTicket]], Awaitable[int]]
) -> tuple[int, int]:
    """Deal with batches, some at the same time; how many tickets there were, and the sum of what was done.

    Of several failures the first is raised, when all of those batches have come to their end.
    """
    seen = done = 0
    some: list[list[OpenTicket]] = []

    async def deal_with_some() -> int:
        ended = await asyncio.gather(*map(deal, some), return_exceptions=True)
        if failure := next((each for each in ended if isinstance(each, BaseException)), None):
            raise failure
        return sum(each for each in ended if isinstance(each, int))

    async for batch in batches:
        seen += len(batch)
        some.append(batch)
        if len(some) == AT_ONCE:
            done += await deal_with_some()
            some.clear()
    return seen, done + await deal_with_some()


async def _batches(query: str) -> AsyncIterator[list[OpenTicket]]:
    """Open tickets from visibility, page by page, so that memory does not grow with their number."""
    waiting: list[OpenTicket] = []
    async for run in activity.client().list_workflows(query, page_size=200):
        entries = run.typed_search_attributes.get(TICKETS) or []
        waiting.extend(decode(entries, workflow_id=run.id, run_id=run.run_id))
        while len(waiting) >= BATCH:
            yield list(islice(waiting, BATCH))
            del waiting[:BATCH]
    if waiting:
        yield waiting
