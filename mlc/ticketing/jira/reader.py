"""Reading from Jira: tickets, comments, searches, and which field holds the expiration date."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter

from mlc.model.failure import Misdirected, NotFound, Refused, Unavailable
from mlc.ticketing.jira.edits import Comment, Entry, History, Page
from mlc.ticketing.jira.lenient import usable
from mlc.ticketing.jira.session import SYSTEM, JiraSession
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import FieldMeta, Issue, Property, SearchPage
from mlc.ticketing.names import folded
from mlc.ticketing.paging import Paging

FIELDS_KEPT = 600.0
"""Seconds for which the site's list of fields is taken as known."""
_STATE = ["status", "resolution", "project", "updated"]
_PAGE = 100
_all_fields = TypeAdapter(Annotated[list[FieldMeta], usable(FieldMeta)]).validate_python
_FIELD_ID = re.compile(r"customfield_\d+", re.ASCII)


class JiraReader:
    """Every method raises ``mlc.model.failure``'s errors, nothing else."""

    def __init__(self, session: JiraSession, settings: JiraSettings) -> None:
        self._session = session
        self._settings = settings
        self._lock = threading.Lock()
        self._field: str | None = None
        self._field_read = float("-inf")

    def issue(self, issue_id: str, **params: str) -> Issue:
        """A ticket with what its state is told from, by id: not through the search index."""
        fields = ",".join(self._state_fields())
        return self._session.get(
            f"read the ticket {issue_id}", f"issue/{issue_id}", Issue.model_validate, fields=fields, **params
        )

    def property(self, issue_id: str, name: str) -> dict[str, Any]:
        """An entity property of a ticket; empty if it has none of that name, or is gone."""
        doing = f"read the ticket {issue_id}"
        try:
            return self._session.get(doing, f"issue/{issue_id}/properties/{name}", Property.model_validate).value
        except NotFound:
            return {}

    def comments(self, issue_id: str) -> Iterator[Comment]:
        """All comments of a ticket, page by page, the newest first where Jira can."""
        doing, path = f"read the comments of the ticket {issue_id}", f"issue/{issue_id}/comment"
        for page in self._pages(doing, path, Page[Comment].model_validate, orderBy="-created"):
            yield from page.listed

    def histories(self, issue: Issue) -> list[History] | None:
        """All that tells who brought a ticket where it is: the changelog that came with it, or else its pages.

        Returns:
            None if this Jira shows only a part of it.
        """
        came = issue.changelog
        if came is None:
            return None
        if came.is_whole() or _has_the_last_move(came):
            return came.listed
        doing, path = f"read the changes of the ticket {issue.key}", f"issue/{issue.id}/changelog"
        try:
            pages = list(self._pages(doing, path, Page[History].model_validate))
        except Misdirected:
            raise
        except Refused as error:  # Data Center has no such pages: it gives all with the ticket
            if error.status == 401:  # it does not know us, so that it tells nothing about what there is
                raise
            return None
        read = [edit for page in pages for edit in page.listed]
        return read if pages[-1].is_last or len(read) >= (pages[-1].total or 0) else None

    def search(self, jql: str, *more: str, left_out: Callable[[Sequence[str]], None] | None = None) -> Iterator[Issue]:
        """All tickets that match, page by page. Cloud has another address and another paging than Data Center.

        Args:
            more: fields beside those that a ticket's state is told from.
            left_out: told the keys of tickets that can't be read, which are then left out. Without it one of them is
                enough for an error: it may be the very one that is looked for.

        Raises:
            Refused: the pages contradict each other, or come to no end: what is missing must not pass for all there is.
        """
        cloud = self._settings.deployment == "cloud"
        path = "search/jql" if cloud else "search"
        fields = ",".join([*self._state_fields(), *more])
        params: dict[str, str | int] = {"jql": jql, "fields": fields, "maxResults": _PAGE}
        doing, start = "search for our tickets", 0
        paging = Paging(SYSTEM, doing)
        read = SearchPage.readable if left_out else SearchPage.model_validate
        while True:
            page = self._session.get(doing, path, read, **params)
            if left_out and page.unread:
                left_out(page.unread)
            yield from page.issues
            came = [*(issue.id for issue in page.issues), *page.unread]
            paging.came(came)
            start += len(came)
            if cloud:
                if page.is_last is not None and page.is_last is bool(page.next_page_token):
                    raise paging.broken("named a page after the last" if page.is_last else "named no page after this")
                if not page.next_page_token:
                    return
                paging.goes_on(page.next_page_token)
                params["nextPageToken"] = page.next_page_token
            else:
                if start >= (page.total or 0):
                    return
                if not came:
                    raise paging.broken(f"counted {page.total} and sent {start}")
                params["startAt"] = start

    def expiration_field(self) -> str | None:
        """Id of the expiration date's field, or None if Jira has no field of that name.

        Raises:
            Refused: several fields have it: taking one of them would be a guess about an approval.
        """
        wanted = self._settings.expiration_field
        if _FIELD_ID.fullmatch(wanted):
            return wanted
        with self._lock:
            if time.monotonic() - self._field_read > FIELDS_KEPT:
                self._field = date_field(self.fields(), wanted)
                self._field_read = time.monotonic()
            return self._field

    def fields(self) -> list[FieldMeta]:
        """The site's fields.

        Raises:
            Unavailable: it lists none. Every Jira has some, so nothing is known of them then.
        """
        listed = self._session.get("list its fields", "field", _all_fields)
        if not listed:
            raise Unavailable(SYSTEM, f"{SYSTEM} listed no field at all when asked to list its fields")
        return listed

    def _pages(self, doing: str, path: str, read: Callable[[Any], Page[Entry]], **params: str) -> Iterator[Page[Entry]]:
        """The pages of a list, each with what is new on it: what is added meanwhile makes them overlap.

        Raises:
            Unavailable: the list repeats itself.
            Refused: it comes to no end, or something that is counted doesn't come.
        """
        start, seen = 0, set[str]()
        paging = Paging(SYSTEM, doing)
        while True:
            page = self._session.get(doing, path, read, startAt=start, maxResults=_PAGE, **params)
            new = [entry for entry in page.listed if not entry.id or entry.id not in seen]
            if page.listed and not new:
                raise Unavailable(SYSTEM, f"{SYSTEM} sends the same page again and again when asked to {doing}")
            seen.update(entry.id for entry in new)
            yield page.model_copy(update={"listed": new})
            paging.came([entry.mark for entry in new])
            if not page.listed and start < (page.total or 0):
                raise paging.broken(f"counted {page.total} and sent {start}")
            if page.is_last_from(start):
                return
            start += len(page.listed)

    def _state_fields(self) -> Sequence[str]:
        field = self.expiration_field()
        return [*_STATE, field] if field else _STATE


