"""The client against the standalone centre, over a socket."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from contextlib import aclosing

import httpx
import pytest
from center_harness import TOKEN, settings_for
from pydantic import SecretStr

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.literals import deployment_state
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import (
    Asset,
    DeployableModel,
    DeployedModel,
    Engine,
    Job,
    MetaData,
    ModelMetaData,
    ModelTestResult,
    Notification,
    StoredModel,
)
from mlc.center.port import Center
from mlc.model.failure import NotFound, Refused

DATA = b"a,b\n1,2\n"


def a_model(name: str = "Credit", **more: object) -> StoredModel:
    assets = [
        Asset(filename="test.csv", asset_role="TEST_DATA", file_content=base64.b64encode(DATA).decode()),
        Asset(filename="m.py", asset_type="SOURCE_CODE", asset_role="MODEL_SOURCE", source_code="def score(r): ...\n"),
    ]
    return StoredModel(model_meta_data=ModelMetaData(name=name, **more), model_assets=assets)


async def a_snapshot(center: ModelManage, name: str = "s", model: StoredModel | None = None) -> DeployableModel:
    model = model or await center.create_stored_model(a_model())
    return await center.create_snapshot(DeployableModel(stored_model=model, meta_data=MetaData(name=name)))


def test_the_client_is_a_center(center: ModelManage) -> None:
    port: Center = center
    assert port is center


async def test_a_file_is_kept_outside_any_model(center: ModelManage) -> None:
    stored = await center.create_asset(Asset(filename="in.csv", file_content=base64.b64encode(DATA).decode()))
    assert stored.id is not None
    assert (await center.get_asset(stored.id)).content() == DATA
    with pytest.raises(NotFound):
        await center.get_asset("5a31b3c6-f033-4948-b433-bae6656baa26")


async def test_an_entity_read_by_its_id_has_the_contents_of_its_assets(center: ModelManage) -> None:
    snapshot = await a_snapshot(center)
    data, source = (await center.get_snapshot(snapshot.id)).stored_model.model_assets
    assert data.content() == DATA
    assert source.content() == b"def score(r): ...\n"
    assert data.content_hash is not None
    assert data.content_hash.hex_string == hashlib.sha256(DATA).hexdigest()
    assert data.file_size == len(DATA)


async def test_assets_sent_back_without_their_contents_keep_them(center: ModelManage) -> None:
    snapshot = await a_snapshot(center)
    listed = (await center.find_stored_models("Credit"))[0]
    assert listed.model_assets[0].content() is None
    changes = {"storedModel": {"modelAssets": [asset.wire() for asset in listed.model_assets]}}
    await center.patch_snapshot(snapshot.id, changes)
    assert (await center.get_snapshot(snapshot.id)).stored_model.model_assets[0].content() == DATA


async def test_the_hash_follows_the_content(center: ModelManage) -> None:
    model = await center.create_stored_model(a_model())
    model = await center.get_stored_model(model.id or "")
    model.model_assets[0].file_content = base64.b64encode(b"new").decode()
    await center.patch_stored_model(model.id or "", {"modelAssets": [a.wire() for a in model.model_assets]})
    changed = (await center.get_stored_model(model.id or "")).model_assets[0]
    assert changed.content() == b"new"
    assert changed.content_hash is not None
    assert changed.content_hash.hex_string == hashlib.sha256(b"new").hexdigest()


async def test_a_patch_keeps_what_it_does_not_name(center: ModelManage) -> None:
    snapshot = await a_snapshot(center)
    await center.patch_snapshot(snapshot.id, {"somethingNew": {"a": 1}, "metaData": {"tags": ["x", "y"]}})
    await center.patch_snapshot(snapshot.id, {"somethingNew": {"b": 2}, "metaData": {"tags": ["z"]}})
    read = await center.get_snapshot(snapshot.id)
    assert read.model_extra is not None
    assert read.model_extra["somethingNew"] == {"a": 1, "b": 2}
    assert read.meta_data.tags == ["z"]
    assert read.meta_data.name == "s"
    assert read.stored_model.model_meta_data.name == "Credit"


async def test_what_was_read_can_be_sent_back_whole(center: ModelManage) -> None:
    snapshot = await center.get_snapshot((await a_snapshot(center)).id)
    await center.patch_snapshot(snapshot.id, snapshot.wire())
    again = await center.get_snapshot(snapshot.id)
    assert again.stored_model == snapshot.stored_model
    assert again.created_date == snapshot.created_date


async def test_listings_are_read_to_their_last_page_newest_first(center: ModelManage) -> None:
    for number in range(8):  # three pages of three
        await center.create_notification(Notification(message=str(number), deployable_model_id="d"))
    assert [n.message for n in await center.list_notifications()] == list("76543210")
    assert [n.message for n in await center.list_notifications(snapshot_id="d")] == list("76543210")
    assert await center.list_notifications(snapshot_id="other") == []


async def test_the_latest_snapshot_of_a_model_is_whole(center: ModelManage) -> None:
    model = await center.get_stored_model((await center.create_stored_model(a_model())).id or "")
    for name in ("first", "second", "third"):
        await a_snapshot(center, name, model)
    await a_snapshot(center, "of another")
    latest = await center.latest_snapshot(model.id or "")
    assert latest is not None
    assert latest.meta_data.name == "third"
    assert latest.stored_model.model_assets[0].content() == DATA
    assert await center.latest_snapshot("00000000-0000-0000-0000-000000000000") is None


async def test_stored_models_are_found_by_name_and_category(center: ModelManage) -> None:
    await center.create_stored_model(a_model("Credit"))
    monitor = await center.create_stored_model(a_model("Credit", model_category="MODEL_MONITORING_MODEL"))
    await center.create_stored_model(a_model("Credit 2"))
    assert len(await center.find_stored_models("Credit")) == 2
    assert [m.id for m in await center.find_stored_models("Credit", category="MODEL_MONITORING_MODEL")] == [monitor.id]


async def test_a_job_is_found_by_its_key_and_created_once(center: ModelManage) -> None:
    snapshot = await a_snapshot(center)
    jobs = [
        await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=snapshot, job_parameters={"mlcKey": "k"}))
        for _ in range(2)
    ]
    assert jobs[0].id == jobs[1].id
    await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=snapshot, job_parameters={"mlcKey": "other"}))
    found = await center.find_job(snapshot.id, "k")
    assert found is not None
    assert found.id == jobs[0].id
    assert await center.find_job(snapshot.id, "unknown") is None
    assert await center.find_job("00000000-0000-0000-0000-000000000000", "k") is None


async def test_a_job_may_name_its_model_by_id(center: ModelManage) -> None:
    snapshot = await a_snapshot(center)
    made = await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=DeployableModel(id=snapshot.id)))
    job = await center.get_job(made.id)
    assert job.model is not None
    assert job.model.stored_model.model_assets[0].content() == DATA
    with pytest.raises(Refused, match="nothing in deployableModels"):
        await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=DeployableModel(id="unknown")))


@pytest.mark.parametrize("status", ["COMPLETE", "ERROR", "CANCELLED"])
async def test_a_job_that_has_ended_stays_so(center: ModelManage, status: str) -> None:
    job = await center.create_job(Job(job_type="MODEL_BATCH_JOB"))
    assert job.job_status == "CREATED"
    await center.patch_job(job.id, {"jobStatus": status})
    for other in {"RUNNING", "COMPLETE", "ERROR", "CANCELLED"} - {status}:
        with pytest.raises(Refused, match=r"409.*final"):
            await center.patch_job(job.id, {"jobStatus": other})
    await center.patch_job(job.id, {"jobStatus": status, "jobMessages": ["the last word"]})
    assert (await center.get_job(job.id)).job_messages == ["the last word"]


async def test_test_results_of_a_snapshot_come_newest_first(center: ModelManage) -> None:
    for auc in (0.7, 0.8, 0.9, 0.95):
        await center.create_test_result(ModelTestResult(deployable_model_id="s", test_results={"auc": auc}))
    await center.create_test_result(ModelTestResult(deployable_model_id="other"))
    found = await center.list_test_results("s")
    assert [result.test_results["auc"] for result in found] == [0.95, 0.9, 0.8, 0.7]
    await center.patch_test_result(found[0].id, {"dmnRuleResults": [{"passes": True}]})
    assert (await center.get_test_result(found[0].id)).dmn_rule_results == [{"passes": True}]


async def test_a_runtime_is_saved_by_its_name_however_often(center: ModelManage) -> None:
    saved = await asyncio.gather(*(center.save_engine(Engine(name="r", tags=[str(n)])) for n in range(5)))
    assert len({engine.id for engine in saved}) == 1
    await center.save_engine(Engine(name="r", environment_name="prod"))
    (engine,) = await center.list_engines()
    assert engine.environment_name == "prod"
    assert len(engine.tags) == 1


async def test_runtimes_that_register_at_the_same_moment_under_one_name_are_one(address: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{address}/model-manage/api/", headers=headers) as http:
        answers = await asyncio.gather(*(http.post("engines", json={"name": "r"}) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_an_online_deployment_loads_and_a_batch_one_is_there_at_once(center: ModelManage) -> None:
    settings = CenterSettings()
    snapshot = await a_snapshot(center)
    online = await center.save_engine(Engine(name="r", input_endpoints=[{"endpointType": "REST"}]))
    loading = await center.create_deployment(DeployedModel(deployable_model=snapshot, engine=online))
    batch = await center.create_deployment(DeployedModel(deployable_model=snapshot))
    assert deployment_state(loading, settings) == settings.deploying_state
    assert deployment_state(batch, settings) == settings.deployed_state
    assert [d.id for d in await center.list_deployments(engine_id=online.id)] == [loading.id]
    await center.patch_deployment(loading.id, {settings.state_field: settings.failed_state, "messages": ["no memory"]})
    failed = await center.get_deployment(loading.id)
    assert (deployment_state(failed, settings), failed.messages) == ("ERROR", ["no memory"])


@pytest.mark.parametrize("end", ["UNDEPLOYED", "ERROR"])
async def test_a_deployment_that_has_ended_does_not_come_back(center: ModelManage, end: str) -> None:
    engine = await center.save_engine(Engine(name="r", input_endpoints=[{"endpointType": "REST"}]))
    deployment = DeployedModel(deployable_model=await a_snapshot(center), engine=engine)
    id_ = (await center.create_deployment(deployment)).id
    await center.patch_deployment(id_, {"state": end})
    for other in ("DEPLOYED", "DEPLOYING", None, []):
        with pytest.raises(Refused, match=rf"409.*ended as {end}, which is final"):
            await center.patch_deployment(id_, {"state": other, "messages": ["back"]})
    kept = await center.patch_deployment(id_, {"state": end, "schedules": []})
    assert (deployment_state(kept, CenterSettings()), kept.messages) == (end, [])


async def test_a_deployment_that_failed_can_be_taken_back(center: ModelManage) -> None:
    deployment = await center.create_deployment(DeployedModel(deployable_model=await a_snapshot(center)))
    await center.patch_deployment(deployment.id, {"state": "ERROR"})
    ended = await center.patch_deployment(deployment.id, {"state": "UNDEPLOYED"})
    assert (ended.model_extra or {})["undeployTime"]
    with pytest.raises(Refused, match="409"):
        await center.patch_deployment(deployment.id, {"state": "ERROR"})


async def test_deployments_are_found_by_model_snapshot_and_runtime(center: ModelManage) -> None:
    model = await center.get_stored_model((await center.create_stored_model(a_model())).id or "")
    one, two = await a_snapshot(center, "one", model), await a_snapshot(center, "two", model)
    engine = await center.save_engine(Engine(name="r"))
    first = await center.create_deployment(DeployedModel(deployable_model=one, engine=engine))
    second = await center.create_deployment(DeployedModel(deployable_model=two))
    other = await center.create_deployment(DeployedModel(deployable_model=await a_snapshot(center)))

    async def ids(**by: str | None) -> list[str]:
        return [deployment.id for deployment in await center.list_deployments(**by)]

    assert await ids() == [other.id, second.id, first.id]
    assert await ids(model_id=model.id) == [second.id, first.id]
    assert await ids(snapshot_id=two.id) == [second.id]
    assert await ids(engine_id=engine.id) == [first.id]
    assert await ids(model_id=model.id, engine_id=engine.id) == [first.id]
    assert await ids(snapshot_id=two.id, engine_id=engine.id) == []


async def test_a_centre_without_our_finders_is_asked_for_listings(
    address: str, center: ModelManage, without_finders: Callable[..., CenterSettings]
) -> None:
    other = ModelManage(without_finders())
    model = await center.get_stored_model((await center.create_stored_model(a_model())).id or "")
    snapshot = await a_snapshot(center, "s", model)
    await a_snapshot(center)
    job = await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=snapshot, job_parameters={"mlcKey": "k"}))
    await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=snapshot, job_parameters={"mlcKey": "other"}))
    result = await center.create_test_result(ModelTestResult(deployable_model_id=snapshot.id))
    deployment = await center.create_deployment(DeployedModel(deployable_model=snapshot))
    notification = await center.create_notification(Notification(deployable_model_id=snapshot.id))
    for _ in range(2):  # the second time it is known that there is no such finder
        found = await other.find_job(snapshot.id, "k")
        assert found is not None
        assert found.id == job.id
        latest = await other.latest_snapshot(model.id or "")
        assert latest is not None
        assert latest.id == snapshot.id
        assert [m.id for m in await other.find_stored_models("Credit")][-1] == model.id
        assert [r.id for r in await other.list_test_results(snapshot.id)] == [result.id]
        assert [d.id for d in await other.list_deployments(model_id=model.id)] == [deployment.id]
        assert [n.id for n in await other.list_notifications(snapshot_id=snapshot.id)] == [notification.id]
    await other.aclose()


@pytest.mark.parametrize("known", [True, False], ids=["a finder", "no finder"])
async def test_deployments_of_a_state_come_newest_first(
    center: ModelManage, address: str, without_finders: Callable[..., CenterSettings], known: bool
) -> None:
    snapshot = await a_snapshot(center)
    made = [
        await center.create_deployment(DeployedModel(deployable_model=snapshot, state="DEPLOYED")) for _ in range(5)
    ]
    await center.patch_deployment(made[3].id, {"state": "UNDEPLOYED"})
    # Even where a finder lacks, beyond the limit: an old deployment may be active still.
    settings = settings_for(address, page_size=2) if known else without_finders(page_size=2, listing_limit=2)
    async with aclosing(ModelManage(settings)) as other:
        active = [made[number].id for number in (4, 2, 1, 0)]
        for _ in range(2):
            assert [d.id async for d in other.iter_deployments(state="DEPLOYED")] == active
        assert [d.id async for d in other.iter_deployments()] == [d.id for d in reversed(made)]


async def test_deployments_are_read_no_further_than_wanted(center: ModelManage, address: str) -> None:
    snapshot = await a_snapshot(center)
    for _ in range(7):
        await center.create_deployment(DeployedModel(deployable_model=snapshot, state="DEPLOYED"))
    asked: list[str] = []

    async def noted(request: httpx.Request) -> None:
        asked.append(request.url.params["page"])

    async with httpx.AsyncClient(event_hooks={"request": [noted]}) as http:
        deployments = ModelManage(settings_for(address, page_size=3), http=http).iter_deployments(state="DEPLOYED")
        async with aclosing(deployments):
            assert [await anext(deployments) for _ in range(4)]
    assert asked == ["0", "1"]


async def test_without_a_snapshot_no_more_notifications_are_read_than_the_limit(
    center: ModelManage, address: str
) -> None:
    for number in range(6):
        await center.create_notification(Notification(message=str(number)))
    async with aclosing(ModelManage(settings_for(address, page_size=2, listing_limit=4))) as near:
        assert [n.message for n in await near.list_notifications()] == list("5432")


async def test_looking_through_a_listing_ends_at_the_limit(
    center: ModelManage, without_finders: Callable[..., CenterSettings]
) -> None:
    await center.create_notification(Notification(message="old", deployable_model_id="s"))
    for _ in range(6):
        await center.create_notification(Notification(deployable_model_id="other"))
    near = ModelManage(without_finders(listing_limit=4, page_size=2))
    far = ModelManage(without_finders(listing_limit=100, page_size=2))
    assert await near.list_notifications(snapshot_id="s") == []
    assert [n.message for n in await far.list_notifications(snapshot_id="s")] == ["old"]
    await near.aclose()
    await far.aclose()


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../engines", "a?b", "a b", "x" * 300, "\n", "é"])
async def test_an_id_that_could_lead_elsewhere_is_of_nothing(center: ModelManage, bad: str) -> None:
    with pytest.raises(NotFound):
        await center.get_snapshot(bad)


async def test_an_unknown_id_is_named_in_the_error(center: ModelManage) -> None:
    with pytest.raises(NotFound, match=r"GET deployableModels/nope .*404.*check the id"):
        await center.get_snapshot("nope")


async def test_a_wrong_token_is_refused_and_not_repeated(address: str) -> None:
    client = ModelManage(settings_for(address).model_copy(update={"token": SecretStr("wrong-token")}))
    with pytest.raises(Refused, match="MLC_CENTER_TOKEN") as refused:
        await client.list_engines()
    assert "wrong-token" not in str(refused.value)
    await client.aclose()
