"""Two real runtimes of one machine, a real centre: a large file is fetched once, whoever needs it and however often."""

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from online_deployments import answered, deploy, is_now
from servers import eventually
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.runtime.contents.cache import ContentCache

WEIGHTS = os.urandom(3 * 2**20)
SOURCE = """
    import hashlib
    # modelop.score
    def score(record):
        for name in ("weights.bin", "outputDir/weights.bin"):
            with open(name, "rb") as file:
                yield hashlib.file_digest(file, "sha256").hexdigest()
    """
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture(autouse=True)
def by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_CENTER_CONTENTS", "reference")


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was fetched into the machine's cache."""
    names: list[str] = []
    fetch = ContentCache._fetch

    async def watched(self: ContentCache, content: Any, how: Any) -> None:
        names.append(content.name)
        await fetch(self, content, how)

    monkeypatch.setattr(ContentCache, "_fetch", watched)
    return names


def model() -> wire.DeployableModel:
    return python_model(SOURCE, embedded("weights.bin", WEIGHTS, asset_type="FILE", asset_role="WEIGHTS_FILE"))


async def test_a_large_file_is_fetched_once_a_machine(
    tmp_path: Path,
    center: ModelManage,
    start_runtime: Callable[..., Awaitable[Any]],
    http: httpx.AsyncClient,
    fetched: list[str],
) -> None:
    expected = hashlib.sha256(WEIGHTS).hexdigest()
    runtimes = [await start_runtime(online=True) for _ in range(2)]
    for number, runtime in enumerate(runtimes):
        deployment = await deploy(center, runtime, model(), f"model-{number}")
        await is_now(center, deployment, "DEPLOYED")
        url = f"{runtime.base}/deployments/{deployment}/score"
        assert await eventually(lambda url=url: answered(http, url, {})) == [expected, expected]
    again = await deploy(center, runtimes[0], model(), "model-2")
    await is_now(center, again, "DEPLOYED")
    assert fetched == ["weights.bin"]
    assert {path.name for path in (tmp_path / "runtime.contents").iterdir()} == {expected, f"{expected}.lock"}
