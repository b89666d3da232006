"""Tickets in Jira and ServiceNow behind one port, and what they say."""

from mlc.ticketing.port import Attachment, Section, Table, Ticketing, TicketRequest, Wording
from mlc.ticketing.systems import TicketSystems

__all__ = ["Attachment", "Section", "Table", "TicketRequest", "TicketSystems", "Ticketing", "Wording"]
