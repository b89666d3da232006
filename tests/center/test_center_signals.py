"""What the gateway is told, by a real receiver."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from center_harness import TOKEN, no_temporal, served, settings_for, wait_until
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.snapshots import DEPLOY_MARK, HELD_MARK
from mlc.center.modelop.wire import Asset, DeployableModel, Engine, Job, MetaData, ModelMetaData, StoredModel
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

PREFIX = "com.modelop.mlc.definitions.Signals_"


class Gateway:
    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.tries = 0
        self.answers: list[int] = []
        self.app = FastAPI()
        self.app.post("/mlc-service/rest/signal")(self.signal)

    async def signal(self, request: Request) -> Response:
        self.tries += 1
        status = self.answers.pop(0) if self.answers else 204
        if status == 204:
            assert request.headers["Authorization"] == "Bearer for-the-gateway"
            self.received.append(await request.json())
        return Response(status_code=status)

    def about(self, name: str) -> list[dict[str, Any]]:
        return [signal["variables"] for signal in self.received if signal["name"] == PREFIX + name]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    receiver = Gateway()
    with served(receiver.app) as address:
        receiver.address = address  # type: ignore[attr-defined]
        yield receiver


@pytest.fixture
async def told(gateway: Gateway, tmp_path: Path) -> AsyncIterator[ModelManage]:
    """A client of a centre that tells the gateway."""
    settings = StandaloneCenterSettings(
        database=tmp_path / "told.db",
        token=SecretStr(TOKEN),
        signal_url=gateway.address,  # type: ignore[attr-defined]
        signal_token=SecretStr("for-the-gateway"),
    )
    with served(create_app(settings, connect=no_temporal)) as base:
        client = ModelManage(settings_for(base))
        yield client
        await client.aclose()


async def seen(condition: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(wait_until, condition)


def a_model(category: str = "BUSINESS_MODEL") -> StoredModel:
    assets = [
        Asset(filename="d.csv", file_content=base64.b64encode(b"the data").decode()),
        Asset(filename="m.py", asset_type="SOURCE_CODE", source_code="the source"),
        Asset(filename="e.csv", asset_type="EXTERNAL_FILE", file_url="s3://b/e.csv", file_content="YQ=="),
    ]
    return StoredModel(model_meta_data=ModelMetaData(name="m", model_category=category), model_assets=assets)


async def test_a_snapshot_that_is_held_is_not_told_of_before_its_process_was_started(
    told: ModelManage, gateway: Gateway
) -> None:
    held = DeployableModel(stored_model=a_model(), meta_data=MetaData(name="held", custom={HELD_MARK: True}))
    snapshot = await told.create_snapshot(held)
    await told.patch_snapshot(snapshot.id, {"expirationDate": "2027-01-01"})
    other = await told.create_snapshot(DeployableModel(stored_model=a_model()))
    signals = await seen(lambda: gateway.about("deployable_model_changed"))
    assert {signal["DEPLOYABLE_MODEL"]["value"]["id"] for signal in signals} == {other.id}
    custom = {HELD_MARK: True, DEPLOY_MARK: {"workflowId": "w", "runId": "r"}}
    await told.patch_snapshot(snapshot.id, {"metaData": {"custom": custom}})
    signals = await seen(lambda: len(there := gateway.about("deployable_model_changed")) == 2 and there)
    assert {signal["DEPLOYABLE_MODEL"]["value"]["id"] for signal in signals} == {other.id, snapshot.id}


async def test_a_snapshot_is_told_of_when_made_and_when_changed_without_contents(
    told: ModelManage, gateway: Gateway
) -> None:
    snapshot = await told.create_snapshot(DeployableModel(stored_model=a_model()))
    await told.patch_snapshot(snapshot.id, {"expirationDate": "2027-01-01"})
    signals = await seen(lambda: len(told_of := gateway.about("deployable_model_changed")) == 2 and told_of)
    values = [signal["DEPLOYABLE_MODEL"]["value"] for signal in signals]
    assert {value["id"] for value in values} == {snapshot.id}
    assert {value.get("expirationDate") for value in values} == {None, "2027-01-01"}
    for value in values:
        assets = value["storedModel"]["modelAssets"]
        assert all(asset["contentHash"]["hexString"] for asset in assets[:2])
        assert not any("fileContent" in asset or "sourceCode" in asset for asset in assets)


async def test_an_ended_job_is_told_of_once_with_its_parameters(told: ModelManage, gateway: Gateway) -> None:
    snapshot = await told.create_snapshot(DeployableModel(stored_model=a_model()))
    job = await told.create_job(
        Job(job_type="MODEL_BATCH_JOB", model=snapshot, job_parameters={"mlcKey": "k", "mlcWorkflowId": "w"})
    )
    output = Asset(filename="o.json", file_content=base64.b64encode(b"{}").decode())
    await told.patch_job(job.id, {"jobStatus": "RUNNING"})
    await told.patch_job(job.id, {"jobStatus": "COMPLETE", "outputData": [output.wire()]})
    await told.patch_job(job.id, {"jobStatus": "COMPLETE", "jobMessages": ["later"]})
    other = await told.create_job(Job(job_type="MODEL_BATCH_JOB"))
    await told.patch_job(other.id, {"jobStatus": "ERROR"})
    signals = await seen(lambda: len(told_of := gateway.about("job_status_changed")) == 2 and told_of)
    value = next(s["JOB"]["value"] for s in signals if s["JOB"]["value"]["id"] == job.id)
    assert value["jobStatus"] == "COMPLETE"
    assert value["jobParameters"] == {"mlcKey": "k", "mlcWorkflowId": "w"}
    assert value["model"] == {"id": snapshot.id}
    assert "fileContent" not in value["outputData"][0]


async def test_monitors_and_other_entities_are_not_told_of(told: ModelManage, gateway: Gateway) -> None:
    await told.create_snapshot(DeployableModel(stored_model=a_model("MODEL_MONITORING_MODEL")))
    await told.save_engine(Engine(name="r"))
    await told.create_stored_model(a_model())
    last = await told.create_snapshot(DeployableModel(stored_model=a_model()))
    await seen(lambda: gateway.received)
    assert [s["variables"]["DEPLOYABLE_MODEL"]["value"]["id"] for s in gateway.received] == [last.id]


async def test_a_gateway_that_fails_is_told_again_and_no_request_waits_for_it(
    told: ModelManage, gateway: Gateway
) -> None:
    gateway.answers = [500, 503]
    await told.create_snapshot(DeployableModel(stored_model=a_model()))
    assert len(gateway.received) == 0
    await seen(lambda: gateway.received)
    assert gateway.tries == 3


async def test_a_gateway_that_refuses_is_not_told_again(told: ModelManage, gateway: Gateway) -> None:
    gateway.answers = [401]
    await told.create_snapshot(DeployableModel(stored_model=a_model()))
    await seen(lambda: gateway.tries)
    second = await told.create_snapshot(DeployableModel(stored_model=a_model()))
    await seen(lambda: gateway.received)
    assert [s["variables"]["DEPLOYABLE_MODEL"]["value"]["id"] for s in gateway.received] == [second.id]
    assert gateway.tries == 2
