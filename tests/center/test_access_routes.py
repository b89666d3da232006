"""Every route of the centre, and who may use it: what nobody has decided about is nobody's."""

import base64
import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_site import DATA, MINE, OTHER, SECRET, Site, a_site, asset
from center_harness import TOKEN, served
from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from mlc.standalone.access.asking import Asking
from mlc.standalone.access.routes import ROUTES, Gate, NotAllowed
from mlc.standalone.access.tokens import RuntimeTokens
from mlc.standalone.center.entities import KINDS, SUMMARIES
from mlc.standalone.database import CENTER, open_database

API = "/model-manage/api"
ENTITIES = [*KINDS, *SUMMARIES, "modelBatchJob", "modelBatchTestJob", "modelBatchTrainingJob", "nonsense"]
JOBS = frozenset({"jobs", "modelBatchJob", "modelBatchTestJob", "modelBatchTrainingJob"})
OWN = JOBS | {"engines", "deployedModels"}
"""What a runtime has of its own."""
FILE = "/files/{plural}/{entity_id}/{sha256}"
ANYBODYS = frozenset({"/docs", "/docs/oauth2-redirect", "/openapi.json"})
WRITES: dict[str, dict[str, Any]] = {
    "engines": {"name": MINE, "tags": ["t"]},
    "deployedModels": {"messages": ["m"]},
    **{name: {"jobMessages": ["m"]} for name in JOBS},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("site")) as made:
        yield made


def routes(app: FastAPI) -> set[tuple[str, str]]:
    found = {
        (method, str(route.path)) for route in iter_route_contexts(app.routes) for method in route.methods or {"ANY"}
    }
    # What Starlette itself makes of what FastAPI says of the API.
    return {(method, path) for method, path in found if method != "HEAD" or path not in ANYBODYS}


def test_of_every_route_it_is_said_who_may_use_it(site: Site) -> None:
    assert routes(site.app) == set(ROUTES)


def test_a_route_of_which_nobody_has_said_it_is_nobodys(tmp_path: Path) -> None:
    asking = Asking(SecretStr(TOKEN), RuntimeTokens(open_database(tmp_path / "t.db", CENTER)))
    app = FastAPI(dependencies=[Depends(Gate(asking))])
    app.add_exception_handler(NotAllowed, lambda *_: httpx_403())
    app.get("/new")(lambda: "a secret")
    with served(app) as address:
        answer = httpx.get(f"{address}/new", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, "a secret" in answer.text) == (403, False)


def httpx_403() -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({}, 403)


def entity_id(site: Site, entity: str, name: str) -> str:
    plural = "jobs" if entity in JOBS else SUMMARIES.get(entity, entity)
    found = site.own.get((plural, name)) or site.any.get(plural) or {"id": "x"}
    return str(found["id"])


def requests_of(site: Site, path: str, whose: str) -> Iterator[tuple[str, str]]:
    """Every address of a route, with the entity that it is about."""
    if "{entity}" not in path:
        job, content = site.own["jobs", whose], asset(DATA if whose == MINE else SECRET)
        digest = hashlib.sha256(base64.b64decode(content["fileContent"])).hexdigest()
        named = {"plural": "jobs", "entity_id": job["id"], "sha256": digest}
        for name, value in (("name", OTHER), ("model_id", "x"), ("snapshot_id", "x"), ("job_id", "x"), *named.items()):
            path = path.replace(f"{{{name}}}", value)
        yield path.replace("{result_id}", "x"), ""
        return
    for entity in ENTITIES:
        kind = KINDS.get(SUMMARIES.get(entity, "jobs" if entity in JOBS else entity))
        finders = kind.finders if kind and "{finder}" in path else {"none": {}}
        for finder, parameters in finders.items():
            filled = path.replace("{entity_id}", entity_id(site, entity, whose))
            asked = {
                parameter: whose if parameter == "name" else site.own["engines", whose]["id"]
                for parameter in parameters
            }
            question = f"?{httpx.QueryParams(asked)}" if asked else ""
            yield filled.replace("{entity}", entity).replace("{finder}", finder) + question, entity


