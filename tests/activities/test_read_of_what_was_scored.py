"""What a monitor's job reads for a model's production data: what it has scored, in a window, or its assets."""

import dataclasses
import hashlib
import re
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backroom import Backroom, asset, backroom, metrics

from activities import production
from mlc.center.modelop import wire
from mlc.model.job import Job, JobKind, JobRequest, Watched
from mlc.model.result import TestResult
from mlc.model.scored import PRODUCTION, SCORED_RECORDS
from mlc.settings import ProcessSettings

DRIFT, PERFORMANCE = "Data Drift Monitor: Comprehensive Analysis", "Performance Monitor: Regression"
BASELINE, COMPARATOR = asset("b.csv", "BASELINE_DATA", b"a\n1\n"), asset("c.csv", "COMPARATOR_DATA", b"a\n2\n")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Backroom]:
    """With standalone mode's centre, whose runtimes read records together with scores."""
    async with backroom(tmp_path, standalone=True, contents="reference") as opened:
        yield opened


async def watched(
    room: Backroom,
    *assets: wire.Asset,
    name: str = DRIFT,
    roles: tuple[str, ...] = ("BASELINE_DATA", "COMPARATOR_DATA"),
) -> tuple[str, str]:
    """Ids of a snapshot with a monitor on it, and of the monitor's snapshot."""
    stored = wire.StoredModel(
        model_meta_data=wire.ModelMetaData(name=name, model_category="MODEL_MONITORING_MODEL"),
        required_assets=[{"assetRole": role, "usage": "INPUT_ASSET"} for role in roles],
    )
    monitor = await room.center.create_snapshot(
        wire.DeployableModel(
            stored_model=await room.center.create_stored_model(stored), meta_data=wire.MetaData(name="m")
        )
    )
    on_it = wire.Association(association_role="DATA_DRIFT_MODEL", associated_model=monitor.wire())
    return await room.snapshot(assets=assets, more={"associated_models": [on_it]}), monitor.id


async def scored(
    room: Backroom, snapshot_id: str, number: int, records: int = 2, *, job: dict[str, Any] | None = None, **more: Any
) -> str:
    """A batch job of the snapshot that has ended well. Its id."""
    new = wire.Job(
        job_type="MODEL_BATCH_JOB",
        model=await room.center.get_snapshot(snapshot_id),
        **{"input_data": [asset(f"in{number}.csv", "UNKNOWN", f"a\n{number}\n")], **(job or {})},
    )
    made = await room.center.create_job(new)
    told = {"records": {"read": records, "written": records, "bad": 0, "unanswered": 0}}
    output = asset(f"out{number}.jsonl", "UNKNOWN", f'{{"score": {number}}}\n')
    await room.end_job(made.id, output, **{"runtimeInfo": told, **more})
    return made.id


def request(monitor_id: str, snapshot_id: str, name: str = DRIFT) -> JobRequest:
    about = Watched(snapshot_id=snapshot_id, monitor=name)
    return JobRequest(
        snapshot_id=monitor_id, kind=JobKind.METRICS, key=uuid.uuid4().hex, workflow_id="w", watched=about
    )


async def made(room: Backroom, asked: JobRequest, **settings: Any) -> wire.Job:
    room.jobs = dataclasses.replace(room.jobs, settings=ProcessSettings(**settings))
    job: Job = await room.run(room.jobs.create_job, asked)
    return await room.center.get_job(job.id)


def read(job: wire.Job) -> list[str]:
    """Names of what a job reads; of what was scored without its job's id."""
    return [re.sub("^[0-9a-f-]{36}-", "", each.filename or "") for each in job.input_data]


def jobs(job: wire.Job) -> list[str]:
    return [each["job_id"] for each in job.job_parameters[PRODUCTION]["batches"]]


