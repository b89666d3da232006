"""Listings end, and what is missing from one never passes for all there is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlc.model.failure import ExternalError, Refused
from mlc.model.ticket import TicketRef
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.adapter import ServiceNowTicketing
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from tests.fuzz.answering import Answer, Site, answering, said
from tests.fuzz.ticket_answers import FIELD, LABEL, OPEN, RECORD, SYS_ID, issue, row

REF = TicketRef(provider="jira", id="10001", key="MLR-7", url="", label=LABEL)
FEW = 12
"""Requests of a listing that doesn't end: some for what goes before it, some until that is seen."""


@pytest.fixture
def site() -> Iterator[Site]:
    with answering() as running:
        yield running


def jira(site: Site, page: Callable[[int], Any], deployment: str = "cloud") -> JiraTicketing:
    """A Jira whose searches are answered by a page's number, from 0."""
    asked = [0]

    def answer(method: str, path: str) -> Answer:
        if "/field" in path:
            return said([FIELD])
        if "/search" not in path:
            return said({"value": {}})
        asked[0] += 1
        return said(page(asked[0] - 1))

    site.answer = answer
    return JiraTicketing(JiraSettings.model_validate({"url": site.url, "deployment": deployment}))


def numbered(number: int) -> dict[str, Any]:
    return issue(OPEN) | {"id": str(20_000 + number), "key": f"MLR-{number}"}


ENDLESS = {
    "the same token again": (
        "cloud", lambda n: {"issues": [numbered(n)], "nextPageToken": "T", "isLast": False}, "same next page again"
    ),
    "two tokens by turns": (
        "cloud", lambda n: {"issues": [numbered(n)], "nextPageToken": f"T{n % 2}"}, "same next page again"
    ),
    "a last page with a token": (
        "cloud", lambda n: {"issues": [numbered(n)], "nextPageToken": f"T{n}", "isLast": True}, "page after the last"
    ),
    "no last page, and no token": (
        "cloud", lambda n: {"issues": [numbered(n)], "isLast": False}, "no page after this"
    ),
    "new tokens and nothing new": (
        "cloud", lambda n: {"issues": [numbered(0)], "nextPageToken": f"T{n}"}, "same page again"
    ),
    "new tokens and nothing at all": (
        "cloud", lambda n: {"issues": [], "nextPageToken": f"T{n}", "isLast": False}, "empty page"
    ),
    "a total that is never reached": (
        "server", lambda n: {"issues": [numbered(n)] if n < 3 else [], "total": 9}, "counted 9 and sent 3"
    ),
    "a start that is ignored": ("server", lambda n: {"issues": [numbered(0)], "total": 9}, "same page again"),
}  # fmt: skip


@pytest.mark.parametrize("call", ["find", "get_many", "changed"])
@pytest.mark.parametrize("kind", sorted(ENDLESS))
def test_a_search_that_does_not_end_ends_with_an_error_that_says_so(site: Site, kind: str, call: str) -> None:
    deployment, page, says = ENDLESS[kind]
    adapter = jira(site, page, deployment)
    calls: dict[str, Callable[[], object]] = {
        "find": lambda: adapter.find(LABEL),
        "get_many": lambda: adapter.get_many([REF]),
        "changed": lambda: adapter.changed(60, 500),
    }
    with pytest.raises(Refused, match=says) as caught:
        calls[call]()
    assert "search for our tickets" in str(caught.value)
    assert len(site.requests) <= FEW


def test_a_search_whose_pages_never_repeat_ends_as_well(site: Site) -> None:
    adapter = jira(site, lambda n: {"issues": [numbered(n)], "nextPageToken": f"T{n}"})
    with pytest.raises(Refused, match="no end within 100 pages"):
        adapter.get_many([REF])


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_a_search_of_several_pages_is_read_to_its_end(site: Site, deployment: str) -> None:
    def page(n: int) -> dict[str, Any]:
        more = {"nextPageToken": f"T{n}", "isLast": False} if n < 2 else {"isLast": True}
        return {"issues": [numbered(n)], "total": 3} | (more if deployment == "cloud" else {})

    refs = [REF.model_copy(update={"id": str(20_000 + n), "label": f"gov-{n:024x}"}) for n in range(3)]
    assert len(jira(site, page, deployment).get_many(refs)) == 3


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (
            lambda n: {"comments": [{"id": "1", "created": "2026-11-20T12:00:00Z", "body": "x"}], "total": 99},
            "same page",
        ),
        (lambda n: {"comments": [{"created": "2026-11-20T12:00:00Z", "body": "x"}], "total": 99}, "same page"),
        (lambda n: {"comments": [], "total": 99}, "counted 99 and sent 0|empty page"),
    ],
)
def test_comments_that_do_not_end_end_with_an_error(site: Site, page: Callable[[int], Any], says: str) -> None:
    site.answer = lambda method, path: said([FIELD] if "/field" in path else page(0))
    with pytest.raises(ExternalError, match=says):
        JiraTicketing(JiraSettings(url=site.url)).comment(REF, "event", "said")
    assert len(site.requests) <= FEW
    assert not any(line.startswith("POST") for line in site.requests)


def servicenow(site: Site, rows: Callable[[int], list[Any]], total: str) -> ServiceNowTicketing:
    asked = [0]

    def answer(method: str, path: str) -> Answer:
        asked[0] += 1
        return said({"result": rows(asked[0] - 1)}, X_Total_Count=total, Link="<http://127.0.0.1:1/next>;rel=next")

    site.answer = answer
    return ServiceNowTicketing(ServiceNowSettings(url=site.url, user="bot"))


def record(number: int) -> dict[str, Any]:
    return RECORD | row(sys_id=f"{number:032x}", number=f"CHG{number:07}")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (lambda n: [record(0)], "same page again"),
        (lambda n: [record(n)] if n < 2 else [], "empty page"),
        (lambda n: [record(n)], "no end within"),
    ],
)
def test_records_that_do_not_end_end_with_an_error(site: Site, rows: Callable[[int], list[Any]], says: str) -> None:
    adapter = servicenow(site, rows, "1000000000")
    with pytest.raises(Refused, match=says):
        adapter.find(LABEL)
    assert len(site.requests) <= 120


def test_records_of_several_pages_of_which_some_are_hidden_are_read_to_their_end(site: Site) -> None:
    ref = TicketRef(provider="servicenow", id=f"change_request:{SYS_ID}", key=f"CHG{2:07}", url="", label=LABEL)
    adapter = servicenow(site, lambda n: [record(n)] if n != 1 else [], "1400")
    assert set(adapter.get_many([ref])) == {LABEL}
    assert len(site.requests) == 3
