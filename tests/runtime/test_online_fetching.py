"""An online model is ready once its files are there; until then it says how far they are."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from stored_by_hash import StoredByHash

from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.runtime import online_model
from mlc.runtime.contents import download
from mlc.runtime.isolation.levels import Process
from mlc.runtime.online_model import NotServing, OnlineModel
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
async def loading(centre: Centre, tmp_path: Path) -> AsyncIterator[OnlineModel]:
    settings = RuntimeSettings(name="r", work_dir=tmp_path, contents=tmp_path / "contents")
    model = OnlineModel(
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
