"""`mlc check` of ServiceNow: as it should be, and with one thing after the other broken."""

import json
from typing import Any

import pytest
from check_site import JIRA_TOKEN, Site

from mlc.center.modelop.settings import CenterSettings
from mlc.check.report import check_everything
from mlc.check.tickets import check_system
from mlc.model.finding import Finding, Mark
from mlc.standalone.faults import Effect
from mlc.ticketing import TicketRequest
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow import SERVICENOW
from mlc.ticketing.servicenow.adapter import ServiceNowTicketing
from mlc.ticketing.servicenow.settings import ServiceNowSettings


@pytest.fixture
def snow(site: Site) -> Site:
    """The desk as ServiceNow, beside Jira."""
    url = JiraSettings().url or ""
    site.set(MLC_SERVICENOW_URL=url, MLC_SERVICENOW_USER="mlc", MLC_SERVICENOW_PASSWORD=JIRA_TOKEN)
    return site


async def found() -> list[Finding]:
    findings = [finding async for finding in check_system(SERVICENOW)]
    assert not any(JIRA_TOKEN in f"{finding.what} {finding.remedy}" for finding in findings)
    return findings


def tell(findings: list[Finding], mark: Mark, what: str, remedy: str = "") -> None:
    told = [f for f in findings if f.mark is mark and what in f.what and remedy in f.remedy]
    assert told, "\n".join(f"{f.mark} {f.what}: {f.remedy}" for f in findings)


async def test_a_servicenow_that_is_as_it_should_be_has_no_flaw(snow: Site) -> None:
    findings = await found()
    assert {f.mark for f in findings} == {Mark.GOOD, Mark.UNCHECKED}
    assert all(f.what.startswith("Whether the account may make tickets") for f in findings if f.mark is Mark.UNCHECKED)
    tickets = ServiceNowTicketing(ServiceNowSettings())
    for kind in ("review", "error"):
        tickets.create(TicketRequest(label=f"gov-{kind}", kind=kind, summary="May it?", body=[]))
    findings = await found()
    assert {f.mark for f in findings} == {Mark.GOOD}
    tell(findings, Mark.GOOD, "Tickets can be made in change_request: CHG0030001 was")
    tell(findings, Mark.GOOD, "In change_request approval means yes: Approved")
    tell(findings, Mark.GOOD, "In incident close_code means no: Duplicate, No resolution provided")
    assert len(findings) > 15


FLAWS: dict[str, tuple[dict[str, str], Mark, str, str]] = {
    "other server": ({"URL": "{center}"}, Mark.WRONG, "There is no ServiceNow at", "MLC_SERVICENOW_URL"),
    "down": ({"URL": "http://127.0.0.1:1"}, Mark.WRONG, "can't be reached", "MLC_SERVICENOW_URL"),
    "no address": ({"URL": "nonsense"}, Mark.WRONG, "address is none", "MLC_SERVICENOW_URL"),
    "password": ({"PASSWORD": "nope"}, Mark.WRONG, "does not let us in", "MLC_SERVICENOW_PASSWORD"),
    "client": ({"CLIENT_ID": "x", "CLIENT_SECRET": "y"}, Mark.WRONG, "does not let us in", "OAuth"),
    "table": ({"TABLE": "u_none"}, Mark.WRONG, "table u_none can't be read", "MLC_SERVICENOW_TABLE"),
    "label": ({"LABEL_FIELD": "u_key"}, Mark.WRONG, "has no field u_key", "MLC_SERVICENOW_"),
    "extra": ({"FIELDS": '{{"u_group": "x"}}'}, Mark.WRONG, "has no field u_group", ""),
    "yes": (
        {"APPROVED_VALUES": '["go"]'},
        Mark.WRONG,
        "No value of approval in change_request means yes",
        "MLC_SERVICENOW_APPROVED_VALUES to some of: Not Yet Requested, Requested, Approved, Rejected",
    ),
    "no": (
        {"REJECTED_CODES": '["never"]'},
        Mark.WRONG,
        "No value of close_code in incident means no",
        "REJECTED_CODES",
    ),
    "withdrawn": ({"WITHDRAWN_STATE": "77"}, Mark.WRONG, "No state of change_request means withdrawn", "4 (Canceled)"),
    "closed": ({"INCIDENT_CLOSED_STATES": '["77"]'}, Mark.WRONG, "No state of incident means closed", "6 (Resolved)"),
    "date": ({"EXPIRATION_FIELD": "u_until"}, Mark.WARNING, "has no field u_until", "approvals last a year"),
    "no date": ({"EXPIRATION_FIELD": "description"}, Mark.WARNING, "description is not for dates", ""),
}


