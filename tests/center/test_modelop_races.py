"""Somebody else comes between a look and a write, or was there first."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import settings_for

from mlc.center import NewDeployment, NewJob
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.deployment import DeploymentState, Runtime
from mlc.model.failure import Refused
from mlc.model.job import JobEnding, JobKind, JobStatus
from mlc.model.result import TestResultRecord
from mlc.testing.center.models import a_snapshot

Between = Callable[[], Awaitable[object]]


class Interrupted:
    """A client before whose next request of a method somebody else does something."""

    def __init__(self) -> None:
        self.before: dict[str, Between] = {}
        self.http = httpx.AsyncClient(timeout=20, event_hooks={"request": [self._interrupt]})

    async def _interrupt(self, request: httpx.Request) -> None:
        if act := self.before.pop(request.method, None):
            await act()


@pytest.fixture
async def others(address: str) -> AsyncIterator[ModelOpCenter]:
    center = ModelOpCenter(settings_for(address))
    yield center
    await center.aclose()


@pytest.fixture
async def interrupted() -> AsyncIterator[Interrupted]:
    client = Interrupted()
    yield client
    await client.http.aclose()


@pytest.fixture
def center(address: str, interrupted: Interrupted) -> ModelOpCenter:
    return ModelOpCenter(settings_for(address), http=interrupted.http)


async def a_job(center: ModelOpCenter, folder: Path) -> str:
    made = await a_snapshot(center, folder)
    async with center.open_snapshot(made.id) as snapshot:
        return (await center.create_job(NewJob("k", JobKind.SCORING, "w", snapshot, snapshot.assets[1:2], []))).id


async def test_a_job_that_was_cancelled_while_it_ended_stays_cancelled(
    center: ModelOpCenter, others: ModelOpCenter, interrupted: Interrupted, tmp_path: Path
) -> None:
    job_id = await a_job(others, tmp_path)
    interrupted.before["PATCH"] = lambda: others.cancel_job(job_id)
    ended = await center.end_job(job_id, JobEnding(status=JobStatus.COMPLETE, messages=["late"]))
    assert (ended.status, ended.messages) == (JobStatus.CANCELLED, [])


async def test_a_job_that_ended_while_it_was_cancelled_stays_so(
    center: ModelOpCenter, others: ModelOpCenter, interrupted: Interrupted, tmp_path: Path
) -> None:
    job_id = await a_job(others, tmp_path)
    interrupted.before["PATCH"] = lambda: others.end_job(job_id, JobEnding(status=JobStatus.COMPLETE))
    await center.cancel_job(job_id)
    assert (await others.get_job(job_id)).status is JobStatus.COMPLETE


async def test_a_deployment_that_was_undeployed_while_it_loaded_stays_so(
    center: ModelOpCenter, others: ModelOpCenter, interrupted: Interrupted, tmp_path: Path
) -> None:
    runtime = await others.register_runtime(Runtime(name="r", endpoint="http://r/api"))
    made = await a_snapshot(others, tmp_path)
    async with others.open_snapshot(made.id) as snapshot:
        deployment = await others.create_deployment(NewDeployment("k", snapshot, "dev", runtime))
    interrupted.before["PATCH"] = lambda: others.end_deployment(deployment.id)
    finished = await center.finish_loading(deployment.id, DeploymentState.DEPLOYED)
    assert finished.state is DeploymentState.UNDEPLOYED


async def test_a_result_that_was_kept_meanwhile_is_the_result(
    center: ModelOpCenter, others: ModelOpCenter, interrupted: Interrupted
) -> None:
    result = TestResultRecord(id="", snapshot_id="s", job_id="j", values={"auc": 0.9})
    interrupted.before["POST"] = lambda: others.keep_test_result(result)
    kept = await center.keep_test_result(result)
    assert [found.id for found in await others.list_test_results("s")] == [kept.id]


class Conflicting(httpx.AsyncBaseTransport):
    """A centre that says 409 to a key that it knows."""

    def __init__(self, first: dict[str, Any] | None) -> None:
        self.first = first

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.method == "POST":
            return httpx.Response(409, json={"message": "there is one"})
        if "/deployableModels/" in str(request.url):
            document = {"id": "s", "storedModel": {"modelAssets": [{"filename": "a.csv", "fileContent": "QQ=="}]}}
            return httpx.Response(200, content=json.dumps(document))
        if self.first is not None and str(request.url).endswith(f"/{self.first['id']}"):
            return httpx.Response(200, json=self.first)
        found = [] if self.first is None else [self.first]
        return httpx.Response(200, json={"_embedded": {"found": found}, "page": {"totalPages": 1}})


async def test_a_centre_that_refuses_a_known_key_is_asked_for_the_first_one() -> None:
    job = {"jobParameters": {"mlcKey": "k"}, "model": {"id": "s"}}
    first = {"id": "first", **job, "mlcKey": "k", "deployableModel": {"id": "s"}}
    async with httpx.AsyncClient(transport=Conflicting(first)) as http:
        center = ModelOpCenter(settings_for("http://centre"), http=http)
        async with center.open_snapshot("s") as snapshot:
            job = await center.create_job(NewJob("k", JobKind.SCORING, "w", snapshot, snapshot.assets, []))
            deployment = await center.create_deployment(NewDeployment("k", snapshot, "dev"))
    assert (job.id, deployment.id) == ("first", "first")


async def test_a_finder_that_finds_something_else_is_not_believed() -> None:
    """What it gives is of another key, or of a similar name."""
    job = {"id": "j", "jobParameters": {"mlcKey": "another"}, "modelMetaData": {"name": "CREDIT"}}
    async with httpx.AsyncClient(transport=Conflicting(job)) as http:
        center = ModelOpCenter(settings_for("http://centre"), http=http)
        assert await center.find_job("s", "k") is None
        assert await center.find_models("Credit") == []
        assert [model.id for model in await center.find_models("CREDIT")] == ["j"]


@pytest.mark.parametrize("first", [None, {"id": "other", "jobParameters": {"mlcKey": "another"}, "mlcKey": "x"}])
async def test_a_conflict_about_something_else_is_refused(first: dict[str, Any] | None) -> None:
    async with httpx.AsyncClient(transport=Conflicting(first)) as http:
        center = ModelOpCenter(settings_for("http://centre"), http=http)
        async with center.open_snapshot("s") as snapshot:
            with pytest.raises(Refused, match="409"):
                await center.create_job(NewJob("k", JobKind.SCORING, "w", snapshot, snapshot.assets, []))
            with pytest.raises(Refused, match="409"):
                await center.create_deployment(NewDeployment("k", snapshot, "dev"))
