"""A monitor that raises an alarm: what a verdict asks to be done, and an alarm that goes on from result to result."""

from datetime import date

from mlc.model.base import OpenEnum, Record
from mlc.model.open_tickets import LABEL_PREFIX, mint
from mlc.model.ticket_ref import TicketRef
from mlc.model.verdict import RuleOutcome, Verdict


class Action(OpenEnum):
    """What a rule of a monitor's decision table asks to be done when it matches, by its output ``action``."""

    NOTIFY = "notify"
    """A notification."""
    TICKET = "ticket"
    """A ticket in the ticket system that is set up, by whichever one's name the table calls it."""
    UNDEPLOY = "undeploy"
    """The snapshot is to be taken out of use; a ticket asks first, unless a setting says otherwise."""
    UNKNOWN = "unknown"
    """As ``TICKET``."""


_WORDS = {
    "none": None,
    "notify": Action.NOTIFY,
    "jira": Action.TICKET,
    "servicenow": Action.TICKET,
    "ticket": Action.TICKET,
    "undeploy": Action.UNDEPLOY,
}
WORDS = "None, Notify, Jira or Undeploy"


def actions(verdict: Verdict) -> list[Action]:
    """What a verdict asks to be done, row by row, each once.

    A rule without an action asks for a ticket if it does not pass, and for nothing if it does. A word that is unknown
    asks for a ticket, and so does whatever keeps the tables from being trusted.
    """
    asked = {_action(rule) for rule in verdict.rules} | {Action.TICKET if verdict.problems else None}
    return [action for action in Action if action in asked]


def unknown_actions(verdict: Verdict) -> list[str]:
    """The words that no action is known by, each in a sentence."""
    unknown = {(rule.table, rule.rule, rule.action) for rule in verdict.rules if _word(rule) not in {"", *_WORDS}}
    return [
        f"{table}, rule {rule}: the action {word[:60]!r} is unknown, so a ticket is made. Write {WORDS}."
        for table, rule, word in sorted(unknown)
    ]


def _action(rule: RuleOutcome) -> Action | None:
    word = _word(rule)
    if not word:
        return Action.TICKET if rule.passes is False else None
    return _WORDS.get(word, Action.TICKET)


def _word(rule: RuleOutcome) -> str:
    return "".join(rule.action.split()).casefold()


class Breach(Record):
    """Results of a monitor that ask for a ticket, night after night: one question, and kept with each of them."""

    opened_by: str
    """Id of the test result with which it began."""
    undeploy: bool = False
    """Its ticket asks whether the snapshot is to be taken out of use."""
    ticket: TicketRef | None = None
    """None until it is known to be there; it is found by its label."""
    follows: TicketRef | None = None
    """The ticket before it, which was closed while the breach went on."""
    closed_on: date | None = None
    """When a person closed the ticket, if it is known."""
    over: bool = False
    """The last result was good again."""

    @property
    def is_asked(self) -> bool:
        """Whether its ticket is a question still, as far as is known."""
        return self.ticket is not None and self.closed_on is None and not self.over

    def label(self, snapshot_id: str, monitor: str) -> str:
        """Our label on its ticket, wherever and however often it is asked for."""
        purpose = f"breach|{monitor}|undeploy" if self.undeploy else f"breach|{monitor}"
        return mint(LABEL_PREFIX, snapshot_id, self.opened_by, purpose, 1)
