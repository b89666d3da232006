"""``mlc monitor baseline``, typed as a person types it, with a centre, Temporal and a runtime behind it."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable

import pytest
from running import RunningRuntime
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.cli import run

FIELDS = [
    {"name": "a", "type": "double", "role": "predictor", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]


async def test_training_data_is_scored_and_stored_once(
    center: ModelManage, start_runtime: Callable[..., Awaitable[RunningRuntime]], capsys: pytest.CaptureFixture[str]
) -> None:
    await start_runtime(stage="PROD")
    model = python_model(
        "# modelop.score\ndef s(r):\n    yield {'score': r['a'] / 2}",
        embedded("train.csv", "a,b\n1,x\n3,y\n", asset_role="TRAINING_DATA", file_format="CSV"),
    )
    schema = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": FIELDS}}
    meta = wire.ModelMetaData(name="m", type="PYTHON", model_stage="PROD", input_schema=[schema])
    stored = wire.StoredModel(model_meta_data=meta, model_assets=model.stored_model.model_assets)
    snapshot = await center.create_snapshot(
        wire.DeployableModel(stored_model=await center.create_stored_model(stored), meta_data=wire.MetaData(name="m-1"))
    )

    async def typed(*more: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, ["monitor", "baseline", snapshot.id, *more])
        return code, *capsys.readouterr()

    code, out, err = await typed()
    assert code == 0, err
    assert "2, each with its score" in out
    assert "scoring job" in err
    (found,) = await baselines(center, snapshot.id)
    content = found.content()
    assert content is not None
    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["a", "b", "score"],
        ["1.0", "x", "0.5"],
        ["3.0", "y", "1.5"],
    ]
    code, out, err = await typed()
    assert code == 0, err
    assert "the snapshot has it already: nothing was changed" in out
    other = embedded("baseline_data.csv", "a,b,score\n", asset_role="BASELINE_DATA", file_format="CSV")
    assets = [*model.stored_model.model_assets, other]
    await center.patch_snapshot(snapshot.id, {"storedModel": {"modelAssets": [each.wire() for each in assets]}})
    code, out, err = await typed()
    assert (code, out) == (1, "")
    assert "With --replace it takes that one's place." in err
    code, out, err = await typed("--replace")
    assert code == 0, err
    assert "stored in the place of the one before (SHA-256 " in out
    assert [each.content() for each in await baselines(center, snapshot.id)] == [content]


async def baselines(center: ModelManage, snapshot_id: str) -> list[wire.Asset]:
    assets = (await center.get_snapshot(snapshot_id)).stored_model.model_assets
    return [each for each in assets if each.asset_role == "BASELINE_DATA"]


async def test_a_snapshot_that_is_not_there_is_one_sentence(
    center: ModelManage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await center.list_engines() == []
    code = await asyncio.to_thread(run, ["monitor", "baseline", "5a31b3c6-f033-4948-b433-bae6656baa26"])
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert "5a31b3c6-f033-4948-b433-bae6656baa26" in err
    assert err.count("\n") == 1