async def test_what_the_snapshot_has_scored_is_read_the_newest_first_behind_the_baseline(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    first, second = await scored(room, id_, 1), await scored(room, id_, 2)
    job = await made(room, request(monitor, id_))
    assert read(job) == ["b.csv", "in2.csv", "out2.jsonl", "in1.csv", "out1.jsonl"]
    assert [each.asset_role for each in job.input_data] == ["BASELINE_DATA", *["COMPARATOR_DATA"] * 4]
    hashes = [each.content_hash and each.content_hash.hex_string for each in job.input_data[1:3]]
    assert hashes == [hashlib.sha256(content).hexdigest() for content in (b"a\n2\n", b'{"score": 2}\n')]
    told = job.job_parameters[PRODUCTION]
    assert (jobs(job), told["place"], told["rows"]) == ([second, first], 1, 100_000)


async def test_a_monitor_that_reads_production_data_alone_needs_no_asset(room: Backroom) -> None:
    id_, monitor = await watched(room, name=PERFORMANCE, roles=("COMPARATOR_DATA",))
    await scored(room, id_, 1)
    job = await made(room, request(monitor, id_, PERFORMANCE))
    assert read(job) == ["in1.csv", "out1.jsonl"]
    assert job.job_parameters[PRODUCTION]["place"] == 0


async def test_the_baseline_is_needed_all_the_same(room: Backroom) -> None:
    id_, monitor = await watched(room, COMPARATOR)
    await scored(room, id_, 1)
    failure = await room.failure(room.jobs.create_job, request(monitor, id_))
    assert "0 assets with the role BASELINE_DATA" in str(failure)
    assert f"mlc monitor baseline {id_} makes one" in str(failure)


async def test_a_window_of_rows_ends_with_the_batch_that_fills_it(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE)
    ids = [await scored(room, id_, number) for number in range(4)]
    assert jobs(await made(room, request(monitor, id_), monitor_window_rows=2)) == ids[:2:-1]
    job = await made(room, request(monitor, id_), monitor_window_rows=3)
    assert jobs(job) == ids[:1:-1]
    assert job.job_parameters[PRODUCTION]["rows"] == 3
    assert jobs(await made(room, request(monitor, id_), monitor_window_rows=None)) == ids[::-1]


async def test_a_window_of_days_leaves_out_what_was_scored_before(
    room: Backroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    await scored(room, id_, 1)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(days=3)

    monkeypatch.setattr(production, "datetime", Later)
    assert read(await made(room, request(monitor, id_), monitor_window_days=4)) == ["b.csv", "in1.csv", "out1.jsonl"]
    assert read(await made(room, request(monitor, id_), monitor_window_days=2)) == ["b.csv", "c.csv"]
    assert read(await made(room, request(monitor, id_))) == ["b.csv", "in1.csv", "out1.jsonl"]


@pytest.mark.parametrize(
    "other",
    [
        {"status": "ERROR"},
        {"status": "CANCELLED"},
        {"jobResult": "FAILURE"},
        {"records": 0},
        {"job": {"job_parameters": {SCORED_RECORDS: True}}},
        {"job": {"job_parameters": {SCORED_RECORDS: False}}},
        {"outputData": []},
    ],
)
async def test_jobs_that_scored_nothing_or_a_baseline_are_no_production(room: Backroom, other: dict[str, Any]) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    await scored(room, id_, 1, **other)
    job = await made(room, request(monitor, id_))
    assert read(job) == ["b.csv", "c.csv"]
    assert PRODUCTION not in job.job_parameters


async def test_another_snapshots_scores_are_none_of_this_one(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    await scored(room, await room.snapshot(), 1)
    assert read(await made(room, request(monitor, id_))) == ["b.csv", "c.csv"]


async def test_a_setting_lets_monitors_read_the_assets(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    await scored(room, id_, 1)
    assert read(await made(room, request(monitor, id_), monitor_production="assets")) == ["b.csv", "c.csv"]


@pytest.mark.parametrize(
    ("days", "within"), [(None, "anything that the"), (7, "in the last 7 days (MLC_MONITOR_WINDOW_DAYS)")]
)
async def test_neither_scores_nor_an_asset_is_said_with_what_to_do(
    room: Backroom, days: int | None, within: str
) -> None:
    id_, monitor = await watched(room, BASELINE)
    for silence, kind in ((timedelta(0), "MissingAsset"), (timedelta(days=7), "NothingScoredYet")):
        settings = ProcessSettings(monitor_window_days=days, monitor_silence=silence)
        room.jobs = dataclasses.replace(room.jobs, settings=settings)
        failure = await room.failure(room.jobs.create_job, request(monitor, id_))
        assert failure.type == kind
    assert "0 assets with the role COMPARATOR_DATA" in str(failure)
    assert within in str(failure)
    assert "run a batch job of it (RunBatchModelJob)" in str(failure)


async def test_what_else_is_lacking_does_not_come_with_time(room: Backroom) -> None:
    id_, monitor = await watched(room)
    failure = await room.failure(room.jobs.create_job, request(monitor, id_))
    assert failure.type == "MissingAsset"
    assert "BASELINE_DATA" in str(failure)


@pytest.mark.parametrize("days", [-1, 0, 36_501, 10**12])
def test_a_window_beyond_the_calendar_is_refused_where_it_is_set(days: int) -> None:
    with pytest.raises(ValueError, match="monitor_window_days"):
        ProcessSettings(monitor_window_days=days)


async def test_no_more_than_the_newest_fifty_jobs_are_read(room: Backroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(production, "MOST_BATCHES", 2)
    id_, monitor = await watched(room, BASELINE)
    ids = [await scored(room, id_, number) for number in range(3)]
    assert jobs(await made(room, request(monitor, id_))) == ids[:0:-1]


async def test_hashes_that_the_inputs_had_are_told_along(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE)
    outside = wire.Asset(name="x.csv", filename="x.csv", asset_type="EXTERNAL_FILE", file_url="file:///lake/x.csv")
    counted = {"records": {"read": 2, "written": 2, "bad": 0, "unanswered": 0}}
    for told, known in (
        ({"sha256": {"inputs": [{"name": "x.csv", "sha256": "ab" * 32}]}}, "ab" * 32),
        ({"sha256": {"inputs": []}}, None),
        ({"sha256": "x"}, None),
    ):
        await scored(room, id_, 1, job={"input_data": [outside]}, runtimeInfo=counted | told)
        job = await made(room, request(monitor, id_))
        hashed = job.input_data[1].content_hash
        assert (hashed.hex_string if hashed else None) == known
        assert job.input_data[1].file_url == "file:///lake/x.csv"


async def test_the_result_tells_which_baseline_and_which_scores_it_is_of(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    batch = await scored(room, id_, 1)
    for out in ({}, {batch: "its file is gone"}):
        asked = request(monitor, id_)
        job: Job = await room.run(room.jobs.create_job, asked)
        told = {"records": 2, "jobs": [{"job": batch, "records": 2}], "leftOut": out}
        await room.end_job(job.id, metrics(a=1), runtimeInfo={"production": told})
        kept: TestResult = await room.run(room.jobs.finish_back_test, job)
        provenance = (await room.port.get_test_result(kept.id)).provenance
        assert re.fullmatch("b.csv, SHA-256 [0-9a-f]{64}", provenance.baseline)
        left_out = f" Left out: {batch} (its file is gone)." if out else ""
        of = "" if out else batch
        assert provenance.choice == (
            f"The production data is what the model has scored: 2 records of the jobs {of}.{left_out}"
        )
        assert provenance.versions is not None
        assert provenance.versions["production"] == told


async def test_the_result_tells_that_its_production_data_are_assets(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    job: Job = await room.run(room.jobs.create_job, request(monitor, id_))
    await room.end_job(job.id, metrics(a=1))
    kept: TestResult = await room.run(room.jobs.finish_back_test, job)
    provenance = (await room.port.get_test_result(kept.id)).provenance
    assert provenance.choice == "The production data is the asset c.csv."
    assert provenance.baseline.startswith("b.csv, SHA-256 ")


async def test_of_one_key_there_is_one_job_whatever_was_scored_meanwhile(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    asked = request(monitor, id_)
    first: Job = await room.run(room.jobs.create_job, asked)
    await scored(room, id_, 1)
    second: Job = await room.run(room.jobs.create_job, asked)
    assert first.id == second.id


async def test_on_a_centre_whose_runtimes_know_nothing_of_it_the_assets_are_read(tmp_path: Path) -> None:
    async with backroom(tmp_path) as elsewhere:
        id_, monitor = await watched(elsewhere, BASELINE, COMPARATOR)
        await scored(elsewhere, id_, 1)
        assert read(await made(elsewhere, request(monitor, id_))) == ["b.csv", "c.csv"]
