"""What a runtime may do to its own jobs, deployments and itself, and that nothing else is there for it."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_site import DATA, MINE, OTHER, SECRET, Site, a_site, asset

ENDED = ("COMPLETE", "ERROR", "CANCELLED")
HASH = {"contentHash": {"hashType": "SHA-256", "hexString": hashlib.sha256(SECRET).hexdigest()}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("site")) as made:
        yield made


def operators(site: Site, path: str) -> dict[str, Any]:
    document: dict[str, Any] = site.ask("GET", path).json()
    return document


def test_a_runtime_reads_its_job_whole_with_the_contents_of_the_snapshot(site: Site) -> None:
    job = site.job(MINE)
    assert site.as_runtime(MINE, "GET", f"/jobs/{job['id']}").json() == operators(site, f"/jobs/{job['id']}")
    read = site.as_runtime(MINE, "GET", f"/jobs/{job['id']}").json()
    assert base64.b64decode(read["inputData"][0]["fileContent"]) == DATA
    assert read["model"]["storedModel"]["modelAssets"][0]["fileContent"]


def test_a_runtime_writes_what_came_of_its_job(site: Site) -> None:
    job = f"/jobs/{site.job(MINE)['id']}"
    for changes in (
        {"jobStatus": "RUNNING"},
        {"runtimeInfo": {"doing": "this"}},
        {"jobStatus": "RUNNING", "jobMessages": ["a"]},
        {
            "jobStatus": "COMPLETE",
            "jobResult": "SUCCESS",
            "jobMessages": ["a", "b"],
            "outputData": [asset(b"result"), {"assetType": "EXTERNAL_FILE", "fileUrl": "file:///x", **HASH}],
            "jobEndTime": 1,
            "jobRunTime": 1,
        },
    ):
        answer = site.as_runtime(MINE, "PATCH", job, json=changes)
        assert answer.status_code == 200, answer.text
    assert base64.b64decode(operators(site, job)["outputData"][0]["fileContent"]) == b"result"


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"id": "x"}},
        {"inputData": []},
        {"jobType": "MODEL_BATCH_TRAINING_JOB"},
        {"jobParameters": {"mlcKey": "k"}},
        {"targetEngine": {"name": OTHER}},
        {"mlcHandedTo": OTHER},
        {"additionalAssets": []},
        {"id": "x"},
        {"createdDate": "2020-01-01T00:00:00Z"},
        {"createdBy": "somebody"},
        {"stopOnBadRecords": False},
        {"anything": 1},
        {"jobmessages": []},
        {"jobStatus": "CREATED"},
        {"jobStatus": "WAITING"},
        {"jobStatus": None},
        {"jobStatus": "complete"},
        {"jobStatus": ["COMPLETE"]},
        {"jobStatus": "RUNNING", "model": None},
    ],
    ids=str,
)
def test_a_runtime_writes_nothing_else_of_its_job(site: Site, changes: dict[str, Any]) -> None:
    job = f"/jobs/{site.own['jobs', MINE]['id']}"
    before = operators(site, job)
    answer = site.as_runtime(MINE, "PATCH", job, json=changes)
    assert answer.status_code == 403, answer.text
    assert MINE in answer.json()["message"]
    assert operators(site, job) == before


@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_has_ended_stays_as_it_is(site: Site, status: str) -> None:
    job = f"/jobs/{site.job(MINE)['id']}"
    assert site.as_runtime(MINE, "PATCH", job, json={"jobStatus": status}).status_code == 200
    before = operators(site, job)
    for changes in (
        {"jobMessages": ["another end"]},
        {"jobResult": "SUCCESS"},
        {"outputData": [asset(b"forged")]},
        {"jobStatus": status},
        {"jobStatus": "RUNNING"},
        {},
    ):
        answer = site.as_runtime(MINE, "PATCH", job, json=changes)
        assert answer.status_code == 409, (changes, answer.text)
    assert operators(site, job) == before


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_is_anothers_looks_like_what_is_not_there(site: Site, method: str) -> None:
    """Also with a version that isn't the entity's, a body that says nothing, or one that is refused of one's own."""
    for kind in ("jobs", "engines", "deployedModels"):
        theirs = site.own[kind, OTHER]["id"]
        more: tuple[dict[str, Any], ...] = (
            {},
            {"headers": {"If-Match": '"999"'}},
            {"json": {"model": 1}},
            {"json": {"jobStatus": "X"}},
        )
        for how in more:
            body = {"json": {}} if method == "PATCH" else {}
            answers = [
                site.as_runtime(MINE, method, f"/{kind}/{each}", **(body | how))
                for each in (theirs, theirs[:-1] + ("0" if theirs[-1] != "0" else "1"))
            ]
            assert [answer.status_code for answer in answers] == [404, 404]
            texts = {answer.text.replace(str(answer.request.url.path.rpartition("/")[2]), "") for answer in answers}
            assert len(texts) == 1


