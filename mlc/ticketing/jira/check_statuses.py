"""Which statuses of a Jira project answer our questions, and whether a ticket can come to them."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import TypeAdapter

from mlc.model.finding import Finding, good, listed, unchecked, warning, wrong
from mlc.model.ticket import Answer
from mlc.ticketing.jira.adapter import MANAGED_LABEL
from mlc.ticketing.jira.answer import answer_of, is_withdrawn
from mlc.ticketing.jira.lenient import usable
from mlc.ticketing.jira.reader import JiraReader
from mlc.ticketing.jira.session import JiraSession
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import IssueType, Project, Resolution, Status, Transitions
from mlc.ticketing.names import folded

MEANS = {Answer.APPROVED: "yes", Answer.REJECTED: "no"}
SETTING = {Answer.APPROVED: "MLC_JIRA_APPROVED_STATUSES", Answer.REJECTED: "MLC_JIRA_REJECTED_STATUSES"}
OPEN = "2, 4"
"""Ids of Jira's fixed status categories To Do and In Progress, whose names depend on the site's language."""

_types = TypeAdapter(list[IssueType]).validate_python
_resolutions = TypeAdapter(Annotated[list[Resolution], usable(Resolution)]).validate_python


def check_statuses(jira: JiraSession, settings: JiraSettings) -> Iterator[Finding]:
    """Findings about the statuses of our issue type, by the same mapping as the processes use."""
    types = jira.get("list its statuses", f"project/{settings.project}/statuses", _types)
    wanted = folded(settings.issue_type)
    statuses = next((kind.statuses for kind in types if folded(kind.name) == wanted), None)
    if statuses is None:
        yield unchecked("Statuses", f"the project has none for the issue type {settings.issue_type}.")
        return
    for answer in MEANS:
        yield _answering(jira, settings, statuses, answer)
    neutral = [
        status.name
        for status in statuses
        if is_withdrawn(status, settings) and answer_of(status, "", settings) is Answer.UNDECIDED
    ]
    if neutral:
        yield good(f"Statuses that mean withdrawn: {listed(neutral)}")
    else:
        yield warning(
            "No status means withdrawn",
            "tickets that nobody needs answered stay open, with a comment; add one, or set "
            f"MLC_JIRA_WITHDRAWN_STATUSES to one of: {_names(statuses)}.",
        )
    yield from _decided_by_resolution(jira, settings, statuses)
    yield _transitions(jira, settings)


def _decided_by_resolution(jira: JiraSession, settings: JiraSettings, statuses: list[Status]) -> Iterator[Finding]:
    """Closed statuses on no list: what they mean hangs on the resolution, where a person sets it."""
    unknown = [
        status
        for status in statuses
        if answer_of(status, "", settings) is Answer.UNDECIDED and not is_withdrawn(status, settings)
    ]
    if not unknown:
        return
    project = jira.get("show the project", f"project/{settings.project}", Project.model_validate)
    means = "a ticket there is no answer" if project.simplified else "there the resolution alone decides, be it yes"
    yield warning(
        f"Closed statuses on no list: {listed([f'{status.name} ({status.id})' for status in unknown])}",
        f"{means}; put each into MLC_JIRA_APPROVED_STATUSES, MLC_JIRA_REJECTED_STATUSES or "
        "MLC_JIRA_WITHDRAWN_STATUSES.",
    )


def _answering(jira: JiraSession, settings: JiraSettings, statuses: list[Status], answer: Answer) -> Finding:
    meant = [status for status in statuses if answer_of(status, "", settings) is answer]
    if meant:
        return good(f"Statuses that mean {MEANS[answer]}: {_names(meant)}")
    by_resolution = [
        f"{status.name} as {resolution.name}"
        for resolution in jira.get("list its resolutions", "resolution", _resolutions)
        for status in statuses
        if answer_of(status, resolution.name, settings, resolution_id=resolution.id) is answer
    ]
    remedy = f"add one, or set {SETTING[answer]} to one of: {_names(statuses)}."
    if by_resolution:
        return warning(f"Only a resolution means {MEANS[answer]} ({listed(by_resolution)})", remedy)
    return wrong(f"No status of the project means {MEANS[answer]}", remedy)


def _transitions(jira: JiraSession, settings: JiraSettings) -> Finding:
    """Where a workflow leads is only told of a ticket, so an open one of ours is asked, if there is one."""
    open_ones = f'project = "{settings.project}" AND labels = "{MANAGED_LABEL}" AND statusCategory in ({OPEN})'
    issue = next(JiraReader(jira, settings).search(open_ones), None)
    if issue is None:
        return unchecked("Transitions to these statuses", "no ticket of ours is open; look again when one is.")
    path = f"issue/{issue.id}/transitions"
    offered = jira.get(f"list the transitions of {issue.key}", path, Transitions.model_validate).transitions
    leads_to = {answer_of(transition.to, "", settings) for transition in offered}
    lacking = [MEANS[answer] for answer in MEANS if answer not in leads_to]
    if not lacking:
        return good(f"From {issue.fields.status.name} ({issue.key}) transitions lead to both yes and no")
    reached = listed([transition.to.name for transition in offered])
    return warning(
        f"From {issue.fields.status.name} ({issue.key}) no transition leads straight to {' or '.join(lacking)}",
        f"it leads to: {reached}; make sure that reviewers can get there, and the account see it.",
    )


def _names(statuses: list[Status]) -> str:
    return listed([status.name for status in statuses])
