"""Online deployments: loaded, answered by the right version, loaded again after a crash or a restart."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from servers import eventually
from small_models import example_model, python_model

from mlc.center import wire
from mlc.center.client import HttpCenter
from mlc.runtime import online, online_model
from mlc.runtime.execution import Outcome
from mlc.runtime.online import OnlineModels, answering
from mlc.runtime.online_model import NotServing
from mlc.settings import CenterSettings, RuntimeSettings

StartRuntime = Callable[..., Awaitable[Any]]


@pytest.fixture
async def http() -> Any:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "POLL_INTERVAL", 0.2)
    monkeypatch.setattr(online_model, "FIRST_PAUSE", 0.05)


async def deploy(center: HttpCenter, runtime: Any, model: wire.DeployableModel, model_id: str = "model-1") -> str:
    """Make a deployment as the process does; its id."""
    stored = model.stored_model.model_copy(update={"id": model_id})
    snapshot = await center.create_snapshot(
        wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name="s"))
    )
    deployment = wire.DeployedModel(deployable_model=snapshot, engine=runtime.engine, state="DEPLOYING")
    return (await center.create_deployment(deployment)).id


async def state(center: HttpCenter, deployment_id: str) -> str:
    return (await center.get_deployment(deployment_id)).model_extra["state"]


async def is_now(center: HttpCenter, deployment_id: str, wanted: str) -> None:
    async def reached() -> bool:
        return await state(center, deployment_id) == wanted

    await eventually(reached, seconds=30)


def answers(number: int) -> wire.DeployableModel:
    source = f"""
        import os, time
        # modelop.init
        def init(definition):
            global seen
            seen = definition["deployableModel"]["metaData"]["name"], "deployableModel" in definition["rawJson"]
        # modelop.score
        def score(r):
            if r.get("sleep"): time.sleep(r["sleep"])
            if r.get("raise"): raise ValueError("no good")
            if r.get("exit"): os._exit(9)
            yield {{"answer": {number}, "got": r, "seen": seen, "pid": os.getpid(), "nan": float("nan")}}
        """
    return python_model(source)


async def test_a_deployment_is_loaded_and_answers(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True, tags=["x"], stage="PROD")
    assert (runtime.engine.environment_name, runtime.engine.tags) == ("PROD", ["x"])
    assert runtime.engine.input_endpoints[0]["endpointType"] == "REST"
    assert runtime.engine.input_endpoints[0]["url"] == runtime.url
    nothing = await http.post(runtime.url, json={"a": 1})
    assert nothing.status_code == 503
    assert nothing.json() == {"message": f"No model is deployed on the runtime {runtime.settings.name}."}

    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    answer = await eventually(lambda: _answered(http, runtime.url, {"a": 1}))
    assert answer["answer"] == 1
    assert answer["got"] == {"a": 1}
    assert answer["seen"] == ["s", True]
    assert answer["nan"] is None
    health = await http.get(f"http://127.0.0.1:{runtime.settings.port}/healthz")
    assert health.json() == {"status": "up", "runtime": runtime.settings.name}


async def test_a_deployment_answers_from_the_moment_that_the_centre_calls_it_deployed(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    deployment = await deploy(center, runtime, answers(1))

    async def answered_when_deployed() -> bool:
        deployed = await state(center, deployment) == "DEPLOYED"
        response = await http.post(runtime.url, json={})
        assert response.status_code == 200 or not deployed, response.text
        return deployed

    await eventually(answered_when_deployed)


async def test_an_example_is_trained_deployed_and_scores_over_http(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient, trained: Outcome
) -> None:
    runtime = await start_runtime(online=True)
    await is_now(center, await deploy(center, runtime, example_model("breast_cancer", *trained.outputs)), "DEPLOYED")
    names = ["record_id", "mean_radius", "mean_texture", "mean_perimeter", "mean_area", "mean_smoothness"]
    names += ["mean_compactness", "mean_concavity", "mean_concave_points", "mean_symmetry", "mean_fractal_dimension"]
    large = dict(zip(names, [7, 20.6, 29.3, 140.1, 1265, 0.12, 0.28, 0.35, 0.15, 0.24, 0.07], strict=True))
    answer = await eventually(lambda: _answered(http, runtime.url, large))
    assert answer["record_id"] == 7
    assert answer["score"] == 1


async def test_what_a_caller_sends_wrongly_is_said_in_a_sentence(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True, max_body=1000, token="let-me-in")
    headers = {"Authorization": "Bearer let-me-in"}
    assert (await http.post(runtime.url, json={})).status_code == 401
    bad = await http.post(runtime.url, content=b"{", headers=headers)
    assert (bad.status_code, bad.json()["message"][:20]) == (400, "The body is not JSON")
    assert (await http.post(runtime.url, content=b'{"a": NaN}', headers=headers)).status_code == 400
    assert (await http.post(runtime.url, content=b'"' + b"x" * 2000 + b'"', headers=headers)).status_code == 413
    other = runtime.url.replace(runtime.settings.name, "other")
    assert (await http.post(other, json={}, headers=headers)).status_code == 404
    unknown = await http.post(runtime.url, json={}, headers={**headers, "X-Deployment-Id": "none"})
    assert unknown.status_code == 404
    assert (await http.post(runtime.url, json={}, headers=headers)).status_code == 503


async def test_a_record_that_fails_is_an_answer_and_the_model_stays_loaded(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    before = await eventually(lambda: _answered(http, runtime.url, {}))
    failed = await http.post(runtime.url, json={"raise": True})
    assert failed.status_code == 500
    assert failed.json()["message"].startswith("The score function 'score' of model.py failed: ValueError: no good")
    assert (await _answered(http, runtime.url, {}))["pid"] == before["pid"]


async def test_a_model_that_crashes_or_hangs_is_loaded_again(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True, online_time_limit=1)
    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    first = await eventually(lambda: _answered(http, runtime.url, {}))

    crashed = await http.post(runtime.url, json={"exit": True})
    assert crashed.status_code == 500
    assert "ended with exit code 9" in crashed.json()["message"]
    second = await eventually(lambda: _answered(http, runtime.url, {}))
    assert second["pid"] != first["pid"]

    hung = await http.post(runtime.url, json={"sleep": 60})
    assert hung.status_code == 500
    assert hung.json()["message"] == "The model took longer than 1 seconds over this record."
    third = await eventually(lambda: _answered(http, runtime.url, {}))

    os.kill(third["pid"], signal.SIGKILL)
    fourth = await eventually(lambda: _answered(http, runtime.url, {}))
    assert fourth["pid"] != third["pid"]


async def test_a_model_whose_init_fails_is_marked_with_its_messages(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    source = """
        # modelop.init
        def init():
            print("about to fail")
            open("missing.pkl")
        # modelop.score
        def s(r): ...
        """
    deployment = await deploy(center, runtime, python_model(source))
    await is_now(center, deployment, "ERROR")
    messages = (await center.get_deployment(deployment)).messages
    assert messages[0] == "about to fail"
    assert messages[-1].startswith("The init function 'init' of model.py failed: FileNotFoundError")
    assert (await http.post(runtime.url, json={})).status_code == 503


async def test_a_new_version_takes_over_when_the_old_one_is_undeployed_and_not_before(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    old = await deploy(center, runtime, answers(1))
    await is_now(center, old, "DEPLOYED")
    pid = (await eventually(lambda: _answered(http, runtime.url, {})))["pid"]

    new = await deploy(center, runtime, answers(2))
    await is_now(center, new, "DEPLOYED")
    addressed = await eventually(lambda: _answered(http, f"{runtime.url}?deployment={new}", {}))
    assert addressed["answer"] == 2
    assert (await _answered(http, runtime.url, {}))["answer"] == 1

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
    for answered in await asyncio.wait_for(asyncio.gather(*asking), 30):
        assert answered[-1] == 2
    await eventually(lambda: _gone(pid))


async def test_the_same_models_are_loaded_after_a_restart_and_what_ended_is_not(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    first = await start_runtime(online=True)
    kept, ended = [await deploy(center, first, answers(n), f"model-{n}") for n in (1, 2)]
    for deployment in (kept, ended):
        await is_now(center, deployment, "DEPLOYED")
    pids = [
        (await eventually(lambda d=d: _answered(http, f"{first.url}?deployment={d}", {})))["pid"] for d in (kept, ended)
    ]
    await first.stop()
    for pid in pids:
        assert await _gone(pid)
    await center.patch_deployment(ended, {"state": "UNDEPLOYED"})

    second = await start_runtime(online=True, name=first.settings.name)
    assert second.engine.id == first.engine.id
    assert (await eventually(lambda: _answered(http, second.url, {})))["answer"] == 1
    assert await state(center, ended) == "UNDEPLOYED"
    assert (await http.post(f"{second.url}?deployment={ended}", json={})).status_code == 404


async def test_an_undeployment_while_the_model_loads_is_not_overwritten(
    center: HttpCenter, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    slow = python_model("import time\n# modelop.init\ndef i(): time.sleep(3)\n# modelop.score\ndef s(r): yield 1")
    deployment = await deploy(center, runtime, slow)
    folder = runtime.settings.folder / "process-1" / "online" / deployment / "__moc_runtime" / "order.json"
    await eventually(lambda: _exists(folder))
    await center.patch_deployment(deployment, {"state": "UNDEPLOYED"})
    await eventually(lambda: _missing(folder))
    assert await state(center, deployment) == "UNDEPLOYED"


class Interfering(HttpCenter):
    """The centre's client of a runtime that is always a moment too late with the news that a model is loaded."""

    async def patch_deployment(self, deployment_id: str, changes: Mapping[str, Any]) -> wire.DeployedModel:
        await super().patch_deployment(deployment_id, {"state": "UNDEPLOYED"})
        return await super().patch_deployment(deployment_id, changes)


