"""Reading from Jira: tickets, comments, searches, and which field holds the expiration date."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter

from mlc.model.failure import NotFound, Refused
from mlc.ticketing.jira.session import SYSTEM, JiraSession
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.wire import Comment, CommentPage, FieldMeta, Issue, Property, SearchPage, usable
from mlc.ticketing.paging import Paging

FIELDS_KEPT = 600.0
"""Seconds for which the site's list of fields is taken as known."""
_STATE = ["status", "resolution", "updated"]
_PAGE = 100
_all_fields = TypeAdapter(Annotated[list[FieldMeta], usable(FieldMeta)]).validate_python


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
        """All comments of a ticket, page by page, the newest first where Jira can.

        Raises:
            Refused: they come to no end, or some that are counted don't come.
        """
        doing, start = f"read the comments of the ticket {issue_id}", 0
        paging = Paging(SYSTEM, doing)
        while True:
            page = self._session.get(
                doing,
                f"issue/{issue_id}/comment",
                CommentPage.model_validate,
                startAt=start,
                maxResults=_PAGE,
                orderBy="-created",
            )
            yield from page.comments
            paging.came([comment.mark for comment in page.comments])
            start += len(page.comments)
            if start >= page.total:
                return
            if not page.comments:
                raise paging.broken(f"counted {page.total} and sent {start}")

    def search(self, jql: str, *more: str) -> Iterator[Issue]:
        """All tickets that match, page by page. Cloud has another address and another paging than Data Center.

        Args:
            more: fields beside those that a ticket's state is told from.

        Raises:
            Refused: the pages contradict each other, or come to no end: what is missing must not pass for all there is.
        """
        cloud = self._settings.deployment == "cloud"
        path = "search/jql" if cloud else "search"
        fields = ",".join([*self._state_fields(), *more])
        params: dict[str, str | int] = {"jql": jql, "fields": fields, "maxResults": _PAGE}
        doing, start = "search for our tickets", 0
        paging = Paging(SYSTEM, doing)
        while True:
            page = self._session.get(doing, path, SearchPage.model_validate, **params)
            yield from page.issues
            paging.came([issue.id for issue in page.issues])
            start += len(page.issues)
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
                if not page.issues:
                    raise paging.broken(f"counted {page.total} and sent {start}")
                params["startAt"] = start

    def expiration_field(self) -> str | None:
        """Id of the expiration date's field, or None if Jira has no field of that name.

        Raises:
            Refused: several fields have it: taking one of them would be a guess about an approval.
        """
        wanted = self._settings.expiration_field
        if re.fullmatch(r"customfield_\d+", wanted):
            return wanted
        with self._lock:
            if time.monotonic() - self._field_read > FIELDS_KEPT:
                self._field = only_date_field(self._session.get("list its fields", "field", _all_fields), wanted)
                self._field_read = time.monotonic()
            return self._field

    def _state_fields(self) -> Sequence[str]:
        field = self.expiration_field()
        return [*_STATE, field] if field else _STATE


def only_date_field(fields: list[FieldMeta], name: str) -> str | None:
    """Of the custom fields of this very name the only one for dates; a text field will do if it is the only one."""
    named = [field for field in fields if field.custom and field.name == name]
    dated = [field for field in named if field.value and field.value.type in {"date", "datetime"}]
    candidates = dated or named
    if len(candidates) > 1:
        ids = ", ".join(field.id for field in candidates)
        raise Refused(
            SYSTEM,
            f'Jira has several fields "{name}" ({ids}): set MLC_JIRA_EXPIRATION_FIELD to the right id',
            status=409,
        )
    return candidates[0].id if candidates else None
