"""The standalone centre's API as any HTTP client sees it."""

import re
import uuid
from typing import Any

import httpx
import pytest
from center_harness import TOKEN

MODEL: dict[str, Any] = {"modelMetaData": {"name": "m"}}


def made(raw: httpx.Client, plural: str, document: dict[str, Any]) -> dict[str, Any]:
    answer = raw.post(plural, json=document)
    assert answer.status_code == 201, answer.text
    entity: dict[str, Any] = answer.json()
    return entity


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"bearer{TOKEN}", "Bearer é"])
def test_without_the_token_nothing_is_answered(address: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    for path in ("", "/jobs", "/jobs/x", "/nothing"):
        answer = httpx.get(f"{address}/model-manage/api{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_root_lists_the_entities_and_each_its_finders(raw: httpx.Client) -> None:
    entities = raw.get("").json()["_links"]
    assert {"storedModels", "deployableModels", "jobs", "modelTestResults", "modelTestResultSummaries"} <= set(entities)
    assert entities.pop("contents")["href"].endswith("/contents/{sha256}")
    for name in entities:
        finders = raw.get(f"{name}/search").json()["_links"]
        for finder, link in finders.items():
            parameters = link["href"].partition("{?")[2].rstrip("}").split(",")
            assert raw.get(f"{name}/search/{finder}", params=dict.fromkeys(parameters[:-3], "x")).status_code == 200


def test_an_entity_has_its_envelope_and_links(raw: httpx.Client) -> None:
    entity = made(raw, "storedModels", MODEL)
    uuid.UUID(entity["id"])
    assert entity["createdDate"].endswith("Z")
    assert entity["createdDate"] == entity["lastModifiedDate"]
    assert entity["createdBy"] == "standalone"
    assert entity["versionNumber"] == 1
    assert raw.get(entity["_links"]["self"]["href"]).json() == entity


@pytest.mark.parametrize(
    ("job_type", "rel"),
    [
        ("MODEL_BATCH_TEST_JOB", "modelBatchTestJob"),
        ("MODEL_BATCH_JOB", "modelBatchJob"),
        ("MODEL_BATCH_TRAINING_JOB", "modelBatchTrainingJob"),
    ],
)
def test_a_job_is_read_by_its_subtype_as_well(raw: httpx.Client, job_type: str, rel: str) -> None:
    job = made(raw, "jobs", {"jobType": job_type})
    assert job["_links"][rel]["href"].endswith(f"/{rel}/{job['id']}")
    assert raw.get(job["_links"]["self"]["href"]).json() == raw.get(f"jobs/{job['id']}").json()
    assert raw.patch(f"{rel}/{job['id']}", json={"jobStatus": "RUNNING"}).json()["jobStatus"] == "RUNNING"


def test_pages_tell_where_they_are(raw: httpx.Client) -> None:
    for number in range(5):
        made(raw, "notifications", {"message": str(number)})
    page = raw.get("notifications", params={"page": 1, "size": 2, "sort": "createdDate,desc"}).json()
    assert [n["message"] for n in page["_embedded"]["notifications"]] == ["2", "1"]
    assert page["page"] == {"size": 2, "totalElements": 5, "totalPages": 3, "number": 1}
    beyond = raw.get("notifications", params={"page": 9, "size": 2}).json()
    assert beyond["_embedded"]["notifications"] == []
    by_message = raw.get("notifications", params={"sort": "message,desc", "size": 1}).json()
    assert by_message["_embedded"]["notifications"][0]["message"] == "4"


@pytest.mark.parametrize(
    "query", ["page=-1", "page=x", "size=0", "page=99999999999999999999", "sort=a'b", "sort=createdDate,up", "sort=,"]
)
def test_a_wrong_page_is_a_sentence(raw: httpx.Client, query: str) -> None:
    answer = raw.get(f"jobs?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(query.partition("=")[0])


def test_summaries_are_test_results_to_read(raw: httpx.Client) -> None:
    result = made(raw, "modelTestResults", {"deployableModelId": "s", "testResults": {"auc": 0.9}})
    finder = "modelTestResultSummaries/search/findAllByDeployedModel_DeployableModel_Id"
    page = raw.get(finder, params={"deployableModelId": "s"}).json()
    assert [r["id"] for r in page["_embedded"]["modelTestResultSummaries"]] == [result["id"]]
    assert raw.post("modelTestResultSummaries", json={}).status_code == 405


def test_a_merge_patch_merges_objects_replaces_lists_and_removes_nulls(raw: httpx.Client) -> None:
    model = made(raw, "storedModels", {**MODEL, "x": {"a": 1, "b": {"c": 2}, "list": [1, 2]}, "y": 1})
    patch = {"x": {"b": {"d": 3}, "list": [3], "a": None}, "y": {"z": None, "w": 1}}
    answer = raw.patch(f"storedModels/{model['id']}", json=patch).json()
    assert answer["x"] == {"b": {"c": 2, "d": 3}, "list": [3]}
    assert answer["y"] == {"w": 1}


def test_the_centres_own_fields_can_not_be_changed(raw: httpx.Client) -> None:
    model = made(raw, "storedModels", MODEL)
    own = {"id": "other", "createdDate": "x", "createdBy": "x", "versionNumber": 9, "_links": {}}
    answer = raw.patch(f"storedModels/{model['id']}", json=own).json()
    assert {key: answer[key] for key in ("id", "createdDate", "createdBy")} == {
        key: model[key] for key in ("id", "createdDate", "createdBy")
    }
    assert answer["versionNumber"] == 2


def test_an_outdated_version_changes_nothing(raw: httpx.Client) -> None:
    model = made(raw, "storedModels", MODEL)
    place = f"storedModels/{model['id']}"
    etag = raw.get(place).headers["ETag"]
    assert raw.patch(place, json={"x": 1}, headers={"If-Match": etag}).status_code == 200
    assert raw.patch(place, json={"x": 2}, headers={"If-Match": etag}).status_code == 412
    assert raw.patch(place, json={"x": 2}, headers={"If-Match": "abc"}).status_code == 400
    assert raw.get(place).json()["x"] == 1


def test_what_is_deleted_is_gone(raw: httpx.Client) -> None:
    place = f"notifications/{made(raw, 'notifications', {})['id']}"
    assert raw.delete(place).status_code == 204
    for answer in (raw.get(place), raw.delete(place), raw.patch(place, json={})):
        assert answer.status_code == 404


def test_an_id_of_ones_own_is_a_uuid_and_used_once(raw: httpx.Client) -> None:
    own = {"id": str(uuid.uuid4()), **MODEL}
    assert made(raw, "storedModels", own)["id"] == own["id"]
    assert raw.post("storedModels", json=own).status_code == 409
    assert raw.post("storedModels", json={**MODEL, "id": "mine"}).status_code == 400


BAD = {
    "not JSON": (b"{", "JSON"),
    "nothing": (b"", "JSON"),
    "a list": (b"[]", "object"),
    "NaN": (b'{"modelMetaData": {"name": "m"}, "x": NaN}', "NaN"),
    "half a surrogate pair": (b'{"modelMetaData": {"name": "\\ud800"}}', "JSON"),
    "not UTF-8": (b'{"modelMetaData": {"name": "\xff"}}', "JSON"),
    "a huge number": (b'{"x": ' + b"9" * 5000 + b"}", "JSON"),
    "deeper than Python can go": (b'{"x":' * 5000 + b"1" + b"}" * 5000, "JSON|deep"),
    "deep": (b'{"modelMetaData": {"name": "m"}, "x": ' + b"[" * 200 + b"]" * 200 + b"}", "deep"),
    "a wrong type": (b'{"modelMetaData": {"name": "m", "tags": "x"}}', r"modelMetaData\.tags"),
    "no name": (b'{"modelMetaData": {}}', "name"),
    "broken base64": (
        b'{"modelMetaData": {"name": "m"}, "modelAssets": [{"filename": "a.csv", "fileContent": "???"}]}',
        r"modelAssets\[0\]\.fileContent \(a\.csv\)",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_body_is_a_sentence_and_stores_nothing(raw: httpx.Client, what: str) -> None:
    body, said = BAD[what]
    before = raw.get("storedModels").json()["page"]["totalElements"]
    answer = raw.post("storedModels", content=body)
    assert answer.status_code == 400, answer.text
    assert re.search(said, answer.json()["message"])
    assert answer.json()["message"].endswith(".")
    assert raw.get("storedModels").json()["page"]["totalElements"] == before


def test_a_bad_patch_changes_nothing(raw: httpx.Client) -> None:
    model = made(raw, "storedModels", MODEL)
    place = f"storedModels/{model['id']}"
    assert raw.patch(place, json={"y": 1, "modelMetaData": {"tags": "x"}}).status_code == 400
    assert raw.get(place).json() == model


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(raw: httpx.Client) -> None:
    large = b'{"x": "' + b"x" * 2_100_000 + b'"}'
    assert raw.post("notifications", content=large).status_code == 413
    assert (
        raw.post("notifications", content=(large[i : i + 65536] for i in range(0, len(large), 65536))).status_code
        == 413
    )
    assert raw.get("notifications").json()["page"]["totalElements"] == 0


@pytest.mark.parametrize("path", ["nothing", "nothing/x", "jobs/search/nothing", "jobs/x", "jobs/a/b/c"])
def test_what_there_is_not_is_a_sentence(raw: httpx.Client, path: str) -> None:
    answer = raw.get(path)
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_a_finder_without_its_parameter_says_which(raw: httpx.Client) -> None:
    answer = raw.get("deployedModels/search/findAllByEngine_Id")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("engineId")


@pytest.mark.parametrize(
    ("plural", "document"),
    [
        ("jobs", {}),
        ("deployableModels", {}),
        ("deployableModels", {"storedModel": {"id": "unknown"}}),
        ("deployedModels", {}),
        ("deployedModels", {"deployableModel": {"id": "unknown"}}),
        ("engines", {}),
        ("engines", {"name": " "}),
        ("engines", {"name": "x" * 201}),
    ],
)
def test_an_entity_that_lacks_what_it_needs_is_refused(
    raw: httpx.Client, plural: str, document: dict[str, Any]
) -> None:
    assert raw.post(plural, json=document).status_code == 400