@pytest.mark.parametrize("odd", ["%2e%2e", "a%2Fb", "%00", "x" * 3000, "%F0%9F", "'; drop table entity; --"])
def test_an_odd_id_is_none(site: Site, odd: str) -> None:
    for kind in ("jobs", "engines", "deployedModels"):
        assert site.as_runtime(MINE, "GET", f"/{kind}/{odd}").status_code in {403, 404}


def test_a_job_that_nobody_was_handed_is_nobodys(site: Site) -> None:
    for job in (site.job(None), site.job(None, targetEngine={"name": MINE})):
        assert site.as_runtime(MINE, "GET", f"/jobs/{job['id']}").status_code == 404


def test_a_job_that_an_earlier_release_handed_over_is_its_runtimes(site: Site) -> None:
    for status in ("WAITING", "RUNNING"):
        job = site.job(None, jobStatus=status, targetEngine={"name": MINE})
        assert site.as_runtime(MINE, "GET", f"/jobs/{job['id']}").status_code == 200
        assert site.as_runtime(OTHER, "GET", f"/jobs/{job['id']}").status_code == 404


def test_nobody_makes_a_job_a_runtimes_by_writing_so(site: Site) -> None:
    """Only the centre hands jobs over; what an operator sends back as it was read changes nothing."""
    job = site.job(MINE, mlcHandedTo=OTHER)
    assert operators(site, f"/jobs/{job['id']}")["mlcHandedTo"] == MINE
    site.ask("PATCH", f"/jobs/{job['id']}", json={"mlcHandedTo": OTHER, "targetEngine": {"name": OTHER}})
    assert site.as_runtime(MINE, "GET", f"/jobs/{job['id']}").status_code == 200
    assert site.as_runtime(OTHER, "GET", f"/jobs/{job['id']}").status_code == 404


def test_a_job_that_was_handed_on_is_no_longer_the_first_ones(site: Site) -> None:
    job = site.job(MINE)
    path = f"/jobs/{job['id']}"
    assert site.as_runtime(MINE, "PATCH", path, json={"jobStatus": "RUNNING"}).status_code == 200
    site.hand_over(job["id"], OTHER)
    before = operators(site, path)
    for changes in ({"jobStatus": "COMPLETE"}, {"outputData": [asset(b"late")]}, {"jobMessages": ["still here"]}):
        assert site.as_runtime(MINE, "PATCH", path, json=changes).status_code == 404
    assert site.as_runtime(MINE, "GET", path).status_code == 404
    assert operators(site, path) == before
    assert site.as_runtime(OTHER, "PATCH", path, json={"jobStatus": "COMPLETE"}).status_code == 200


