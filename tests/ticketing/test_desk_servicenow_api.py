"""The desk's Table API where the adapter does not go: queries, display values, policies, and what is refused."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from desk_harness import TOKEN, USER, Desks, RunningDesk


@pytest.fixture
def desk(desks: Desks) -> RunningDesk:
    return desks.start()


@pytest.fixture
def api(desk: RunningDesk) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{desk.url}/api/now", auth=(USER, TOKEN), trust_env=False) as client:
        yield client


def made(api: httpx.Client, table: str = "change_request", **values: str) -> dict[str, Any]:
    record: dict[str, Any] = api.post(f"/table/{table}", json=values).raise_for_status().json()["result"]
    return record


def found(api: httpx.Client, query: str, table: str = "change_request") -> list[str]:
    answer = api.get(f"/table/{table}", params={"sysparm_query": query, "sysparm_fields": "number"})
    return [row["number"] for row in answer.raise_for_status().json()["result"]]


@pytest.fixture
def three(api: httpx.Client) -> None:
    made(api, correlation_id="a", state="-5", short_description="Alpha 100%")
    made(api, correlation_id="b", state="-4", short_description="Beta_x")
    made(api, correlation_id="c", state="3", short_description="")


ONE, TWO, THREE = "CHG0030001", "CHG0030002", "CHG0030003"


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [ONE, TWO, THREE]),
        ("correlation_id=b", [TWO]),
        ("correlation_id!=b", [ONE, THREE]),
        ("correlation_idINa,c", [ONE, THREE]),
        ("correlation_idNOT INa,c", [TWO]),
        ("correlation_id=a^ORcorrelation_id=c", [ONE, THREE]),
        ("correlation_id=a^ORcorrelation_id=c^state=3", [THREE]),
        ("state=3^NQcorrelation_id=a", [ONE, THREE]),
        ("numberSTARTSWITHCHG003^ORDERBYDESCnumber", [THREE, TWO, ONE]),
        ("short_descriptionLIKEbeta_", [TWO]),
        ("short_descriptionLIKE%", [ONE]),
        ("short_descriptionENDSWITHx", [TWO]),
        ("short_descriptionISEMPTY", [THREE]),
        ("short_descriptionISNOTEMPTY^state=-4", [TWO]),
        ("sys_created_on>2020-01-01 00:00:00^number<CHG0030002", [ONE]),
        ("ORDERBYshort_description", [THREE, ONE, TWO]),
        ("state=-4^EQ", [TWO]),
        ("nonsense=1^state=3", [THREE]),
        ("nonsense=1", [ONE, TWO, THREE]),
        ("state~3", [ONE, TWO, THREE]),
    ],
)
@pytest.mark.usefixtures("three")
def test_the_supported_queries_find_what_they_say(api: httpx.Client, query: str, numbers: list[str]) -> None:
    assert found(api, query) == numbers


@pytest.mark.usefixtures("three")
def test_an_invalid_query_finds_nothing_where_the_property_says_so(desk: RunningDesk, api: httpx.Client) -> None:
    desk.parts.records.invalid_finds_nothing = True
    assert found(api, "nonsense=1^state=3") == []
    assert found(api, "state=3") == [THREE]


@pytest.mark.usefixtures("three")
def test_pages_tell_the_total_and_the_next_one(api: httpx.Client) -> None:
    first = api.get("/table/change_request", params={"sysparm_limit": 2, "sysparm_fields": "number"})
    assert first.headers["X-Total-Count"] == "3"
    assert [row["number"] for row in first.json()["result"]] == [ONE, TWO]
    following = api.get(first.links["next"]["url"])
    assert [row["number"] for row in following.json()["result"]] == [THREE]
    assert "Link" not in following.headers
    asked = {"sysparm_limit": 2, "sysparm_suppress_pagination_header": "True"}
    assert "Link" not in api.get("/table/change_request", params=asked).headers


def test_values_are_shown_as_asked_for(api: httpx.Client) -> None:
    record = made(api)
    path = f"/table/change_request/{record['sys_id']}"
    fields = "state,opened_by,opened_by.user_name,nonsense"

    def shown(**params: str) -> dict[str, Any]:
        answer: dict[str, Any] = api.get(path, params={"sysparm_fields": fields} | params).json()["result"]
        return answer

    assert shown()["state"] == "-5"
    assert set(shown()) == {"state", "opened_by", "opened_by.user_name"}
    assert shown()["opened_by"]["link"].endswith(shown()["opened_by"]["value"])
    bare = shown(sysparm_exclude_reference_link="true", sysparm_display_value="true")
    assert bare == {"state": "New", "opened_by": USER, "opened_by.user_name": USER}
    both = shown(sysparm_exclude_reference_link="true", sysparm_display_value="all")
    assert both["state"] == {"display_value": "New", "value": "-5"}


def test_unknown_and_kept_fields_are_ignored_and_long_texts_cut(api: httpx.Client) -> None:
    record = made(api, nonsense="x", number="CHG1", sys_id="1", short_description="x" * 200, correlation_id="y" * 200)
    assert record["number"] == ONE
    assert len(record["sys_id"]) == 32
    assert (len(record["short_description"]), len(record["correlation_id"])) == (160, 100)
    assert "nonsense" not in record


def test_journals_are_written_and_read_elsewhere(api: httpx.Client) -> None:
    record = made(api, work_notes="first")
    changed = api.patch(f"/table/change_request/{record['sys_id']}", json={"comments": "second"}).json()["result"]
    assert (changed["comments"], changed["work_notes"]) == ("", "")
    assert (record["sys_mod_count"], changed["sys_mod_count"]) == ("0", "1")
    query = f"element_id={record['sys_id']}^ORDERBYDESCsys_created_on"
    notes = api.get("/table/sys_journal_field", params={"sysparm_query": query}).json()["result"]
    assert [(n["element"], n["value"], n["sys_created_by"]) for n in notes] == [
        ("comments", "second", USER),
        ("work_notes", "first", USER),
    ]


def test_an_approver_decides_the_change(api: httpx.Client) -> None:
    record = made(api, approval="requested")
    user = made(api, "sys_user", user_name="ada", name="Ada Lovelace")
    values = {"sysapproval": record["sys_id"], "approver": user["sys_id"], "state": "requested"}
    approval = made(api, "sysapproval_approver", **values)
    path = f"/table/change_request/{record['sys_id']}"
    assert api.get(path).json()["result"]["approval"] == "requested"
    api.patch(f"/table/sysapproval_approver/{approval['sys_id']}", json={"state": "approved"}).raise_for_status()
    decided = api.get(path).json()["result"]
    assert decided["approval"] == "approved"
    assert decided["approval_set"]


def test_a_data_policy_asks_how_an_incident_was_resolved(api: httpx.Client) -> None:
    path = f"/table/incident/{made(api, 'incident')['sys_id']}"
    refused = api.patch(path, json={"state": "6"})
    assert refused.status_code == 403
    assert "Resolution code" in refused.json()["error"]["detail"]
    assert api.get(path).json()["result"]["state"] == "1"
    resolved = api.patch(path, json={"state": "6", "close_code": "Duplicate", "close_notes": "see INC1"})
    assert resolved.json()["result"]["resolved_at"]
    reopened = api.patch(path, json={"state": "2"}).json()["result"]
    assert (reopened["resolved_at"], reopened["close_code"]) == ("", "")


def test_refusals_have_servicenows_shape(desk: RunningDesk, api: httpx.Client) -> None:
    missing = api.get("/table/change_request/0123456789abcdef0123456789abcdef")
    assert missing.status_code == 404
    assert missing.json()["error"]["message"] == "No Record found"
    assert missing.json()["status"] == "failure"
    assert (api.get("/table/nonsense").status_code, api.post("/table/nonsense", json={}).status_code) == (400, 400)
    assert api.get("/table/nonsense").json()["error"]["message"] == "Invalid table nonsense"
    for body in (b"{", b"[]", b"\xff"):
        assert api.post("/table/incident", content=body).status_code == 400
    assert api.get("/table/incident", params={"sysparm_limit": "x"}).status_code == 400
    for auth in (None, (USER, "wrong"), ("somebody", TOKEN)):
        answer = httpx.get(f"{desk.url}/api/now/table/incident", auth=auth, trust_env=False)
        assert answer.status_code == 401
        assert answer.json()["error"]["message"] == "User Not Authenticated"


def test_files_are_kept_with_their_record_and_go_with_it(api: httpx.Client) -> None:
    record = made(api)
    place = {"table_name": "change_request", "table_sys_id": record["sys_id"], "file_name": "r<1>.json"}
    kept = api.post("/attachment/file", params=place, content=b"{}").json()["result"]
    assert kept["size_bytes"] == "2"
    answer = api.get(f"/attachment/{kept['sys_id']}/file")
    assert answer.content == b"{}"
    assert answer.headers["content-disposition"] == 'attachment; filename="r_1_.json"'
    query = {"sysparm_query": f"table_sys_id={record['sys_id']}"}
    assert [f["file_name"] for f in api.get("/attachment", params=query).json()["result"]] == ["r<1>.json"]
    assert api.post("/attachment/file", params=place | {"table_sys_id": "none"}, content=b"x").status_code == 404
    assert api.delete(f"/table/change_request/{record['sys_id']}").status_code == 204
    assert api.get("/attachment", params=query).json()["result"] == []
    assert made(api)["number"] == TWO  # no number is given twice


def test_fields_and_choices_can_be_looked_up(api: httpx.Client) -> None:
    query = {"sysparm_query": "name=change_request^element=approval", "sysparm_fields": "internal_type,value,label"}
    assert api.get("/table/sys_dictionary", params=query).json()["result"] == [{"internal_type": "string"}]
    choices = {row["value"]: row["label"] for row in api.get("/table/sys_choice", params=query).json()["result"]}
    assert choices["approved"] == "Approved"
