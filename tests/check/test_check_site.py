"""`mlc check` on a site that is as it should be, and with one thing after the other broken."""

import json
import re
from typing import Any

import httpx
import pytest
from check_site import CENTER_TOKEN, Site

from mlc.center.modelop.check import FINDERS
from mlc.center.modelop.settings import CenterSettings
from mlc.check.report import check_everything, lines
from mlc.model.finding import Finding, Mark
from mlc.standalone.desk.scheme import Scheme, Status
from mlc.ticketing import TicketRequest
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings

OPEN = Status("1", "Open", "new")
CLOSED = Status("2", "Closed", "done", "Done")
NO = Status("3", "Rejected", "done", "Declined")


def open_ticket() -> None:
    request = TicketRequest(label="gov-0123456789abcdef01234567", kind="review", summary="May it?", body=[])
    JiraTicketing(JiraSettings()).create(request)


@pytest.mark.parametrize("desk_settings", [{"deployment": "cloud"}, {"deployment": "server"}], ids=str)
async def test_a_site_that_is_as_it_should_be_has_no_flaw(site: Site) -> None:
    findings = await site.findings()
    open_questions = [f for f in findings if "Transitions" in f.what or "turns between" in f.what]
    assert [f for f in findings if f.mark is not Mark.GOOD] == open_questions
    assert len(findings) > 20
    [database] = [f.what for f in findings if f.what.startswith("The standalone centre's database is SQLite file ")]
    assert re.search(r"center\.db, at revision r\d{4}_\w+$", database)
    open_ticket()
    findings = await site.findings()
    assert ["turns between" in f.what for f in findings if f.mark is not Mark.GOOD] == [True]
    assert findings[-3].what == "From To Do (MLR-1) transitions lead to both yes and no"
    assert list(lines(await check_everything()))[-1].startswith("Nothing is missing")


async def test_one_system_that_is_down_leaves_the_others_checked(site: Site, dead_port: int) -> None:
    site.set(MLC_CENTER_URL=f"http://127.0.0.1:{dead_port}", MLC_CENTER_TIMEOUT="0.3", TEMPORAL_ADDRESS="127.0.0.1:1")
    sections = {section.title: section for section in await check_everything()}
    assert [section.right for section in sections.values()] == [True, False, False, True, True, True]
    for title, says in {
        "Temporal": ("Temporal can't be reached at 127.0.0.1:1", "set TEMPORAL_ADDRESS"),
        "Model centre": (f"The model centre can't be reached at http://127.0.0.1:{dead_port}", "no whole answer"),
    }.items():
        [finding] = sections[title].findings
        assert finding.what == says[0]
        assert says[1] in finding.remedy


CENTER_FLAWS: dict[str, tuple[dict[str, Any], Mark, str, str]] = {
    "token": ({"MLC_CENTER_TOKEN": "not-the-token"}, Mark.WRONG, "does not let us in", "check MLC_CENTER_TOKEN"),
    "no finder": (
        {"MLC_CENTER_FIND_JOBS_BY_KEY": "findByKey?deployableModelId,mlcKey"},
        Mark.WARNING,
        "jobs has no finder findByKey",
        "listings will be filtered, which is slower and sees the newest 2000 only: set MLC_CENTER_FIND_JOBS_BY_KEY",
    ),
    "other parameters": (
        {"MLC_CENTER_FIND_MODELS_BY_NAME": "findAllByModelMetaData_Name?title"},
        Mark.WRONG,
        "takes name, page, size, sort, not title",
        "set MLC_CENTER_FIND_MODELS_BY_NAME",
    ),
    "setting": ({"MLC_CENTER_TIMEOUT": "soon"}, Mark.WRONG, "A setting can't be used", "MLC_CENTER_TIMEOUT"),
}


@pytest.mark.parametrize("flaw", CENTER_FLAWS)
async def test_a_wrong_setting_of_the_centre_is_named(site: Site, flaw: str) -> None:
    settings, mark, what, remedy = CENTER_FLAWS[flaw]
    site.set(**settings)
    expect(await site.flaws(), mark, what, remedy)


