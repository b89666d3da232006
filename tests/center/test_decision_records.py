"""Where decision records are kept: in a collection that never changes, or as files on the stored model."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from center_harness import TOKEN, no_temporal, served, settings_for
from pydantic import SecretStr

from mlc.center.capability import Unsupported
from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.decisions import file_name
from mlc.model.decision import DecisionRecord, RecordEvent
from mlc.model.failure import Unavailable
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

SETTINGS = {"collection": {}, "files": {"decision_records": "modelAssets"}}


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    database = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    with served(create_app(database, connect=no_temporal)) as address:
        yield address


@pytest.fixture
async def files(base: str) -> AsyncIterator[ModelOpCenter]:
    adapter = ModelOpCenter(settings_for(base, **SETTINGS["files"]))
    yield adapter
    await adapter.aclose()


def record(snapshot_id: str, key: str = "k1") -> DecisionRecord:
    now = datetime.now(UTC)
    return DecisionRecord(
        key=key, snapshot_id=snapshot_id, workflow_id="w", first_run_id="r", event=RecordEvent.ASKED, at=now
    )


async def a_snapshot(center: ModelOpCenter) -> wire.DeployableModel:
    weights = wire.Asset(name="a.pkl", filename="a.pkl", file_content=base64.b64encode(b"weights").decode())
    meta = wire.ModelMetaData(name="m")
    stored = await center.model_manage.create_stored_model(
        wire.StoredModel(model_meta_data=meta, model_assets=[weights])
    )
    return await center.model_manage.create_snapshot(wire.DeployableModel(stored_model=stored))


async def test_a_record_can_be_neither_changed_nor_deleted(base: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{base}/model-manage/api/", headers=headers, trust_env=False) as http:
        new = {"mlcKey": "k", "deployableModelId": "s", "record": {"note": "first", "nested": {"fileContent": "!"}}}
        made = (await http.post("decisionRecords", json=new)).raise_for_status().json()
        path = f"decisionRecords/{made['id']}"
        assert (await http.patch(path, json={"record": {"note": "forged"}})).status_code == 409
        assert (await http.delete(path)).status_code == 409
        again = await http.post("decisionRecords", json=new | {"record": {"note": "forged"}})
        assert (again.status_code, again.json()["record"]["note"]) == (200, "first")
        assert (await http.get(path)).json()["record"] == new["record"]


async def test_two_creations_of_one_key_at_the_same_time_make_one_record(base: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{base}/model-manage/api/", headers=headers, trust_env=False) as http:
        new = [{"mlcKey": "k", "deployableModelId": "s", "record": {"note": str(number)}} for number in range(8)]
        answers = await asyncio.gather(*(http.post("decisionRecords", json=document) for document in new))
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["record"]["note"] for answer in answers}) == 1


async def test_records_are_files_on_the_stored_model_and_its_own_files_stay_as_they_are(files: ModelOpCenter) -> None:
    snapshot = await a_snapshot(files)
    first, second = record(snapshot.id), record(snapshot.id, "k2")
    for each in (first, first, second):
        assert await files.append_decision(each) == each
    forged = first.model_copy(update={"note": "forged"})
    assert await files.append_decision(forged) == first
    assert await files.list_decisions(snapshot.id) == [first, second]
    model = await files.model_manage.get_stored_model(snapshot.stored_model.id or "")
    assert [asset.filename for asset in model.model_assets] == ["a.pkl", file_name("k1"), file_name("k2")]
    assert model.model_assets[0].content() == b"weights"
    assert len((await files.get_snapshot(snapshot.id)).assets) == 1


async def test_somebody_elses_file_of_such_a_name_is_no_record(files: ModelOpCenter) -> None:
    snapshot = await a_snapshot(files)
    other = wire.Asset(name=file_name("x"), filename=file_name("x"), file_content=base64.b64encode(b"[1").decode())
    model_id = snapshot.stored_model.id or ""
    await files.model_manage.patch_stored_model(model_id, {"modelAssets": [other.wire()]})
    assert await files.list_decisions(snapshot.id) == []


async def test_a_file_that_another_writer_took_away_is_an_outage_and_not_lost_without_a_word(
    files: ModelOpCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controlled schedule: the other one has read before, and writes after."""
    snapshot = await a_snapshot(files)
    model_id = snapshot.stored_model.id or ""
    before = (await files.model_manage.get_stored_model(model_id)).model_assets
    patch = files._manage.patch_stored_model

    async def overwritten(id_: str, changes: dict[str, object]) -> wire.StoredModel:
        await patch(id_, changes)
        return await files.model_manage.patch_stored_model(id_, {"modelAssets": [each.wire() for each in before]})

    monkeypatch.setattr(files._manage, "patch_stored_model", overwritten)
    with pytest.raises(Unavailable):
        await files.append_decision(record(snapshot.id))
    monkeypatch.undo()
    await files.append_decision(record(snapshot.id))
    assert len(await files.list_decisions(snapshot.id)) == 1


async def test_a_snapshot_without_a_stored_model_has_no_place_for_files(files: ModelOpCenter) -> None:
    bare = wire.StoredModel(model_meta_data=wire.ModelMetaData(name="bare"))
    snapshot = await files.model_manage.create_snapshot(wire.DeployableModel(stored_model=bare))
    with pytest.raises(Unsupported, match="tells no stored model"):
        await files.append_decision(record(snapshot.id))


async def test_a_collection_that_takes_a_key_twice_gets_each_entry_once(base: str) -> None:
    """Of a try whose answer never came nothing is known: the entry is looked for before it is written again."""
    adapter = ModelOpCenter(settings_for(base))
    snapshot, create = await a_snapshot(adapter), adapter.model_manage.create_decision

    async def without_uniqueness(document: wire.DecisionDocument) -> wire.DecisionDocument:
        return await create(document.model_copy(update={"mlc_key": None}))

    adapter._manage.create_decision = without_uniqueness  # type: ignore[method-assign]
    first, other = record(snapshot.id), record(snapshot.id, "k2")
    for each in (first, other, first.model_copy(update={"note": "again"})):
        assert await adapter.append_decision(each) == (other if each is other else first)
    assert await adapter.list_decisions(snapshot.id) == [first, other]
    await adapter.aclose()
