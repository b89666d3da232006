"""The centre's API for online requests: what it takes, what it refuses, and whose they are."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN, no_temporal, served
from pydantic import SecretStr
from servers import eventually

from mlc.center.capability import Capability, Unsupported
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.failure import NotFound
from mlc.model.online_requests import LONGEST_RECORD, Forgotten, OnlineBatch, OnlineRequest, OnlineSpan
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.access.client import issue_runtime_token
from mlc.standalone.center.app import create_app
from mlc.standalone.center.requests.store import Of
from mlc.standalone.center.store import Store

REQUESTS = "online-requests"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def port(address: str) -> Any:
    settings = CenterSettings(url=f"{address}/model-manage/api", token=TOKEN, standalone=True, contents="reference")
    opened = ModelOpCenter(settings)
    yield opened
    await opened.aclose()


async def deployed(center: ModelManage, runtime: str = "r") -> wire.DeployedModel:
    engine = await center.save_engine(wire.Engine(name=runtime))
    stored = await center.create_stored_model(wire.StoredModel(model_meta_data=wire.ModelMetaData(name="m")))
    new = wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name="s"))
    snapshot = await center.create_snapshot(new)
    return await center.create_deployment(wire.DeployedModel(deployable_model=snapshot, engine=engine))


def request(**more: Any) -> dict[str, Any]:
    return {"moment": NOW.isoformat(), "record": {"a": 1}, **more}


def batch(deployment: str | None, *requests: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "deployment_id": deployment, "requests": list(requests or [request()]), **more}


async def test_what_a_runtime_keeps_is_opened_as_a_file_and_forgotten(center: ModelManage, port: ModelOpCenter) -> None:
    made = await deployed(center)
    assert made.deployable_model is not None
    model, snapshot = str(made.deployable_model.stored_model.id), str(made.deployable_model.id)
    requests = [
        OnlineRequest(record_id="x", moment=NOW - timedelta(minutes=2), record={"a": 1}),
        OnlineRequest(moment=NOW - timedelta(minutes=1), record={"a": "ä"}),
    ]
    sent = OnlineBatch(id=uuid.uuid4().hex, deployment_id=made.id, requests=requests, missed=2, since=NOW)
    for _ in range(2):
        await port.keep_online_requests(sent)
    async with port.open_online_requests(snapshot, since=NOW - timedelta(days=1), most=10) as kept:
        first, last = (each.moment for each in requests)
        assert kept.span == OnlineSpan(count=2, first=first, last=last, missed=2, missed_since=NOW)
        assert kept.file is not None
        assert await port.read(kept.file, limit=1000) == '{"a": 1}\n{"a": "ä"}\n'.encode()
    async with port.open_online_requests(snapshot, since=None, most=1) as kept:
        assert kept.span.count == 1
    async with port.open_online_requests(snapshot, since=NOW + timedelta(days=1), most=None) as kept:
        assert (kept.span.count, kept.file) == (0, None)
    assert await port.forget_online_requests(model, "x") == Forgotten(requests=1, files=2)  # all that may have it
    assert await port.forget_online_requests(model, "x") == Forgotten()


async def test_what_is_not_there_is_said(port: ModelOpCenter) -> None:
    nobody = str(uuid.uuid4())
    sent = OnlineBatch(id=uuid.uuid4().hex, deployment_id=nobody, requests=[])
    with pytest.raises(NotFound):
        await port.keep_online_requests(sent)
    with pytest.raises(NotFound):
        async with port.open_online_requests(nobody, since=None, most=None):
            pass
    with pytest.raises(NotFound, match="nothing in storedModels"):
        await port.forget_online_requests(nobody, "x")


@pytest.mark.parametrize("settings", [{}, {"contents": "reference"}])
async def test_any_other_centre_has_no_place_for_them(settings: dict[str, Any]) -> None:
    port = ModelOpCenter(CenterSettings(url="http://127.0.0.1:9/", **settings))
    assert Capability.KEEPS_REQUESTS not in port.capabilities
    with pytest.raises(Unsupported, match="can't keep what online models are asked"):
        await port.keep_online_requests(OnlineBatch(id="0" * 32, deployment_id="d", requests=[]))
    with pytest.raises(Unsupported):
        await port.forget_online_requests("m", "x")
    await port.aclose()


WRONG: dict[str, dict[str, Any]] = {
    "id": {"id": "../x"},
    "no requests": {"requests": None},
    "too many": {"requests": [request()] * 1_001},
    "no record": {"requests": [{"moment": NOW.isoformat()}]},
    "a list": {"requests": [request(record=[1])]},
    "no moment": {"requests": [request(moment=None)]},
    "no zone": {"requests": [request(moment="2026-01-01T00:00:00")]},
    "no time": {"requests": [request(moment="yesterday")]},
    "an odd number": {"requests": [request(record_id="7.0")]},
    "a long id": {"requests": [request(record_id="x" * 501)]},
    "an empty id": {"requests": [request(record_id="")]},
    "a long record": {"requests": [request(record={"a": "x" * LONGEST_RECORD})]},
    "one of two": {"requests": [request(), request(record=None)]},
    "fewer than none": {"missed": -1},
    "since": {"since": "2026-01-01T00:00:00"},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_of_a_batch_with_something_wrong_in_it_nothing_is_kept(
    center: ModelManage, raw: httpx.Client, wrong: str
) -> None:
    made = await deployed(center)
    answer = raw.post(REQUESTS, json=batch(made.id) | WRONG[wrong])
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["message"]) < 300
    assert made.deployable_model is not None
    assert raw.post(f"{REQUESTS}/exports", json={"snapshot": made.deployable_model.id}).json()["count"] == 0


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"id": NaN}', b'{"a": "\\ud800"}', b"null"])
def test_what_is_no_json_object_is_refused(raw: httpx.Client, body: bytes) -> None:
    assert raw.post(REQUESTS, content=body).status_code == 400


@pytest.mark.parametrize("window", [{}, {"most": 0}, {"since": "2026-01-01T00:00:00"}, {"unknown": 1}])
def test_a_window_that_makes_no_sense_is_refused(raw: httpx.Client, window: dict[str, Any]) -> None:
    asked = {"snapshot": "s", **window} if window else {}
    assert raw.post(f"{REQUESTS}/exports", json=asked).status_code == 400


@pytest.mark.parametrize("identifier", ["", "x" * 501, "\0"])
async def test_what_is_no_identifier_cannot_be_forgotten(
    center: ModelManage, raw: httpx.Client, identifier: str
) -> None:
    made = await deployed(center)
    assert made.deployable_model is not None
    asked = {"model": str(made.deployable_model.stored_model.id), "identifier": identifier}
    assert raw.delete(REQUESTS, params=asked).status_code == 400


@pytest.fixture
async def runtime(address: str) -> Any:
    """Plain HTTP with the token of the runtime ``r``."""
    token = await issue_runtime_token(address, TOKEN, "r")
    with httpx.Client(base_url=f"{address}/model-manage/api/", headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


async def test_a_runtime_keeps_requests_of_its_own_deployments_and_reads_and_forgets_none(
    center: ModelManage, runtime: httpx.Client
) -> None:
    own, other = await deployed(center, "r"), await deployed(center, "other")
    assert runtime.post(REQUESTS, json=batch(own.id)).json() == {"new": True}
    foreign = runtime.post(REQUESTS, json=batch(other.id))
    missing = runtime.post(REQUESTS, json=batch(str(uuid.uuid4())))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert own.deployable_model is not None
    snapshot, model = own.deployable_model.id, own.deployable_model.stored_model.id
    assert runtime.post(f"{REQUESTS}/exports", json={"snapshot": snapshot}).status_code == 403
    assert runtime.delete(REQUESTS, params={"model": str(model), "identifier": "x"}).status_code == 403


def test_nobody_without_a_token_may_do_anything(address: str) -> None:
    with httpx.Client(base_url=f"{address}/model-manage/api/") as nobody:
        answers = [
            nobody.post(REQUESTS, json={}),
            nobody.post(f"{REQUESTS}/exports", json={}),
            nobody.delete(REQUESTS, params={"model": "m", "identifier": "x"}),
        ]
    assert [answer.status_code for answer in answers] == [401] * 3


async def test_an_answer_that_says_nothing_is_no_success(port: ModelOpCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nonsense(*_: Any, **__: Any) -> dict[str, Any]:
        return {"count": "many", "requests": "some"}

    hal = port._manage.online_requests._hal
    for verb in ("post", "delete"):
        monkeypatch.setattr(hal, verb, nonsense)
    for ask in (port.forget_online_requests("m", "x"), port.open_online_requests("s", since=None, most=1).__aenter__()):
        with pytest.raises(Exception, match="without saying what there"):
            await ask


async def test_a_running_centre_deletes_what_is_older_than_the_setting_says(tmp_path: Path) -> None:
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN), request_days=2)
    store = Store(settings.database)
    for days in (1, 3):
        requests = [OnlineRequest(moment=NOW - timedelta(days=days), record={"days": days})]
        store.requests.keep(OnlineBatch(id=uuid.uuid4().hex, deployment_id="d", requests=requests), Of("m", "s"), "d")
    assert store.requests.export(Of("m", "s")).span.count == 2
    with served(create_app(settings, connect=no_temporal)):

        async def one_is_left() -> bool:
            return (await asyncio.to_thread(store.requests.export, Of("m", "s"))).span.count == 1

        await eventually(one_is_left, seconds=60)
    store.close()