async def test_a_collection_that_is_missing_or_closed_is_named(site: Site) -> None:
    site.gate.closed = {"modelTestResults": 404, "deployedModels": 403}
    flaws = await site.flaws()
    expect(flaws, Mark.WRONG, "no collection modelTestResults", "the root names assets, contents, decisionRecords")
    expect(flaws, Mark.WRONG, "The collection deployedModels can't be read", "the right to do this")
    expect(flaws, Mark.WARNING, "modelTestResults has no finder", "filtered")


async def test_where_decision_records_are_files_on_the_stored_model_no_collection_of_them_is_needed(site: Site) -> None:
    site.gate.closed["decisionRecords"] = 404  # as on ModelOp, which has none
    expect(await site.flaws(), Mark.WRONG, "has no collection decisionRecords", "MLC_CENTER_DECISION_RECORDS")
    finders = len(FINDERS)
    site.set(MLC_CENTER_DECISION_RECORDS="modelAssets")
    assert await site.flaws() == []
    said = [finding.what for finding in await site.findings()]
    (readable,) = [what for what in said if what.startswith("Collections can be read: ")]
    assert "storedModels" in readable
    assert not {"decisionRecords", "modelAssets"} & set(readable.replace(",", "").split())
    assert f"Finders are as the settings say: {finders - 1} of {finders - 1}" in said


async def test_a_centre_whose_root_is_closed_is_judged_by_its_collections(site: Site) -> None:
    site.gate.answers = {"": {}}
    assert await site.flaws() == []
    site.gate.answers = {}
    site.gate.closed = {"": 404}
    [flaw, *others] = await site.flaws()
    assert flaw.what == "The model centre has no collection storedModels"
    assert "check MLC_CENTER_URL" in flaw.remedy
    assert all("no collection" in other.what for other in others)


async def test_a_centre_that_does_not_know_files_by_their_hash_is_named(site: Site) -> None:
    said = "The model centre gives and takes files by their SHA-256"
    assert said not in [finding.what for finding in await site.findings()], "nobody asks for it"
    site.set(MLC_CENTER_CONTENTS="reference")
    assert said in [finding.what for finding in await site.findings()]
    site.gate.answers = {"": {"_links": {"storedModels": {}}}}
    expect(await site.flaws(), Mark.WRONG, "does not give and take files", "set MLC_CENTER_CONTENTS to embedded")
    site.gate.answers = {"": {}}
    expect(await site.flaws(), Mark.WARNING, "It can't be seen", "MLC_CENTER_CONTENTS")


async def test_something_else_that_answers_in_the_centres_place_is_no_centre(site: Site) -> None:
    site.gate.answers = {"": ["not", "an", "object"]}
    expect(await site.flaws(), Mark.WRONG, "does not answer as model-manage does", "MLC_CENTER_URL")


async def test_without_a_runtime_there_is_nothing_to_deploy_to(site: Site) -> None:
    site.gate.answers = {"engines": {"_embedded": {"engines": []}, "page": {"totalPages": 0}}}
    expect(await site.flaws(), Mark.WRONG, "No runtime is registered", "register one")
    site.gate.answers = {"engines": {"_embedded": {"engines": [{"id": "1", "name": "lost", "tags": ["gpu"]}]}}}
    expect(await site.flaws(), Mark.WARNING, "Runtimes without a stage: lost", "environmentName")


async def test_a_monitor_that_is_missing_is_named(site: Site) -> None:
    [model] = await site.center.find_stored_models("Stability Monitor: PSI/CSI")
    headers = {"Authorization": f"Bearer {CENTER_TOKEN}"}
    async with httpx.AsyncClient(headers=headers) as http:
        (await http.delete(f"{CenterSettings().url}/storedModels/{model.id}")).raise_for_status()
    expect(await site.flaws(), Mark.WARNING, "Monitors are missing: Stability Monitor: PSI/CSI", "import each")


