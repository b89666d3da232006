"""One centre for all tests of activities: what a test finds there, it has made itself."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from backroom import Backroom, backroom
from outside import Board

from mlc.center.modelop import wire
from mlc.model.monitor_plan import CLASSIFICATION
from mlc.standalone.monitors import monitor_folders


@pytest.fixture(scope="session")
async def _room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backroom]:
    async with backroom(tmp_path_factory.mktemp("centre")) as opened:
        yield opened


@pytest.fixture
def room(_room: Backroom) -> Backroom:
    """With the activities as the worker has them."""
    return Backroom(_room.port, _room.http)


@pytest.fixture
async def own_room(tmp_path: Path) -> AsyncIterator[Backroom]:
    """A centre of the test's own: what it says of all runtimes is of the test's."""
    async with backroom(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module", params=["embedded", "reference"])
async def monitored(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Backroom]:
    """A centre, as ModelOp has it and as standalone mode has it, with the monitors that come out of the box."""
    folder: Path = tmp_path_factory.mktemp("centre")
    settings = {"standalone": True} if request.param == "reference" else {}
    async with backroom(folder, contents=request.param, **settings) as opened:
        models = {name: folder.model for name, folder in monitor_folders().items()}
        for name in CLASSIFICATION:
            about = wire.ModelMetaData(name=name, model_category="MODEL_MONITORING_MODEL")
            needs = [{"assetRole": role} for role in models[name].required_roles]
            stored = wire.StoredModel(model_meta_data=about, required_assets=needs)
            await opened.snapshot(model=await opened.center.create_stored_model(stored))
        yield opened


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def board() -> Board:
    return Board()
