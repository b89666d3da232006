"""Decisions that come too late: a ticket whose answer was taken, and that now says something else."""

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import translated
from activities.sweep import somebody_waits, waited_for
from activities.threads import in_thread
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.decision import DecisionRecord, DeployedPlace, RecordEvent
from mlc.model.deployment import DeploymentMode, DeploymentState
from mlc.model.failure import NotFound, Refused, Unavailable
from mlc.model.processes import DeployModelInput
from mlc.model.ticket import Answer, DecisionOutcome, TicketState
from mlc.settings import ProcessSettings
from mlc.ticketing import Ticketing, TicketSystems
from mlc.ticketing.port import ChangedTicket

MOST_CHANGED = 500
"""Tickets of one system that a pass looks at; the next one goes on where it stopped."""
OVERLAP = timedelta(minutes=2)
"""For clocks that differ, beside the lag of searches."""
GIVEN = {
    DecisionOutcome.APPROVED: Answer.APPROVED,
    DecisionOutcome.OVERRIDDEN: Answer.APPROVED,
    DecisionOutcome.REJECTED: Answer.REJECTED,
}


class LateSweep(Record):
    """Until when an earlier pass has looked; None if that isn't known."""

    since: datetime | None = None


class LateReport(Record):
    """``remarked``: how many late changes were answered. ``looked_until``: where the next pass begins."""

    remarked: int = 0
    looked_until: datetime | None = None


class Held(Record):
    """What holds of a ticket: the answer that counted, and the entries of the record that tell it."""

    answer: Answer
    decided: DecisionRecord | None = None
    ended: DecisionRecord | None = None


@dataclass
class LateDecisions:
    center: Center
    tickets: TicketSystems
    threads: Executor
    settings: ProcessSettings

    @activity.defn
    async def answer_late_changes(self, request: LateSweep) -> LateReport:
        """Look at our tickets that changed since the last pass, and say once on each that changed too late what holds.

        A system that is down, or refuses, keeps the others from nothing; it is looked at again by the next pass.
        """
        began = activity.info().started_time
        report = LateReport(looked_until=began)
        for provider in self.tickets.names:
            since = request.since or began - self.settings.late_window
            until: datetime | None
            try:
                remarked, until = await self._look(self.tickets[provider], since, began)
            except (Unavailable, Refused) as error:
                activity.logger.warning("late changes in %s are left to the next sweep: %s", provider, error)
                remarked, until = 0, request.since
            known = [at for at in (report.looked_until, until) if at is not None]
            report = LateReport(
                remarked=report.remarked + remarked, looked_until=min(known) if len(known) == 2 else None
            )
        return report

    async def _look(self, system: Ticketing, since: datetime, now: datetime) -> tuple[int, datetime]:
        """How many changes were answered, and until when all were looked at."""
        span = now - since + OVERLAP + self.settings.ticket_index_lag
        minutes = max(1, math.ceil(span.total_seconds() / 60))
        found = await in_thread(self.threads, system.changed, minutes, MOST_CHANGED)
        # Open questions change all the time, also by ourselves: nothing is late there, and need be asked of them.
        asked = await waited_for(ticket.ref.label for ticket in found)
        remarked = 0
        for ticket in found:
            if ticket.ref.label in asked:
                continue
            try:
                remarked += await self._answer(system, ticket)
            except Refused as error:
                activity.logger.warning("%s is left out: %s", ticket.ref.key, error)
        if len(found) < MOST_CHANGED:
            return remarked, now
        # Whatever happens it gets on: by a minute, which is as fine as ticket systems search.
        return remarked, max(found[-1].updated, min(since + timedelta(minutes=1), now))

    async def _answer(self, system: Ticketing, ticket: ChangedTicket) -> bool:
        noted = await in_thread(self.threads, system.properties, ticket.ref)
        snapshot_id = noted.get("snapshot_id", "")
        if noted.get("label") != ticket.ref.label or not snapshot_id:
            return False  # a copy, or a ticket about no snapshot
        try:
            records = await self.center.list_decisions(snapshot_id)
        except NotFound:
            return False
        held = what_holds(records, ticket.ref.label)
        if held is None or not is_late(held, ticket.state):
            return False  # nobody's here, still open, or nothing new
        with translated():
            if await somebody_waits(ticket.ref.label):  # after a reset the question is open again
                return False
        state = await in_thread(self.threads, system.get, ticket.ref)
        if not is_late(held, state):
            return False  # it has been put back meanwhile
        active = await self._active(snapshot_id) if held.ended and held.ended.deployed else []
        text = remark(held, state, snapshot_id, active=active)
        said = f"{ticket.ref.label}|{state.answer}|{state.status}|{state.expiration or ''}"
        event = f"late-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        await in_thread(self.threads, system.comment, ticket.ref, event, text)
        return True

    async def _active(self, snapshot_id: str) -> list[DeployedPlace]:
        """Where a snapshot is deployed now, whichever run has deployed it."""
        return [
            DeployedPlace(
                id=found.id,
                mode=DeploymentMode.BATCH if found.runtime_id is None else DeploymentMode.ONLINE,
                runtime=found.runtime_name if found.runtime_id else "",
            )
            for found in await self.center.list_deployments(snapshot_id=snapshot_id)
            if found.state is DeploymentState.DEPLOYED
        ]


