"""An address that leads elsewhere is said, with the one to set, and never followed: a POST would become a GET."""

from collections.abc import Iterator

import pytest

from mlc.model.failure import Misdirected
from mlc.model.finding import Mark
from tests.fuzz import tickets as fuzz
from tests.fuzz.answering import Answer, Site, answering, said
from tests.fuzz.ticket_answers import Recipe

STATUSES = [301, 302, 303, 307, 308]


@pytest.fixture
def site() -> Iterator[Site]:
    with answering() as running:
        yield running


def moved(site: Site, to: str, status: int = 301) -> None:
    """Whatever is asked is elsewhere, below ``to``; there, all is well."""
    routes = fuzz.SYSTEMS["jira cloud"].routes

    def answer(method: str, path: str) -> Answer:
        if path.startswith("/secure"):
            return Recipe().answer(routes, method, path.removeprefix("/secure"))
        return Answer(status, b"", (("Location", f"{to}{path}"),))

    site.answer = answer


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("call", sorted(fuzz.CALLS.keys() - {"findings"}))
@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
def test_a_redirect_is_refused_with_the_address_to_set(site: Site, system: str, call: str, status: int) -> None:
    moved(site, "https://tickets.example.org/base", status)
    with pytest.raises(Misdirected) as caught:
        fuzz.CALLS[call](fuzz.SYSTEMS[system], site.url)
    assert caught.value.status == status
    assert caught.value.address == "https://tickets.example.org/base"
    assert "it redirects to https://tickets.example.org/base: set MLC_" in str(caught.value)
    assert len(site.requests) <= 2  # one that fails may look whether it matters
    assert all(line.split(" ")[1].startswith(("/rest/", "/api/", "/oauth")) for line in site.requests)
    fuzz.told(caught.value)


@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_within_the_site_is_not_followed_either(site: Site, status: int) -> None:
    moved(site, "/secure", status)
    with pytest.raises(Misdirected) as caught:
        fuzz.SYSTEMS["jira cloud"].adapter(site.url).create(fuzz.QUESTION)
    assert caught.value.address == f"{site.url}/secure"
    assert str(caught.value).endswith("set MLC_JIRA_URL to that, or to the same with https if that answers")
    assert site.requests == ["POST /rest/api/2/issue"]


@pytest.mark.parametrize(
    ("location", "says"),
    [
        (
            "https://sso.example.org/login;jsessionid=1?back=secret",
            "redirects to https://sso.example.org/login: is MLC_",
        ),
        ("http://u:secret@sso.example.org/x", "redirects to http://sso.example.org/x"),
        ("http://[::1", "redirects to an unreadable address"),
        ("javascript:secret", "redirects to an unreadable address"),
        ("", "redirects to nowhere"),
        ("/login.jsp", "/login.jsp: is MLC_"),
    ],
)
@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
def test_a_redirect_to_something_else_names_no_address_to_set(
    site: Site, system: str, location: str, says: str
) -> None:
    site.answer = lambda *_: Answer(302, b"", (("Location", location),))
    with pytest.raises(Misdirected) as caught:
        fuzz.SYSTEMS[system].adapter(site.url).get(fuzz.SYSTEMS[system].ref)
    assert caught.value.address is None
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_redirect_from_http_to_https_is_told_even_if_it_leads_to_a_page(site: Site) -> None:
    site.answer = lambda *_: Answer(301, b"", (("Location", "https://127.0.0.1/login"),))
    with pytest.raises(Misdirected) as caught:
        fuzz.SYSTEMS["jira cloud"].adapter(f"{site.url}/jira").get(fuzz.SYSTEMS["jira cloud"].ref)
    assert caught.value.address == "https://127.0.0.1/jira"


@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
@pytest.mark.parametrize("to", ["https://tickets.example.org", "/secure"])
def test_the_check_says_which_address_to_set_and_nothing_else(site: Site, system: str, to: str) -> None:
    moved(site, to)
    place = to if to.startswith("https") else site.url + to
    findings = fuzz.SYSTEMS[system].findings(site.url)
    assert [finding.mark for finding in findings] == [Mark.WRONG]
    assert f"it redirects to {place}: set MLC_" in findings[0].remedy


def test_an_answer_that_is_no_redirect_is_none(site: Site) -> None:
    site.answer = lambda *_: said({"message": "not modified"}, 304)
    with pytest.raises(Misdirected, match="304"):
        fuzz.SYSTEMS["jira cloud"].adapter(site.url).get(fuzz.SYSTEMS["jira cloud"].ref)
