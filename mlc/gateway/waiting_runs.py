"""The runs that wait for a ticket: found by their search attribute, and told that it may have changed."""

import asyncio
from collections.abc import Sequence

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from mlc.gateway.temporal import calling
from mlc.model.open_tickets import is_label, waiting_for
from mlc.model.processes import TICKET_CHANGED
from mlc.model.ticket import TicketChanged

LOOKS = (0.0, 0.2, 0.6, 1.2)
"""Seconds before each search for the waiting run: visibility lags behind the run that has just made its ticket."""
MOST_RUNS = 20
MOST_LABELS = 5


async def hint_runs(temporal: Client, hint: TicketChanged, labels: Sequence[str], *, created: bool) -> int:
    """Signal the running workflows that wait for a ticket.

    Args:
        temporal: where they run.
        hint: which ticket; its key may be new to them, if the ticket was moved.
        labels: what stands on the ticket; only our own are looked at.
        created: the ticket has just been made.

    Returns:
        How many took the signal.

    Raises:
        ValueError: the key is no ticket's.
        TemporalDown: nobody may have been told.
    """
    ours = [label for label in labels if is_label(label)][:MOST_LABELS]
    query = waiting_for(hint.provider, hint.key, ours)
    # Only a ticket with our label can be one that a run is about to wait for. A run reads its ticket before it waits,
    # so the event of the creation itself tells it nothing that would be worth waiting for.
    looks = LOOKS if ours and not created else LOOKS[:1]
    async with calling():
        for pause in looks:
            await asyncio.sleep(pause)
            if runs := await _waiting(temporal, query):
                return sum([await _signal(temporal, run, hint) for run in runs])
    return 0


async def _waiting(temporal: Client, query: str) -> list[str]:
    return [run.id async for run in temporal.list_workflows(query, page_size=MOST_RUNS, limit=MOST_RUNS)]


async def _signal(temporal: Client, workflow_id: str, hint: TicketChanged) -> bool:
    try:
        await temporal.get_workflow_handle(workflow_id).signal(TICKET_CHANGED, hint)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:  # ended since it was listed
            return False
        raise
    return True
