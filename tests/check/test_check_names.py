"""`mlc check` of names: the site's resolutions, and the language in which the account sees them."""

import json
from typing import Any

import pytest
from check_site import Site

from mlc.model.finding import Finding, Mark
from mlc.standalone.desk.scheme import Scheme, Status

USUAL = Scheme()
CLASSIC = Scheme(resolutions={**USUAL.resolutions, "4": "Incomplete", "5": "Works for Me"})
DUTCH = Scheme(
    (Status("1", "Te doen", "new"), Status("2", "Gereed", "done", "Gereed"), Status("3", "Afgewezen", "done")),
    {"11": "Gereed", "12": "Wordt niet gedaan"},
)
SPANISH = Scheme(
    (Status("1", "To Do", "new"), Status("2", "Done", "done", "Done"), Status("3", "Rejected", "done")),
    {"11": "Done", "12": "No se hará", "13": "Duplicado"},
)


def me(locale: str | None) -> dict[str, str]:
    return {"displayName": "ada", "accountId": "a"} | ({"locale": locale} if locale else {})


def speaks(site: Site, locale: str | None) -> None:
    site.faults.planned.clear()
    site.jira_answers("/myself", json.dumps(me(locale)))
    site.jira_answers("/myself", json.dumps(me(locale)))


def told(findings: list[Finding], what: str) -> Finding:
    found = [finding for finding in findings if what in finding.what]
    assert len(found) == 1, "\n".join(f"{f.mark} {f.what}: {f.remedy}" for f in findings)
    return found[0]


@pytest.mark.parametrize("desk_settings", [{"scheme": CLASSIC}], ids=["classic"])
async def test_resolutions_on_neither_list_are_listed_with_their_ids(site: Site) -> None:
    findings = await site.findings()
    listed = told(findings, "Resolutions on neither list")
    assert listed.what.endswith("stays a question: Withdrawn (10004), Incomplete (4), Works for Me (5)")
    assert told(findings, "Resolutions that mean no").what.endswith(
        "Won't Do (10001), Declined (10002), Duplicate (10003)"
    )
    assert told(findings, "Resolutions that mean yes").what.endswith("Done (10000)")


async def test_a_resolution_that_can_not_be_read_hides_no_other(site: Site) -> None:
    for _ in range(5):
        site.jira_answers("/resolution", json.dumps([{"id": "1", "name": None}, {"id": "2", "name": "Later"}]))
    assert "Later (2)" in told(await site.findings(), "on neither list").what


@pytest.mark.parametrize("desk_settings", [{"scheme": DUTCH}], ids=["dutch"])
async def test_a_site_none_of_whose_resolutions_means_yes_is_warned_of(site: Site) -> None:
    site.set(MLC_JIRA_APPROVED_STATUSES='["2"]', MLC_JIRA_REJECTED_STATUSES='["3"]')
    warned = told(await site.findings(), "No resolution of the site means yes")
    assert warned.mark is Mark.WARNING
    assert "MLC_JIRA_APPROVED_RESOLUTIONS to some of: Gereed (11), Wordt niet gedaan (12)" in warned.remedy


DEFAULTS: dict[str, str] = {}
DUTCH_NAMES = {
    "MLC_JIRA_APPROVED_STATUSES": '["gereed"]',
    "MLC_JIRA_REJECTED_STATUSES": '["Afgewezen"]',
    "MLC_JIRA_APPROVED_RESOLUTIONS": '["Gereed"]',
    "MLC_JIRA_REJECTED_RESOLUTIONS": '["Wordt niet gedaan"]',
}
IDS = {
    "MLC_JIRA_APPROVED_STATUSES": '["2"]',
    "MLC_JIRA_REJECTED_STATUSES": '["3"]',
    "MLC_JIRA_APPROVED_RESOLUTIONS": '["11"]',
    "MLC_JIRA_REJECTED_RESOLUTIONS": '["12"]',
}
ALL = "MLC_JIRA_APPROVED_STATUSES, MLC_JIRA_REJECTED_STATUSES, MLC_JIRA_APPROVED_RESOLUTIONS"


@pytest.mark.parametrize(
    ("desk_settings", "locale", "settings", "strange"),
    [
        ({"scheme": DUTCH}, "nl_NL", DEFAULTS, ALL),
        ({"scheme": DUTCH}, "nl_NL", DUTCH_NAMES, ""),
        ({"scheme": DUTCH}, "nl_NL", IDS, ""),
        ({"scheme": SPANISH}, "es_ES", DEFAULTS, "MLC_JIRA_REJECTED_RESOLUTIONS"),
        ({"scheme": USUAL}, "en_US", DUTCH_NAMES, ALL),
        ({"scheme": USUAL}, "de-DE", DEFAULTS, ""),
        ({"scheme": USUAL}, "en_GB", DEFAULTS, ""),
        ({"scheme": SPANISH}, "en_GB", DEFAULTS, ""),
    ],
    ids=["defaults", "names", "ids", "one list", "other way round", "not translated", "English", "its own names"],
)
async def test_an_account_whose_language_is_not_that_of_the_settings_is_warned_of(
    site: Site, locale: str, settings: dict[str, Any], strange: str
) -> None:
    site.set(**settings)
    speaks(site, locale)
    finding = told(await site.findings(), "The account's language")
    assert finding.what.startswith(f"The account's language is {locale}")
    assert finding.mark is (Mark.WARNING if strange else Mark.GOOD)
    assert strange in finding.what
    if strange:
        assert "write ids there" in finding.remedy
        assert "resolutions Gereed (11)" in finding.remedy or "Done (1" in finding.remedy


async def test_an_account_that_does_not_tell_its_language_can_not_be_judged(site: Site) -> None:
    speaks(site, None)
    assert told(await site.findings(), "The account's language").mark is Mark.UNCHECKED


async def test_closed_statuses_on_no_list_are_named(site: Site) -> None:
    site.set(MLC_JIRA_REJECTED_STATUSES="[]")
    warned = told(await site.findings(), "Closed statuses on no list: Rejected (10003)")
    assert warned.mark is Mark.WARNING
    assert "there the resolution alone decides" in warned.remedy


async def test_an_anonymous_answer_is_no_jira_that_lets_us_in(site: Site) -> None:
    headers = {"Content-Type": "application/json", "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    site.jira_answers("/myself", json.dumps(me("en_US")))
    site.faults.planned[-1].headers = headers
    found = told(await site.findings(), "does not let us in")
    assert "has the token expired" in found.remedy
