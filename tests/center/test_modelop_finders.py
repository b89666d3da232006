"""Finders whose answers can't be taken as they come: they find everything, or nothing that could be believed."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from center_harness import served, settings_for
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.client import ModelManage
from mlc.model.failure import Unavailable

Entity = dict[str, Any]
KEYED = {"mlcKey": "k"}


class Careless:
    """Plays model-manage: every finder finds everything, whatever it is asked for, and listings may leave things out.

    Attributes:
        shown: how an entity looks in a finder's answer or a listing.
        read: the entities that were read by their ids.
    """

    def __init__(self) -> None:
        self.entities: dict[str, list[Any]] = {}
        self.shown: Callable[[Any], Any] = lambda entity: entity
        self.finds = True
        self.read: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/model-manage/api/{plural}/search/{finder}", self.find),
                Route("/model-manage/api/{plural}/{id:path}", self.get),
                Route("/model-manage/api/{plural}", self.list),
            ]
        )

    async def find(self, request: Request) -> Response:
        return await self.list(request) if self.finds else JSONResponse({}, 404)

    async def list(self, request: Request) -> Response:
        size, page = int(request.query_params["size"]), int(request.query_params["page"])
        known = self.entities.get(request.path_params["plural"], [])
        items = [self.shown(entity) for entity in known[page * size : (page + 1) * size]]
        return JSONResponse({"_embedded": {"found": items}, "page": {"totalPages": -(-len(known) // size)}})

    async def get(self, request: Request) -> Response:
        known = self.entities.get(request.path_params["plural"], [])
        self.read.append(request.path_params["id"])
        found = [entity for entity in known if entity.get("id") == request.path_params["id"]]
        return JSONResponse(found[0]) if found else JSONResponse({}, 404)


@pytest.fixture
def careless() -> Careless:
    return Careless()


@pytest.fixture
def base(careless: Careless) -> Iterator[str]:
    with served(careless.app) as base:
        yield base


@pytest.fixture
async def modelop(base: str) -> AsyncIterator[ModelOpCenter]:
    center = ModelOpCenter(settings_for(base, page_size=3))
    yield center
    await center.aclose()


@pytest.fixture
def client(modelop: ModelOpCenter) -> ModelManage:
    return modelop.model_manage


def a_job(id_: str, snapshot_id: str, **parameters: str) -> Entity:
    return {"id": id_, "model": {"id": snapshot_id}, "jobStatus": "COMPLETE", "jobParameters": parameters}


def a_deployment(id_: str, snapshot_id: str, engine_id: str, model_id: str) -> Entity:
    snapshot = {"id": snapshot_id, "storedModel": {"id": model_id}}
    return {"id": id_, "state": "DEPLOYED", "deployableModel": snapshot, "engine": {"id": engine_id, "name": "r"}}


def without(*fields: str) -> Callable[[Entity], Entity]:
    return lambda entity: {name: value for name, value in entity.items() if name not in fields}


async def test_a_finder_that_finds_everything_is_looked_through(careless: Careless, client: ModelManage) -> None:
    careless.entities = {
        "storedModels": [{"id": "m1", "modelMetaData": {"name": "a"}}, {"id": "m2", "modelMetaData": {"name": "b"}}],
        "deployableModels": [{"id": f"s{n}", "storedModel": {"id": "m2" if n == 4 else "m1"}} for n in range(6)],
        "jobs": [a_job("j1", "theirs"), a_job("j2", "theirs", **KEYED), a_job("j3", "mine", mlcKey="x")],
        "modelTestResults": [{"id": "r1", "deployableModelId": "theirs"}, {"id": "r2", "deployableModelId": "mine"}],
        "deployedModels": [a_deployment("d1", "theirs", "e1", "m1"), a_deployment("d2", "mine", "e2", "m2")],
        "notifications": [{"id": "n1", "deployableModelId": "theirs"}, {"id": "n2", "deployableModelId": "mine"}],
    }
    assert [model.id for model in await client.find_stored_models("b")] == ["m2"]
    newest = await client.latest_snapshot("m2")
    assert newest is not None
    assert newest.id == "s4"
    assert await client.latest_snapshot("m3") is None
    assert await client.find_job("mine", "k") is None
    assert [result.id for result in await client.list_test_results("mine")] == ["r2"]
    assert [note.id for note in await client.list_notifications(snapshot_id="mine")] == ["n2"]
    for asked in ({"snapshot_id": "mine"}, {"engine_id": "e2"}, {"model_id": "m2"}):
        assert [deployment.id for deployment in await client.list_deployments(**asked)] == ["d2"]
    assert careless.read == ["s4"], "what a finder says whole is not read again, but the snapshot that is wanted"


async def test_what_has_no_id_is_never_believed(careless: Careless, client: ModelManage) -> None:
    whole = a_deployment("", "mine", "e", "m")
    careless.entities = {
        "storedModels": [{"modelMetaData": {"name": "a"}}],
        "deployableModels": [{"storedModel": {"id": "m"}}],
        "jobs": [{}, {"id": "", **a_job("", "mine", **KEYED)}],
        "modelTestResults": [{"deployableModelId": "mine"}],
        "deployedModels": [whole, without("id")(whole)],
        "notifications": [{"deployableModelId": "mine"}],
    }
    for finds in (True, False):
        careless.finds = finds
        assert await client.find_stored_models("a") == []
        assert await client.latest_snapshot("m") is None
        assert await client.find_job("mine", "k") is None
        assert await client.list_test_results("mine") == []
        assert await client.list_deployments(snapshot_id="mine") == []
        assert [deployment async for deployment in client.iter_deployments(state="DEPLOYED")] == []
        assert await client.list_notifications(snapshot_id="mine") == []
    assert careless.read == []


@pytest.mark.parametrize("finds", [True, False])
@pytest.mark.parametrize("left_out", [["jobParameters"], ["model"], ["model", "jobParameters"]], ids=" and ".join)
async def test_a_job_of_which_too_little_is_told_is_read_before_it_is_believed(
    careless: Careless, modelop: ModelOpCenter, left_out: list[str], finds: bool
) -> None:
    careless.finds = finds
    careless.shown = without(*left_out)
    careless.entities["jobs"] = [a_job("j1", "mine", mlcKey="x"), a_job("j2", "theirs", **KEYED), a_job("j3", "mine")]
    assert await modelop.find_job("mine", "k") is None
    careless.entities["jobs"].append(a_job("j4", "mine", **KEYED))
    found = await modelop.find_job("mine", "k")
    assert found is not None
    assert (found.id, found.key) == ("j4", "k")
    assert found.snapshot is not None


async def test_a_finder_that_leaves_embedded_things_out_is_asked_further(
    careless: Careless, client: ModelManage
) -> None:
    careless.shown = without("deployableModel", "storedModel", "modelMetaData")
    careless.entities = {
        "storedModels": [{"id": "m1", "modelMetaData": {"name": "a"}}, {"id": "m2", "modelMetaData": {"name": "b"}}],
        "deployableModels": [{"id": f"s{n}", "storedModel": {"id": f"m{n}"}} for n in (1, 2)],
        "deployedModels": [a_deployment("d1", "theirs", "e1", "m1"), a_deployment("d2", "mine", "e2", "m2")],
    }
    assert [model.id for model in await client.find_stored_models("b")] == ["m2"]
    newest = await client.latest_snapshot("m2")
    assert newest is not None
    assert newest.id == "s2"
    assert [deployment.id for deployment in await client.list_deployments(snapshot_id="mine")] == ["d2"]
    assert [deployment.id for deployment in await client.list_deployments(model_id="m2")] == ["d2"]


async def test_what_is_gone_or_another_when_it_is_read_is_not_believed(careless: Careless, client: ModelManage) -> None:
    careless.entities["jobs"] = [{"id": "gone"}]
    careless.shown = lambda _: {"id": "vanished"}
    assert await client.find_job("mine", "k") is None
    assert careless.read == ["vanished"]


@pytest.mark.parametrize("broken", [None, "x", 5, [], True])
async def test_a_listing_that_holds_no_objects_is_an_outage(
    careless: Careless, modelop: ModelOpCenter, broken: Any
) -> None:
    careless.entities = {plural: [broken] for plural in ("jobs", "engines", "deployedModels")}
    with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
        await modelop.find_job("mine", "k")
    with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
        await modelop.list_runtimes()
    with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
        [deployment async for deployment in modelop.iter_deployments()]


@pytest.mark.parametrize("embedded", ["x", 5, [], {"jobs": "x"}, {"jobs": 5}, {"jobs": {"id": "j"}}])
async def test_a_listing_that_is_none_is_an_outage_and_not_empty(embedded: Any) -> None:
    async def answer(_: Request) -> Response:
        return JSONResponse({"_embedded": embedded})

    with served(Starlette(routes=[Route("/{path:path}", answer)])) as base:
        center = ModelOpCenter(settings_for(base))
        with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
            await center.find_job("mine", "k")
        await center.aclose()


async def test_runtimes_without_an_id_are_all_there(careless: Careless, client: ModelManage) -> None:
    careless.entities["engines"] = [{"name": "a"}, {"name": "b", "id": None}, {"name": "c", "id": ""}]
    assert sorted(engine.name for engine in await client.list_engines()) == ["a", "b", "c"]