@pytest.mark.parametrize("flaw", FLAWS)
async def test_a_wrong_setting_is_named(snow: Site, flaw: str) -> None:
    settings, mark, what, remedy = FLAWS[flaw]
    center = CenterSettings().url
    snow.set(**{f"MLC_SERVICENOW_{name}": value.format(center=center) for name, value in settings.items()})
    tell(await found(), mark, what, remedy)


@pytest.mark.parametrize(
    ("table", "mark", "said"),
    [
        ("sys_journal_field", Mark.WARNING, "decisions count without their reasons"),
        ("sysapproval_approver", Mark.WARNING, "unknown"),
        ("sys_dictionary", Mark.UNCHECKED, "sys_dictionary"),
        ("change_request", Mark.WRONG, "roles"),
    ],
)
async def test_a_table_that_is_closed_is_named_with_what_that_means(
    snow: Site, table: str, mark: Mark, said: str
) -> None:
    body = '{"error": {"message": "Insufficient rights"}, "status": "failure"}'
    snow.faults.add(Effect.ANSWER, path=f"/table/{table}$", status=403, body=body, times=9)
    tell(await found(), mark, "", said)


NO_ROLE = '{"error": {"message": "Insufficient rights"}, "status": "failure"}'
NOTHING = '{"result": []}'


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, "body": NO_ROLE},
        {"status": 401, "body": NO_ROLE},
        {"status": 200, "body": NOTHING, "headers": {"X-Total-Count": "4"}},
        {"status": 200, "body": NOTHING, "headers": {"X-Total-Count": "0"}},
        {"status": 200, "body": '{"result": [{"element_id": {"value": "x", "display_value": "x"}}]}'},
    ],
    ids=lambda answer: f"{answer['status']} {answer.get('headers', answer['body'])}",
)
async def test_what_is_said_on_tickets_and_can_not_be_read_is_a_warning_that_says_what_it_costs(
    snow: Site, answer: dict[str, Any]
) -> None:
    ServiceNowTicketing(ServiceNowSettings()).create(
        TicketRequest(label="gov-review", kind="review", summary="May it?", body=[])
    )
    tell(await found(), Mark.GOOD, "The table sys_journal_field can be read")
    snow.faults.add(Effect.ANSWER, path="/table/sys_journal_field$", times=9, **answer)
    findings = await found()
    tell(findings, Mark.WARNING, "The table sys_journal_field can't be read", "a role that reads the table")
    tell(findings, Mark.WARNING, "sys_journal_field", "decisions count without their reasons")
    assert Mark.WRONG not in {finding.mark for finding in findings}
    snow.faults.add(Effect.ANSWER, path="/table/change_request/[0-9a-f]{32}$", status=403, body=NO_ROLE, times=9)
    tell(await found(), Mark.WRONG, "What is said on tickets can't be read at all", "comments can't be known again")


async def test_one_answer_that_fails_leaves_the_rest_checked(snow: Site) -> None:
    snow.faults.add(Effect.DROP, path="/sys_choice$")
    findings = await found()
    tell(findings, Mark.WRONG, "could not tell about change_request")
    tell(findings, Mark.GOOD, "In incident close_code means yes")


async def test_a_site_without_servicenow_has_no_section_of_it(site: Site) -> None:
    assert {"Tickets", "ServiceNow"}.isdisjoint(section.title for section in await check_everything())
    site.set(MLC_TICKETING="servicenow")
    tell(await site.findings(), Mark.WRONG, "No ServiceNow is set up", "MLC_SERVICENOW_URL")


async def test_servicenow_alone_will_do_where_tickets_go_there(snow: Site) -> None:
    snow.monkeypatch.delenv("MLC_JIRA_URL")
    tell(await snow.findings(), Mark.WRONG, "No Jira is set up, though tickets go there", "MLC_TICKETING=servicenow")
    snow.set(MLC_TICKETING="servicenow")
    assert {"Tickets", "Jira"}.isdisjoint(section.title for section in await check_everything())


