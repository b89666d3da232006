"""Where a run stands, in one object and shown in one place."""

import re
from collections.abc import Iterable
from enum import StrEnum

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from mlc.model import open_tickets
from mlc.model.attribute import Attribute
from mlc.model.processes import StepRecord, StepStatus
from mlc.model.snapshot import SnapshotSummary
from mlc.model.state import ProcessState
from mlc.model.ticket import Answer, TicketRef, TicketState

MODEL = SearchAttributeKey.for_keyword(Attribute.MODEL)
PHASE = SearchAttributeKey.for_keyword(Attribute.PHASE)
STAGE = SearchAttributeKey.for_keyword(Attribute.STAGE)
TICKETS = SearchAttributeKey.for_keyword_list(Attribute.TICKETS)

MARKS = {
    StepStatus.DONE: "✓",
    StepStatus.RUNNING: "▸",
    StepStatus.WAITING: "…",
    StepStatus.SKIPPED: "-",
    StepStatus.FAILED: "✗",
    StepStatus.REJECTED: "✗",
    StepStatus.UNKNOWN: "?",
}


class Progress:
    """Changes a run's state, and with it the search attributes and the details that people see.

    An upsert is an event in the history, so they are few: when the run starts, when it begins to wait in a phase, when
    a ticket opens, was read or closes, and at the end.
    """

    def __init__(self, state: ProcessState) -> None:
        self.whole = state
        self.state = state.status
        self._resuming: StrEnum | None = None
        self._awaited = self._cleaning = ""

    def of(self, snapshot: SnapshotSummary) -> None:
        """Say which model the run is about."""
        self._upsert(MODEL.value_set(_cut(snapshot.model_name)), STAGE.value_set(_cut(snapshot.stage)))

    def resume(self) -> None:
        """The state comes from an earlier run of the chain: phases before the one that it was in are done.

        Raises:
            RuntimeError: a newer release has handed over in a phase that this one doesn't know. That fails the workflow
                task, not the run: a worker of that release takes it.
        """
        if self.state.phase == "unknown":
            raise RuntimeError("This run is in a phase that only a newer release knows: a worker of that is needed.")
        self._resuming = self.state.phase
        self._show()

    def enter(self, phase: StrEnum) -> bool:
        """Begin a phase, or begin it again. False: an earlier run of the chain has done it."""
        if self._resuming is not None:
            if phase != self._resuming:
                return False
            self._resuming = None
            return True
        self._end(StepStatus.DONE)
        self.state.phase = phase
        self.state.steps.append(StepRecord(phase=phase, status=StepStatus.RUNNING, started=workflow.now()))
        self.waiting_for("")
        return True

    def is_past(self, phase: StrEnum) -> bool:
        """Whether an earlier run of the chain has got beyond a phase, and this one has not caught up yet."""
        phases = list(type(self.state.phase))
        return self._resuming is not None and phases.index(self._resuming) > phases.index(phase)

    def note(self, text: str) -> None:
        """Say what the current step found."""
        self._change_step(note=text)

    def warn(self, sentences: Iterable[str]) -> None:
        """What should be known of how the run went, each once."""
        warnings = self.state.result.warnings
        warnings += [sentence for sentence in sentences if sentence not in warnings]

    def skip(self, why: str) -> None:
        """The current phase has nothing to do."""
        self._change_step(note=why)
        self._end(StepStatus.SKIPPED)
        self._show()

    def failed(self, why: str) -> None:
        """The current step failed; nothing is waited for any more."""
        self._awaited, self.state.waiting_for = "", self._cleaning
        self._change_step(note=why[:300])
        self._end(StepStatus.FAILED)
        self._show()

    def rejected(self) -> None:
        """A person has stopped the run: the current step comes to no end of its own."""
        self._end(StepStatus.REJECTED)
        self._show()

    def waiting_for(self, what: str) -> None:
        """Say what the run waits for; nothing if it works. From then on the phase can be searched for."""
        self._awaited = what
        what = self.state.waiting_for = "; ".join(filter(None, [what, self._cleaning]))
        if what and self.whole.searchable != self.state.phase:
            self._upsert()
        self._change_step(status=StepStatus.WAITING if what else StepStatus.RUNNING)

    def trouble(self, what: str) -> None:
        """Say in somebody else's words what is being waited for."""
        self.waiting_for(plain(what)[:300])

    def cleaning_up(self, what: str) -> None:
        """Say what of a clean-up is not done yet, beside anything else that is waited for; nothing if all is."""
        self._cleaning = what
        self.waiting_for(self._awaited)

    def ticket_opened(self, ticket: TicketRef) -> None:
        """A ticket that the run waits for. From then on webhooks and the sweep find the run by it."""
        self.state.open_tickets.append(ticket)
        self.ticket_recorded(ticket)
        self._upsert()

    def ticket_recorded(self, ticket: TicketRef) -> None:
        """A ticket that was made."""
        self.state.result.tickets.append(ticket)

    def ticket_read(self, ticket: TicketRef, state: TicketState) -> None:
        """Remember a version that was read and is no answer, so that the sweep need not wake the run for it again.

        Of a ticket that is merely open it does not have to know: there is nothing to wake anybody for.
        """
        seen = self.whole.questions.seen
        if state.answer is not Answer.PENDING and seen.get(ticket.label) != state.version:
            seen[ticket.label] = state.version
            self._upsert()

    def ticket_closed(self, ticket: TicketRef) -> None:
        """The run no longer waits for this ticket."""
        self.state.open_tickets.remove(ticket)
        self.whole.questions.seen.pop(ticket.label, None)
        self._upsert()

    def finish(self) -> None:
        """The run is over."""
        self._end(StepStatus.DONE)
        self._upsert()
        self._show()

    def _change_step(self, *, note: str | None = None, status: StepStatus | None = None) -> None:
        if (step := self._open_step()) is not None:
            step.note, step.status = note or step.note, status or step.status
        self._show()

    def _end(self, status: StepStatus) -> None:
        if (step := self._open_step()) is not None:
            step.status, step.ended = status, workflow.now()

    def _open_step(self) -> StepRecord | None:
        steps = self.state.steps
        return steps[-1] if steps and steps[-1].ended is None else None

    def _upsert(self, *more: SearchAttributeUpdate[str]) -> None:
        self.whole.searchable = self.state.phase
        entries = open_tickets.encode(self.state.open_tickets, self.whole.questions.seen)
        workflow.upsert_search_attributes(
            [PHASE.value_set(self.state.phase), TICKETS.value_set(entries) if entries else TICKETS.value_unset(), *more]
        )

    def _show(self) -> None:
        workflow.set_current_details(self.details())

    def details(self) -> str:
        """The checklist that the Temporal UI shows, in markdown: what was done, what is awaited, what is to come."""
        model = self.whole.case.snapshot
        about = f"**{plain(model.model_name)}**, snapshot {plain(model.name)}, stage {plain(model.stage)}"
        title = about if model.model_name or model.name else ""
        lines = [title, ""] if title else []
        for step in self.state.steps:
            took = f" ({(step.ended - step.started).total_seconds():.0f} s)" if step.ended else ""
            note = f": {plain(step.note)}" if step.note else ""
            lines.append(f"- {MARKS[step.status]} {step.started:%Y-%m-%d %H:%M:%S} **{step.phase}**{took}{note}")
        if self.state.waiting_for:
            lines += ["", f"**Waiting for** {self.state.waiting_for}"]
        phases = [phase for phase in type(self.state.phase) if phase != "unknown"]
        if self.state.phase in phases and (to_come := phases[phases.index(self.state.phase) + 1 :]):
            lines += ["", f"To come: {', '.join(to_come)}"]
        if self.state.result.tickets:
            links = ", ".join(f"[{ticket.key}]({ticket.url})" for ticket in self.state.result.tickets)
            lines += ["", f"Tickets: {links}"]
        return "\n".join(lines)


def plain(text: str) -> str:
    """Text from outside, so that markdown shows it as it is."""
    return re.sub(r"([\\`*<>\[\]])", r"\\\1", " ".join(text.split()))


def _cut(value: str) -> str:
    return value[: open_tickets.LONGEST]
