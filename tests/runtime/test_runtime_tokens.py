"""A runtime with its own token, with none that counts, and with one that is taken from it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jobs_in_centre import ended, job_on
from running import TOKEN, RestartableCenter
from servers import eventually
from small_models import embedded, python_model

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.failure import Refused
from mlc.runtime import run_runtime, serve
from mlc.settings import RuntimeSettings
from mlc.standalone.access.client import issue_runtime_token, revoke

StartRuntime = Callable[..., Awaitable[Any]]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")


async def test_a_training_job_gives_its_artefacts_back_by_the_runtimes_own_token(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime()
    source = "# modelop.train\ndef t(df): open('outputDir/model.bin', 'wb').write(b'trained')"
    training = job_on(runtime.settings.name, python_model(source), CSV, job_type=CenterSettings().training_job_type)
    job = await ended(center, (await center.create_job(training)).id)
    assert job.job_status == "COMPLETE", job.job_messages
    assert [(asset.name, asset.content()) for asset in job.output_data] == [("model.bin", b"trained")]


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
async def test_a_runtime_without_a_token_of_its_own_ends_with_a_sentence(
    center_that_can_stop: RestartableCenter, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    token = "mlcr_mistyped"
    if whose == "another's":
        token = await issue_runtime_token(center_that_can_stop.url, TOKEN, "Mine")
    monkeypatch.setenv("MLC_CENTER_TOKEN", token)
    with pytest.raises(Refused) as refused:
        await asyncio.wait_for(run_runtime(RuntimeSettings(name="mine"), asyncio.Event()), 60)
    said = {
        "nobody's": "check MLC_CENTER_TOKEN",
        "another's": "The token of the runtime Mine registers that runtime only",
    }
    assert said[whose] in str(refused.value)
    assert token not in str(refused.value)
    assert await center_that_can_stop.client.list_engines() == []


async def test_a_runtime_whose_token_was_revoked_says_so_once(
    center: ModelManage,
    start_runtime: StartRuntime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(serve, "HEARTBEAT_INTERVAL", 0.05)
    runtime = await start_runtime()

    def told() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name == "mlc.runtime.serve" and r.levelno == logging.ERROR]

    await eventually(_heard_of_again(center.list_engines, runtime.settings.name))
    assert told() == []
    await revoke(CenterSettings().url, TOKEN, runtime.settings.name)
    await eventually(_true(told))
    beats: list[Any] = []
    described = serve.describe
    monkeypatch.setattr(serve, "describe", lambda settings: beats.append(1) or described(settings))
    await eventually(_true(lambda: len(beats) > 5))
    (sentence,) = told()
    assert f"The runtime {runtime.settings.name} is refused by its model centre" in sentence
    assert "check MLC_CENTER_TOKEN" in sentence
    assert "mlcr_" not in sentence


def _true(told: Callable[[], object]) -> Callable[[], Awaitable[bool]]:
    async def is_true() -> bool:
        return bool(told())

    return is_true


def _heard_of_again(listed: Callable[[], Awaitable[list[Any]]], name: str) -> Callable[[], Awaitable[bool]]:
    """Whether the runtime has been heard of since it was first looked for."""
    seen: list[Any] = []

    async def heard() -> bool:
        seen.append(next(e.model_extra["lastModifiedDate"] for e in await listed() if e.name == name))
        return seen[-1] != seen[0]

    return heard
