"""A monitor that raises an alarm: one question for as long as it lasts, and closing it is a person's."""

from datetime import date

from temporalio import workflow

from activities.tickets import Remark, TicketActivities
from activities.watching import BreachToKeep, WatchActivities
from mlc.model.breach import Action, Breach
from mlc.model.monitor_processes import MonitorPhase, RunMonitorResult
from mlc.model.ticket import Answer, TicketKind, TicketRef, TicketState
from mlc.model.truncation import truncate
from workflows.steps.case import JudgedCase
from workflows.steps.outcome import metrics_text, verdict_text

LONGEST_REMARK = 1_000
OPEN = frozenset({Answer.PENDING, Answer.UNKNOWN})
"""Answers of a ticket that is still a question."""


class BreachQuestion:
    """The ticket of a breach: made once, told of each further night, found again by its label.

    Args:
        before: the breach that the last result before this one belonged to, if any.
    """

    def __init__(self, case: JudgedCase, result: RunMonitorResult, before: Breach | None) -> None:
        self.case = case
        self.result = result
        self.before = before

    async def goes_on(self) -> Breach:
        """Ask, or say on the ticket that it goes on. The breach as it is now, with its ticket."""
        asked, before = Action.UNDEPLOY in self.result.actions, self.before
        if before is None:
            return await self._begin(undeploy=asked)
        ticket = before.ticket or (None if before.over else await self._ask(before))
        if ticket is None:
            return await self._begin(undeploy=asked)
        state = await self._read(ticket)
        there = None if state.answer is Answer.GONE else ticket  # a link to one that was deleted leads nowhere
        if asked and not before.undeploy:
            return await self._begin(undeploy=True, follows=there)
        if state.answer in OPEN:
            await self._say(ticket, f"lasts-{ticket.label}-{self._today}", self._lasts(before))
            return await self._keep(before.model_copy(update={"ticket": ticket, "over": False, "closed_on": None}))
        closed_on = before.closed_on or _day_of(state)
        if before.over or state.answer is Answer.GONE or self._is_silent_no_more(closed_on):
            return await self._begin(undeploy=asked, follows=there)
        return await self._keep(before.model_copy(update={"ticket": ticket, "closed_on": closed_on}))

    async def is_over(self) -> None:
        """Say on the ticket, once, that the result is good again."""
        before = self.before
        if before is None or before.over:
            return
        ticket = before.ticket
        if ticket is None and workflow.patched("lost-ticket-2026-12"):
            ticket = await self._find(before)
        if ticket is not None:
            said = f"It is over: the result of {self._today} passed ({self._numbers()}). Closing this ticket is yours."
            await self._say(ticket, f"over-{self._result_id}", said)
        await self._keep(before.model_copy(update={"ticket": ticket, "over": True}))

    async def _begin(self, *, undeploy: bool, follows: TicketRef | None = None) -> Breach:
        breach = Breach(opened_by=self._result_id, undeploy=undeploy, follows=follows)
        await self._keep(breach)  # before anybody is asked: whoever goes on asks under the same label
        return await self._keep(breach.model_copy(update={"ticket": await self._ask(breach)}))

    async def _ask(self, breach: Breach) -> TicketRef:
        """The ticket, which may be there already."""
        return await self.case.report(
            self._kind(breach),
            MonitorPhase.REACTION,
            f"{self.result.monitor}: {verdict_text(self.result.verdict)}",
            label=self._label(breach),
            monitor=self.result.monitor,
            follows=breach.follows,
        )

    async def _find(self, breach: Breach) -> TicketRef | None:
        """The ticket of a breach whose run was lost before it wrote that down; None if it was lost before it asked."""
        return await self.case.find_report(self._kind(breach), MonitorPhase.REACTION, self._label(breach))

    def _kind(self, breach: Breach) -> TicketKind:
        return TicketKind.UNDEPLOY if breach.undeploy and self.case.policy.undeploy_asks else TicketKind.BREACH

    def _label(self, breach: Breach) -> str:
        return breach.label(self.case.snapshot.id, self.result.monitor)

    async def _keep(self, breach: Breach) -> Breach:
        keep = BreachToKeep(result_id=self._result_id, breach=breach)
        await self.case.do(WatchActivities.keep_breach, keep, "write down what the result belongs to")
        return breach

    async def _read(self, ticket: TicketRef) -> TicketState:
        return await self.case.do(TicketActivities.read_ticket, ticket, f"read {ticket.key}")

    async def _say(self, ticket: TicketRef, event_id: str, text: str) -> None:
        """A comment, of which there is one for each event: that it goes on, one a day."""
        remark = Remark(ticket=ticket, event_id=event_id, text=truncate(text, LONGEST_REMARK))
        if not await self.case.do(TicketActivities.tell, remark, f"comment on {ticket.key}"):
            self.case.progress.warn([f"{ticket.key} was not told: the ticket system refused the comment."])

    def _lasts(self, before: Breach) -> str:
        again = "It is back" if before.over else "It goes on"
        return f"{again} on {self._today}: {verdict_text(self.result.verdict)} ({self._numbers()})."

    def _numbers(self) -> str:
        test_result = self.case.test_result
        assert test_result is not None
        job = f"job {test_result.job_id}" if test_result.job_id else "no job"
        return ", ".join(filter(None, [metrics_text(test_result), f"test result {test_result.id}", job]))

    @property
    def _result_id(self) -> str:
        assert self.case.test_result is not None
        return self.case.test_result.id

    @property
    def _today(self) -> date:
        return workflow.now().date()

    def _is_silent_no_more(self, closed_on: date) -> bool:
        return self._today - closed_on >= self.case.policy.monitor_silence


def _day_of(state: TicketState) -> date:
    """When a ticket was closed; where nobody says so it was closed when this was seen."""
    return (state.decided_at or workflow.now()).date()
