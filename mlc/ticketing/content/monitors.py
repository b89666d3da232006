"""Monitors on a ticket: which ones will be added, which ones can't be, and what a yes then means."""

from mlc.model.monitor_plan import MonitorPlan, OnMissingMonitor
from mlc.model.processes import Phase
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.ticketing.port import Section


def tells_of_monitors(question: TicketQuestion) -> bool:
    """Whether a ticket says what becomes of the monitors."""
    failed = question.kind is TicketKind.ERROR and question.step == Phase.MONITORS
    return question.kind is TicketKind.REVIEW or failed or bool(question.without_monitors)


def monitors_section(question: TicketQuestion, plan: MonitorPlan | None) -> Section | None:
    """What becomes of each monitor; None on tickets that decide nothing about them."""
    told = question.without_monitors
    if not tells_of_monitors(question):
        return None
    if plan is None:
        unread = "The model centre could not be asked which monitors will be added, and which can't be."
        return Section(heading="Monitors", paragraphs=[unread, *_meaning(question, told)])
    lacking = {name: f"Can't be added: {why}." for name, why in plan.lacking.items()}
    lacking |= {name: "Could not be added when the process looked." for name in told if name not in lacking}
    facts = [
        *((name, "Will be added.") for name in plan.add if name not in lacking),
        *((name, "Is there already.") for name in plan.there if name not in lacking),
        *lacking.items(),
    ]
    return Section(heading="Monitors", facts=facts, paragraphs=[*plan.warnings, *_meaning(question, list(lacking))])


def _meaning(question: TicketQuestion, lacking: list[str]) -> list[str]:
    """What an approval means where some can't be added."""
    if question.kind is not TicketKind.REVIEW or not lacking:
        return []
    if question.without_monitors:
        return [
            f"An approval also says that the model is deployed without {' and '.join(question.without_monitors)}. "
            "If another one is missing by then, that is asked by a ticket of its own."
        ]
    if question.on_missing_monitor is OnMissingMonitor.WARN:
        return ["An approval deploys the model without those that can't be added; the run's result will say so."]
    if question.on_missing_monitor is OnMissingMonitor.ASK:
        return ["Once this is approved, a ticket will ask whether to go on without those that can't be added."]
    return [
        "As long as one can't be added, the process does not go on after an approval: an error ticket will say so. "
        "Put right what is missing first."
    ]
