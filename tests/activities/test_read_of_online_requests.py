"""A monitor's job reads what its model has answered online, beside what it has scored in jobs."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backroom import Backroom, backroom, metrics
from test_read_of_what_was_scored import BASELINE, COMPARATOR, jobs, made, read, request, scored, watched

from activities import production
from mlc.center.modelop import wire
from mlc.model.job import Job
from mlc.model.online_requests import OnlineBatch, OnlineRequest
from mlc.model.result import TestResult
from mlc.model.scored import ONLINE, PRODUCTION, Batch

NOW = datetime.now(UTC)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Backroom]:
    async with backroom(tmp_path, standalone=True, contents="reference") as opened:
        yield opened


async def answered(room: Backroom, snapshot_id: str, *hours: float, missed: int = 0) -> None:
    """Online requests of the snapshot, so many hours ago each."""
    engine = await room.center.save_engine(wire.Engine(name="r"))
    new = wire.DeployedModel(deployable_model=await room.center.get_snapshot(snapshot_id), engine=engine)
    deployment = await room.center.create_deployment(new)
    requests = [OnlineRequest(moment=NOW - timedelta(hours=each), record={"a": each, "score": 1}) for each in hours]
    told: dict[str, Any] = {"missed": missed, "since": NOW - timedelta(hours=9)} if missed else {}
    sent = OnlineBatch(id=uuid.uuid4().hex, deployment_id=deployment.id, requests=requests, **told)
    await room.port.keep_online_requests(sent)


async def lines(room: Backroom, job: wire.Job) -> list[str]:
    """Of the file of online requests that a job reads."""
    async with room.port.open_job(job.id) as opened:
        file = next(asset for asset in opened.inputs if asset.name == "online-requests.jsonl")
        return (await room.port.read(file, limit=10_000)).decode().splitlines()


async def test_the_requests_of_all_its_deployments_are_read_and_those_of_no_other_snapshot(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    other, _ = await watched(room, BASELINE, COMPARATOR)
    await answered(room, id_, 3, 2)
    await answered(room, id_, 1)
    await answered(room, other, 1)
    job = await made(room, request(monitor, id_))
    assert read(job) == ["b.csv", "online-requests.jsonl"]
    assert await lines(room, job) == [f'{{"a": {hours}, "score": 1}}' for hours in (3, 2, 1)]
    (batch,) = job.job_parameters[PRODUCTION]["batches"]
    assert (batch["job_id"], batch["inputs"], batch["outputs"]) == (ONLINE, 1, 0)
    assert batch["online"]["count"] == 3
    assert job.input_data[1].asset_role == "COMPARATOR_DATA"
    assert job.input_data[1].content_hash is not None


async def test_they_stand_among_the_jobs_by_the_moment_of_the_last_one(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE)
    first = await scored(room, id_, 1)
    await answered(room, id_, 1)
    assert jobs(await made(room, request(monitor, id_))) == [first, ONLINE]
    await answered(room, id_, -1)  # is now
    second = await scored(room, id_, 2)
    assert jobs(await made(room, request(monitor, id_))) == [second, ONLINE, first]


async def test_the_window_counts_for_them_too(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    await answered(room, id_, 24 * 40, 24 * 20, 24 * 10, 1)
    assert len(await lines(room, await made(room, request(monitor, id_), monitor_window_days=30))) == 3
    both = await made(room, request(monitor, id_), monitor_window_days=30, monitor_window_rows=2)
    assert len(await lines(room, both)) == 2
    assert both.job_parameters[PRODUCTION]["rows"] == 2
    later = await made(room, request(monitor, id_), monitor_window_days=1, monitor_production="assets")
    assert read(later) == ["b.csv", "c.csv"]


async def test_without_any_in_the_window_the_asset_is_read(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    await answered(room, id_, 24 * 400)
    assert read(await made(room, request(monitor, id_), monitor_window_days=30)) == ["b.csv", "c.csv"]


async def test_without_any_and_without_an_asset_the_failure_names_the_ways(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE)
    failure = await room.failure(room.jobs.create_job, request(monitor, id_))
    assert "keep its online requests (MLC_RUNTIME_KEEP_REQUESTS)" in str(failure)


async def test_the_result_tells_how_many_were_read_from_when_to_when_and_how_many_were_not_kept(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE, COMPARATOR)
    batch = await scored(room, id_, 1)
    await answered(room, id_, 5, 4, 3, missed=1_200)
    job: Job = await room.run(room.jobs.create_job, request(monitor, id_))
    told = {"records": 4, "jobs": [{"job": batch, "records": 2}, {"job": ONLINE, "records": 2}], "leftOut": {}}
    await room.end_job(job.id, metrics(a=1), runtimeInfo={"production": told})
    kept: TestResult = await room.run(room.jobs.finish_back_test, job)
    first, last, since = (f"{NOW - timedelta(hours=hours):%Y-%m-%d %H:%M} UTC" for hours in (5, 3, 9))
    assert (await room.port.get_test_result(kept.id)).provenance.choice == (
        f"The production data is what the model has scored: 4 records of the jobs {batch} and of the newest 2 of 3 "
        f"online requests from {first} to {last}. 1,200 online requests since {since} were not kept, and are not in it."
    )


async def test_of_online_requests_alone_no_job_is_named(room: Backroom) -> None:
    id_, monitor = await watched(room, BASELINE)
    await answered(room, id_, 2, 1)
    job: Job = await room.run(room.jobs.create_job, request(monitor, id_))
    record = await room.port.get_job(job.id)
    said = production.production_of(record)
    assert said.startswith("The production data is what the model has scored: the records of 2 online requests from ")
    assert "jobs" not in said
    gone = {"production": {"records": 0, "leftOut": {ONLINE: "its file is gone"}}}
    said = production.production_of(record.model_copy(update={"runtime_info": gone}))
    assert f"Left out: {ONLINE} (its file is gone)." in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"job_id": "j", "inputs": 1, "outputs": 0},
        {"job_id": ONLINE, "inputs": 1, "outputs": 1, "online": {"count": 1}},
        {"job_id": ONLINE, "inputs": 0, "outputs": 0, "online": {"count": 1}},
    ],
)
def test_a_batch_that_can_be_neither_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outputs|greater"):
        Batch.model_validate(wrong)
