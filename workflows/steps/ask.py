"""Ask a person: one ticket a question, and an answer that can be used, however long it takes."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

from temporalio import workflow

from activities.tickets import Remark, TicketActivities, TicketWithdrawal, Withdrawal
from mlc.model.open_tickets import LABEL_PREFIX
from mlc.model.policy import Policy
from mlc.model.state import AnsweredQuestion, OpenQuestion, QuestionsState
from mlc.model.ticket import Answer, TicketKind, TicketQuestion, TicketRef, TicketState
from mlc.model.truncation import truncate
from workflows.steps.activity import Call, call
from workflows.steps.clean_up import Part
from workflows.steps.handover import Handover
from workflows.steps.once import LooseEnd, create_once, question_key
from workflows.steps.progress import Progress, plain

MEANING = {
    TicketKind.REVIEW: "may this snapshot be deployed?",
    TicketKind.REJECTION: "shall it be tried again, or stop here?",
    TicketKind.ERROR: "shall it be tried again, or stop here?",
    TicketKind.UNDEPLOY: "shall this snapshot be taken out of use?",
}
REPLACES = "shall this snapshot take the place of a newer one?"
WITHOUT = "shall it go on without the monitors that can't be added?"
FINAL_ANSWERS = frozenset({Answer.APPROVED, Answer.REJECTED, Answer.GONE})

Objection = Callable[[TicketState], str | None]
"""Why an answer can't be used, as a sentence for the ticket; None if it can."""


def no_objection(_: TicketState) -> str | None:
    return None


