"""Whatever a ticket system answers becomes one of the port's errors, in the site's own words, with what to do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings
from tests.fuzz import tickets as fuzz
from tests.fuzz.answering import Answer, Site, answering, said
from tests.fuzz.ticket_answers import LABEL, TOKEN, Recipe

JIRA, SERVICENOW = "jira cloud", "servicenow"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with answering() as running:
        yield running


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(fuzz.examples)
def test_no_answer_makes_a_method_raise_anything_else(site: Site, example: tuple[str, str, list[Recipe]]) -> None:
    fuzz.tried(site, *example)


@pytest.mark.parametrize("call", sorted(fuzz.CALLS))
@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
def test_the_usual_answers_are_those_of_a_site_where_all_is_well(site: Site, system: str, call: str) -> None:
    assert fuzz.tried(site, system, call, [Recipe()]) == "done"


@pytest.mark.parametrize(
    ("recipe", "broken"),
    [
        (Recipe(status=400, body=(None,)), "says that nothing was done|is final"),
        (Recipe(status=200, body=(None,)), "there may be a ticket"),
    ],
)
def test_the_property_can_fail(site: Site, recipe: Recipe, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: Any) -> None:
        fuzz.SYSTEMS[JIRA].adapter(site.url).get_many([])
        with pytest.raises(ExternalError):
            fuzz.SYSTEMS[JIRA].adapter(site.url).create(fuzz.QUESTION)
        raise Unavailable("Jira", "no", maybe_done=recipe.status == 400)

    monkeypatch.setitem(fuzz.CALLS, "create", wrong)
    with pytest.raises(fuzz.BrokenPromiseError, match=broken):
        fuzz.tried(site, JIRA, "create", [recipe])


@pytest.mark.parametrize("leak", [f"a {TOKEN}", "\ud800", "two\nlines", "x" * 1_000])
def test_the_property_sees_what_must_not_be_in_an_error(leak: str) -> None:
    with pytest.raises((fuzz.BrokenPromiseError, UnicodeEncodeError)):
        fuzz.told(Unavailable("Jira", leak))


def refused(site: Site, system: str, answer: Answer, call: str = "create") -> ExternalError:
    """What a call raises when everything is answered in this way."""
    site.answer = lambda *_: answer
    with pytest.raises(ExternalError) as caught:
        fuzz.CALLS[call](fuzz.SYSTEMS[system], site.url)
    fuzz.told(caught.value)
    return caught.value


ANYTHING = (
    *(None, "bare", "", [], {}, 7, [None], {"errorMessages": None, "errors": None}, {"errorMessages": [None]}),
    *({"errorMessages": [None], "errors": {}}, {"errors": {"a": None}}, {"errors": [1, [2]]}, {"errorMessages": 3}),
    *({"error": None}, {"error": {"message": None, "detail": None}}, {"error": []}, {"message": {"a": 1}}),
)


@pytest.mark.parametrize("body", ANYTHING, ids=json.dumps)
@pytest.mark.parametrize("system", [JIRA, SERVICENOW])
def test_a_final_400_on_creation_is_final_whatever_its_body(site: Site, system: str, body: Any) -> None:
    error = refused(site, system, said(body, 400))
    assert isinstance(error, Refused)
    assert error.status == 400


@pytest.mark.parametrize("body", [*ANYTHING, b"\xff\xfe", b"<html>", b"[" * 100_000, b"1" * 5_000, b"\xef\xbb\xbf"])
@pytest.mark.parametrize("system", [JIRA, SERVICENOW])
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_success_that_says_nothing_of_a_ticket_leaves_its_creation_in_doubt(
    site: Site, system: str, status: int, body: Any
) -> None:
    error = refused(site, system, Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode()))
    assert isinstance(error, Unavailable)
    assert error.maybe_done


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"errorMessages": ["Field Assignee is required."], "errors": {}}, "Field Assignee is required."),
        (400, {"errorMessages": [], "errors": {"issuetype": "Specify a type"}}, "issuetype: Specify a type"),
        (400, {"errorMessages": "one text", "errors": ["another"]}, "one text another"),
        (400, {"errors": [{"message": "in an object"}]}, "in an object"),
        (400, {"error": {"message": "Operation Failed", "detail": "ACL"}}, "Operation Failed ACL"),
        (401, {"code": 401, "message": "Unauthorized; scope does not match"}, "scope does not match"),
        (401, {"error": "invalid_token", "error_description": "it has expired"}, "invalid_token it has expired"),
        (503, {"errorMessage": "Site temporarily unavailable", "code": "OTHER"}, "Site temporarily unavailable"),
        (500, {"error": {"message": "Transaction cancelled: maximum execution time exceeded"}}, "maximum execution"),
        (422, "bare text", "bare text"),
    ],
)
@pytest.mark.parametrize("system", [JIRA, SERVICENOW])
@pytest.mark.parametrize("call", ["create", "find", "get", "comment"])
def test_an_error_says_the_cause_as_the_site_words_it(
    site: Site, system: str, call: str, status: int, body: Any, words: str
) -> None:
    error = refused(site, system, said(body, status), call)
    assert words in str(error)
    assert isinstance(error, Unavailable if status >= 500 else Refused)


def test_a_plain_text_is_quoted_and_a_page_is_not(site: Site) -> None:
    plain = (("Content-Type", "text/plain;charset=UTF-8"),)
    assert "must be authenticated" in str(refused(site, JIRA, Answer(401, b"Client must be authenticated", plain)))
    for headers in (plain, (("Content-Type", "text/html"),)):
        error = refused(site, JIRA, Answer(401, b"<html><title>Unauthorized (401)</title></html>", headers))
        assert "title" not in str(error)


def test_a_token_of_too_few_scopes_is_told_which_it_needs(site: Site) -> None:
    error = refused(site, JIRA, said({"code": 401, "message": "Unauthorized; scope does not match"}, 401))
    assert "read:jira-work" in str(error)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("call", ["create", "get", "find", "comment", "close"])
def test_a_captcha_is_named_with_the_page_where_it_can_be_solved(site: Site, status: int, call: str) -> None:
    headers = (
        ("Content-Type", "text/html;charset=UTF-8"),
        ("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE; login-url=https://u:pw@jira.example.org/login.jsp?os=x"),
        ("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"),
    )
    error = refused(site, JIRA, Answer(status, b"<html><title>Forbidden (403)</title></html>", headers), call)
    assert isinstance(error, Refused)
    assert error.status == status
    assert "CAPTCHA_CHALLENGE" in str(error)
    assert "log in once as this account with a browser at https://jira.example.org/login.jsp, and solve" in str(error)
    assert "pw" not in str(error)


def test_a_login_that_is_denied_without_a_reason_may_be_a_captcha(site: Site) -> None:
    headers = (("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"),)
    assert "CAPTCHA" in str(refused(site, JIRA, Answer(403, b"", headers), "get"))


@pytest.mark.parametrize("call", ["find", "get", "get_many", "changed", "create", "comment"])
def test_half_a_result_beside_an_error_is_an_outage_that_says_why(site: Site, call: str) -> None:
    text = "Transaction cancelled: maximum execution time exceeded"
    error = refused(site, SERVICENOW, said({"result": [], "error": {"message": text}, "status": "failure"}), call)
    assert isinstance(error, Unavailable)
    assert text in str(error)
    assert error.maybe_done is (call == "create")


@pytest.mark.parametrize("system", [JIRA, SERVICENOW])
def test_an_echoed_secret_is_masked_in_every_form_and_the_message_is_short(site: Site, system: str) -> None:
    for text in (TOKEN, fuzz.BASIC, TOKEN[:9] + "\x00" + TOKEN[9:]):
        error = refused(site, system, said({"message": f"x {text} " + "y" * 5_000, "error": {"detail": text}}, 400))
        assert "***" in str(error)
        assert len(str(error)) < 420


@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
@pytest.mark.parametrize("call", ["create", "get", "find"])
def test_a_huge_answer_is_not_kept(site: Site, system: str, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlc.ticketing.transport.LARGEST", 100_000)
    huge = b'{"x": "' + b"y" * 300_000 + b'"}'
    assert isinstance(refused(site, system, Answer(200, huge), call), Unavailable)
    assert isinstance(refused(site, system, Answer(400, huge), call), Refused)


@pytest.mark.parametrize("wait", ["garbage", "-1", "1, 2", "Wed, 99 Foo 2026", "9" * 500, "٣"])
@pytest.mark.parametrize("system", [JIRA, SERVICENOW])
def test_a_wait_that_cannot_be_read_is_as_good_as_none(site: Site, system: str, wait: str) -> None:
    error = refused(site, system, Answer(429, b"", (("Retry-After", wait),)))
    assert isinstance(error, Unavailable)
    assert not error.maybe_done


@pytest.mark.parametrize("account", [{"token": "two\nlines"}, {"token": "ключ"}, {"user": "bot", "token": "ключ"}])
def test_an_account_that_cannot_be_sent_is_refused_before_anything_is(site: Site, account: dict[str, str]) -> None:
    site.requests.clear()
    with pytest.raises(Refused, match="can't be sent"):
        JiraTicketing(JiraSettings.model_validate({"url": site.url} | account)).create(fuzz.QUESTION)
    assert site.requests == []


@pytest.mark.parametrize(
    "url", ["http://[::1", "ftp://jira.example.org", "jira.example.org", "http://:80", "http://x:y/"]
)
@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
def test_an_address_that_is_none_is_refused(system: str, url: str) -> None:
    with pytest.raises(Refused, match=r"MLC_(JIRA|SERVICENOW)_URL"):
        fuzz.SYSTEMS[system].adapter(url)
    assert any("address" in finding.what for finding in fuzz.SYSTEMS[system].findings(url))


def test_an_odd_field_of_the_site_spoils_no_ticket(site: Site) -> None:
    fields = [{"id": None}, "x", {"id": "customfield_10042", "name": "Expiration Date", "custom": True}, {"name": 3}]
    site.answer = lambda method, path: (
        said(fields) if path.endswith("/field") else Recipe().answer(fuzz.SYSTEMS[JIRA].routes, method, path)
    )
    assert fuzz.SYSTEMS[JIRA].adapter(site.url).get_many([fuzz.SYSTEMS[JIRA].ref])[LABEL].expiration is not None


def test_times_without_a_zone_are_compared_with_others(site: Site) -> None:
    times = ("2026-11-20T12:00:00", "2026-11-20T12:00:00+01:00", 0)
    histories = [{"created": at, "items": [{"field": "status", "to": "10001"}]} for at in times]
    routes = fuzz.SYSTEMS[JIRA].routes
    issue = next(found for pattern, found in routes if "changelog" in pattern)
    site.answer = lambda method, path: (
        said(issue | {"changelog": {"histories": histories, "total": 3}})
        if "expand=changelog" in path
        else Recipe().answer(routes, method, path)
    )
    assert fuzz.SYSTEMS[JIRA].adapter(site.url).get(fuzz.SYSTEMS[JIRA].ref).decided_at is not None
