"""What a Jira ticket means: its answer, who gave it, and until when."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from mlc.model.ticket import Answer, TicketState
from mlc.ticketing.event_mark import is_ours
from mlc.ticketing.expiration import expiration
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import Comment, History, Issue, Status


def answer_of(status: Status, resolution: str, settings: JiraSettings) -> Answer:
    """Map status and resolution to an answer, by the settings' lists (names in any case, or ids of statuses).

    No beats yes. A status for withdrawn tickets never means yes, whatever resolution came with it. A ticket that
    is closed in a way no list knows is undecided, never approved.
    """
    closed = status.status_category.key == "done"
    approved = _names(status, settings.approved_statuses)
    resolution_says_no = _in(resolution, settings.rejected_resolutions)
    if _names(status, settings.rejected_statuses) or ((approved or closed) and resolution_says_no):
        return Answer.REJECTED
    if _names(status, settings.withdrawn_statuses):
        return Answer.UNDECIDED
    if approved or (closed and _in(resolution, settings.approved_resolutions)):
        return Answer.APPROVED
    return Answer.UNDECIDED if closed else Answer.PENDING


def least_misleading(allowed: Sequence[str], settings: JiraSettings) -> str | None:
    """The resolution for a ticket that is withdrawn: the first of the settings' list that is allowed.

    Else one that means neither yes nor no; else one that means no, since nothing comes of the ticket; only then yes.
    """

    def rank(name: str) -> int:
        listed = settings.withdrawn_resolutions
        place = next((place for place, wanted in enumerate(listed) if _in(name, [wanted])), None)
        if place is not None:
            return place
        if _in(name, settings.approved_resolutions):
            return len(listed) + 2
        return len(listed) + _in(name, settings.rejected_resolutions)

    return min((name for name in allowed if name), key=rank, default=None)


def state_of(issue: Issue, expiration_field: str | None, settings: JiraSettings, now: datetime) -> TicketState:
    """A ticket's state, without who decided it and why.

    Args:
        expiration_field: id of the expiration date's field; None if Jira has none.
        now: an aware time, to tell past dates by.
    """
    fields = issue.fields
    resolution = fields.resolution.name if fields.resolution else ""
    date, problem = expiration(
        (fields.model_extra or {}).get(expiration_field) if expiration_field else None,
        field=settings.expiration_field,
        zone=ZoneInfo(settings.time_zone),
        now=now,
    )
    return TicketState(
        answer=answer_of(fields.status, resolution, settings),
        status=fields.status.name,
        resolution=resolution,
        version=f"{fields.updated} {fields.status.id}",
        expiration=date,
        expiration_problem=problem,
    )


def decision_of(issue: Issue) -> History | None:
    """The edit that brought the ticket where it is: the last one that changed its status or resolution."""
    edits = [h for h in issue.changelog.histories if any(c.field in {"status", "resolution"} for c in h.items)]
    return max(edits, key=lambda history: history.created, default=None)


def reason_of(decision: History, comments: list[Comment]) -> str | None:
    """The decider's last comment, if there is one that we did not write ourselves."""
    decider = decision.author.identity() if decision.author else None
    said = [
        comment
        for comment in comments
        if comment.author and comment.author.identity() == decider and decider and not is_ours(comment.body)
    ]
    return max(said, key=lambda comment: comment.created).body.strip() if said else None


def _names(status: Status, listed: list[str]) -> bool:
    return status.id in listed or _in(status.name, listed)


def _in(name: str, listed: list[str]) -> bool:
    return name.casefold() in {item.casefold() for item in listed}