class Questions:
    """The tickets of one run. ``hint`` says that one may have changed; nothing else wakes a wait.

    A ticket system that is down is waited for, for ever and visibly: people's answers hang on it.
    """

    def __init__(self, state: QuestionsState, progress: Progress, handover: Handover) -> None:
        self.state = state
        self.progress = progress
        self._handover = handover
        self._hints: set[str] = set()
        self._unclear: list[LooseEnd[TicketRef]] = []

    def hint(self, key_or_label: str) -> None:
        """A ticket may have changed: it is read again."""
        self._hints.update(t.label for t in self.progress.state.open_tickets if key_or_label in {t.key, t.label})

    async def ask(
        self, question: TicketQuestion, policy: Policy, objection: Objection = no_objection
    ) -> tuple[TicketRef, TicketState]:
        """Make a ticket and wait until it is answered with yes or no, without objection. Deleted, it is asked anew."""
        while True:
            ticket = self._asked(question) or await self._ask(question, policy)
            meaning = REPLACES if question.replaces else WITHOUT if question.without_monitors else ""
            if question.kind is TicketKind.REVIEW or not meaning:
                meaning = MEANING[question.kind]
            state = await self._answer(ticket, meaning, objection)
            self._close(ticket)
            if state.answer is not Answer.GONE:
                answered = AnsweredQuestion(
                    kind=question.kind,
                    step=question.step,
                    ticket=ticket,
                    answer=state.answer,
                    reason_problem=state.reason_problem,
                )
                self.state.answered.append(answered)
                self.progress.waiting_for("")
                return ticket, state

    def take_up(self, ticket: TicketRef, question: TicketQuestion) -> None:
        """A ticket that another run has made is this question's, and waited for here."""
        if self._asked(question) is None:
            self._opened(ticket, question)

    async def report(self, question: TicketQuestion, policy: Policy) -> TicketRef:
        """Make a ticket for which nobody waits."""
        return await self._open(question, policy, self.progress.ticket_recorded)

    async def _ask(self, question: TicketQuestion, policy: Policy) -> TicketRef:
        return await self._open(question, policy, partial(self._opened, question=question))

    def _opened(self, ticket: TicketRef, question: TicketQuestion) -> None:
        self.state.open.append(OpenQuestion(kind=question.kind, step=question.step, ticket=ticket))
        self.progress.ticket_opened(ticket)

    def _asked(self, question: TicketQuestion) -> TicketRef | None:
        """The ticket of this very question, if an earlier run of the chain has asked it and waits no more."""
        same = (each.ticket for each in self.state.open if (each.kind, each.step) == (question.kind, question.step))
        return next(same, None)

    def _close(self, ticket: TicketRef) -> None:
        self.state.open = [each for each in self.state.open if each.ticket != ticket]
        self.progress.ticket_closed(ticket)

    async def _open(self, question: TicketQuestion, policy: Policy, created: Callable[[TicketRef], None]) -> TicketRef:
        self.state.attempts += 1
        label = question.label or question_key(LABEL_PREFIX, f"{question.kind}|{question.step}", self.state.attempts)
        return await create_once(
            TicketActivities.open_ticket,
            TicketActivities.find_ticket,
            question.model_copy(update={"label": label, "attempt": self.state.attempts}),
            created=created,
            index_lag=policy.ticket_index_lag,
            summary=f"{question.kind} ticket, {question.step}",
            on_trouble=self.progress.trouble,
            left=self._unclear.append,
        )

    async def recheck(self) -> dict[str, str]:
        """Read every open ticket now, and let the run read it too. Returns what was seen, by ticket key."""
        tickets = list(self.progress.state.open_tickets)
        states = await asyncio.gather(*(self._read(ticket) for ticket in tickets))
        self._hints.update(ticket.label for ticket in tickets)
        return {t.key: f"{s.answer} (status {s.status or '?'})" for t, s in zip(tickets, states, strict=True)}

    async def withdraw(self, reason: str) -> None:
        """Close the open tickets, in a run from before clean-ups were made in parts."""
        if tickets := list(self.progress.state.open_tickets):
            withdrawal = Withdrawal(tickets=tickets, reason=reason)
            await call(TicketActivities.withdraw_tickets, withdrawal, summary="withdraw the open tickets")
            for ticket in tickets:
                self._close(ticket)

    def to_withdraw(self, why: str) -> list[Part]:
        """What of a clean-up is about tickets: each that is open, and one that may have been made."""
        known: list[Part] = [
            (f"withdraw {ticket.key}", partial(self._withdraw, ticket, why))
            for ticket in self.progress.state.open_tickets
        ]
        unclear: list[Part] = [
            (f"look for a ticket that may have been made ({end.request.label})", partial(self._tie, end, why))
            for end in self._unclear
        ]
        return known + unclear

    async def _tie(self, end: LooseEnd[TicketRef], why: str, call: Call) -> None:
        ticket = await end.tie(call)
        if ticket in self.progress.state.open_tickets:  # else one that nobody was to answer
            await self._withdraw(ticket, why, call)

    async def _withdraw(self, ticket: TicketRef, why: str, call: Call) -> None:
        """Close a ticket in a way that means neither yes nor no. Where nobody could be told, the sweep tries again."""
        withdrawal = TicketWithdrawal(ticket=ticket, reason=why)
        withdrawn = await call(TicketActivities.withdraw_ticket, withdrawal, summary=f"withdraw {ticket.key}")
        if withdrawn.left_open:
            self.progress.warn([truncate(f"{ticket.key} stays open. {withdrawn.left_open}", 300)])
        if withdrawn.told:
            self._close(ticket)

    async def _answer(self, ticket: TicketRef, asked: str, objection: Objection) -> TicketState:
        while True:
            self._hints.discard(ticket.label)
            state = await self._read(ticket)
            problem = _problem(state, objection)
            if problem is None and state.answer in FINAL_ANSWERS:
                return state
            if problem is not None and self._is_news(ticket, problem):
                await self._remark(ticket, problem)
                continue  # the remark changed the ticket, and somebody may have, too
            self.progress.ticket_read(ticket, state)
            self.progress.waiting_for(f"an answer to [{ticket.key}]({ticket.url}): {plain(problem or asked)}")
            await workflow.wait_condition(lambda: ticket.label in self._hints or self._handover.due)
            if self._handover.due:
                await self._handover.take()

    async def _read(self, ticket: TicketRef) -> TicketState:
        return await call(TicketActivities.read_ticket, ticket, summary=f"read {ticket.key}")

    def _is_news(self, ticket: TicketRef, text: str) -> bool:
        return _event(ticket, text) not in self.state.remarks

    async def _remark(self, ticket: TicketRef, text: str) -> None:
        """Say on the ticket what is missing, once."""
        event = _event(ticket, text)
        self.state.remarks.append(event)
        remark = Remark(ticket=ticket, event_id=event, text=text)
        await call(TicketActivities.remark, remark, summary=f"comment on {ticket.key}")


def _event(ticket: TicketRef, text: str) -> str:
    return hashlib.sha256(f"{ticket.label}|{text}".encode()).hexdigest()[:16]


def _problem(state: TicketState, objection: Objection) -> str | None:
    if state.answer is Answer.UNDECIDED:
        closed_as = f"status {state.status!r}" + (f", resolution {state.resolution!r}" if state.resolution else "")
        said = f"This ticket is closed ({closed_as}) in a way that means neither yes nor no, so nothing was decided."
        return f"{said} {state.answer_problem}" if state.answer_problem else said
    return objection(state) if state.answer is Answer.APPROVED else None
