"""Hints to runs, that something may have changed: the run looks for itself, so several may go as one.

Of each kind a run gets at most one in two seconds (:mod:`mlc.gateway.pace`), however many come, and none is lost: it
goes after all that it stands for have come, and only then they are answered. What Temporal does not take is answered
with 503, and comes again. That holds for each copy of the gateway: several of them send as many more.
"""

import asyncio
from collections.abc import Iterator, Sequence

from temporalio.client import Client, WorkflowExecution
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from mlc.gateway.pace import Pace
from mlc.gateway.temporal import calling
from mlc.model.attribute import Attribute
from mlc.model.base import Input
from mlc.model.job import JobChanged
from mlc.model.open_tickets import decode, is_label, waiting_for
from mlc.model.processes import JOB_CHANGED, TICKET_CHANGED
from mlc.model.ticket import TicketChanged

TICKETS = SearchAttributeKey.for_keyword_list(Attribute.TICKETS)

LOOKS = (0.0, 0.2, 0.6, 1.2)
"""Seconds before each search for the waiting run: visibility lags behind the run that has just made its ticket."""
MOST_RUNS = 20
MOST_LABELS = 5


class Hints:
    """Sends hints to the runs of a Temporal namespace."""

    def __init__(self, temporal: Client) -> None:
        self._temporal = temporal
        self._searches, self._signals = Pace(), Pace()

    async def job_changed(self, workflow_id: str, job_id: str) -> bool:
        """Tell a run that a job may have ended; whether it runs.

        Raises:
            TemporalDown: it may not have been told.
        """
        return bool(await self._signal(workflow_id, JOB_CHANGED, job_id, JobChanged(job_id=job_id)))

    async def ticket_changed(self, hint: TicketChanged, labels: Sequence[str], *, created: bool) -> int:
        """Tell the runs that wait for a ticket; how many took it.

        Args:
            hint: which ticket; its key may be new to them, if the ticket was moved: they are told of the one they know.
            labels: what stands on the ticket; only our own are looked at.
            created: the ticket has just been made.

        Raises:
            ValueError: the key is no ticket's.
            TemporalDown: nobody may have been told.
        """
        ours = [label for label in labels if is_label(label)][:MOST_LABELS]
        query = waiting_for(hint.provider, hint.key, ours)

        # Searches are paced, too: Temporal allows few, and other tickets need theirs.
        async def search_and_tell() -> int:
            # Only a ticket with our label can be one that a run is about to wait for. A run reads its ticket before it
            # waits, so the event of the creation itself tells it nothing that would be worth waiting for.
            runs = await self._waiting(query, LOOKS if ours and not created else LOOKS[:1])
            telling = [
                self._signal(run.id, TICKET_CHANGED, key, hint.model_copy(update={"key": key}))
                for run in runs
                for key in dict.fromkeys(_known_as(run, hint, ours)) or [hint.key]
            ]
            return sum(await asyncio.gather(*telling))

        return await self._searches.do((query, created), "", search_and_tell)

    async def _waiting(self, query: str, looks: Sequence[float]) -> list[WorkflowExecution]:
        async with calling():
            for pause in looks:
                await asyncio.sleep(pause)
                listed = self._temporal.list_workflows(query, page_size=MOST_RUNS, limit=MOST_RUNS)
                if runs := [run async for run in listed]:
                    return runs
        return []

    async def _signal(self, workflow_id: str, signal: str, about: str, hint: Input) -> int:
        """By the workflow's id alone, whichever run of it is running; 1 if one is."""

        async def send() -> int:
            async with calling():
                try:
                    await self._temporal.get_workflow_handle(workflow_id).signal(signal, hint)
                except RPCError as error:
                    if error.status == RPCStatusCode.NOT_FOUND:  # nothing of this id runs (any more)
                        return 0
                    raise
            return 1

        return await self._signals.do((workflow_id, signal), about, send)


def _known_as(run: WorkflowExecution, hint: TicketChanged, labels: Sequence[str]) -> Iterator[str]:
    """The ticket's key as the run has it."""
    entries = run.typed_search_attributes.get(TICKETS) or []
    for ticket in decode(entries, workflow_id=run.id, run_id=run.run_id):
        if ticket.provider == hint.provider and (ticket.key == hint.key or ticket.label in labels):
            yield ticket.key