@pytest.mark.parametrize("name", ["Jira", "jria", "service-now"])
async def test_a_default_that_is_no_ticket_system_is_an_error_with_the_names_of_those_there_are(
    site: Site, name: str
) -> None:
    site.set(MLC_TICKETING=name)
    said = f"MLC_TICKETING names no ticket system: {name!r}"
    tell(await site.findings(), Mark.WRONG, said, "one of: jira, servicenow")


async def test_two_systems_with_the_same_review_tag_are_told_apart_by_nobody(site: Site) -> None:
    site.set(MLC_JIRA_REVIEW_TAG="review", MLC_SERVICENOW_REVIEW_TAG="review")
    both = "MLC_JIRA_REVIEW_TAG and MLC_SERVICENOW_REVIEW_TAG are the same tag"
    tell(await site.findings(), Mark.WRONG, both, "set one of them to another")


@pytest.mark.parametrize(
    ("tag", "variable"),
    [("jira", "MLC_REVIEW_TAG"), (" train ", "MLC_TRAIN_TAG"), ("run_test", "MLC_RUN_TEST_TAG"), ("", "")],
)
async def test_a_review_tag_that_asks_for_another_step_is_an_error(site: Site, tag: str, variable: str) -> None:
    site.set(MLC_SERVICENOW_REVIEW_TAG=tag)
    if variable:
        both = f"{variable} and MLC_SERVICENOW_REVIEW_TAG are the same tag"
        tell(await site.findings(), Mark.WRONG, both, "set one of them to another")
    else:
        assert "Tickets" not in {section.title for section in await check_everything()}


async def test_two_steps_with_one_tag_are_an_error_that_names_both(site: Site) -> None:
    site.set(MLC_TRAIN_TAG="go", MLC_RUN_TEST_TAG="go")
    both = "MLC_TRAIN_TAG and MLC_RUN_TEST_TAG are the same tag ('go'): set one of them to another."
    tell(await site.findings(), Mark.WRONG, "A setting can't be used", both)


async def test_one_system_whose_settings_can_not_be_read_leaves_the_others_checked(snow: Site) -> None:
    snow.set(MLC_SERVICENOW_DESCRIPTION_LIMIT="short")
    sections = {section.title: section for section in await check_everything()}
    assert "Tickets" not in sections
    assert sections["Jira"].right
    tell(sections["ServiceNow"].findings, Mark.WRONG, "A setting can't be used", "MLC_SERVICENOW_DESCRIPTION_LIMIT")


async def test_resolution_codes_on_neither_list_are_listed(snow: Site) -> None:
    said = "Resolution codes of incident on neither list, with which a ticket stays a question: Known error"
    tell(await found(), Mark.GOOD, said)


async def test_labels_in_another_language_than_the_accounts_are_told(snow: Site) -> None:
    row = {"name": "change_request", "element": "state", "value": "3"}
    rows = [row | {"label": "Closed", "language": "en"}, row | {"label": "Geschlossen", "language": "de"}]
    body = json.dumps({"result": [{k: {"value": v, "display_value": v} for k, v in each.items()} for each in rows]})
    me = {"user_name": "mlc", "preferred_language": "de"}
    ours = json.dumps({"result": [{k: {"value": v, "display_value": v} for k, v in me.items()}]})
    snow.set(MLC_SERVICENOW_CLOSED_STATES='["Closed"]')
    for path, said in (("/sys_user$", ours), ("/sys_choice$", body)):
        snow.faults.add(Effect.ANSWER, path=path, status=200, body=said, times=9)
    findings = await found()
    tell(findings, Mark.GOOD, "The account's language is de")
    tell(
        findings,
        Mark.WRONG,
        "No state of change_request means closed",
        "MLC_SERVICENOW_CLOSED_STATES to one of: 3 (Geschlossen); now it holds labels in en, and the account's "
        "language is de.",
    )
    snow.set(MLC_SERVICENOW_CLOSED_STATES='["geschlossen"]')
    tell(await found(), Mark.GOOD, "In change_request a ticket is closed as: Geschlossen")
