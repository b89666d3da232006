"""The desk's API where the adapter does not go: credentials, JQL, edits, and what Jira would refuse."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from desk_harness import TOKEN, USER, Desks, RunningDesk

from mlc.ticketing import TicketRequest


@pytest.fixture
def desk(desks: Desks) -> RunningDesk:
    return desks.start(deployment="server")


def found(desk: RunningDesk, jql: str) -> list[str]:
    with desk.http() as http:
        answer = http.get("/search", params={"jql": jql, "fields": "labels"}).raise_for_status().json()
    return [issue["key"] for issue in answer["issues"]]


@pytest.fixture
def three(desk: RunningDesk, question: TicketRequest) -> list[Any]:
    tickets = desk.adapter()
    refs = [tickets.create(question.model_copy(update={"label": f"gov-{n}"})) for n in range(3)]
    desk.move(refs[2], "Done")
    return refs


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("project = MLR ORDER BY created ASC", ["MLR-1", "MLR-2", "MLR-3"]),
        ("labels = gov-1", ["MLR-2"]),
        ('labels in ("gov-0", "gov-2") order by key desc', ["MLR-3", "MLR-1"]),
        ("key = MLR-2", ["MLR-2"]),
        ("key in (MLR-1, mlr-3) ORDER BY key", ["MLR-1", "MLR-3"]),
        ("statusCategory = Done", ["MLR-3"]),
        ("statusCategory in (2, 4) order by key", ["MLR-1", "MLR-2"]),
        ('status = "to do" AND labels = gov-managed ORDER BY updated ASC', ["MLR-1", "MLR-2"]),
        ("project = MLR AND labels = gov-managed AND statusCategory = Done AND updated >= -2d", ["MLR-3"]),
        ('created < "2020-01-01 10:00"', []),
        ("labels = nothing", []),
        ("", ["MLR-3", "MLR-2", "MLR-1"]),
    ],
)
def test_the_supported_queries_find_what_they_say(
    desk: RunningDesk, three: list[Any], jql: str, keys: list[str]
) -> None:
    assert found(desk, jql) == keys


@pytest.mark.parametrize(
    "jql",
    [
        "labels = a OR labels = b",
        "assignee = currentUser()",
        'summary ~ "x"',
        "labels != a",
        "NOT labels = a",
        "key in (MLR-1, MLR-999)",
        "key = nonsense",
        "project = OTHER",
        "status = Unheard",
        "labels = ",
        "labels in ()",
        "labels in (a",
        'labels = "open',
        "labels = a ORDER BY",
        "labels = a ORDER BY rank",
        "labels = a labels = b",
        "created = today",
        "updated >= yesterday",
        "updated >= -9999999999d",
        "(labels = a)",
        "labels = a;",
    ],
)
def test_any_other_query_is_refused_as_in_jira(desk: RunningDesk, three: list[Any], jql: str) -> None:
    with desk.http() as http:
        answer = http.get("/search", params={"jql": jql})
    assert answer.status_code == 400
    assert "JQL" in answer.json()["errorMessages"][0]


def test_cloud_and_data_center_have_different_searches(desks: Desks) -> None:
    cloud = desks.start(deployment="cloud")
    with cloud.http() as http:
        assert http.get("/search", params={"jql": "project = MLR"}).status_code == 410
        assert http.get("/search/jql", params={"jql": "project = MLR"}).status_code == 200
        assert http.get("/search/jql", params={"jql": "ORDER BY created"}).status_code == 400
        assert http.get("/serverInfo").json()["deploymentType"] == "Cloud"


def test_a_cloud_search_is_paged_by_tokens(desks: Desks, question: TicketRequest) -> None:
    desk = desks.start(deployment="cloud")
    for _ in range(5):
        desk.adapter().create(question)
    keys: list[str] = []
    with desk.http() as http:
        page: dict[str, Any] = {"nextPageToken": None}
        while "nextPageToken" in page:
            asked = {"jql": "project = MLR", "fields": "labels", "maxResults": "2"}
            page = http.get("/search/jql", params=asked | {"nextPageToken": page["nextPageToken"] or ""}).json()
            keys += [issue["key"] for issue in page["issues"]]
        assert http.get("/search/jql", params={"jql": "labels=x", "nextPageToken": "%%%"}).status_code == 400
    assert keys == [f"MLR-{n}" for n in (5, 4, 3, 2, 1)]
    assert page["isLast"] is True


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "Digest x"}, 401),
    ],
)
def test_the_api_asks_for_the_token(desk: RunningDesk, headers: dict[str, str], status: int) -> None:
    with httpx.Client(trust_env=False, headers=headers) as http:
        assert http.get(f"{desk.url}/rest/api/2/myself").status_code == status
        assert http.get(f"{desk.url}/rest/api/2/project/MLR").status_code == status
    with httpx.Client(trust_env=False, auth=("other", TOKEN)) as http:
        assert http.get(f"{desk.url}/rest/api/2/myself").status_code == 401
    with httpx.Client(trust_env=False, auth=(USER, TOKEN)) as http:
        assert http.get(f"{desk.url}/rest/api/2/myself").status_code == 200


def test_who_is_not_known_finds_no_tickets_and_no_field_of_ours_with_status_200(
    desk: RunningDesk, question: TicketRequest
) -> None:
    desk.adapter().create(question)
    path = "/search/jql" if desk.settings.deployment == "cloud" else "/search"
    for auth, reason, count in (((USER, TOKEN), "OK", 1), ((USER, "expired"), "AUTHENTICATED_FAILED", 0)):
        with httpx.Client(base_url=f"{desk.url}/rest/api/2", trust_env=False, auth=auth) as http:
            found = http.get(path, params={"jql": "labels = gov-managed"})
            fields = http.get("/field")
        assert (found.status_code, len(found.json()["issues"])) == (200, count)
        assert (fields.status_code, sum(field["custom"] for field in fields.json())) == (200, count)
        assert {answer.headers["X-Seraph-LoginReason"] for answer in (found, fields)} == {reason}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fields": {"resolution": {"name": "Done"}}}, "resolution"),
        ({"fields": {"labels": ["a b"]}}, "labels"),
        ({"fields": {"summary": ""}}, "summary"),
        ({"fields": {"summary": "x" * 256}}, "summary"),
        ({"fields": {"description": "x" * 32768}}, "description"),
        ({"fields": {"customfield_10042": "31/12/2030"}}, "customfield_10042"),
        ({"fields": {"customfield_10042": 7}}, "customfield_10042"),
        ({"update": {"labels": [{"shuffle": "a"}]}}, "labels"),
        ({"fields": 7}, "fields"),
    ],
)
def test_a_wrong_edit_is_refused_by_the_name_of_the_field_and_changes_nothing(
    desk: RunningDesk, three: list[Any], change: dict[str, Any], said: str
) -> None:
    before = desk.fields(three[0])
    with desk.http() as http:
        answer = http.put(f"/issue/{three[0].id}", json=change)
    assert answer.status_code == 400
    assert said in answer.json()["errors"]
    assert desk.fields(three[0]) == before


def test_labels_can_be_added_and_removed_one_by_one(desk: RunningDesk, three: list[Any]) -> None:
    with desk.http() as http:
        change = {"update": {"labels": [{"add": "x"}, {"remove": "gov-0"}]}}
        http.put(f"/issue/{three[0].key}", json=change).raise_for_status()
    assert set(desk.fields(three[0])["labels"]) == {"gov-managed", "x"}


def test_a_transition_takes_its_id_as_text_and_as_a_number(desk: RunningDesk, three: list[Any]) -> None:
    with desk.http() as http:
        for transition_id, status in (("31", "Done"), (11, "To Do")):
            path = f"/issue/{three[0].id}/transitions"
            assert http.post(path, json={"transition": {"id": transition_id}}).status_code == 204
            assert desk.fields(three[0])["status"]["name"] == status
        assert http.post(path, json={"transition": {"id": "11"}}).status_code == 400
        assert http.post(path, json={"transition": {"id": "77"}}).status_code == 400


def test_bodies_that_are_not_jiras_are_refused_without_a_crash(desk: RunningDesk, three: list[Any]) -> None:
    with desk.http() as http:
        for body in (b"", b"{", b"[]", b'"x"', b"null", b'{"fields": {"summary": "\\ud800"}}', b'{"fields": null}'):
            answer = http.post("/issue", content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 400, body
        for path in ("/issue/MLR-0", "/issue/MLR-", "/issue/-1", "/issue/99999999999999999999", "/issue/X-1"):
            assert http.get(path).status_code == 404, path
        assert http.post(f"/issue/{three[0].id}/attachments", files={"file": b"x"}).status_code == 403


def test_faults_can_be_planned_only_where_they_were_asked_for(desks: Desks, desk: RunningDesk) -> None:
    with httpx.Client(base_url=desk.url, trust_env=False, auth=(USER, TOKEN)) as http:
        fault = {"effect": "answer", "path": "/myself", "status": 503}
        assert http.post("/__faults", json=fault).status_code == 204
        assert [http.get("/rest/api/2/myself").status_code for _ in range(2)] == [503, 200]
        assert http.get("/__faults").json() == ["GET /rest/api/2/myself"] * 2
    plain = desks.start(with_faults=False)
    assert httpx.post(f"{plain.url}/__faults", json=fault, trust_env=False).status_code == 404


def test_the_statuses_of_a_project_are_listed_by_issue_type(desk: RunningDesk) -> None:
    with desk.http() as http:
        [kind] = http.get("/project/MLR/statuses").raise_for_status().json()
        assert http.get("/project/NOPE/statuses").status_code == 404
    assert (kind["name"], kind["subtask"]) == ("Task", False)
    assert [status["name"] for status in kind["statuses"]] == ["To Do", "In Review", "Done", "Rejected", "Withdrawn"]


def test_the_account_is_told_what_it_may_do(desk: RunningDesk, desks: Desks, tmp_path: Path) -> None:
    with desk.http() as http:
        all_of_them = http.get("/mypermissions").raise_for_status().json()["permissions"]
        assert http.get("/mypermissions", params={"projectKey": "NOPE"}).status_code == 404
    assert all_of_them["CREATE_ISSUES"]["havePermission"] is True
    cloud = desks.start(deployment="cloud", database=tmp_path / "cloud.db")
    with cloud.http() as http:
        assert http.get("/mypermissions").status_code == 400
        assert http.get("/mypermissions", params={"permissions": "FLY"}).status_code == 400
        asked = {"permissions": "CREATE_ISSUES,ADD_COMMENTS", "projectKey": "MLR"}
        assert list(http.get("/mypermissions", params=asked).json()["permissions"]) == ["CREATE_ISSUES", "ADD_COMMENTS"]
