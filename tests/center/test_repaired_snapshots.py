"""What a person does to a snapshot that lacks something, and until when it may be in production."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from center_harness import settings_for

from mlc.center.catalogue import NewFile
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import Refused
from mlc.model.snapshot import Model, Snapshot


@pytest.fixture
async def modelop(address: str) -> AsyncIterator[ModelOpCenter]:
    center = ModelOpCenter(settings_for(address))
    yield center
    await center.aclose()


@pytest.fixture
async def snapshot(modelop: ModelOpCenter, tmp_path: Path) -> Snapshot:
    model = Model(name="Credit")
    files = [
        a_file(tmp_path, "m.py", "x = 1\n", kind=AssetKind.SOURCE, primary=True),
        a_file(tmp_path, "test.csv", "old\n", role="UNKNOWN"),
    ]
    return await modelop.create_snapshot((await modelop.save_model(model, files)).id, name="s")


def a_file(folder: Path, name: str, content: str, **fields: object) -> NewFile:
    (folder / name).write_text(content)
    return NewFile(Asset.model_validate({"name": name, **fields}), folder / name)


async def test_added_files_take_the_place_of_those_of_their_names_however_often(
    modelop: ModelOpCenter, snapshot: Snapshot, tmp_path: Path
) -> None:
    added = [a_file(tmp_path, "test.csv", "new\n", role="TEST_DATA"), a_file(tmp_path, "more.csv", "more\n")]
    for _ in range(2):
        async with modelop.open_snapshot(snapshot.id) as opened:
            await modelop.add_files(opened, added)
    async with modelop.open_snapshot(snapshot.id) as opened:
        contents = {asset.name: await modelop.read(asset, limit=100) for asset in opened.assets}
        assert contents == {"m.py": b"x = 1\n", "test.csv": b"new\n", "more.csv": b"more\n"}
        assert [asset.name for asset in opened.with_role("TEST_DATA")] == ["test.csv"]
        assert opened.assets[0].primary


async def test_a_snapshot_that_is_not_open_gets_no_files(modelop: ModelOpCenter, snapshot: Snapshot) -> None:
    with pytest.raises(Refused, match="is not open"):
        await modelop.add_files(snapshot, [])


@pytest.mark.parametrize(
    ("stated", "expires"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03-01T00:00:00Z", date(2026, 3, 1)),
        ("soon", None),
        (None, None),
        (7, None),
    ],
)
async def test_until_when_a_snapshot_may_be_in_production_is_read_or_not_known(
    modelop: ModelOpCenter, snapshot: Snapshot, stated: object, expires: date | None
) -> None:
    assert snapshot.expires is None
    await modelop.model_manage.patch_snapshot(snapshot.id, {modelop.settings.expiration_field: stated})
    assert (await modelop.get_snapshot(snapshot.id)).expires == expires
