"""Addresses in sentences: where a system is, and nothing that must not be shown."""

import pytest

from mlc.model.address import origin, page, redirected

UNREADABLE = "an unreadable address"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://desk.example.org/rest?token=secret#x", "https://desk.example.org"),
        ("https://ada:secret@desk.example.org:8443/x", "https://desk.example.org:8443"),
        ("http://Desk.example.org:80", "http://desk.example.org"),
        ("http://[::1]:8092/x", "http://[::1]:8092"),
        *(
            (url, UNREADABLE)
            for url in ("", "nonsense", "http://", "http://x:port", "http://[::1", "//x", "http://a\x07b/")
        ),
    ],
)
def test_an_address_is_shown_without_path_and_credentials(url: str, shown: str) -> None:
    assert origin(url) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://ada:secret@jira.example.org/login.jsp;jsessionid=1?os=secret#x",
            "https://jira.example.org/login.jsp",
        ),
        ("https://jira.example.org/", "https://jira.example.org"),
        ("https://jira.example.org/a\x07b", "https://jira.example.org/ab"),
        ("http://[::1", UNREADABLE),
    ],
)
def test_a_page_is_shown_without_account_query_and_session(url: str, shown: str) -> None:
    assert page(url) == shown


ASKED = "/rest/api/2/myself"


@pytest.mark.parametrize(
    ("base", "location", "address"),
    [
        ("http://jira.example.org", "https://jira.example.org/rest/api/2/myself?a=b", "https://jira.example.org"),
        ("http://jira.example.org/jira/", f"https://jira.example.org/jira{ASKED}", "https://jira.example.org/jira"),
        ("http://jira.example.org", f"/jira{ASKED}", "http://jira.example.org/jira"),
        ("http://jira.example.org/jira", "https://jira.example.org/", "https://jira.example.org/jira"),
        ("http://jira.example.org:8080", f"https://jira.example.org{ASKED}", "https://jira.example.org"),
        ("https://old.example.org", f"//new.example.org{ASKED}", "https://new.example.org"),
        ("https://jira.example.org", "https://sso.example.org/login", None),
        ("https://jira.example.org", f"https://jira.example.org{ASKED}", None),
        ("https://jira.example.org", f"http://[::1{ASKED}", None),
        ("https://jira.example.org", f"ftp://jira.example.org{ASKED}", None),
        ("https://jira.example.org", "", None),
    ],
)
def test_a_redirect_of_a_whole_site_names_its_new_address(base: str, location: str, address: str | None) -> None:
    assert redirected(base, base.rstrip("/") + ASKED, location)[1] == address


def test_a_redirect_of_the_root_is_one_of_the_site_only_where_the_path_stays() -> None:
    assert redirected("http://a.example", "http://a.example/", "http://b.example/")[1] == "http://b.example"
    assert redirected("http://a.example", "http://a.example", "http://b.example/login")[1] is None
