"""Tickets: asked once, read when something may have changed, never guessed at."""

import json
from concurrent.futures import Executor
from dataclasses import dataclass
from urllib.parse import quote

from temporalio import activity

from activities.deployments import previous_deployed_snapshot
from activities.failures import translated_creation, translated_for_ever
from activities.threads import in_thread
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.failure import Refused, Unavailable
from mlc.model.ticket import TicketQuestion, TicketRef, TicketState
from mlc.settings import CenterSettings, JiraSettings, ProcessSettings
from mlc.ticketing import Ticketing, TicketRequest
from mlc.ticketing.content import ModelCard, ticket_request


class Remark(Record):
    """A comment, said once for each ``event_id``."""

    ticket: TicketRef
    event_id: str
    text: str


class Withdrawal(Record):
    """Tickets that nobody needs to answer any more, and why."""

    tickets: list[TicketRef]
    reason: str


@dataclass
class TicketActivities:
    center: Center
    tickets: Ticketing
    threads: Executor
    settings: ProcessSettings
    center_settings: CenterSettings
    jira: JiraSettings

    @activity.defn
    async def open_ticket(self, question: TicketQuestion) -> TicketRef:
        """Make the ticket, or find the one that an earlier try made. At most one POST.

        The centre being down does not keep a ticket from being made: it then says less.

        Raises:
            ApplicationError: ``NotSent``, ``Ambiguous``, ``Refused``.
        """
        request = await self._request(question)
        with translated_creation():
            found = await in_thread(self.threads, self.tickets.find, question.label)
            ticket = found[0] if found else await in_thread(self.threads, self.tickets.create, request)
        with translated_creation():
            await self._complete(ticket, request, duplicates=found[1:])
        return ticket

    @activity.defn
    async def find_ticket(self, question: TicketQuestion) -> TicketRef | None:
        """The ticket that an earlier, unclear try of ``open_ticket`` made, if it did; what it lacks is added."""
        with translated_for_ever():
            found = await in_thread(self.threads, self.tickets.find, question.label)
            if not found:
                return None
            await self._complete(found[0], await self._request(question), duplicates=found[1:])
        return found[0]

    @activity.defn
    async def read_ticket(self, ticket: TicketRef) -> TicketState:
        """The ticket as it is now."""
        with translated_for_ever():
            return await in_thread(self.threads, self.tickets.get, ticket)

    @activity.defn
    async def remark(self, remark: Remark) -> None:
        """Comment once."""
        with translated_for_ever():
            await in_thread(self.threads, self.tickets.comment, remark.ticket, remark.event_id, remark.text)

    @activity.defn
    async def withdraw_tickets(self, withdrawal: Withdrawal) -> None:
        """Close tickets in a way that means neither yes nor no."""
        with translated_for_ever():
            for ticket in withdrawal.tickets:
                await in_thread(
                    self.threads, self.tickets.close, ticket, f"withdrawn-{ticket.label}", withdrawal.reason
                )

    async def _complete(self, ticket: TicketRef, request: TicketRequest, duplicates: list[TicketRef]) -> None:
        """What comes after creation and can be repeated: attachments, links, and the end of duplicates."""
        for attachment in request.attachments:
            await in_thread(self.threads, self.tickets.attach, ticket, attachment)
        for title, url in request.links:
            await in_thread(self.threads, self.tickets.link, ticket, f"{request.label}-{title}", url, title)
        for duplicate in duplicates:
            reason = f"A duplicate of {ticket.key}: only that one is read."
            await in_thread(self.threads, self.tickets.close, duplicate, f"duplicate-{duplicate.id}", reason)