def runtimes_answer(method: str, path: str, address: str, entity: str, whose: str) -> set[int]:
    """What the runtime ``MINE`` is answered: written down here once more, and independently of the code."""
    if path in {API, f"{API}/"} and method == "GET":
        return {200}
    if path in {"/docs", "/docs/oauth2-redirect", "/openapi.json"}:
        return {200}
    if entity == "nonsense" and method != "DELETE" and not path.endswith("/search"):
        return {404}
    if entity in SUMMARIES and method in {"POST", "PATCH"}:
        return {405}
    if path == f"{API}/online-requests" and method == "POST":  # what was sent is no batch
        return {400}
    if path == f"{API}/contents/{{sha256}}":
        if method == "PATCH":  # it is there, or what was sent is no part of a file
            return {201} if whose == MINE else {415}
        return {200} if whose == MINE else {404}
    if path == f"{API}/{{entity}}":
        return {200} if entity == "engines" else {403}
    if path.endswith("/search/{finder}"):
        own = "engines/search/findByName?", "deployedModels/search/findAllByEngine_Id?"
        return {200} if any(known in address for known in own) else {403}
    if path.endswith("/{entity_id}") and method in {"GET", "PATCH"} and entity in OWN:
        return {200} if whose == MINE else {404}
    return {403}


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("whose", [MINE, OTHER])
def test_what_a_runtime_may(site: Site, method: str, path: str, whose: str) -> None:
    for address, entity in requests_of(site, path, whose):
        body = {"json": WRITES.get(entity, {})} if method in {"POST", "PATCH"} and "{entity}" in path else {}
        answer = site.http.request(
            method, site.address + address, headers={"Authorization": f"Bearer {site.tokens[MINE]}"}, **body
        )
        expected = runtimes_answer(method, path, address, entity, whose)
        assert answer.status_code in expected, (method, address, answer.text)
        if answer.status_code == 403:
            assert answer.json()["message"].endswith("."), "one sentence"
        if "/search/" in address and whose != MINE and answer.status_code == 200:
            assert answer.json()["page"]["totalElements"] == 0


NOBODY = {
    "none": {},
    "a wrong one": {"Authorization": "Bearer mlcr_" + "x" * 43},
    "an empty one": {"Authorization": "Bearer"},
    "one of another scheme": {"Authorization": f"Basic {TOKEN}"},
    "one in another header": {"X-Api-Key": TOKEN, "Cookie": f"token={TOKEN}; Authorization=Bearer {TOKEN}"},
}


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("headers", NOBODY.values(), ids=NOBODY.keys())
def test_who_has_no_token_may_read_the_pages_here_and_nothing_else(
    site: Site, method: str, path: str, headers: dict[str, str]
) -> None:
    pages = {"/", "/style.css", "/models/{model_id}", "/snapshots/{snapshot_id}", "/jobs/{job_id}", FILE}
    for address, _ in requests_of(site, path, MINE):
        answer = site.http.request(method, site.address + address, headers=headers)
        if path in {"/docs", "/docs/oauth2-redirect", "/openapi.json"}:
            assert answer.status_code == 200
        elif path in pages | {"/results/{result_id}", "/results/{result_id}/page"} and "Authorization" not in headers:
            assert answer.status_code in {200, 404}
        else:
            assert answer.status_code == 401, (method, address)
            assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_a_revoked_token_is_nobodys(site: Site, method: str, path: str) -> None:
    token = site.issue("gone")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert site.http.delete(f"{site.address}/api/runtime-tokens/gone", headers=headers).json() == {"revoked": 1}
    for address, _ in requests_of(site, path, MINE):
        answer = site.http.request(method, site.address + address, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == (200 if ROUTES[method, path] == "anybody" else 401), address
        assert token not in answer.text


def test_the_operator_may_everything(site: Site) -> None:
    for (method, path), whose in product(sorted(ROUTES), [MINE]):
        if method != "GET":
            continue  # the other tests of the centre do these
        for address, _ in requests_of(site, path, whose):
            answer = site.http.get(site.address + address, headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code in {200, 404}, address


def test_a_token_in_the_address_or_twice_is_none(site: Site) -> None:
    job = f"{site.address}{API}/jobs/{site.own['jobs', MINE]['id']}"
    mine, other = (f"Bearer {site.tokens[name]}" for name in (MINE, OTHER))
    for query in ("token", "access_token", "Authorization"):
        assert site.http.get(job, params={query: site.tokens[MINE]}).status_code == 401
    twice = [("Authorization", mine), ("Authorization", other)]
    assert site.http.get(job, headers=twice).status_code == 401
    assert site.http.get(job, headers=[twice[0], twice[0]]).status_code == 401
    assert site.http.get(job, headers={"Authorization": f"{mine}, {other}"}).status_code == 401
    assert site.http.get(job, headers={"Authorization": mine.replace("Bearer ", "Bearer  ")}).status_code == 401
    assert site.http.get(job, headers={"Authorization": mine.replace("Bearer", "bearer")}).status_code == 200