def _has_the_last_move(page: Page[History]) -> bool:
    """Whether a first page has it for certain: it begins with the newest edit, as Cloud's do, and holds a move."""
    times = [edit.created for edit in page.listed]
    newest_first = len(times) > 1 and times == sorted(times, reverse=True) and times[0] > times[-1]
    return page.start_at == 0 and newest_first and any(edit.changes("status") for edit in page.listed)


def date_field(fields: Sequence[FieldMeta], wanted: str) -> str | None:
    """Id of the field that a setting means: by its id, or by a name that it has in any language.

    Of several fields of that name it is the one for dates, and of several of those the one that is written just so. A
    text field will do if it is the only one. Jira's own, such as its due date, will do where people made none.

    Raises:
        Refused: it could be several.
    """
    if any(field.id == wanted for field in fields):
        return wanted
    named = [field for field in fields if folded(wanted) in {folded(name) for name in _names(field)}]
    made = [field for field in named if field.custom]
    candidates = _dated(made) or made or _dated(named)
    if len(candidates) > 1:
        candidates = [field for field in candidates if wanted in _names(field)] or candidates
    if len(candidates) > 1:
        ids = ", ".join(field.id for field in candidates)
        raise Refused(
            SYSTEM,
            f'Jira has several fields "{wanted}" ({ids}): set MLC_JIRA_EXPIRATION_FIELD to the right id',
            status=409,
        )
    return candidates[0].id if candidates else None


def _dated(fields: Sequence[FieldMeta]) -> list[FieldMeta]:
    return [field for field in fields if field.value and field.value.type in {"date", "datetime"}]


def _names(field: FieldMeta) -> list[str]:
    """What a field is called: in the account's language, untranslated, and in queries (so on Data Center, too)."""
    return [name for name in (field.name, field.untranslated_name, *field.clause_names) if name]
