"""Tickets in Jira, Cloud and Data Center, through the ``jira`` package and REST v2."""

import logging
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from mlc.model.failure import NotFound, Refused, Unavailable
from mlc.model.open_tickets import is_label
from mlc.model.ticket import Answer, TicketKind, TicketRef, TicketState
from mlc.ticketing import http_failure
from mlc.ticketing.event_mark import EVENT_MARK, is_ours
from mlc.ticketing.expiration import check_zone
from mlc.ticketing.jira import wiki
from mlc.ticketing.jira.answer import answer_of, is_withdrawn, least_misleading, state_of
from mlc.ticketing.jira.decision import decision_of, reason_of
from mlc.ticketing.jira.edits import User
from mlc.ticketing.jira.lenient import moment
from mlc.ticketing.jira.reader import JiraReader
from mlc.ticketing.jira.session import SYSTEM, JiraSession
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import AttachedIssue, Created, Issue, SeenProject, Transition, Transitions, Written
from mlc.ticketing.port import Attachment, ChangedTicket, TicketRequest, Wording, withdrawal_text
from mlc.ticketing.text import one_line, printable

PROPERTY = "gov.ticket"
"""Entity property that tells our tickets from people's clones of them, which carry the same labels."""
MANAGED_LABEL = "gov-managed"
BATCH = 100
"""Labels in one search: a few kilobytes of an address, of which servers take eight."""
LONGEST_SPAN = 9_999
"""Minutes that are written as minutes."""
MOST_FOUND = 5
LONGEST_LABEL = LONGEST_GLOBAL_ID = 255

_log = logging.getLogger(__name__)
_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,255}")


