"""A deployment is ready only if its model was loaded and has scored a record, where there is one."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from online_deployments import answered, deploy, is_now, state
from servers import eventually
from small_models import embedded, python_model

from mlc.center.modelop.client import ModelManage

StartRuntime = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.usefixtures("short_pauses")
ADDS = "# modelop.score\ndef s(r):\n    return {'sum': r['a'] + r['b']}"


def labelled(text: str, name: str = "test.csv") -> Any:
    return embedded(name, text, asset_role="TEST_DATA", file_format="CSV")


async def custom(center: ModelManage, deployment: str) -> dict[str, str]:
    told: dict[str, str] = (await center.get_deployment(deployment)).model_extra["metaData"]["custom"]
    return told


async def test_a_model_that_fails_on_its_first_record_of_test_data_is_not_ready_and_tells_the_record(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    deployment = await deploy(center, runtime, python_model(ADDS, labelled("a,c,password\n1,2,geheim\n")))
    await is_now(center, deployment, "ERROR")
    messages = (await center.get_deployment(deployment)).messages
    assert messages[1] == "> Traceback (most recent call last):"
    assert (
        messages[0]
        == messages[-1]
        == (
            '> The model can\'t score record 1 of test.csv, {"a": 1, "c": 2, "password": "***"}: '
            "The score function 's' of model.py failed: KeyError: 'b' (line 3)."
        )
    )
    assert (await http.post(f"{runtime.base}/deployments/{deployment}/score", json={})).status_code == 404


async def test_a_model_that_scores_its_test_data_is_ready_without_a_warning(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime(online=True)
    deployment = await deploy(center, runtime, python_model(ADDS, labelled("a,b\n1,2\nx,y\n")))
    await is_now(center, deployment, "DEPLOYED")
    assert await custom(center, deployment) == {"mlcAddress": f"{runtime.base}/deployments/{deployment}/score"}


async def test_a_model_without_any_record_is_ready_with_a_warning(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime(online=True)
    outside = {"asset_type": "EXTERNAL_FILE", "file_url": "s3://bucket/test.csv", "asset_role": "TEST_DATA"}
    model = python_model(ADDS)
    model.stored_model.model_assets.append(
        embedded("test.csv", "").model_copy(update={**outside, "file_content": None})
    )
    deployment = await deploy(center, runtime, model)
    await is_now(center, deployment, "DEPLOYED")
    warning = (await custom(center, deployment))["mlcWarning"]
    assert warning.startswith("Not tried: neither test data nor an input schema yields a record.")
    assert "test.csv" in warning


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import time; time.sleep(60)", "The model took longer than 1 seconds over it."),
        ("import os; os._exit(4)", "The model process ended with exit code 4 before it gave a result."),
        ("return None", "The model gave no answer to it."),
    ],
)
async def test_a_model_that_hangs_dies_or_gives_no_answer_on_the_record_is_not_ready(
    center: ModelManage, start_runtime: StartRuntime, body: str, why: str
) -> None:
    runtime = await start_runtime(online=True, online_time_limit=1)
    deployment = await deploy(
        center, runtime, python_model(f"# modelop.score\ndef s(r):\n    {body}", labelled("a\n1\n"))
    )
    await is_now(center, deployment, "ERROR")
    messages = (await center.get_deployment(deployment)).messages
    assert messages[-1] == f'> The model can\'t score record 1 of test.csv, {{"a": 1}}: {why}'


@pytest.mark.usefixtures("models_write_outside")
async def test_what_was_deployed_is_served_again_even_if_it_would_fail_the_trial_today(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    flag = "import pathlib\nCOUNT = pathlib.Path(__file__).resolve().parents[4] / 'tried'\n"
    body = "    assert not COUNT.exists() or 'ask' in r\n    COUNT.touch()\n    return 1"
    source = f"{flag}# modelop.score\ndef s(r):\n{body}"
    runtime = await start_runtime(online=True)
    deployment = await deploy(center, runtime, python_model(source, labelled("a\n1\n")))
    await is_now(center, deployment, "DEPLOYED")
    await runtime.stop()
    again = await start_runtime(online=True, name=runtime.settings.name)
    assert await eventually(lambda: answered(http, f"{again.base}/deployments/{deployment}/score", {"ask": 1})) == 1
    assert await state(center, deployment) == "DEPLOYED"
