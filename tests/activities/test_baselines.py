"""Baselines of snapshots: training data that is scored, and what becomes of it. The test plays the runtime."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from backroom import GONE, Backroom, asset
from temporalio.exceptions import ApplicationError

from activities import baselines
from activities.baselines import Baseline, make_baseline
from mlc.center.modelop import wire
from mlc.model.scored import SCORED_RECORDS
from mlc.settings import ProcessSettings

TRAIN = asset("train.csv", "TRAINING_DATA", "a\n1\n2\n")
MORE = asset("more.csv", "TRAINING_DATA")
SOURCE = asset("model.py", "MODEL_SOURCE", "# modelop.train\ndef t(df): pass\n")
SCORED, OTHERWISE = b"a,score\n1,0.1\n2,0.2\n", b"a,score\n1,0.9\n2,0.8\n"
COUNTS = {"read": 2, "written": 2, "bad": 0, "unanswered": 0, "paired": True}


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "LOOK", 0.01)


async def jobs_of(room: Backroom, snapshot_id: str) -> list[dict[str, Any]]:
    found = await room.http.get(
        "http://centre/model-manage/api/jobs/search/findAllByModel_Id",
        params={"deployableModelId": snapshot_id},
        headers={"Authorization": "Bearer t"},
    )
    jobs: list[dict[str, Any]] = found.raise_for_status().json()["_embedded"]["jobs"]
    return jobs


@asynccontextmanager
async def runtime(
    room: Backroom,
    snapshot_id: str,
    content: bytes = SCORED,
    *,
    before_it_ends: Callable[[], Any] | None = None,
    knows: bool = True,
    counts: dict[str, Any] | None = COUNTS,
    **ending: Any,
) -> AsyncIterator[None]:
    """Ends each job of the snapshot that comes, as a runtime does."""
    earlier = {job["id"] for job in await jobs_of(room, snapshot_id)}

    async def play() -> None:
        while True:
            for job in await jobs_of(room, snapshot_id):
                if job["id"] in earlier:
                    continue
                earlier.add(job["id"])
                if before_it_ends:
                    await before_it_ends()
                (asked,) = job["outputData"]
                output = asset(asked["name"], asked["assetRole"], content)
                told = ({"records": counts} if counts else {}) | ({SCORED_RECORDS: True} if knows else {})
                await room.end_job(job["id"], output, runtimeInfo=told, **ending)
            await asyncio.sleep(0.01)

    playing = asyncio.create_task(play())
    try:
        yield
    finally:
        playing.cancel()


async def made(room: Backroom, snapshot_id: str, *, replace: bool = False) -> Baseline:
    return await make_baseline(room.port, snapshot_id, ProcessSettings(), replace=replace)


async def refused(room: Backroom, snapshot_id: str, *, replace: bool = False) -> str:
    with pytest.raises(ApplicationError) as failure:
        await made(room, snapshot_id, replace=replace)
    return failure.value.message


async def baselines_of(room: Backroom, snapshot_id: str) -> list[tuple[str, bytes | None]]:
    assets = (await room.center.get_snapshot(snapshot_id)).stored_model.model_assets
    return [(each.filename or each.name, each.content()) for each in assets if each.asset_role == "BASELINE_DATA"]


async def test_training_data_with_its_scores_becomes_the_baseline(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])
    async with runtime(room, id_):
        baseline = await made(room, id_)
    assert (baseline.name, baseline.records, baseline.training_data) == ("baseline_data.csv", 2, "train.csv")
    assert (baseline.added, baseline.replaced, baseline.remarks) == (True, "", [])
    assert await baselines_of(room, id_) == [("baseline_data.csv", SCORED)]
    assets = (await room.center.get_snapshot(id_)).stored_model.model_assets
    assert [each.filename for each in assets] == ["model.py", "train.csv", "baseline_data.csv"]
    (job,) = await jobs_of(room, id_)
    assert job["jobParameters"][SCORED_RECORDS] is True
    assert [each["filename"] for each in job["inputData"]] == ["train.csv"]


@pytest.mark.parametrize(
    ("training", "name"),
    [
        (asset("t.parquet", "TRAINING_DATA"), "baseline_data.parquet"),
        (asset("t.csv.gz", "TRAINING_DATA"), "baseline_data.csv"),
        (asset("t.feather", "TRAINING_DATA"), "baseline_data.arrow"),
        (asset("t.json", "TRAINING_DATA"), "baseline_data.jsonl"),
        (asset("t", "TRAINING_DATA").model_copy(update={"file_format": "CSV"}), "baseline_data.csv"),
    ],
)
async def test_a_baseline_has_the_format_of_the_training_data(room: Backroom, training: wire.Asset, name: str) -> None:
    id_ = await room.snapshot(assets=[SOURCE, training])
    async with runtime(room, id_):
        assert (await made(room, id_)).name == name


async def test_the_same_again_adds_nothing(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])
    async with runtime(room, id_):
        await made(room, id_)
        before = await room.center.get_snapshot(id_)
        again = await made(room, id_)
    assert (again.added, again.name) == (False, "baseline_data.csv")
    assert await room.center.get_snapshot(id_) == before


async def test_another_content_needs_to_be_told_to_replace_and_keeps_the_name(room: Backroom) -> None:
    hand_made = asset("mine.csv", "BASELINE_DATA", b"a,score\n")
    id_ = await room.snapshot(assets=[SOURCE, hand_made, TRAIN])
    async with runtime(room, id_):
        said = await refused(room, id_)
        assert "a baseline of other content already: 'mine.csv', SHA-256" in said
        assert "Nothing was stored. With --replace" in said
        assert await baselines_of(room, id_) == [("mine.csv", b"a,score\n")]
        replaced = await made(room, id_, replace=True)
    assert re.fullmatch("SHA-256 [0-9a-f]{64}", replaced.replaced)
    assert await baselines_of(room, id_) == [("mine.csv", SCORED)]


async def test_monitors_that_were_given_another_baseline_and_deployments_are_told_of(room: Backroom) -> None:
    old = asset("old.csv", "BASELINE_DATA", b"a,score\n")
    watching = wire.StoredModel(model_meta_data=wire.ModelMetaData(name="PSI", model_category="MODEL_MONITORING_MODEL"))
    monitor = await room.center.create_snapshot(
        wire.DeployableModel(
            stored_model=await room.center.create_stored_model(watching), meta_data=wire.MetaData(name="m")
        )
    )
    on_it = wire.Association(
        association_role="STABILITY_MODEL", association_assets=[old], associated_model=monitor.wire()
    )
    id_ = await room.snapshot(assets=[SOURCE, TRAIN, old], more={"associated_models": [on_it]})
    await room.deploy(id_)
    async with runtime(room, id_):
        said = (await made(room, id_, replace=True)).remarks
    assert said[0].endswith("set on them when they were added: PSI.")
    assert said[1].startswith("The snapshot is deployed: what runs is the copy that was approved")
    assert len(said) == 2


@pytest.mark.parametrize(
    ("assets", "said"),
    [
        ([SOURCE], "has no asset with the role TRAINING_DATA"),
        ([SOURCE, TRAIN, MORE], ""),
        (
            [asset("model.py", "MODEL_SOURCE", "# modelop.train\ndef t(a, b): pass\n"), TRAIN, MORE],
            "2 assets with the role TRAINING_DATA which its training takes together (train.csv, more.csv)",
        ),
        (
            [SOURCE, TRAIN, asset("a.csv", "BASELINE_DATA"), asset("b.csv", "BASELINE_DATA")],
            "has 2 assets with the role BASELINE_DATA (a.csv, b.csv): it isn't clear which",
        ),
        (
            [SOURCE, TRAIN, asset("Baseline_data.csv", "TEST_DATA")],
            "has an asset 'Baseline_data.csv' with the role TEST_DATA: rename it",
        ),
    ],
)
async def test_what_is_missing_or_not_clear_is_said_before_any_job(
    room: Backroom, assets: list[wire.Asset], said: str
) -> None:
    id_ = await room.snapshot(assets=assets)
    if not said:  # the first, as training takes it
        async with runtime(room, id_):
            assert (await made(room, id_)).training_data == "train.csv"
        return
    assert said in await refused(room, id_, replace=True)
    assert await jobs_of(room, id_) == []


async def test_no_such_snapshot_and_a_monitors_are_said(room: Backroom) -> None:
    assert GONE in await refused(room, GONE)
    id_ = await room.snapshot(model_category="MODEL_MONITORING_MODEL")
    assert "is a monitor's, which scores nothing" in await refused(room, id_)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ({"status": "ERROR", "jobMessages": ["The model has no score function."]}, "The model has no score function."),
        ({"status": "CANCELLED"}, "ended as CANCELLED"),
        ({"knows": False}, "wrote answers alone: its runtime does not know how"),
        ({"counts": None}, "did not write one record for each that it read: it does not tell how many"),
        ({"counts": COUNTS | {"written": 3}}, "one record for each that it read: 2 records in, 3 out"),
        ({"counts": COUNTS | {"written": 1, "bad": 1}}, "lost records: 1 of 2 records were lost (1 bad)"),
        ({"counts": COUNTS | {"read": 0, "written": 0}}, "The training data has no records"),
    ],
)
async def test_a_job_that_did_not_score_each_record_leaves_the_snapshot_as_it_is(
    room: Backroom, ending: dict[str, Any], said: str
) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])
    async with runtime(room, id_, **ending):
        assert said in await refused(room, id_)
    assert await baselines_of(room, id_) == []


async def test_a_model_that_takes_all_together_is_taken_at_its_word_and_that_is_told(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])
    async with runtime(room, id_, counts=COUNTS | {"paired": False}):
        (said,) = (await made(room, id_)).remarks
    assert said.startswith("The model takes all records together")


async def test_a_snapshot_that_was_changed_meanwhile_gets_no_baseline(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])

    async def changed() -> None:
        assets = [SOURCE, asset("train.csv", "TRAINING_DATA", "a\n5\n")]
        await room.center.patch_snapshot(id_, {"storedModel": {"modelAssets": [each.wire() for each in assets]}})

    async with runtime(room, id_, before_it_ends=changed):
        assert "was changed while its training data was scored" in await refused(room, id_)
    assert await baselines_of(room, id_) == []


@pytest.mark.parametrize("content", [SCORED, OTHERWISE])
async def test_of_two_at_once_the_second_finds_the_firsts(room: Backroom, content: bytes) -> None:
    """The other one stores its baseline while the job of this one still runs."""
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])

    async def the_other() -> None:
        assets = [SOURCE, TRAIN, asset("baseline_data.csv", "BASELINE_DATA", content)]
        await room.center.patch_snapshot(id_, {"storedModel": {"modelAssets": [each.wire() for each in assets]}})

    async with runtime(room, id_, before_it_ends=the_other):
        if content == SCORED:
            assert not (await made(room, id_)).added
        else:
            assert "a baseline of other content already" in await refused(room, id_)
    assert await baselines_of(room, id_) == [("baseline_data.csv", content)]


async def test_whoever_gives_up_cancels_the_job(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])
    told: list[str] = []
    waiting = asyncio.create_task(make_baseline(room.port, id_, ProcessSettings(), tell=told.append))
    while not told:
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (job,) = await jobs_of(room, id_)
    assert job["jobStatus"] == "CANCELLED"
    assert told == [f"scoring job {job['id']} is CREATED"]


async def test_a_job_that_takes_too_long_or_is_gone_is_given_up(room: Backroom) -> None:
    id_ = await room.snapshot(assets=[SOURCE, TRAIN])
    with pytest.raises(ApplicationError, match="had not ended after"):
        await make_baseline(room.port, id_, ProcessSettings(job_deadline="PT0.1S"))
    (job,) = await jobs_of(room, id_)
    assert job["jobStatus"] == "CANCELLED"
