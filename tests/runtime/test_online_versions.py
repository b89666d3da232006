"""Which of several online deployments answers, after undeployments and restarts too."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
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
from mlc.runtime.isolation.levels import Process
from mlc.runtime.online import OnlineModels
from mlc.runtime.online_model import NotServing
from mlc.settings import RuntimeSettings

StartRuntime = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.mark.usefixtures("models_write_outside")
async def test_a_new_snapshot_takes_over_once_it_is_ready_and_no_request_is_dropped(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    old = await deploy(center, runtime, answers(1))
    await is_now(center, old, "DEPLOYED")
    pid = (await eventually(lambda: answered(http, runtime.url, {})))["pid"]
    replaced = asyncio.Event()

    async def keep_asking(url: str) -> list[int]:
        seen = []
        while not (replaced.is_set() and seen and seen[-1] == 2):
            response = await http.post(url, json={"sleep": 0.01})
            assert response.status_code == 200, response.text
            assert response.headers["MLC-Deployment"] == (old if response.json()["answer"] == 1 else new)
            seen.append(response.json()["answer"])
        return seen

    new = ""
    model = f"{runtime.base}/models/model-1/score"
    asking = [asyncio.create_task(keep_asking(url)) for url in (runtime.url, runtime.url, model, model)]
    new = await deploy(center, runtime, answers(2))
    await is_now(center, new, "DEPLOYED")
    await eventually(lambda: answers_as(http, runtime.url, 2))
    assert (await answered(http, f"{runtime.base}/deployments/{old}/score", {}))["answer"] == 1
    await center.patch_deployment(old, {"state": "UNDEPLOYED"})
    await eventually(lambda: gone(pid))
    replaced.set()
    for numbers in await asyncio.wait_for(asyncio.gather(*asking), 30):
        assert numbers == sorted(numbers)
        assert {1, 2} == set(numbers)


@pytest.mark.usefixtures("models_write_outside")
async def test_requests_that_wait_for_a_snapshot_that_is_replaced_are_answered_by_the_next(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    runtime = await start_runtime(online=True, online_time_limit=100)
    old, new = [await deploy(center, runtime, answers(number)) for number in (1, 2)]
    for deployment in (old, new):
        await is_now(center, deployment, "DEPLOYED")
    await eventually(lambda: answers_as(http, runtime.url, 2))
    begun = tmp_path / "begun"
    go_on = tmp_path / "go-on"
    asked = asyncio.create_task(http.post(runtime.url, json={"touch": str(begun), "until": str(go_on)}))
    await eventually(lambda: _exists(begun))
    waiting = [asyncio.create_task(http.post(runtime.url, json={})) for _ in range(5)]
    await center.patch_deployment(new, {"state": "UNDEPLOYED"})  # its run is undone
    await eventually(lambda: answers_as(http, runtime.url, 1))
    go_on.touch()
    assert (await asked).json()["answer"] == 2
    got = [(response.status_code, response.json()["answer"]) for response in await asyncio.gather(*waiting)]
    assert set(got) == {(200, 1)}


@pytest.mark.usefixtures("models_write_outside")
async def test_a_snapshot_that_is_not_ready_leaves_the_answer_to_the_one_before(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    old, new = [await deploy(center, runtime, answers(number)) for number in (1, 2)]
    for deployment in (old, new):
        await is_now(center, deployment, "DEPLOYED")
    os.kill((await eventually(lambda: answers_as(http, runtime.url, 2)))["pid"], signal.SIGKILL)
    await eventually(lambda: answers_as(http, runtime.url, 1))


async def test_a_second_model_takes_no_address_of_the_first_one(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    ids = [await deploy(center, runtime, answers(n), f"model-{n}") for n in (1, 2)]
    for deployment in ids:
        await is_now(center, deployment, "DEPLOYED")
    urls = [f"{runtime.base}/deployments/{deployment}/score" for deployment in ids]
    for number, url in enumerate(urls, start=1):
        assert (await eventually(lambda u=url: answered(http, u, {})))["answer"] == number
        stored = await center.get_deployment(ids[number - 1])
        assert stored.model_extra["metaData"]["custom"]["mlcAddress"] == url
        response = await http.post(f"{runtime.base}/models/model-{number}/score", json={})
        assert response.json()["answer"] == number
        assert response.headers["MLC-Snapshot"] == stored.deployable_model.id
        assert response.headers["MLC-Snapshot-Version"] == "s"
        assert response.headers["MLC-Deployment"] == ids[number - 1]
    unclear = await http.post(runtime.url, json={})
    assert unclear.status_code == 409
    assert set(urls) < set(unclear.json()["addresses"])
    assert all(url in unclear.json()["message"] for url in urls)
    assert (await http.post(f"{runtime.url}?deployment={ids[0]}", json={})).json()["answer"] == 1

    await center.patch_deployment(ids[1], {"state": "UNDEPLOYED"})

    await eventually(lambda: answers_as(http, runtime.url, 1))
    gone_now = await http.post(urls[1], json={})
    assert (gone_now.status_code, urls[0] in gone_now.json()["addresses"]) == (404, True)
    assert (await http.post(f"{runtime.base}/models/model-2/score", json={})).status_code == 404


@pytest.mark.usefixtures("models_write_outside")
async def test_a_request_that_waits_is_never_handed_to_another_model(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    runtime = await start_runtime(online=True, online_time_limit=100)
    first = await deploy(center, runtime, answers(1), "model-1")
    await is_now(center, first, "DEPLOYED")
    await eventually(lambda: answered(http, runtime.url, {}))
    begun = tmp_path / "begun"
    go_on = tmp_path / "go-on"
    record = {"touch": str(begun), "until": str(go_on)}
    asked = asyncio.create_task(http.post(runtime.url, json=record))
    await eventually(lambda: _exists(begun))
    waiting = asyncio.create_task(http.post(runtime.url, json=record))
    second = await deploy(center, runtime, answers(2), "model-2")
    await eventually(lambda: answered(http, f"{runtime.base}/deployments/{second}/score", {}))
    assert (await http.post(runtime.url, json={})).status_code == 409
    await center.patch_deployment(first, {"state": "UNDEPLOYED"})
    await eventually(lambda: answers_as(http, runtime.url, 2))
    go_on.touch()
    done, left = await asked, await waiting
    assert (done.status_code, done.json()["answer"], done.headers["MLC-Deployment"]) == (200, 1, first)
    assert (left.status_code, left.headers["MLC-Deployment"]) == (503, first)


@pytest.mark.usefixtures("models_write_outside")
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
    moved = f"{second.base}/deployments/{kept}/score"
    assert (await answered(http, moved, {}))["answer"] == 1
    assert (await center.get_deployment(kept)).model_extra["metaData"]["custom"]["mlcAddress"] == moved
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
        models = OnlineModels(late, RuntimeSettings(name="late"), Process(), tmp_path / "late", text_limit=1000)
        following = asyncio.create_task(models.run(str(engine.id)))
        deployment = await deploy(center, SimpleNamespace(engine=engine), answers(1))
        folder = tmp_path / "late" / "online" / deployment
        await eventually(lambda: _exists(folder / "__moc_runtime" / "order.json"))
        await eventually(lambda: _missing(folder))
        assert await state(center, deployment) == "UNDEPLOYED"
        assert isinstance((await models.score({})).error, NotServing)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def answers_as(http: httpx.AsyncClient, url: str, number: int) -> Any:
    answer = await answered(http, url, {})
    return answer if answer and answer["answer"] == number else None


async def _exists(path: Any) -> bool:
    return bool(path.exists())


async def _missing(path: Any) -> bool:
    return not path.exists()