JIRA_FLAWS: dict[str, tuple[dict[str, Any], Mark, str, str]] = {
    "other server": ({"MLC_JIRA_URL": "{center}"}, Mark.WRONG, "There is no Jira at", "MLC_JIRA_URL"),
    "down": ({"MLC_JIRA_URL": "http://127.0.0.1:1"}, Mark.WRONG, "Jira can't be reached", "MLC_JIRA_URL"),
    "token": ({"MLC_JIRA_TOKEN": "nope"}, Mark.WRONG, "does not let us in", "MLC_JIRA_TOKEN"),
    "project": ({"MLC_JIRA_PROJECT": "NOPE"}, Mark.WRONG, "project NOPE can't be seen", "MLC_JIRA_PROJECT"),
    "type": ({"MLC_JIRA_ISSUE_TYPE": "Saga"}, Mark.WRONG, "no issue type Saga", "one of: Task"),
    "yes": ({"MLC_JIRA_APPROVED_STATUSES": '["Fine"]'}, Mark.WARNING, "Only a resolution means yes (Done as Done)", ""),
    "no": (
        {"MLC_JIRA_REJECTED_STATUSES": '["Never"]', "MLC_JIRA_REJECTED_RESOLUTIONS": "[]"},
        Mark.WRONG,
        "No status of the project means no",
        "set MLC_JIRA_REJECTED_STATUSES to one of: To Do, In Review",
    ),
    "withdrawn": ({"MLC_JIRA_WITHDRAWN_STATUSES": "[]"}, Mark.WARNING, "No status means withdrawn", "stay open"),
    "field id": (
        {"MLC_JIRA_EXPIRATION_FIELD": "customfield_7"},
        Mark.WRONG,
        "no field customfield_7",
        "MLC_JIRA_EXPIRATION_FIELD",
    ),
    "field name": (
        {"MLC_JIRA_EXPIRATION_FIELD": "Best before"},
        Mark.WARNING,
        "no field 'Best before'",
        "approvals last a year",
    ),
}


@pytest.mark.parametrize("flaw", JIRA_FLAWS)
async def test_a_wrong_setting_of_jira_is_named(site: Site, flaw: str) -> None:
    settings, mark, what, remedy = JIRA_FLAWS[flaw]
    site.set(**{name: value.format(center=CenterSettings().url) for name, value in settings.items()})
    expect(await site.flaws(), mark, what, remedy)


async def test_without_a_ticket_system_it_says_what_to_set(site: Site) -> None:
    site.monkeypatch.delenv("MLC_JIRA_URL")
    expect(await site.flaws(), Mark.WRONG, "No ticket system is set up", "set MLC_JIRA_URL")


def fields(*shown: str, kind: str = "date") -> str:
    return json.dumps(
        [
            {"id": f"customfield_{name}", "name": "Expiration Date", "custom": True, "schema": {"type": kind}}
            for name in shown
        ]
    )


def screen(*keys: str, required: str = "") -> str:
    listed = [{"fieldId": key, "key": key, "name": key.title(), "required": key == required} for key in keys]
    return json.dumps({"fields": listed})


SENT = ("summary", "description", "labels", "project", "issuetype")
PERMITTED = {"BROWSE_PROJECTS": True, "CREATE_ISSUES": False, "ADD_COMMENTS": True, "LINK_ISSUES": True}
JIRA_ANSWERS: dict[str, tuple[str, str, Mark, str, str]] = {
    "two fields": (
        "/field$",
        fields("1", "2"),
        Mark.WRONG,
        "not clear",
        "set MLC_JIRA_EXPIRATION_FIELD to the right id",
    ),
    "text field": ("/field$", fields("1", kind="string"), Mark.WARNING, "is not for dates", "date picker"),
    "not on screen": ("/issuetypes/10100", screen(*SENT), Mark.WARNING, "is not on the create screen", "edit screen"),
    "no labels": ("/issuetypes/10100", screen(*SENT[:2], *SENT[3:]), Mark.WRONG, "lacks labels", "put it there"),
    "must fill in": (
        "/issuetypes/10100",
        screen(*SENT, "team", required="team"),
        Mark.WRONG,
        "requires Team",
        "make it optional",
    ),
    "not permitted": (
        "/mypermissions",
        json.dumps({"permissions": {key: {"havePermission": given} for key, given in PERMITTED.items()}}),
        Mark.WRONG,
        "The account may not create tickets",
        "give it the permission CREATE_ISSUES",
    ),
    "no transition": ("/transitions", '{"transitions": []}', Mark.WARNING, "no transition leads straight to", "none"),
    "no Jira": ("/mypermissions", "<html>", Mark.WRONG, "Jira could not tell", "unreadable answer"),
}


@pytest.mark.parametrize("flaw", JIRA_ANSWERS)
async def test_a_jira_that_is_set_up_otherwise_is_told_about(site: Site, flaw: str) -> None:
    path, body, mark, what, remedy = JIRA_ANSWERS[flaw]
    open_ticket()
    site.jira_answers(path, body)
    flaws = await site.flaws()
    expect(flaws, mark, what, remedy)
    assert len(flaws) <= 3, "what one answer spoils leaves the rest checked"


