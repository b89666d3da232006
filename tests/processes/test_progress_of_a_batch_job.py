"""How far a batch job is, from the model's processes on a real runtime to whoever watches the run."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from office import Office, office
from servers import eventually
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from mlc.center.modelop import wire
from mlc.model.processes import RunBatchModelJobInput, RunBatchModelJobResult, RunBatchModelJobStatus
from mlc.runtime import progress, run_runtime
from mlc.settings import ProcessSettings, RuntimeSettings
from mlc.standalone.watch import follow

RECORDS = 20_000
PROGRESS = re.compile(r"scoring job \S+: [0-9,]+ of 20,000 records scored, [0-9,]+ a second, about .+ left")


@pytest.fixture
async def lake_desk(
    dev_server: WorkflowEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """An office with a runtime of its own, which scores in two processes."""
    address = dev_server.client.service_client.config.target_host
    monkeypatch.setattr(progress, "FIRST_REPORT", 0.5)

    async def connect() -> Client:
        return await Client.connect(address, data_converter=pydantic_data_converter)

    def eager(settings: ProcessSettings) -> ProcessSettings:
        return settings.model_copy(update={"job_poll": timedelta(seconds=0.2)})

    async with office(dev_server.client, tmp_path, configure=eager, connect=connect, lake=tmp_path) as desk:
        values = {
            "MLC_CENTER_URL": str(desk.model_manage.base_url).rstrip("/"),
            "MLC_CENTER_TOKEN": "center-token",
            "TEMPORAL_ADDRESS": address,
            "MLC_FILE_ROOT": tmp_path,
            "MLC_RUNTIME_ISOLATION": "process",  # the model reads when it may go on
        }
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        stop = asyncio.Event()
        settings = RuntimeSettings(name=f"batch-{tmp_path.name}", stage="PROD", port=0, scoring_processes=2)
        running = asyncio.create_task(run_runtime(settings, stop))

        async def registered() -> bool:
            if running.done():
                running.result()
            return any(engine.name == settings.name for engine in await desk.center.list_engines())

        await eventually(registered)
        yield desk
        stop.set()
        await running


async def test_who_watches_a_batch_job_sees_its_rate_and_the_time_left(lake_desk: Office, tmp_path: Path) -> None:
    desk, go = lake_desk, tmp_path / "go"
    (tmp_path / "in.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(RECORDS)))
    source = f"""
import os, time
quick = False
# modelop.score
def s(r):
    global quick
    quick = quick or os.path.exists({str(go)!r})
    if not quick: time.sleep(0.02)
    yield r
"""
    code = wire.Asset(
        name="model.py",
        asset_type="SOURCE_CODE",
        asset_role="MODEL_SOURCE",
        primary_model_source=True,
        source_code=source,
    )
    snapshot_id = await desk.snapshot("fraud", "run_test", assets=[code])
    snapshot = await desk.center.get_snapshot(snapshot_id)
    deployment = {"deployable_model": snapshot, "deployment_target": "PROD", "state": "DEPLOYED"}
    await desk.center.create_deployment(wire.DeployedModel(**deployment))
    request = RunBatchModelJobInput(
        tag="fraud",
        input_files=[{"url": f"file://{tmp_path}/in.csv"}],
        output_files=[{"url": f"file://{tmp_path}/out.csv"}],
    )
    run = await desk.begin("RunBatchModelJob", request, RunBatchModelJobResult)
    shown: list[str] = []
    watching = asyncio.create_task(
        follow(
            desk.client,
            run.id,
            lambda line: shown.append(line[3]),
            status=RunBatchModelJobStatus,
            result=RunBatchModelJobResult,
        )
    )

    async def told() -> bool:
        return watching.done() or any(PROGRESS.search(line) for line in shown)

    await eventually(told, seconds=120)
    go.touch()
    result = await watching
    assert any(PROGRESS.search(line) for line in shown), shown
    assert result.outputs == [f"file://{tmp_path}/out.csv"]
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "in.csv").read_text()
