"""Online deployments: loaded, answered, and loaded again after a crash."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from online_deployments import answered, answers, deploy, is_now, state
from outcomes import Ran
from servers import eventually
from small_models import embedded, example_model, python_model

from mlc.center.modelop.client import ModelManage

StartRuntime = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.usefixtures("short_pauses")


async def test_a_deployment_is_loaded_and_answers(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True, tags=["x"], stage="PROD")
    assert (runtime.engine.environment_name, runtime.engine.tags) == ("PROD", ["x"])
    assert runtime.engine.input_endpoints[0]["endpointType"] == "REST"
    assert runtime.engine.input_endpoints[0]["url"] == runtime.url
    nothing = await http.post(runtime.url, json={"a": 1})
    assert nothing.status_code == 503
    assert nothing.json() == {"message": f"No model is deployed on the runtime {runtime.settings.name}."}

    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    answer = await eventually(lambda: answered(http, runtime.url, {"a": 1}))
    assert answer["answer"] == 1
    assert answer["got"] == {"a": 1}
    assert answer["seen"] == ["s", True]
    assert answer["nan"] is None
    health = await http.get(f"http://127.0.0.1:{runtime.settings.port}/healthz")
    assert health.json() == {"status": "up", "runtime": runtime.settings.name}


async def test_a_deployment_answers_from_the_moment_that_the_centre_calls_it_deployed(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
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
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, trained: Ran
) -> None:
    runtime = await start_runtime(online=True)
    await is_now(center, await deploy(center, runtime, example_model("breast_cancer", *trained.outputs)), "DEPLOYED")
    names = ["record_id", "mean_radius", "mean_texture", "mean_perimeter", "mean_area", "mean_smoothness"]
    names += ["mean_compactness", "mean_concavity", "mean_concave_points", "mean_symmetry", "mean_fractal_dimension"]
    large = dict(zip(names, [7, 20.6, 29.3, 140.1, 1265, 0.12, 0.28, 0.35, 0.15, 0.24, 0.07], strict=True))
    answer = await eventually(lambda: answered(http, runtime.url, large))
    assert answer["record_id"] == 7
    assert answer["score"] == 1


async def test_what_a_caller_sends_wrongly_is_said_in_a_sentence(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
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
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    before = await eventually(lambda: answered(http, runtime.url, {}))
    failed = await http.post(runtime.url, json={"raise": True})
    assert failed.status_code == 500
    assert failed.json()["message"].startswith("The score function 'score' of model.py failed: ValueError: no good")
    assert (await answered(http, runtime.url, {}))["pid"] == before["pid"]


@pytest.mark.usefixtures("models_write_outside")
async def test_a_model_that_crashes_or_hangs_is_loaded_again(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True, online_time_limit=1)
    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    first = await eventually(lambda: answered(http, runtime.url, {}))

    crashed = await http.post(runtime.url, json={"exit": True})
    assert crashed.status_code == 500
    assert "ended with exit code 9" in crashed.json()["message"]
    second = await eventually(lambda: answered(http, runtime.url, {}))
    assert second["pid"] != first["pid"]

    hung = await http.post(runtime.url, json={"sleep": 60})
    assert hung.status_code == 504
    assert hung.json()["message"] == "The model took longer than 1 seconds over this record."
    third = await eventually(lambda: answered(http, runtime.url, {}))

    os.kill(third["pid"], signal.SIGKILL)
    fourth = await eventually(lambda: answered(http, runtime.url, {}))
    assert fourth["pid"] != third["pid"]


async def test_a_model_whose_init_fails_is_marked_with_its_messages(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
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
    assert messages[:2] == [messages[-1], "> about to fail"]
    assert messages[-1].startswith("> The init function 'init' of model.py failed: FileNotFoundError")
    assert (await http.post(runtime.url, json={})).status_code == 503


async def test_a_model_with_two_contents_for_its_source_is_not_loaded(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime(online=True)
    other = embedded("MODEL.py", "# modelop.score\ndef s(r): yield 'trained'", asset_role="WEIGHTS_FILE")
    model = answers(1)
    model.stored_model.model_assets.append(other)
    deployment = await deploy(center, runtime, model)
    await is_now(center, deployment, "ERROR")
    messages = (await center.get_deployment(deployment)).messages
    assert messages == [
        "The model has two files MODEL.py with different content: remove or rename the one that is not meant."
    ]
