"""A model answers online, its requests are kept, and a real monitor compares them with the baseline."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jobs_in_centre import ended
from online_deployments import is_now
from running import RunningRuntime
from servers import eventually
from small_models import embedded, python_model
from temporalio.testing import ActivityEnvironment

from activities.jobs import JobActivities
from activities.production import production_of
from mlc.center import Center
from mlc.center.capability import Unsupported
from mlc.center.configured import configured_center
from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.model.failure import Refused
from mlc.model.file import FileRules
from mlc.model.job import Job, JobKind, JobRequest, Watched
from mlc.runtime import request_keeper, run_runtime
from mlc.settings import ProcessSettings, RuntimeSettings

StartRuntime = Callable[..., Awaitable[RunningRuntime]]
DRIFT = "Data Drift Monitor: Comprehensive Analysis"
FIELDS = [
    {"name": "id", "type": "string", "role": "identifier"},
    {"name": "a", "type": "double", "role": "predictor", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]
SOURCE = """
# modelop.score
def s(r):
    yield r["a"] * 2.0
"""
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture(autouse=True)
def standalone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_CENTER_STANDALONE", "true")
    monkeypatch.setenv("MLC_CENTER_CONTENTS", "reference")
    monkeypatch.setattr(request_keeper.Limits.__new__, "__defaults__", (50_000, 2**24, 500, 2**18, 0.1))


async def the_monitor(center: ModelManage) -> wire.DeployableModel:
    """As a new centre has it."""
    (model,) = await center.find_stored_models(DRIFT)
    found = await center.latest_snapshot(str(model.id))
    assert found is not None
    return found


async def served(
    center: ModelManage, runtime: RunningRuntime, fields: list[dict[str, Any]], *assets: wire.Asset, **more: Any
) -> tuple[wire.DeployableModel, str]:
    """A snapshot that the runtime serves, and its deployment's id."""
    schema = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": fields}}
    meta = wire.ModelMetaData(
        name="Doubles", type="PYTHON", model_stage="PROD", input_schema=[schema] if fields else []
    )
    source = python_model(SOURCE).stored_model.model_assets
    stored = await center.create_stored_model(wire.StoredModel(model_meta_data=meta, model_assets=[*source, *assets]))
    new = wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name="Doubles-1"), **more)
    snapshot = await center.create_snapshot(new)
    made = wire.DeployedModel(deployable_model=snapshot, engine=runtime.engine, state="DEPLOYING")
    deployment = (await center.create_deployment(made)).id
    await is_now(center, deployment, "DEPLOYED")
    return snapshot, deployment


async def kept(port: Center, snapshot_id: str) -> int:
    async with port.open_online_requests(snapshot_id, since=None, most=None) as requests:
        return requests.span.count


async def content(port: Center, job_id: str) -> list[dict[str, Any]]:
    """The file of online requests that a job read."""
    async with port.open_job(job_id) as job:
        (file,) = [asset for asset in job.inputs if asset.name == "online-requests.jsonl"]
        return [json.loads(line) for line in (await port.read(file, limit=1_000_000)).splitlines()]