def what_holds(records: Sequence[DecisionRecord], label: str) -> Held | None:
    """What a ticket's answer was taken for; None if it was not, or not here."""
    decided = next((r for r in reversed(records) if r.event is RecordEvent.DECIDED and r.label == label), None)
    run = next((r.first_run_id for r in reversed(records) if r.label == label or label in r.answers), "")
    ended = next((r for r in reversed(records) if r.event is RecordEvent.ENDED and r.first_run_id == run), None)
    if decided is not None and decided.decision is not None:
        answer = GIVEN.get(decided.decision.outcome)
    else:
        answer = ended.answers.get(label) if ended is not None else None
    return Held(answer=answer, decided=decided, ended=ended) if answer is not None else None


def is_late(held: Held, state: TicketState) -> bool:
    """Whether a ticket says something else than what was taken from it."""
    if state.answer is Answer.GONE:
        return False
    until = held.decided.expiration_date if held.decided else None
    return state.answer is not held.answer or bool(until and state.expiration and state.expiration != until)


def remark(held: Held, state: TicketState, snapshot_id: str, *, active: Sequence[DeployedPlace]) -> str:
    """What a late change is answered: what it was, what holds, and what can be done.

    Args:
        active: where the snapshot is deployed now.
    """
    if state.answer is not held.answer:
        by = f" by {state.decided_by}" if state.decided_by else ""
        change = f"This ticket was changed to {state.status or state.answer}{by} after its answer had been taken."
    else:
        change = f"The expiration date here was changed to {state.expiration} after the answer had been taken."
    holds = (_decision(held), _outcome(held, active), _way_back(held, snapshot_id))
    return " ".join([change, "The change has no effect.", *holds])


def _decision(held: Held) -> str:
    verb = "approved" if held.answer is Answer.APPROVED else "rejected"
    decision = held.decided.decision if held.decided else None
    if decision is None:
        return f"What holds: it was answered with {'yes' if held.answer is Answer.APPROVED else 'no'}."
    by = f" by {decision.by}" if decision.by else ""
    at = f" on {decision.at:%Y-%m-%d %H:%M} UTC" if decision.at else ""
    until = held.decided.expiration_date if held.decided else None
    return f"What holds: this was {verb}{by}{at}" + (f", until {until}." if until else ".")


def _outcome(held: Held, active: Sequence[DeployedPlace]) -> str:
    if held.ended is None:
        return "No end of the run is recorded: if it still runs, it goes on with that answer."
    if not held.ended.deployed:
        return f"The run {held.ended.workflow_id} ended as {held.ended.outcome or 'failed'}; it left nothing deployed."
    places = ", ".join(_place(place) for place in held.ended.deployed)
    said = f"The model was deployed on {held.ended.at:%Y-%m-%d %H:%M} UTC: {places}."
    if {place.id for place in held.ended.deployed} & {place.id for place in active}:
        return said
    again = f", but was deployed again: {', '.join(map(_place, active))}" if active else ""
    return f"{said} It is no longer active there{again}."


def _place(place: DeployedPlace) -> str:
    where = f" on {place.runtime}" if place.runtime else ""
    return f"{place.mode}{where} (deployment {place.id})"


def _way_back(held: Held, snapshot_id: str) -> str:
    command = DeployModelInput.command(snapshot_id)
    if held.ended is None:
        return "To stop it, cancel the run in Temporal: until its last step that undoes what it has deployed."
    if held.ended.deployed:
        return (
            "To take it back, end the deployment in the model centre, or deploy another snapshot of the model. To have "
            f"it reviewed anew: {command}"
        )
    return f"To have it reviewed anew: {command}"