def hidden(part: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Ways to name a file by its hash, each in one change or several."""
    return [
        [{"outputData": [{"assetType": "FILE", "name": "x", **part}]}],
        [{"outputData": [{"name": "x", **part}]}],
        [{"outputData": [{"assetType": "SOURCE_CODE", **part}]}],
        [{"outputData": [{"assetType": "FILE", "fileContent": None, **part}]}],
        [{"outputData": [{"assetType": "SOURCE_CODE", "fileContent": "eA==", **part}]}],
        [{"outputData": [{"assetType": "EXTERNAL_FILE", "inner": {**part}}]}],
        [{"runtimeInfo": {"a": {"b": [part]}}}],
        [{"runtimeInfo": part}],
        [
            {"runtimeInfo": {"a": {"assetType": "EXTERNAL_FILE", **part}}},
            {"runtimeInfo": {"a": {"assetType": "FILE"}}},
        ],
        [{"runtimeInfo": {"a": {"assetType": "OTHER", **part}}}, {"runtimeInfo": {"a": {"assetType": None}}}],
    ]


@pytest.mark.parametrize("steps", hidden(HASH), ids=json.dumps)
def test_the_hash_of_anothers_file_does_not_bring_the_file(site: Site, steps: list[dict[str, Any]]) -> None:
    secret = base64.b64encode(SECRET).decode()
    job = f"/jobs/{site.job(MINE)['id']}"
    answers = [site.as_runtime(MINE, "PATCH", job, json=changes) for changes in steps]
    assert answers[-1].status_code == 403, answers[-1].text
    for text in (*(answer.text for answer in answers), site.as_runtime(MINE, "GET", job).text):
        assert secret not in text
        assert SECRET.decode() not in text


def contents(site: Site, name: str, method: str, data: bytes, **how: Any) -> Any:
    """What a runtime is answered about a file."""
    return site.as_runtime(name, method, f"/contents/{hashlib.sha256(data).hexdigest()}", **how)


def send(site: Site, name: str, data: bytes, *, offset: int = 0, total: int | None = None, of: bytes = b"") -> Any:
    """What it is answered when it sends a part of a file, which is ``of`` in the end."""
    told = {
        "Upload-Offset": str(offset),
        "Upload-Length": str(offset + len(data) if total is None else total),
        "Content-Type": "application/offset+octet-stream",
    }
    return contents(site, name, "PATCH", of or data, content=data, headers=told)


def referring(data: bytes) -> dict[str, Any]:
    digest = {"hashType": "SHA-256", "hexString": hashlib.sha256(data).hexdigest()}
    return {"outputData": [{"assetType": "FILE", "name": "x", "contentHash": digest}]}


def test_a_runtime_reads_the_files_of_its_jobs_and_deployments_and_no_others(site: Site) -> None:
    model = site.made("storedModels", {"modelMetaData": {"name": "w"}, "modelAssets": [asset(b"deployed weights")]})
    snapshot = site.made("deployableModels", {"storedModel": {"id": model["id"]}})
    assert contents(site, MINE, "GET", b"deployed weights").status_code == 404
    engine = {"id": site.own["engines", MINE]["id"]}
    site.made("deployedModels", {"deployableModel": {"id": snapshot["id"]}, "engine": engine})
    assert contents(site, MINE, "GET", b"deployed weights").content == b"deployed weights"
    assert contents(site, MINE, "GET", b"source of the model").content == b"source of the model"
    for method in ("GET", "HEAD"):
        assert contents(site, OTHER, method, b"deployed weights").status_code == 404
        assert contents(site, MINE, method, SECRET).status_code == 404
    assert contents(site, OTHER, "GET", SECRET, headers={"Range": "bytes=4-"}).content == SECRET[4:]


def test_a_runtime_can_not_find_out_which_files_there_are(site: Site) -> None:
    there, not_there = contents(site, MINE, "HEAD", SECRET), contents(site, MINE, "HEAD", b"nobody has it")
    different = {"date"}
    assert {k: v for k, v in there.headers.items() if k not in different} == {
        k: v for k, v in not_there.headers.items() if k not in different
    }
    for data in (SECRET, b"nobody has it"):
        begun = send(site, MINE, data[:3], total=len(data), of=data)
        assert (begun.status_code, begun.headers["Upload-Offset"]) == (204, "3")
        assert contents(site, MINE, "HEAD", data).headers["Upload-Offset"] == "3"
        assert "Upload-Offset" not in contents(site, OTHER, "HEAD", b"nobody has it").headers
        wrong = send(site, MINE, b"x" * (len(data) - 3), offset=3, of=data)
        assert wrong.status_code == 422
        assert contents(site, MINE, "HEAD", data).status_code == 404


def test_a_job_that_is_handed_on_takes_its_files_with_it(site: Site) -> None:
    data = b"of a job that is handed on"
    job = site.job(MINE, inputData=[asset(data)])
    assert contents(site, MINE, "GET", data).status_code == 200
    site.hand_over(job["id"], OTHER)
    assert contents(site, MINE, "GET", data).status_code == 404
    assert contents(site, OTHER, "GET", data).content == data


def test_a_runtime_tells_of_files_that_it_sent(site: Site) -> None:
    job, data = f"/jobs/{site.job(MINE)['id']}", b"what came of the job"
    assert site.as_runtime(MINE, "PATCH", job, json=referring(data)).status_code == 403
    assert send(site, OTHER, data).status_code == 201
    assert site.as_runtime(MINE, "PATCH", job, json=referring(data)).status_code == 403, "another one sent it"
    assert contents(site, MINE, "GET", data).status_code == 404
    assert send(site, MINE, data).status_code == 201
    assert contents(site, MINE, "GET", data).content == data
    assert site.as_runtime(MINE, "PATCH", job, json=referring(data)).status_code == 200
    assert base64.b64decode(operators(site, job)["outputData"][0]["fileContent"]) == data


def test_who_knows_a_secret_may_tell_of_it(site: Site) -> None:
    """It has the file already, and has shown so by sending it whole."""
    job, data = f"/jobs/{site.job(MINE)['id']}", b"known to both"
    site.job(OTHER, inputData=[asset(data)])
    assert site.as_runtime(MINE, "PATCH", job, json=referring(data)).status_code == 403
    assert send(site, MINE, data).status_code == 201
    assert site.as_runtime(MINE, "PATCH", job, json=referring(data)).status_code == 200


@pytest.mark.parametrize("way", ["PATCH", "POST"])
def test_a_runtime_can_not_read_files_by_way_of_itself(site: Site, way: str) -> None:
    engine = site.own["engines", MINE]["id"]
    for changes in (
        {"lastActivity": HASH},
        {"platform": {"a": HASH}},
        {"inputEndpoints": [HASH]},
        {"inputEndpoints": [{"assetType": "EXTERNAL_FILE", **HASH}]},
    ):
        path = f"/engines/{engine}" if way == "PATCH" else "/engines"
        answer = site.as_runtime(MINE, way, path, json={"name": MINE, **changes})
        assert answer.status_code == 403, answer.text
        assert base64.b64encode(SECRET).decode() not in site.as_runtime(MINE, "GET", f"/engines/{engine}").text


def test_a_runtime_keeps_a_file_that_its_job_had(site: Site) -> None:
    """What a runtime has read of its job it may send back."""
    job = f"/jobs/{site.job(MINE, outputData=[asset(b'a form to fill in')])['id']}"
    read = operators(site, job)["outputData"]
    for file in read:
        del file["fileContent"]
    assert site.as_runtime(MINE, "PATCH", job, json={"outputData": read}).status_code == 200


def test_a_runtime_registers_itself_and_tells_that_it_lives(site: Site) -> None:
    me = {"name": MINE, "state": "RUNNING", "platform": {"python": "3"}, "tags": ["a"], "environmentName": None}
    answer = site.as_runtime(MINE, "POST", "/engines", json=me)
    assert (answer.status_code, answer.json()["id"]) == (200, site.own["engines", MINE]["id"])
    answer = site.as_runtime(MINE, "PATCH", f"/engines/{answer.json()['id']}", json=me)
    assert answer.status_code == 200
    listed = site.as_runtime(MINE, "GET", "/engines").json()
    assert [engine["name"] for engine in listed["_embedded"]["engines"]] == [MINE]
    assert listed["page"]["totalElements"] == 1


def test_a_new_runtime_is_registered_under_an_id_of_the_centres(site: Site) -> None:
    site.tokens["new"] = site.issue("new")
    gone = "0b8e8c8e-0000-4000-8000-000000000000"
    assert site.as_runtime("new", "POST", "/engines", json={"name": "new", "id": gone}).status_code == 403
    made = site.as_runtime("new", "POST", "/engines", json={"name": "new"})
    assert (made.status_code, made.json()["id"] == gone) == (201, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": OTHER},
        {"name": "mine "},
        {"name": None},
        {"name": ["mine"]},
        {"id": "x"},
        {"mlcHandedTo": "x"},
        {"createdDate": "2020-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_runtime_neither_renames_itself_nor_registers_another(site: Site, changes: dict[str, Any]) -> None:
    engine = site.own["engines", MINE]["id"]
    assert site.as_runtime(MINE, "PATCH", f"/engines/{engine}", json=changes).status_code == 403
    assert site.as_runtime(MINE, "POST", "/engines", json={"name": MINE} | changes).status_code == 403
    assert site.as_runtime(MINE, "POST", "/engines", json={}).status_code == 403
    assert operators(site, f"/engines/{engine}")["name"] == MINE


def test_a_runtime_that_was_renamed_is_not_the_old_one_nor_is_its_token_the_new_ones(site: Site) -> None:
    for name in ("before", "after"):
        site.tokens[name] = site.issue(name)
    engine = site.made("engines", {"name": "before"})
    deployment, job = site.deployment(engine), site.job("before")
    site.ask("PATCH", f"/engines/{engine['id']}", json={"name": "after"})
    assert site.as_runtime("before", "GET", f"/deployedModels/{deployment['id']}").status_code == 404
    assert site.as_runtime("before", "GET", f"/engines/{engine['id']}").status_code == 404
    assert site.as_runtime("after", "GET", f"/deployedModels/{deployment['id']}").status_code == 200
    # The job stands in the queue of the name that it was handed to, and whoever has that name takes it from there.
    assert site.as_runtime("before", "GET", f"/jobs/{job['id']}").status_code == 200
    assert site.as_runtime("after", "GET", f"/jobs/{job['id']}").status_code == 404


def test_a_runtime_says_how_loading_ended_and_where_it_serves(site: Site) -> None:
    deployment = f"/deployedModels/{site.deployment(site.own['engines', MINE])['id']}"
    told = {"metaData": {"custom": {"mlcAddress": "http://x", "mlcWarning": "w"}}}
    answer = site.as_runtime(MINE, "PATCH", deployment, json={"state": "DEPLOYED", "messages": [], **told})
    assert answer.status_code == 200, answer.text
    moved = {"metaData": {"custom": {"mlcAddress": "http://y"}}}
    assert site.as_runtime(MINE, "PATCH", deployment, json=moved).status_code == 200
    assert operators(site, deployment)["metaData"]["custom"] == {"mlcAddress": "http://y", "mlcWarning": "w"}
    failed = f"/deployedModels/{site.deployment(site.own['engines', MINE])['id']}"
    assert site.as_runtime(MINE, "PATCH", failed, json={"state": "ERROR", "messages": ["no"]}).status_code == 200
    assert site.as_runtime(MINE, "PATCH", failed, json={"messages": ["yes"]}).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "UNDEPLOYED"},
        {"state": "DEPLOYING", "deployableModel": {"id": "x"}},
        {"state": None},
        {"state": "X"},
        {"engine": {"id": "x"}},
        {"deployableModel": {"id": "x"}},
        {"mlcProvisional": False},
        {"mlcRank": None},
        {"mlcKey": "k"},
        {"schedules": []},
        {"deploymentTarget": "PROD"},
        {"metaData": None},
        {"metaData": {"name": "x"}},
        {"metaData": {"custom": {"decision": "approved"}}},
        {"metaData": {"custom": {"mlcAddress": {"a": 1}}}},
        {"metaData": {"custom": {"mlcAddress": None}}},
        {"metaData": {"custom": None}},
        {"undeployTime": "2020"},
    ],
    ids=str,
)
def test_a_runtime_writes_nothing_else_of_its_deployment(site: Site, changes: dict[str, Any]) -> None:
    deployment = f"/deployedModels/{site.own['deployedModels', MINE]['id']}"
    before = operators(site, deployment)
    answer = site.as_runtime(MINE, "PATCH", deployment, json=changes)
    assert answer.status_code == 403, answer.text
    assert operators(site, deployment) == before


def test_a_runtime_does_not_take_back_what_it_serves(site: Site) -> None:
    deployment = f"/deployedModels/{site.deployment(site.own['engines', MINE])['id']}"
    assert site.as_runtime(MINE, "PATCH", deployment, json={"state": "DEPLOYED"}).status_code == 200
    for state in ("ERROR", "DEPLOYING", "UNDEPLOYED"):
        assert site.as_runtime(MINE, "PATCH", deployment, json={"state": state}).status_code == 403
    site.ask("PATCH", deployment, json={"state": "UNDEPLOYED"})
    assert site.as_runtime(MINE, "PATCH", deployment, json={"state": "DEPLOYED"}).status_code == 409


def test_two_runtimes_whose_names_differ_by_case_have_nothing_in_common(site: Site) -> None:
    for name, another in ((MINE, OTHER), (OTHER, MINE)):
        for kind in ("jobs", "engines", "deployedModels"):
            assert site.as_runtime(name, "GET", f"/{kind}/{site.own[kind, name]['id']}").status_code == 200
            assert site.as_runtime(name, "GET", f"/{kind}/{site.own[kind, another]['id']}").status_code == 404


def test_an_answer_with_a_sentence_holds_no_token(site: Site, tmp_path: Path) -> None:
    answer = site.as_runtime(MINE, "GET", "/jobs")
    assert (answer.status_code, answer.json()) == (
        403,
        {"message": f"The token of the runtime {MINE} reads no listing of jobs but of its own."},
    )
