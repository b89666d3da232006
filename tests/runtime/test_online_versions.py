"""Which of several online deployments answers, after undeployments and restarts too."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from online_deployments import answered, answers, deploy, gone, is_now, state
from servers import eventually
from small_models import python_model

from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.deployment import DeploymentRecord
from mlc.runtime.online import OnlineModels, answering
from mlc.runtime.online_model import NotServing
from mlc.settings import RuntimeSettings

StartRuntime = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.usefixtures("short_pauses")


async def test_a_new_version_takes_over_when_the_old_one_is_undeployed_and_not_before(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    old = await deploy(center, runtime, answers(1))
    await is_now(center, old, "DEPLOYED")
    pid = (await eventually(lambda: answered(http, runtime.url, {})))["pid"]

    new = await deploy(center, runtime, answers(2))
    await is_now(center, new, "DEPLOYED")
    addressed = await eventually(lambda: answered(http, f"{runtime.url}?deployment={new}", {}))
    assert addressed["answer"] == 2
    assert (await answered(http, runtime.url, {}))["answer"] == 1

    # Not one request fails while the old one goes and the new one takes over.
    async def keep_asking() -> list[int]:
        seen = []
        while not seen or seen[-1] == 1:
            response = await http.post(runtime.url, json={"sleep": 0.01})
            assert response.status_code == 200, response.text
            seen.append(response.json()["answer"])
        return seen

    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    await center.patch_deployment(old, {"state": "UNDEPLOYED"})
    for numbers in await asyncio.wait_for(asyncio.gather(*asking), 30):
        assert numbers[-1] == 2
    await eventually(lambda: gone(pid))


async def test_the_same_models_are_loaded_after_a_restart_and_what_ended_is_not(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    first = await start_runtime(online=True)
    kept, ended = [await deploy(center, first, answers(n), f"model-{n}") for n in (1, 2)]
    for deployment in (kept, ended):
        await is_now(center, deployment, "DEPLOYED")
    pids = [
        (await eventually(lambda d=d: answered(http, f"{first.url}?deployment={d}", {})))["pid"] for d in (kept, ended)
    ]
    await first.stop()
    for pid in pids:
        assert await gone(pid)
    await center.patch_deployment(ended, {"state": "UNDEPLOYED"})

    second = await start_runtime(online=True, name=first.settings.name)
    assert second.engine.id == first.engine.id
    assert (await eventually(lambda: answered(http, second.url, {})))["answer"] == 1
    assert await state(center, ended) == "UNDEPLOYED"
    assert (await http.post(f"{second.url}?deployment={ended}", json={})).status_code == 404


async def test_an_undeployment_while_the_model_loads_is_not_overwritten(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    slow = python_model("import time\n# modelop.init\ndef i(): time.sleep(3)\n# modelop.score\ndef s(r): yield 1")
    deployment = await deploy(center, runtime, slow)
    folder = runtime.settings.folder / "process-1" / "online" / deployment / "__moc_runtime" / "order.json"
    await eventually(lambda: _exists(folder))
    await center.patch_deployment(deployment, {"state": "UNDEPLOYED"})
    await eventually(lambda: _missing(folder))
    assert await state(center, deployment) == "UNDEPLOYED"


async def test_an_undeployment_just_before_the_model_is_loaded_ends_the_model(
    center: ModelManage, tmp_path: Path
) -> None:
    engine = await center.save_engine(wire.Engine(name="late", input_endpoints=[{"endpointType": "REST"}]))

    async def a_moment_too_late(request: httpx.Request) -> None:
        place, _, deployment_id = str(request.url).rpartition("/")
        if request.method == "PATCH" and place.endswith("/deployedModels"):
            await center.patch_deployment(deployment_id, {"state": "UNDEPLOYED"})

    async with httpx.AsyncClient(event_hooks={"request": [a_moment_too_late]}) as interfering:
        late = ModelOpCenter(CenterSettings(), http=interfering)
        models = OnlineModels(late, RuntimeSettings(name="late"), tmp_path / "late", text_limit=1000)
        following = asyncio.create_task(models.run(str(engine.id)))
        deployment = await deploy(center, SimpleNamespace(engine=engine), answers(1))
        folder = tmp_path / "late" / "online" / deployment
        await eventually(lambda: _exists(folder / "__moc_runtime" / "order.json"))
        await eventually(lambda: _missing(folder))
        assert await state(center, deployment) == "UNDEPLOYED"
        with pytest.raises(NotServing):
            await models.score({})
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def test_the_newest_deployments_model_answers_through_its_oldest_deployment() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def deployed(number: int, model: str) -> DeploymentRecord:
        return DeploymentRecord(id=f"d{number}", created=start + timedelta(days=number), model_id=model)

    assert answering([]) is None
    assert answering([deployed(1, "a"), deployed(2, "a")]) == "d1"
    assert answering([deployed(2, "a"), deployed(1, "a")]) == "d1"
    assert answering([deployed(1, "a"), deployed(2, "b"), deployed(3, "b")]) == "d2"
    assert answering([deployed(1, "a"), deployed(2, "b"), deployed(3, "a")]) == "d1"


async def _exists(path: Any) -> bool:
    return bool(path.exists())


async def _missing(path: Any) -> bool:
    return not path.exists()
