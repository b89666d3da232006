"""Who decided a Jira ticket, when and why: what its changelog and its comments tell for certain, or nothing."""

from collections.abc import Iterable

from mlc.model.ticket import Answer
from mlc.ticketing.event_mark import is_ours
from mlc.ticketing.jira.answer import answer_with
from mlc.ticketing.jira.edits import Change, Comment, History
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import Issue, Resolution
from mlc.ticketing.names import folded

FINAL = {Answer.APPROVED, Answer.REJECTED}


def decision_of(issue: Issue, histories: Iterable[History], settings: JiraSettings) -> History | None:
    """The edit that brought a ticket to the status in which it is, whoever completed its resolution afterwards.

    Args:
        histories: the whole changelog, in any order.

    Returns:
        None if the changelog doesn't tell: its last move leads elsewhere, or was one to another project or workflow,
        which only takes a status along; or somebody else has since made another answer of it, by another resolution.
    """
    edits = sorted(histories, key=lambda history: (history.created, history.number))
    moves = [n for n, edit in enumerate(edits) if edit.changes("status")]
    if not moves or not any(_leads_to(change, issue) for change in edits[moves[-1]].changes("status")):
        return None
    if edits[moves[-1]].takes_elsewhere():
        return None
    move, later = edits[moves[-1]], [edit for edit in edits[moves[-1] + 1 :] if edit.changes("resolution")]
    if not later:
        return move
    given = _before(later[0].changes("resolution")[0])
    first, completed = answer_with(issue, given, settings), given is None
    if first is answer_with(issue, issue.fields.resolution, settings) or (completed and first not in FINAL):
        return move
    mover = move.author.person() if move.author else None
    same = all(edit.author and edit.author.person() == mover for edit in later)
    return later[-1] if mover and same else None


def reason_of(decision: History, comments: Iterable[Comment]) -> str | None:
    """The decider's last comment, if they are somebody, and it is theirs as it stands, and not one of ours."""
    decider = decision.author.person() if decision.author else None
    said = [
        comment for comment in comments if decider and comment.written_by() == decider and not is_ours(comment.body)
    ]
    return max(said, key=lambda comment: comment.created).body.strip() or None if said else None


def _leads_to(change: Change, issue: Issue) -> bool:
    status = issue.fields.status
    if change.to is not None:
        return change.to == status.id
    return change.to_string is not None and folded(change.to_string) == folded(status.name)


def _before(change: Change) -> Resolution | None:
    if not change.from_ and not change.from_string:
        return None
    return Resolution(id=change.from_ or "", name=change.from_string or "")