class JiraTicketing:
    """The :class:`~mlc.ticketing.port.Ticketing` port over Jira.

    Args:
        clock: the time by which expiration dates are past, aware.

    Raises:
        Refused: a setting is missing or wrong.
    """

    provider = "jira"

    def __init__(self, settings: JiraSettings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        check_zone(SYSTEM, "MLC_JIRA_TIME_ZONE", settings.time_zone)
        self._settings = settings
        self._clock = clock
        self._jira = JiraSession(settings)
        self._reader = JiraReader(self._jira, settings)
        self._browse = (settings.browse_url or settings.url or "").rstrip("/")

    def check(self) -> str:
        """Make sure that the account can see the project; tells who it is and where expiration dates come from."""
        name = self._jira.get("tell who we are", "myself", User.model_validate).display_name or "?"
        self._see_project()
        field = self._reader.expiration_field() or "no such field, so approvals last a year"
        return f"{name} in project {self._settings.project}; {self._settings.expiration_field}: {field}"

    def wording(self, kind: TicketKind) -> Wording:
        yes, no = " or ".join(self._settings.approved_statuses), " or ".join(self._settings.rejected_statuses)
        if kind is TicketKind.REVIEW:
            how = f"Move this ticket to {yes} to approve it, to {no} to reject it."
        else:
            how = "Move this ticket to one of these statuses:"
        dated = kind is TicketKind.REVIEW and self._reader.expiration_field()
        field = self._settings.expiration_field if dated else None
        return Wording(yes=yes, no=no, how=how, expiration_field=field, shows_links=True)

    def find(self, label: str) -> list[TicketRef]:
        ours: list[TicketRef] = []
        for issue in self._reader.search(f'labels = "{_safe(label)}" ORDER BY created ASC'):
            if self._reader.property(issue.id, PROPERTY).get("label") == label:
                ours.append(self._ref(issue.id, issue.key, label))
            if len(ours) == MOST_FOUND:
                break
        return ours

    def create(self, request: TicketRequest) -> TicketRef:
        labels = [_safe(request.label), MANAGED_LABEL, *(_label(text) for text in request.labels)]
        body = {
            "fields": {
                "project": {"key": self._settings.project},
                "issuetype": {"name": self._settings.issue_type},
                "summary": one_line(request.summary) or request.label,
                "description": wiki.render(request.body),
                "labels": list(dict.fromkeys(label for label in labels if label)),
            },
            "properties": [
                {"key": PROPERTY, "value": request.properties | {"label": request.label, "kind": request.kind}}
            ],
        }
        created = self._jira.post("create a ticket", "issue", body, Created.model_validate)
        return self._ref(created.id, created.key, request.label)

    def get(self, ref: TicketRef) -> TicketState:
        try:
            issue = self._reader.issue(ref.id, expand="changelog")
        except NotFound:
            # Jira answers the same to an account that lost its rights, and then nothing is known about the ticket.
            self._see_project()
            return TicketState(answer=Answer.GONE)
        state = self._state(issue)
        histories = None if state.answer is Answer.PENDING else self._reader.histories(issue)
        decision = decision_of(issue, histories, self._settings) if histories else None
        if decision is None:
            return state
        by = decision.author.shown() if decision.author else None
        reason = reason_of(decision, self._reader.comments(ref.id))
        return state.model_copy(update={"decided_by": by, "decided_at": decision.created, "reason": reason})

    def get_many(self, refs: Sequence[TicketRef]) -> dict[str, TicketState]:
        label_of = {name: ref.label for ref in refs for name in (ref.id, ref.key)}
        labels = list(dict.fromkeys(_safe(ref.label) for ref in refs))
        states: dict[str, TicketState] = {}
        for start in range(0, len(labels), BATCH):
            listed = ", ".join(f'"{label}"' for label in labels[start : start + BATCH])
            for issue in self._reader.search(f"labels in ({listed})", left_out=_warn):
                # By id or key, not by label: people's clones of a ticket carry its labels too.
                label = label_of.get(issue.id) or label_of.get(issue.key)
                if label:
                    states[label] = self._state(issue)
        return states

    def changed(self, minutes: int, most: int) -> list[ChangedTicket]:
        # A span, not a time: Jira reads times in the zone that the account has chosen, and to the minute.
        span = f"-{minutes}m" if minutes <= LONGEST_SPAN else f"-{-(-minutes // (24 * 60))}d"
        jql = f'labels = "{MANAGED_LABEL}" AND updated >= {span} ORDER BY updated ASC'
        found: list[ChangedTicket] = []
        for issue in self._reader.search(jql, "labels", left_out=_warn):
            label = next((label for label in issue.fields.labels if is_label(label)), None)
            if label is not None:
                ref, at = self._ref(issue.id, issue.key, label), moment(issue.fields.updated)
                found.append(ChangedTicket(ref=ref, state=self._state(issue), updated=at))
            if len(found) == most:
                break
        return found

    def properties(self, ref: TicketRef) -> dict[str, str]:
        kept = self._reader.property(ref.id, PROPERTY)
        return {printable(name): printable(value) for name, value in kept.items() if isinstance(value, str)}

    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        mark = EVENT_MARK + _safe(event_id)
        if any(is_ours(comment.body, event_id) for comment in self._reader.comments(ref.id)):
            return
        body = {"body": f"{wiki.escape(text)[: wiki.LONGEST_DESCRIPTION]}\n\n{mark}"}
        self._jira.post(f"comment on {ref.key}", f"issue/{ref.id}/comment", body, Written.model_validate)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        doing = f"read the attachments of {ref.key}"
        issue = self._jira.get(doing, f"issue/{ref.id}", AttachedIssue.model_validate, fields="attachment")
        if any(attached.filename == attachment.name for attached in issue.fields.attachment):
            return
        doing, path = f"attach a file to {ref.key}", f"issue/{ref.id}/attachments"
        self._jira.upload(doing, path, attachment, Written.model_validate)

    def link(self, ref: TicketRef, global_id: str, url: str, title: str) -> None:
        body = {"globalId": global_id[:LONGEST_GLOBAL_ID], "object": {"url": url, "title": one_line(title)}}
        self._jira.post(f"put a link on {ref.key}", f"issue/{ref.id}/remotelink", body, Written.model_validate)

    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        refused: Refused | None = None
        try:
            http_failure.despite_conflict(partial(self.comment, ref, event_id, withdrawal_text(reason)))
        except Refused as error:  # NotFound, too: whether the ticket is gone it says itself
            refused = error
        try:
            if not self._is_open(ref):
                return None
            kept = self._move_away(ref)
            if not self._is_open(ref):  # somebody may have been quicker
                return None
        except NotFound:
            return self._gone(ref)
        if refused is not None:
            raise refused
        return kept or f"{SYSTEM} says that {ref.key} was withdrawn, and it is open all the same"

    def _is_open(self, ref: TicketRef) -> bool:
        return self._state(self._reader.issue(ref.id)).answer is Answer.PENDING

    def _gone(self, ref: TicketRef) -> str | None:
        """A ticket that is not there has been withdrawn, unless the account has lost the right to see any."""
        try:
            self._see_project()
        except Refused as error:
            return f"{ref.key} can't be found, and its project can't be seen either. {error}"
        return None

    def _move_away(self, ref: TicketRef) -> str:
        """Try the ways that withdraw a ticket. Why none of them leads there; empty if one did.

        Raises:
            Unavailable: none did, and one may on another day.
        """
        doing, path = f"withdraw {ref.key}", f"issue/{ref.id}/transitions"
        kept = f"From where {ref.key} is, no transition leads to {' or '.join(self._settings.withdrawn_statuses)}"
        try:
            offered = self._jira.get(doing, path, Transitions.model_validate, expand="transitions.fields").transitions
        except Refused as error:
            return str(error)
        outage: Unavailable | None = None
        for transition in filter(self._withdraws, offered):
            fields = self._required(transition)
            if isinstance(fields, str):
                kept = f"{ref.key} can't be moved to {transition.to.name}, which asks for {fields}"
                continue
            body = {"transition": {"id": transition.id}, "fields": fields}
            try:
                http_failure.despite_conflict(partial(self._jira.post, doing, path, body, Written.model_validate))
            except Refused as error:
                kept = str(error)
            except Unavailable as error:
                if error.status is not None:  # it says "later" to whatever is asked
                    raise
                outage = error
            else:
                return ""
        if outage is not None:
            raise outage
        return kept

    def _withdraws(self, transition: Transition) -> bool:
        status = transition.to
        return is_withdrawn(status, self._settings) and answer_of(status, "", self._settings) is Answer.UNDECIDED

    def _required(self, transition: Transition) -> dict[str, dict[str, str]] | str:
        """The fields to send with a transition; or what a field is called that is not ours to fill in."""
        fields: dict[str, dict[str, str]] = {}
        for name, field in transition.fields.items():
            # A resolution that comes by itself may say the worst: "Done".
            if not field.required or (field.has_default_value and name != "resolution"):
                continue
            resolution = least_misleading(field.resolutions() if name == "resolution" else [], self._settings)
            if resolution is None and field.has_default_value:
                continue
            if resolution is None:
                return field.name or name
            fields[name] = {part: text for part, text in resolution if text}
        return fields

    def _state(self, issue: Issue) -> TicketState:
        return state_of(issue, self._reader.expiration_field(), self._settings, self._clock())

    def _see_project(self) -> None:
        project = self._settings.project
        self._jira.get(f"show the project {project}", f"project/{project}", SeenProject.model_validate)

    def _ref(self, issue_id: str, key: str, label: str) -> TicketRef:
        return TicketRef(provider=self.provider, id=issue_id, key=key, url=f"{self._browse}/browse/{key}", label=label)


def _warn(keys: Sequence[str]) -> None:
    _log.warning("%s can't be read as a search has it, and is left out of what changed.", ", ".join(keys))


def _safe(text: str) -> str:
    """A label or event id, which goes into queries and marks: it must not be able to end one."""
    if not _SAFE.fullmatch(text):
        raise Refused(SYSTEM, "A label or event id may hold letters, digits and _.:- only, at most 255", status=400)
    return text


def _label(text: str) -> str:
    return re.sub(r"\s+", "-", one_line(text, LONGEST_LABEL))
