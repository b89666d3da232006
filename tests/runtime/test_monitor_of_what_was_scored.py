"""A batch is scored, and a monitor's job reads it: with a centre, Temporal and a runtime, and files by their hash."""

import json
from collections.abc import Awaitable, Callable

import pytest
from jobs_in_centre import ended
from running import RunningRuntime
from small_models import embedded, python_model
from temporalio.testing import ActivityEnvironment

from activities.jobs import JobActivities
from mlc.center import NewJob
from mlc.center.configured import configured_center
from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.model.asset import AssetRole
from mlc.model.file import FileRules
from mlc.model.job import Job, JobKind, JobRequest, Watched
from mlc.settings import ProcessSettings

FIELDS = [
    {"name": "a", "type": "double", "role": "predictor", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]
SUMS = """
# modelop.metrics
def m(df):
    yield {"records": len(df), "columns": list(df), "sum": float(df["score"].sum())}
"""
RECORDS = 100_000
"""So many that the files are larger than what a centre embeds."""


async def snapshot_of(center: ModelManage, name: str, model: wire.DeployableModel, **more: object) -> str:
    schema = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": FIELDS}}
    monitors = {"model_category": "MODEL_MONITORING_MODEL"} if "required_assets" in more else {}
    meta = wire.ModelMetaData(name=name, type="PYTHON", model_stage="PROD", input_schema=[schema], **monitors)
    assets = model.stored_model.model_assets
    needed = {key: more.pop(key) for key in ("required_assets",) if key in more}
    stored = await center.create_stored_model(wire.StoredModel(model_meta_data=meta, model_assets=assets, **needed))
    new = wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name=f"{name}-1"), **more)
    return (await center.create_snapshot(new)).id


async def test_a_monitors_job_reads_what_the_watched_model_has_scored(
    center: ModelManage,
    start_runtime: Callable[..., Awaitable[RunningRuntime]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLC_CENTER_STANDALONE", "true")
    monkeypatch.setenv("MLC_CENTER_CONTENTS", "reference")
    await start_runtime(stage="PROD")
    needed = [{"assetRole": "COMPARATOR_DATA", "usage": "INPUT_ASSET"}]
    monitor = await snapshot_of(center, "Sums", python_model(SUMS), required_assets=needed)
    on_it = wire.Association(
        association_role="METRICS_MODEL", associated_model=(await center.get_snapshot(monitor)).wire()
    )
    data = embedded("in.csv", "a\n" + "12345\n" * RECORDS, asset_role="TEST_DATA", file_format="CSV")
    model = python_model("# modelop.score\ndef s(r):\n    yield {'score': 0.5}", data)
    watched = await snapshot_of(center, "Halves", model, associated_models=[on_it])
    async with configured_center() as port:
        async with port.open_snapshot(watched) as snapshot:
            inputs = snapshot.with_role(AssetRole.TEST_DATA)
            scoring = await port.create_job(NewJob("k", JobKind.SCORING, "", snapshot, inputs, []))
        assert (await ended(center, scoring.id)).job_status == "COMPLETE"
        jobs = JobActivities(port, ProcessSettings(monitor_window_rows=90_000), FileRules(), 1_000_000)
        about = Watched(snapshot_id=watched, monitor="Sums")
        asked = JobRequest(snapshot_id=monitor, kind=JobKind.METRICS, key="m", workflow_id="", watched=about)
        made: Job = await ActivityEnvironment().run(jobs.create_job, asked)
        done = await ended(center, made.id)
    assert done.job_status == "COMPLETE", done.job_messages
    content = done.output_data[0].content()
    assert content is not None
    assert json.loads(content) == {"records": 90_000, "columns": ["a", "score"], "sum": 45_000.0}
    assert done.runtime_info is not None
    assert done.runtime_info["production"]["jobs"] == [{"job": scoring.id, "records": 90_000}]