async def test_a_monitor_runs_over_what_was_asked_online(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mlc")
    runtime = await start_runtime(stage="PROD", online=True, keep_requests=True)
    monitor = await the_monitor(center)
    on_it = wire.Association(association_role="DATA_DRIFT_MODEL", associated_model=monitor.wire())
    rows = "".join(f"b{number},{number % 50},{number % 50 * 2}\n" for number in range(200))
    baseline = embedded("b.csv", f"id,a,score\n{rows}", asset_role="BASELINE_DATA", file_format="CSV")
    snapshot, _ = await served(center, runtime, FIELDS, baseline, associated_models=[on_it])
    (told,) = [said for said in caplog.messages if said.endswith(" are kept")]
    assert f"requests to {snapshot.meta_data.name}" in told
    asked = [{"id": f"p{number}", "a": number % 50 + 100.0, "name": "Ada"} for number in range(200)]
    answers = await http.post(runtime.url, json=asked[:199])
    assert [each["answer"] for each in answers.json()] == [each["a"] * 2.0 for each in asked[:199]]
    assert (await http.post(runtime.url, json=asked[199])).json() == asked[199]["a"] * 2.0
    assert (await http.post(runtime.url, json={"id": "wrong", "a": "text"})).status_code == 400
    async with configured_center() as port:

        async def all_are_kept() -> bool:
            return await kept(port, str(snapshot.id)) == 200

        await eventually(all_are_kept, seconds=60)
        jobs = JobActivities(port, ProcessSettings(), FileRules(), 1_000_000)
        about = Watched(snapshot_id=str(snapshot.id), monitor=DRIFT)
        request = JobRequest(snapshot_id=monitor.id, kind=JobKind.METRICS, key="m", workflow_id="", watched=about)
        made: Job = await ActivityEnvironment().run(jobs.create_job, request)
        done = await ended(center, made.id, seconds=300)
        assert done.job_status == "COMPLETE", done.job_messages
        assert done.runtime_info is not None
        assert done.runtime_info["production"]["jobs"] == [{"job": "online requests", "records": 200}]
        async with port.open_job(made.id) as job:
            result = json.loads(await port.read(job.outputs[0], limit=1_000_000))
        assert result["a_ks_pvalue"] < 0.001, sorted(result)
        assert await content(port, made.id) == [
            {"id": each["id"], "a": each["a"], "score": each["a"] * 2.0} for each in asked
        ]
        assert "200 online requests from " in production_of(await port.get_job(made.id))
        model = str(snapshot.stored_model.id)
        assert (await port.forget_online_requests(model, "p7")).requests == 1
        with pytest.raises(Refused):
            await content(port, made.id)
        assert await kept(port, str(snapshot.id)) == 199


async def test_what_is_still_held_is_sent_when_the_runtime_ends(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_keeper.Limits.__new__, "__defaults__", (50_000, 2**24, 500, 2**18, 3600.0))
    runtime = await start_runtime(stage="PROD", online=True, keep_requests=True)
    snapshot, _ = await served(center, runtime, FIELDS)
    assert (await http.post(runtime.url, json={"id": "x", "a": 1})).json() == 2.0
    await runtime.stop()
    async with configured_center() as port:
        assert await kept(port, str(snapshot.id)) == 1


async def test_a_deployment_of_which_nothing_is_kept_says_why_and_answers(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(stage="PROD", online=True, keep_requests=True)
    snapshot, deployment = await served(center, runtime, [])
    assert (await http.post(runtime.url, json={"id": "x", "a": 1})).json() == 2.0
    async with configured_center() as port:
        warning = (await port.get_deployment(deployment)).warning
        assert "Its online requests are not kept for its monitors: it has no extended input schema" in warning
        await runtime.stop()
        assert await kept(port, str(snapshot.id)) == 0


async def test_unless_the_operator_says_so_nothing_is_kept(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(stage="PROD", online=True)
    snapshot, deployment = await served(center, runtime, FIELDS)
    assert (await http.post(runtime.url, json={"id": "x", "a": 1})).json() == 2.0
    async with configured_center() as port:
        assert "not kept" not in (await port.get_deployment(deployment)).warning
        await runtime.stop()
        assert await kept(port, str(snapshot.id)) == 0


async def test_with_a_centre_that_has_no_place_for_them_the_runtime_does_not_start_and_says_so(
    center: ModelManage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert center
    monkeypatch.setenv("MLC_CENTER_STANDALONE", "false")
    settings = RuntimeSettings(name="r", online=True, port=0, keep_requests=True, work_dir=tmp_path / "work")
    with pytest.raises(Unsupported, match=r"can't keep what online models are asked.*MLC_RUNTIME_KEEP_REQUESTS"):
        await run_runtime(settings, asyncio.Event())
