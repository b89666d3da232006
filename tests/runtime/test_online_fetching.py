"""An online model is ready once its files are there; until then it says how far they are."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from stored_by_hash import StoredByHash

from mlc.model.asset import Asset
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.failure import Unavailable
from mlc.runtime import online_model
from mlc.runtime.channel.messages import ModelSaid
from mlc.runtime.contents import download
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation.levels import Process
from mlc.runtime.online_model import NotServing, OnlineModel
from mlc.runtime.process import ModelProcess
from mlc.settings import RuntimeSettings

WEIGHTS = os.urandom(3 * 2**20)


class Centre(StoredByHash):
    """Has one deployment, whose weights it gives slowly, and which it takes for loaded when it is told so."""

    def __init__(self, given: bytes = WEIGHTS) -> None:
        super().__init__()
        self.gate, self.gate_at = asyncio.Event(), 2 * 2**20
        weights = self.asset("weights.bin", WEIGHTS)
        self.files["weights.bin"] = given
        self.deployment = DeploymentRecord(id="d", state=DeploymentState.DEPLOYING, snapshot=self.model(weights))
        self.told: list[tuple[DeploymentState, str]] = []
        self.ended = asyncio.Event()

    @asynccontextmanager
    async def open_deployment(self, _: str) -> AsyncIterator[DeploymentRecord]:
        yield self.deployment

    async def save_definition(self, _: DeploymentRecord, path: Path) -> None:
        path.write_text("{}")

    async def finish_loading(
        self, _: str, state: DeploymentState, messages: Any = (), *, warning: str = ""
    ) -> DeploymentState:
        self.told.append((state, f"{' '.join(messages)}{warning}"))
        self.ended.set()
        return state


@asynccontextmanager
async def loading(centre: Centre, tmp_path: Path, kind: type[OnlineModel] = OnlineModel) -> AsyncIterator[OnlineModel]:
    settings = RuntimeSettings(name="r", work_dir=tmp_path, contents=tmp_path / "contents")
    model = kind(
        "d",
        centre,  # type: ignore[arg-type]
        finish_loading=centre.finish_loading,
        settings=settings,
        level=Process(),
        text_limit=1000,
        workspace=tmp_path,
    )
    yield model
    await model.stop()


async def test_it_says_how_far_its_files_are_and_answers_once_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online_model, "READY_WAIT", 0.1)
    monkeypatch.setattr(download, "FIRST_TOLD", 0.0)
    monkeypatch.setattr(download, "TOLD", 0.05)
    centre = Centre()
    async with loading(centre, tmp_path) as model:
        said = ""
        async with asyncio.timeout(90):
            while "fetching weights.bin: 2 MB of 3 MB" not in said:
                with pytest.raises(NotServing) as raised:
                    await model.score([{}])
                said = str(raised.value)
        assert centre.told == []
        centre.gate.set()
        async with asyncio.timeout(60):
            await centre.ended.wait()
            monkeypatch.setattr(online_model, "READY_WAIT", 30)
            (outcome,) = await model.score([{"x": 1}])
        assert outcome["results"] == [{"x": 1}]
    assert [state for state, _ in centre.told] == [DeploymentState.DEPLOYED]


async def test_a_deployment_whose_file_is_another_has_failed_and_says_so(tmp_path: Path) -> None:
    centre = Centre(WEIGHTS[::-1])
    centre.gate.set()
    async with loading(centre, tmp_path):
        async with asyncio.timeout(90):
            await centre.ended.wait()
    ((state, said),) = centre.told
    assert state is DeploymentState.FAILED
    assert "The content of weights.bin that came from the model centre is not the one that was stored" in said


class GoneFromTheStore(Centre):
    """Says of each file that its store hasn't got it now, in words that hold a secret."""

    async def stream(self, asset: Asset, *, start: int = 0) -> AsyncIterator[bytes]:
        raise Unavailable("centre", "The store hasn't got weights.bin: https://me:s3cr3t@store/x?sig=s3cr3t.")
        yield b""


async def said_while(model: OnlineModel, wanted: str) -> str:
    """What a caller is told, once it holds that."""
    said = ""
    async with asyncio.timeout(90):
        while wanted not in said:
            with pytest.raises(NotServing) as raised:
                await model.score([{}])
            said = str(raised.value)
    return said


async def test_why_the_last_try_failed_is_told_to_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_model, "READY_WAIT", 0.1)
    async with loading(GoneFromTheStore(), tmp_path) as model:
        said = await said_while(model, "The store hasn't got weights.bin")
    assert said.startswith("The deployment d is being loaded")
    assert "try again later. The last try failed: The store hasn't got weights.bin: https://***@store/x?" in said
    assert "s3cr3t" not in said


class FailsToLoad(OnlineModel):
    """Has served before, and can't be loaded any more until ``error`` is None."""

    error: Exception | None = None

    async def _load(self, in_use: AsyncExitStack) -> ModelProcess | None:
        if self.error is None:
            return await super()._load(in_use)
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ModelFailure("The file weights.bin is gone."), "The last try failed: The file weights.bin is gone."),
        (
            ModelSaid("KeyError: 'Ms Smith'"),
            "The last try failed: The model itself failed: see its deployment's messages.",
        ),
    ],
)
async def test_why_a_served_model_does_not_come_back_is_told_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    monkeypatch.setattr(online_model, "READY_WAIT", 0.1)
    centre = Centre()
    centre.gate.set()
    monkeypatch.setattr(FailsToLoad, "error", error)
    async with loading(centre, tmp_path, FailsToLoad) as model:
        said = await said_while(model, "The last try failed")
        assert said.endswith(told)
        assert "Smith" not in said
        monkeypatch.setattr(FailsToLoad, "error", None)
        monkeypatch.setattr(online_model, "READY_WAIT", 60)
        (outcome,) = await model.score([{"x": 1}])
        assert outcome["results"] == [{"x": 1}]
        assert "failed" not in model.loading