async def test_an_undeployment_just_before_the_model_is_loaded_ends_the_model(
    center: HttpCenter, tmp_path: Path
) -> None:
    engine = await center.save_engine(wire.Engine(name="late", input_endpoints=[{"endpointType": "REST"}]))
    settings, names = RuntimeSettings(name="late"), CenterSettings()
    interfering = Interfering(names)
    models = OnlineModels(interfering, settings, names, tmp_path / "late")
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
    await interfering.aclose()


def test_the_newest_deployments_model_answers_through_its_oldest_deployment() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def deployed(number: int, model: str) -> wire.DeployedModel:
        snapshot = wire.DeployableModel(id=f"s{number}", stored_model=wire.StoredModel(id=model))
        return wire.DeployedModel(
            id=f"d{number}", created_date=start + timedelta(days=number), deployable_model=snapshot
        )

    assert answering([]) is None
    assert answering([deployed(1, "a"), deployed(2, "a")]) == "d1"
    assert answering([deployed(2, "a"), deployed(1, "a")]) == "d1"
    assert answering([deployed(1, "a"), deployed(2, "b"), deployed(3, "b")]) == "d2"
    assert answering([deployed(1, "a"), deployed(2, "b"), deployed(3, "a")]) == "d1"


async def _answered(http: httpx.AsyncClient, url: str, record: Any) -> Any:
    response = await http.post(url, json=record)
    return response.json() if response.status_code == 200 else None


async def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def _exists(path: Any) -> bool:
    return bool(path.exists())


async def _missing(path: Any) -> bool:
    return not path.exists()
