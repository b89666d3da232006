"""Tickets: asked once, read when something may have changed, never guessed at."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.evidence import gather, with_whole_verdict
from activities.failures import lookup_deadline, translated, translated_creation, translated_for_ever
from activities.threads import in_thread
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.failure import FailureType, NotFound, Refused, Unavailable
from mlc.model.ticket import TicketKind, TicketQuestion, TicketRef, TicketState
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings
from mlc.ticketing import Ticketing, TicketRequest, TicketSystems
from mlc.ticketing.content.writer import ticket_request

P = ParamSpec("P")
R = TypeVar("R")
LONGEST_REASON = 300


class Remark(Record):
    """A comment, said once for each ``event_id``."""

    ticket: TicketRef
    event_id: str
    text: str


class Withdrawal(Record):
    """Tickets that nobody needs to answer any more, and why."""

    tickets: list[TicketRef]
    reason: str


class TicketWithdrawal(Record):
    """A ticket that nobody needs to answer any more, and why."""

    ticket: TicketRef
    reason: str


class Withdrawn(Record):
    """What came of it.

    Attributes:
        left_open: why the ticket stays open, in a sentence; empty if it doesn't.
        told: whether it says that nobody waits for it. Else somebody has to try again.
    """

    left_open: str = ""
    told: bool = True


@dataclass
class TicketActivities:
    center: Center
    tickets: TicketSystems
    threads: Executor
    settings: ProcessSettings

    @activity.defn
    async def open_ticket(self, question: TicketQuestion) -> TicketRef:
        """Make the ticket, or find the one that an earlier try made. At most one POST.

        The centre being down does not keep a ticket from being made: it then says less.

        Raises:
            ApplicationError: ``NotSent``, ``Ambiguous``, ``Refused``.
        """
        with translated_creation():
            async with lookup_deadline(self.settings.ticket_index_lag):
                tickets = self.tickets[question.provider]
                request = await self._request(question)
                found = await in_thread(self.threads, tickets.find, question.label)
            ticket = found[0] if found else await in_thread(self.threads, tickets.create, request)
        try:
            await self._complete(tickets, ticket, request, duplicates=found[1:])
        except Unavailable as error:
            # The ticket is there: it has to be found again before anything else is made.
            raise ApplicationError(str(error), type=FailureType.AMBIGUOUS, next_retry_delay=error.retry_after) from None
        return ticket

    @activity.defn
    async def find_ticket(self, question: TicketQuestion) -> TicketRef | None:
        """The ticket that an earlier, unclear try of ``open_ticket`` made, if it did; what it lacks is added."""
        with translated_for_ever():
            tickets = self.tickets[question.provider]
            found = await in_thread(self.threads, tickets.find, question.label)
            if not found:
                return None
            await self._complete(tickets, found[0], await self._request(question), duplicates=found[1:])
        return found[0]

    @activity.defn
    async def read_ticket(self, ticket: TicketRef) -> TicketState:
        """The ticket as it is now."""
        with translated_for_ever():
            return in_short(await in_thread(self.threads, self.tickets[ticket.provider].get, ticket))

    @activity.defn
    async def remark(self, remark: Remark) -> None:
        """Comment once. A ticket that is gone is left to ``read_ticket``, which tells so."""
        with translated_for_ever(), suppress(NotFound):
            comment = self.tickets[remark.ticket.provider].comment
            await in_thread(self.threads, comment, remark.ticket, remark.event_id, remark.text)

    @activity.defn
    async def tell(self, remark: Remark) -> bool:
        """Comment once on a ticket that nobody waits for any more. False: the ticket system refuses it.

        Raises:
            ApplicationError: ``Outage``.
        """
        try:
            with translated():
                comment = self.tickets[remark.ticket.provider].comment
                await in_thread(self.threads, comment, remark.ticket, remark.event_id, remark.text)
        except ApplicationError as error:
            if error.type != FailureType.REFUSED:
                raise
            activity.logger.warning("%s was not told what came of it: %s", remark.ticket.key, error)
            return False
        return True

    @activity.defn
    async def withdraw_ticket(self, withdrawal: TicketWithdrawal) -> Withdrawn:
        """Close a ticket in a way that means neither yes nor no. What the system does not allow is an answer, too.

        Raises:
            ApplicationError: ``Outage``.
        """
        try:
            with translated():
                return Withdrawn(left_open=await self._close(withdrawal.ticket, withdrawal.reason))
        except ApplicationError as error:
            if error.type != FailureType.REFUSED:
                raise
            return Withdrawn(left_open=truncate(error.message, LONGEST_REASON), told=False)

    @activity.defn
    async def withdraw_tickets(self, withdrawal: Withdrawal) -> None:
        """Close tickets, each of them even if another one is refused or its system is down. For runs from before 0.2.

        Raises:
            ApplicationError: ``Outage``.
        """
        outage: Unavailable | None = None
        for ticket in withdrawal.tickets:
            try:
                if left := await self._close(ticket, withdrawal.reason):
                    activity.logger.warning("%s stays open: %s", ticket.key, left)
            except Refused as error:
                activity.logger.warning("%s was not withdrawn: %s", ticket.key, error)
            except Unavailable as error:
                outage = error
        if outage is not None:
            with translated():
                raise outage

    async def _close(self, ticket: TicketRef, reason: str) -> str:
        """Why the ticket stays open; empty if it doesn't."""
        close = self.tickets[ticket.provider].close
        left = await in_thread(self.threads, close, ticket, f"withdrawn-{ticket.label}", reason)
        return truncate(left or "", LONGEST_REASON)

    async def _complete(
        self, tickets: Ticketing, ticket: TicketRef, request: TicketRequest, duplicates: list[TicketRef]
    ) -> None:
        """What comes after creation and can be repeated: attachments, links, and the end of duplicates.

        One that is refused is left out: that is no reason not to wait for the answer. Links that are refused become a
        comment.
        """
        for attachment in request.attachments:
            await self._unless_refused(tickets.attach, ticket, attachment)
        lost = []
        for title, url in request.links:
            if not await self._unless_refused(tickets.link, ticket, f"{request.label}-{title}", url, title):
                lost.append(f"{title}: {url}")
        if lost:
            await self._unless_refused(tickets.comment, ticket, f"{request.label}-links", "\n".join(lost))
        for duplicate in duplicates:
            reason = f"A duplicate of {ticket.key}: only that one is read."
            await self._unless_refused(tickets.close, duplicate, f"duplicate-{duplicate.id}", reason)

    async def _unless_refused(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> bool:
        try:
            await in_thread(self.threads, function, *args, **kwargs)
        except Refused as error:
            activity.logger.warning("left out: %s", error)
            return False
        return True

    async def _request(self, question: TicketQuestion) -> TicketRequest:
        """What the ticket says, from the question and what the centre can tell at this moment.

        Raises:
            ApplicationError: ``NotSent``; the run asks in a way that only a newer worker knows.
        """
        if question.kind is TicketKind.UNKNOWN:
            older = "This worker is older than the run, and doesn't know this kind of ticket: nothing was created."
            raise ApplicationError(older, type=FailureType.NOT_SENT)
        wording = await in_thread(self.threads, self.tickets[question.provider].wording, question.kind)
        evidence = await gather(self.center, question, reads_scored=self.settings.monitor_production == "scored")
        links = self._links(question)
        return ticket_request(with_whole_verdict(question, evidence), evidence=evidence, wording=wording, links=links)

    def _links(self, question: TicketQuestion) -> list[tuple[str, str]]:
        namespace = quote(activity.info().namespace, safe="")
        run = f"{self.settings.temporal_ui}/namespaces/{namespace}/workflows/{quote(question.workflow_id, safe='')}"
        links = [("The run in Temporal", f"{run}/{question.run_id}/history")]
        if question.snapshot_id and (page := self.center.page_of(question.snapshot_id)):
            links.append(("The snapshot in the model centre", page))
        result = question.test_result if question.monitor else None
        if result is not None and (page := self.center.page_of_result(result.id)):
            links.append(("The monitor's result, with charts", page))
        if question.follows is not None:
            links.append((f"The ticket before this one, {question.follows.key}", question.follows.url))
        return links


def in_short(state: TicketState) -> TicketState:
    """What a history keeps of what people wrote: the whole comment stays on the ticket."""
    limits = {"status": 80, "resolution": 80, "decided_by": 120, "reason": 400, "answer_problem": 800}
    texts = {name: getattr(state, name) for name in limits}
    return state.model_copy(update={name: truncate(text, limits[name]) for name, text in texts.items() if text})
