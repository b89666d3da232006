"""What a Jira ticket means: its answer, and until when it counts."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from mlc.model.finding import listed
from mlc.model.ticket import Answer, TicketState
from mlc.ticketing.expiration import expiration
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import Issue, Resolution, Status
from mlc.ticketing.names import is_listed

AGAIN = "What can be done: reopen this ticket and answer it with one of these."
LANGUAGE = (
    "Names are compared as the language of our account shows them: if the settings are written in another one, "
    "MLC_JIRA_APPROVED_STATUSES, MLC_JIRA_APPROVED_RESOLUTIONS and their counterparts take ids, too."
)


def answer_of(
    status: Status, resolution: str, settings: JiraSettings, *, resolution_id: str = "", automatic: bool = False
) -> Answer:
    """Map status and resolution to an answer, by the settings' lists of names and ids.

    No beats yes. A status for withdrawn tickets never means yes, whatever resolution came with it. A status that means
    yes does so alone, or with a resolution that means yes, too. A ticket that is closed in a way no list knows is
    undecided, never approved.

    Args:
        automatic: the project sets the resolution of whatever is closed, as team-managed ones do: it can't make a yes
            of a status that no list knows.
    """
    closed = status.status_category.key == "done"
    approved = _is_one_of(status, settings.approved_statuses)
    says_yes = is_listed(settings.approved_resolutions, resolution, resolution_id)
    says_no = is_listed(settings.rejected_resolutions, resolution, resolution_id)
    if _is_one_of(status, settings.rejected_statuses) or ((approved or closed) and says_no):
        return Answer.REJECTED
    if _is_one_of(status, settings.withdrawn_statuses):
        return Answer.UNDECIDED
    if approved:
        return Answer.APPROVED if says_yes or not (resolution or resolution_id) else Answer.UNDECIDED
    named_like_a_no = is_listed(settings.rejected_resolutions, status.name)
    if closed and says_yes and not automatic and not named_like_a_no:
        return Answer.APPROVED
    return Answer.UNDECIDED if closed else Answer.PENDING


def least_misleading(allowed: Sequence[Resolution], settings: JiraSettings) -> Resolution | None:
    """The resolution for a ticket that is withdrawn: the first of the settings' list that is allowed.

    Else one that means neither yes nor no; else one that means no, since nothing comes of the ticket; only then yes.
    """
    wanted = settings.withdrawn_resolutions

    def rank(resolution: Resolution) -> int:
        known = resolution.name, resolution.id
        place = next((place for place, one in enumerate(wanted) if is_listed([one], *known)), None)
        if place is not None:
            return place
        if is_listed(settings.approved_resolutions, *known):
            return len(wanted) + 2
        return len(wanted) + is_listed(settings.rejected_resolutions, *known)

    return min((one for one in allowed if one.name or one.id), key=rank, default=None)


def state_of(issue: Issue, expiration_field: str | None, settings: JiraSettings, now: datetime) -> TicketState:
    """A ticket's state, without who decided it and why.

    Args:
        expiration_field: id of the expiration date's field; None if Jira has none.
        now: an aware time, to tell past dates by.
    """
    fields = issue.fields
    date, problem = expiration(
        (fields.model_extra or {}).get(expiration_field) if expiration_field else None,
        field=settings.expiration_field,
        zone=ZoneInfo(settings.time_zone),
        now=now,
    )
    answer = answer_with(issue, fields.resolution, settings)
    return TicketState(
        answer=answer,
        answer_problem=_problem(issue, settings) if answer is Answer.UNDECIDED else None,
        status=fields.status.name,
        resolution=fields.resolution.name if fields.resolution else "",
        version=f"{fields.updated} {fields.status.id}",
        expiration=date,
        expiration_problem=problem,
    )


def answer_with(issue: Issue, resolution: Resolution | None, settings: JiraSettings) -> Answer:
    """What a ticket means, in its status, with this resolution."""
    return answer_of(
        issue.fields.status,
        resolution.name if resolution else "",
        settings,
        resolution_id=resolution.id if resolution else "",
        automatic=bool(issue.fields.project and issue.fields.project.simplified),
    )


def is_withdrawn(status: Status, settings: JiraSettings) -> bool:
    """Whether a status is for tickets that nobody needs to answer any more."""
    return _is_one_of(status, settings.withdrawn_statuses)


def _problem(issue: Issue, settings: JiraSettings) -> str | None:
    """What it is about a closed ticket that no list knows; None for one that was withdrawn, which is clear."""
    status, resolution = issue.fields.status, issue.fields.resolution
    if is_withdrawn(status, settings):
        return None
    if resolution and _is_one_of(status, settings.approved_statuses):
        yes, no = listed(settings.approved_resolutions), listed(settings.rejected_resolutions)
        named = f"{resolution.name!r} (id {resolution.id})" if resolution.id else repr(resolution.name)
        what = f"Its status means yes, but its resolution {named} is on neither list: {yes} mean yes, {no} mean no."
    else:
        yes, no = listed(settings.approved_statuses), listed(settings.rejected_statuses)
        what = f"Its status {status.name!r} (id {status.id}) is on no list: {yes} mean yes, {no} mean no."
    return f"{what} {AGAIN} {LANGUAGE}"


def _is_one_of(status: Status, names: list[str]) -> bool:
    return is_listed(names, status.name, status.id)
