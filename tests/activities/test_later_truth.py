"""Truth that arrived later in a monitor's job: read where the monitor needs a label, and an identifier finds it."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backroom import Backroom, asset, backroom, metrics
from test_monitor_needs import field, record
from test_read_of_what_was_scored import DRIFT, PERFORMANCE, made, read, request, scored, watched

from activities.monitors import plan_for
from activities.production import production_of
from mlc.model.asset import Asset, AssetRole
from mlc.model.job import Job
from mlc.model.result import TestResult
from mlc.model.scored import PRODUCTION
from mlc.model.snapshot import Model, Schema, Snapshot
from mlc.model.truth import Truth
from mlc.standalone.monitors import monitor_folders

ID, LABEL, SCORE = field("id", "identifier"), field("bad", "label", "numerical"), field("score", "score", "numerical")
GOOD = record(ID, LABEL, SCORE, field("a", "predictor", "numerical"))
WITHOUT_ID = record(LABEL, SCORE, field("a", "predictor", "numerical"))
FILE = b"id,label,time\n7,1,2026-01-01T00:00:00.000000Z\n"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Backroom]:
    async with backroom(tmp_path, standalone=True, contents="reference") as opened:
        yield opened


async def with_schema(room: Backroom, schema: Any, *, name: str = PERFORMANCE, truth: bool = True) -> tuple[str, str]:
    """Ids of a snapshot that has scored something, and of a monitor on it; one label of its model is known."""
    id_, monitor = await watched(room, name=name, roles=("COMPARATOR_DATA",))
    told = [{"name": "in.avsc", "schemaDefinition": schema}] if schema else []
    await room.center.patch_snapshot(id_, {"storedModel": {"modelMetaData": {"inputSchema": told}}})
    await scored(room, id_, 1)
    if truth:
        known = [Truth("7", "1", datetime(2026, 1, 1, tzinfo=UTC))]
        await room.port.keep_truth(await model_of(room, id_), known)
    return id_, monitor


async def model_of(room: Backroom, snapshot_id: str) -> str:
    return (await room.port.get_snapshot(snapshot_id)).model.id


async def test_truth_is_the_input_before_what_was_scored_with_its_hash(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD)
    job = await made(room, request(monitor, id_, PERFORMANCE))
    assert read(job) == ["truth.csv", "in1.csv", "out1.jsonl"]
    truth = job.input_data[0]
    assert (truth.asset_role, truth.file_format, truth.file_size) == (AssetRole.TRUTH_DATA, "CSV", len(FILE))
    assert truth.content_hash is not None
    assert truth.content_hash.hex_string == hashlib.sha256(FILE).hexdigest()
    assert job.job_parameters[PRODUCTION]["truth"] == {"identifier": "id", "label": "bad"}
    assert job.job_parameters[PRODUCTION]["place"] == 0


async def test_a_job_keeps_the_truth_that_it_was_made_with(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD)
    asked = request(monitor, id_, PERFORMANCE)
    job = await made(room, asked)
    assert await room.port.forget_truth(await model_of(room, id_), "7")
    assert (await made(room, asked, monitor_silence=timedelta(0))).id == job.id
    async with room.port.open_job(job.id or "") as whole:
        assert await room.port.read(whole.inputs[0], limit=1_000) == FILE
    job = await made(room, request(monitor, id_, PERFORMANCE), monitor_silence=timedelta(0))
    assert read(job) == ["in1.csv", "out1.jsonl"]


async def test_without_any_truth_a_new_snapshot_waits_for_it_unless_there_may_be_labels(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD, truth=False)
    failure = await room.failure(room.jobs.create_job, request(monitor, id_, PERFORMANCE))
    assert (failure.type, failure.non_retryable) == ("NothingScoredYet", True)
    assert "compares scores with the column 'bad'" in str(failure)
    own = asset("labelled.csv", "UNKNOWN", "a,bad\n1,0\n")
    await scored(room, id_, 2, job={"input_data": [own]})
    job = await made(room, request(monitor, id_, PERFORMANCE))
    assert read(job) == ["labelled.csv", "out2.jsonl", "in1.csv", "out1.jsonl"]
    id_, monitor = await with_schema(room, GOOD, truth=False, name="Mine")
    assert read(await made(room, request(monitor, id_, "Mine"))) == ["in1.csv", "out1.jsonl"]


async def test_without_any_truth_the_job_is_what_it_was(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD, truth=False)
    job = await made(room, request(monitor, id_, PERFORMANCE), monitor_silence=timedelta(0))
    assert read(job) == ["in1.csv", "out1.jsonl"]
    assert job.job_parameters[PRODUCTION].keys() == {"place", "batches", "rows"}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "record"},
        record(LABEL, SCORE),
        record(ID, SCORE),
        record(ID, field("other", "identifier"), LABEL, SCORE),
        record(ID, LABEL, field("other", "label"), SCORE),
    ],
)
async def test_truth_that_a_schema_gives_no_place_is_not_read(room: Backroom, schema: Any) -> None:
    id_, monitor = await with_schema(room, schema)
    assert read(await made(room, request(monitor, id_, PERFORMANCE))) == ["in1.csv", "out1.jsonl"]


async def test_a_monitor_of_drift_reads_no_truth_unless_the_label_is_compared(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD, name=DRIFT)
    assert read(await made(room, request(monitor, id_))) == ["in1.csv", "out1.jsonl"]
    id_, monitor = await with_schema(room, record(ID, {**LABEL, "driftCandidate": True}, SCORE), name=DRIFT)
    assert read(await made(room, request(monitor, id_))) == ["truth.csv", "in1.csv", "out1.jsonl"]


async def test_a_monitor_of_somebodys_own_is_given_truth(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD, name="Mine")
    assert read(await made(room, request(monitor, id_, "Mine")))[0] == "truth.csv"


async def test_truth_of_a_model_that_is_gone_is_gone(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD)
    gone = f"{room.center.hal.base}/storedModels/{await model_of(room, id_)}"
    (await room.http.delete(gone, headers={"Authorization": "Bearer t"})).raise_for_status()
    job = await made(room, request(monitor, id_, PERFORMANCE), monitor_silence=timedelta(0))
    assert read(job) == ["in1.csv", "out1.jsonl"]


async def test_the_result_tells_how_many_have_a_label_and_how_many_have_none_yet(room: Backroom) -> None:
    id_, monitor = await with_schema(room, GOOD)
    for truth, said in (
        (
            {"known": 1_970, "matched": 1_900, "unmatchedRecords": 100, "unmatchedTruth": 70},
            " Labels that came later: 1,900 of 2,000 records have one, 100 have none yet; 70 of 1,970 labels are of no "
            "record among them.",
        ),
        ({"known": 1}, ""),
        ("x", ""),
    ):
        job: Job = await room.run(room.jobs.create_job, request(monitor, id_, PERFORMANCE))
        told = {"records": 2_000, "leftOut": {"j": "x" * 900}, "truth": truth}
        await room.end_job(job.id, metrics(a=1), runtimeInfo={"production": told})
        kept: TestResult = await room.run(room.jobs.finish_back_test, job)
        provenance = (await room.port.get_test_result(kept.id)).provenance
        assert re.sub(" of the jobs [0-9a-f-]{36}", "", provenance.choice).startswith(
            f"The production data is what the model has scored: 2,000 records.{said} Left out: j (xx"
        )
        assert len(provenance.choice) <= 600
        assert "truth.csv" in provenance.read
        assert production_of(await room.port.get_job(job.id)) == provenance.choice


def planned(schema: Any, *, truth: bool) -> list[str]:
    models = {name: folder.model for name, folder in monitor_folders().items()}
    roles = ("BASELINE_DATA", "COMPARATOR_DATA")
    model = Model(name="m", methodology="regression", input_schemas=[Schema(name="in.avsc", definition=schema)])
    there = [Asset(name=f"{role[0].lower()}.csv", role=role) for role in roles]
    columns = {("BASELINE_DATA", "b.csv"): ["a", "score"], ("COMPARATOR_DATA", "c.csv"): ["a", "id", "score"]}
    return plan_for(Snapshot(id="s", model=model, assets=there), models, columns, truth=truth).warnings


WAITS = (
    f"Not all is there for {PERFORMANCE}. c.csv (COMPARATOR_DATA) has no label 'bad': it waits for truth. Send that "
    "when it is known, with mlc truth FILE; what the model has scored gets it by 'id'. Until then there is nothing to "
    "measure, and each run ends in an error."
)


def test_a_label_that_may_come_later_is_waited_for_and_not_complained_of() -> None:
    assert WAITS in planned(GOOD, truth=True)
    assert not any("lacks columns" in said for said in planned(GOOD, truth=True))


@pytest.mark.parametrize(("schema", "truth"), [(GOOD, False), (WITHOUT_ID, True)])
def test_a_label_that_nothing_brings_is_complained_of(schema: Any, truth: bool) -> None:
    said = planned(schema, truth=truth)
    assert any("c.csv (COMPARATOR_DATA) lacks columns that the schema names: 'bad'." in each for each in said)
    assert not any("truth" in each for each in said)