@pytest.mark.parametrize("desk_settings", [{"expiration_field": False}], ids=["no field"])
async def test_without_an_expiration_date_approvals_last_a_year(site: Site) -> None:
    expect(await site.flaws(), Mark.WARNING, "no field 'Expiration Date'", "approvals last a year")


@pytest.mark.parametrize("desk_settings", [{"scheme": Scheme((OPEN, NO))}], ids=["no Done"])
async def test_a_workflow_in_which_nobody_can_say_yes_is_wrong(site: Site) -> None:
    flaws = await site.flaws()
    expect(
        flaws, Mark.WRONG, "No status of the project means yes", "MLC_JIRA_APPROVED_STATUSES to one of: Open, Rejected"
    )
    expect(flaws, Mark.WARNING, "No status means withdrawn", "Open, Rejected")


@pytest.mark.parametrize("desk_settings", [{"scheme": Scheme((OPEN, CLOSED))}], ids=["closed"])
async def test_a_workflow_in_which_the_resolution_decides_will_do(site: Site) -> None:
    flaws = await site.flaws()
    expect(flaws, Mark.WARNING, "Only a resolution means yes (Closed as Done)", "MLC_JIRA_APPROVED_STATUSES")
    assert all(section.right for section in await check_everything())


GATEWAY_FLAWS: dict[str, tuple[str, str, Mark, str]] = {
    "no secret": ("MLC_JIRA_WEBHOOK_SECRETS", "[]", Mark.WRONG, "No secret for Jira's webhooks is set"),
    "empty secret": ("MLC_JIRA_WEBHOOK_SECRETS", '[""]', Mark.WRONG, "No secret for Jira's webhooks is set"),
    "one empty": ("MLC_JIRA_WEBHOOK_SECRETS", '["a-webhook-secret", ""]', Mark.WARNING, "is empty"),
    "not JSON": ("MLC_GATEWAY_WEBHOOK_PROJECTS", "MLR", Mark.WRONG, "MLC_JIRA_WEBHOOK_PROJECTS can't be read"),
    "no token": ("MLC_GATEWAY_TOKEN", "", Mark.WARNING, "asks for no token"),
}


@pytest.mark.parametrize("flaw", GATEWAY_FLAWS)
async def test_a_gateway_that_believes_anybody_is_told_about(site: Site, flaw: str) -> None:
    name, value, mark, what = GATEWAY_FLAWS[flaw]
    site.set(**{name: value})
    expect(await site.flaws(), mark, what, "")


async def test_names_from_outside_neither_steer_the_terminal_nor_overwhelm_it(site: Site) -> None:
    site.jira_answers("/myself", json.dumps({"displayName": "\x1b[2Jada", "accountId": "z\u00eb"}))
    sections = await check_everything()
    [line] = [line for line in lines(sections) if "knows us" in line]
    assert line.endswith("as  [2Jada (zë)")
    assert not any("✓" in line for line in lines(sections, "latin-1"))
    [line] = [line for line in lines(sections, "ascii") if "knows us" in line]
    assert line.startswith("  ok Jira at ")
    assert line.endswith("(z?)")


def expect(flaws: list[Finding], mark: Mark, what: str, remedy: str) -> None:
    found = [flaw for flaw in flaws if what in flaw.what]
    assert [flaw.mark for flaw in found] == [mark], flaws
    assert remedy in found[0].remedy
    assert re.search(r"[^.?][.?]$", found[0].remedy)


async def test_that_online_requests_are_to_be_kept_where_there_is_no_place_for_them_is_an_error(site: Site) -> None:
    site.set(MLC_RUNTIME_KEEP_REQUESTS="true", MLC_CENTER_STANDALONE="true")
    assert not [flaw for flaw in await site.flaws() if "Online requests" in flaw.what]
    site.set(MLC_CENTER_STANDALONE="false")
    [flaw] = [flaw for flaw in await site.flaws() if "Online requests" in flaw.what]
    assert flaw.mark is Mark.WRONG
    assert "MLC_RUNTIME_KEEP_REQUESTS" in flaw.what
    assert "no runtime starts" in flaw.remedy
