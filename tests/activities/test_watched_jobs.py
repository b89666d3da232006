"""Jobs of monitors: which monitor of which snapshot, on which data, and what comes of it where one is lacking."""

import re
import uuid

import pytest
from backroom import Backroom, asset

from mlc.center.modelop import wire
from mlc.model.job import Job, JobKind, JobRequest, Watched

DRIFT = "Data Drift Monitor: Comprehensive Analysis"
BASELINE, COMPARATOR = asset("b.csv", "BASELINE_DATA", b"a\n1\n"), asset("c.csv", "COMPARATOR_DATA", b"a\n2\n")


async def monitor(room: Backroom) -> wire.DeployableModel:
    """A snapshot of a drift monitor, which needs a baseline and then a comparator."""
    stored = wire.StoredModel(
        model_meta_data=wire.ModelMetaData(name=DRIFT, model_category="MODEL_MONITORING_MODEL"),
        required_assets=[{"assetRole": role, "usage": "INPUT_ASSET"} for role in ("BASELINE_DATA", "COMPARATOR_DATA")],
    )
    snapshot = wire.DeployableModel(
        stored_model=await room.center.create_stored_model(stored), meta_data=wire.MetaData(name=f"{DRIFT}_v1")
    )
    return await room.center.create_snapshot(snapshot)


def association(of: wire.DeployableModel, *assets: wire.Asset, role: str = "DATA_DRIFT_MODEL") -> wire.Association:
    return wire.Association(association_role=role, association_assets=list(assets), associated_model=of.wire())


def request(of: wire.DeployableModel, snapshot_id: str, name: str = DRIFT) -> JobRequest:
    return JobRequest(
        snapshot_id=of.id,
        kind=JobKind.METRICS,
        key=uuid.uuid4().hex,
        workflow_id="w",
        watched=Watched(snapshot_id=snapshot_id, monitor=name),
    )


async def test_a_monitor_reads_what_was_set_on_it_in_the_order_that_it_needs(room: Backroom) -> None:
    drift = await monitor(room)
    other = asset("other.csv", "COMPARATOR_DATA", b"a\n3\n")
    on_it = association(drift, other, BASELINE)
    id_ = await room.snapshot(assets=[BASELINE, COMPARATOR], more={"associated_models": [on_it]})
    job: Job = await room.run(room.jobs.create_job, request(drift, id_))
    made = await room.center.get_job(job.id)
    assert made.model is not None
    assert made.reference_model is not None
    assert (made.model.id, made.reference_model.id) == (drift.id, id_)
    assert [each.filename for each in made.input_data] == ["b.csv", "other.csv"]


async def test_a_monitor_on_which_not_all_was_set_reads_what_it_would_be_given_now(room: Backroom) -> None:
    drift = await monitor(room)
    id_ = await room.snapshot(assets=[BASELINE, COMPARATOR], more={"associated_models": [association(drift, BASELINE)]})
    job: Job = await room.run(room.jobs.create_job, request(drift, id_))
    assert [each.filename for each in (await room.center.get_job(job.id)).input_data] == ["b.csv", "c.csv"]


@pytest.mark.parametrize(
    ("monitors", "assets", "name", "said"),
    [
        (0, [BASELINE, COMPARATOR], DRIFT, "has no monitor of the name 'Data Drift Monitor.*It has none"),
        (1, [BASELINE, COMPARATOR], "Data Drift", "has no monitor of the name 'Data Drift'.*It has Data Drift Monitor"),
        (2, [BASELINE, COMPARATOR], DRIFT, "has 2 monitors of the name"),
        (1, [BASELINE], DRIFT, "can't run on .*0 assets with the role COMPARATOR_DATA"),
    ],
)
async def test_what_a_monitor_lacks_is_said_and_no_job_is_made(
    room: Backroom, monitors: int, assets: list[wire.Asset], name: str, said: str
) -> None:
    drift = await monitor(room)
    id_ = await room.snapshot(assets=assets, more={"associated_models": [association(drift)] * monitors})
    asked = request(drift, id_, name)
    failure = await room.failure(room.jobs.create_job, asked)
    assert failure.type == "MissingAsset"
    assert failure.non_retryable
    assert re.search(said, str(failure))
    assert await room.run(room.jobs.find_job, asked) is None


async def test_another_model_that_is_linked_in_the_same_way_is_no_monitor(room: Backroom) -> None:
    drift = await monitor(room)
    id_ = await room.snapshot(more={"associated_models": [association(drift, role="MODEL_USE_CASE")]})
    assert "has no monitor" in str(await room.failure(room.jobs.create_job, request(drift, id_)))


@pytest.mark.parametrize("gone", ["monitor", "watched"])
async def test_a_snapshot_that_is_gone_is_said(room: Backroom, gone: str) -> None:
    drift = await monitor(room)
    id_ = await room.snapshot(assets=[BASELINE, COMPARATOR], more={"associated_models": [association(drift)]})
    nothing = str(uuid.uuid4())
    asked = request(drift, nothing if gone == "watched" else id_)
    if gone == "monitor":
        asked = asked.model_copy(update={"snapshot_id": nothing})
    failure = await room.failure(room.jobs.create_job, asked)
    assert failure.type == "NoSuchSnapshot"
    assert nothing in str(failure)


async def test_of_one_key_there_is_one_job(room: Backroom) -> None:
    drift = await monitor(room)
    id_ = await room.snapshot(assets=[BASELINE, COMPARATOR], more={"associated_models": [association(drift)]})
    asked = request(drift, id_)
    first, second = [await room.run(room.jobs.create_job, asked) for _ in range(2)]
    assert first.id == second.id
