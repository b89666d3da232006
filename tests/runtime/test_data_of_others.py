"""Data of a model that lie outside the centre are fetched by the jobs that are given them, and by nobody else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.job import JobKind
from mlc.model.snapshot import Snapshot
from mlc.runtime.external import ExternalFiles
from mlc.runtime.layout import Layout
from mlc.settings import FileSettings

Run = Callable[..., Any]
ROLES = ["TRAINING_DATA", "TEST_DATA", "BASELINE_DATA", "COMPARATOR_DATA"]
LISTS = python_model("""
    import os
    # modelop.score
    def s(r): yield {"there": sorted(name for name in os.listdir() if name.endswith(".csv"))}
    """)


def outside(folder: Path, name: str, role: str) -> wire.Asset:
    (folder / name).write_text(f"{name}\n1\n")
    return wire.Asset(
        name=name, filename=name, asset_type="EXTERNAL_FILE", asset_role=role, file_url=f"file://{folder}/{name}"
    )


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is fetched from outside, in order."""
    names: list[str] = []
    fetch = ExternalFiles.fetch

    def noted(self: ExternalFiles, asset: Asset, target: Any, what: str) -> None:
        names.append(asset.name)
        fetch(self, asset, target, what)

    monkeypatch.setattr(ExternalFiles, "fetch", noted)
    return names


async def test_a_job_fetches_of_a_models_data_what_it_is_given(call: Run, tmp_path: Path, fetched: list[str]) -> None:
    data = [outside(tmp_path, f"{role}.csv", role) for role in ROLES]
    others = [outside(tmp_path, name, role) for name, role in [("w.csv", "WEIGHTS_FILE"), ("u.csv", "UNKNOWN")]]
    inside = embedded("b.csv", b"a\n1\n").model_copy(update={"asset_role": "BASELINE_DATA"})
    model = LISTS.model_copy(deep=True)
    model.stored_model.model_assets.extend([*data, *others, inside])
    given = [data[1]]
    outcome = await call(JobKind.SCORING, model, *given, additional=[data[2]], files=FileSettings(root=tmp_path))
    assert outcome.problem is None
    there = ["BASELINE_DATA.csv", "TEST_DATA.csv", "b.csv", "u.csv", "w.csv"]
    assert str(there).replace("'", '"') in outcome.outputs[0].content().decode()
    assert set(fetched) == {"BASELINE_DATA.csv", "TEST_DATA.csv", "u.csv", "w.csv"}
    said = [line for line in outcome.messages if "is not fetched" in line]
    assert said == [
        f"The asset {role}.csv is not fetched: it is data outside the centre that this job is not given."
        for role in ("TRAINING_DATA", "COMPARATOR_DATA")
    ]


async def test_what_a_job_is_not_given_is_not_overwritten_either(call: Run, tmp_path: Path) -> None:
    data = outside(tmp_path, "train.csv", "TRAINING_DATA")
    model = LISTS.model_copy(deep=True)
    model.stored_model.model_assets.append(data)
    output = wire.Asset(name="o.csv", asset_type="EXTERNAL_FILE", file_url=f"file://{tmp_path}/./train.csv")
    files = FileSettings(root=tmp_path)
    outcome = await call(JobKind.SCORING, model, embedded("in.csv", b"a\n1\n"), outputs=[output], files=files)
    assert "The output o.csv lies where the asset train.csv does, which it would overwrite" in str(outcome.problem)
    assert (tmp_path / "train.csv").read_text() == "train.csv\n1\n"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", [AssetKind.EXTERNAL, AssetKind.FILE, AssetKind.QUERY])
async def test_a_model_that_serves_fetches_none_and_says_nothing_of_it(
    tmp_path: Path, fetched: list[str], role: str, kind: AssetKind
) -> None:
    asset = Asset(name="big.csv", role=role, kind=kind, address="s3+lake://bucket/big.csv", query="SELECT 1")
    layout = Layout(tmp_path / "model", None, ExternalFiles(FileSettings()))  # type: ignore[arg-type]
    await layout.add_model(Snapshot(id="s", assets=[asset]), artefacts_in_output_dir=True)
    assert (layout.notes, fetched) == ([], [])


async def test_what_it_may_need_to_score_is_fetched(tmp_path: Path, fetched: list[str]) -> None:
    for role in (AssetRole.WEIGHTS_FILE, AssetRole.UNKNOWN, AssetRole.REQUIRED_ASSETS):
        asset = Asset(name="a.csv", role=role, kind=AssetKind.EXTERNAL, address="file:///none/a.csv")
        layout = Layout(tmp_path / role, None, ExternalFiles(FileSettings()))  # type: ignore[arg-type]
        await layout.add_model(Snapshot(id="s", assets=[asset]), artefacts_in_output_dir=True)
        assert len(layout.notes) == 1
    assert fetched == ["a.csv"] * 3
