"""Labels that come a night later: with a centre, Temporal and a runtime, the performance of what was scored before."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from jobs_in_centre import ended
from running import RunningRuntime
from small_models import embedded, python_model
from temporalio.testing import ActivityEnvironment

from activities.jobs import JobActivities
from activities.production import production_of
from mlc.center import Center, NewJob
from mlc.center.configured import configured_center
from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.model.asset import AssetRole
from mlc.model.file import FileRules
from mlc.model.job import Job, JobKind, JobRequest, Watched
from mlc.model.truth import Truth, identifier_of, label_of
from mlc.settings import ProcessSettings

FIELDS = [
    {"name": "id", "type": "long", "role": "identifier"},
    {"name": "bad", "type": ["null", "int"], "role": "label", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]
SCHEMA = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": FIELDS}}
RIGHT = """
# modelop.metrics
def m(df):
    known = df[df["bad"].notna()] if "bad" in df else df[:0]
    right = int((known["bad"] == known["score"]).sum()) if len(known) else 0
    yield {"records": len(df), "known": len(known), "right": right}
"""
MODEL = "# modelop.score\ndef s(r):\n    yield {'score': r['id'] % 2}"


async def snapshot_of(center: ModelManage, name: str, model: wire.DeployableModel, **more: object) -> tuple[str, str]:
    """Ids of a model, and of a snapshot of it."""
    needed = {"required_assets": more.pop("required_assets")} if "required_assets" in more else {}
    monitors = {"model_category": "MODEL_MONITORING_MODEL"} if needed else {}
    meta = wire.ModelMetaData(name=name, type="PYTHON", model_stage="PROD", input_schema=[SCHEMA], **monitors)
    stored = await center.create_stored_model(
        wire.StoredModel(model_meta_data=meta, model_assets=model.stored_model.model_assets, **needed)
    )
    new = wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name=f"{name}-1"), **more)
    return stored.id or "", (await center.create_snapshot(new)).id


@pytest.mark.parametrize("contents", ["reference", "embedded"])
async def test_labels_of_the_day_after_are_counted_the_night_after(
    center: ModelManage,
    start_runtime: Callable[..., Awaitable[RunningRuntime]],
    monkeypatch: pytest.MonkeyPatch,
    contents: str,
) -> None:
    monkeypatch.setenv("MLC_CENTER_STANDALONE", "true")
    monkeypatch.setenv("MLC_CENTER_CONTENTS", contents)
    await start_runtime(stage="PROD")
    needed = [{"assetRole": "COMPARATOR_DATA", "usage": "INPUT_ASSET"}]
    _, monitor = await snapshot_of(center, "Right", python_model(RIGHT), required_assets=needed)
    on_it = wire.Association(
        association_role="METRICS_MODEL", associated_model=(await center.get_snapshot(monitor)).wire()
    )
    records = "id,a\n" + "".join(f"{number},0\n" for number in range(100))
    data = embedded("in.csv", records, asset_role="TEST_DATA", file_format="CSV")
    model_id, watched = await snapshot_of(center, "Odd", python_model(MODEL, data), associated_models=[on_it])

    async def night(port: Center, key: str) -> tuple[dict[str, int], wire.Job, str]:
        jobs = JobActivities(port, ProcessSettings(), FileRules(), 1_000_000)
        about = Watched(snapshot_id=watched, monitor="Right")
        asked = JobRequest(snapshot_id=monitor, kind=JobKind.METRICS, key=key, workflow_id="", watched=about)
        made: Job = await ActivityEnvironment().run(jobs.create_job, asked)
        done = await ended(center, made.id)
        assert done.job_status == "COMPLETE", done.job_messages
        return json.loads(done.output_data[0].content() or b""), done, production_of(await port.get_job(made.id))

    async with configured_center() as port:
        async with port.open_snapshot(watched) as snapshot:
            inputs = snapshot.with_role(AssetRole.TEST_DATA)
            scoring = await port.create_job(NewJob("k", JobKind.SCORING, "", snapshot, inputs, []))
        assert (await ended(center, scoring.id)).job_status == "COMPLETE"
        before, _, said = await night(port, "first")
        assert before == {"records": 100, "known": 0, "right": 0}
        assert "Labels that came later" not in said
        truth = [Truth(identifier_of(n), label_of(n % 2 if n < 60 else 7), datetime.now(UTC)) for n in range(30, 130)]
        await port.keep_truth(model_id, truth)
        after, done, said = await night(port, "second")
    assert after == {"records": 100, "known": 70, "right": 30}
    assert done.runtime_info is not None
    told = {"known": 100, "matched": 70, "unmatchedRecords": 30, "unmatchedTruth": 30}
    assert done.runtime_info["production"]["truth"] == told
    assert "70 of 100 records have one, 30 have none yet; 30 of 100 labels are of no record among them." in said
