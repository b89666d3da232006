"""What a monitor's job reads of what the model that it watches has scored."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from outcomes import Ran, result
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.model.scored import PRODUCTION, Batch, Production
from mlc.settings import FileSettings

Run = Callable[..., Any]
MONITOR = python_model(
    """
    # modelop.metrics
    def m(*frames):
        yield {str(number): frame.to_dict("split") for number, frame in enumerate(frames)}
    """
)
FIELDS = [
    {"name": "a", "type": "double", "role": "predictor", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]
SCHEMA = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": FIELDS}}
WATCHED = wire.DeployableModel(
    id="s", stored_model=wire.StoredModel(model_meta_data=wire.ModelMetaData(name="m", input_schema=[SCHEMA]))
)
BASELINE = embedded("baseline.csv", "a,score\n0,0\n", asset_role="BASELINE_DATA")


def scores(name: str, *values: float) -> wire.Asset:
    return embedded(name, "".join(json.dumps({"score": value}) + "\n" for value in values))


def of(*batches: tuple[str, int, int], rows: int | None = None, place: int = 1) -> dict[str, Any]:
    """The job's part about its production data."""
    listed = [Batch(job_id=job, inputs=inputs, outputs=outputs) for job, inputs, outputs in batches]
    return job(Production(place=place, batches=listed, rows=rows).parameters())


def job(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"job_parameters": parameters, "reference_model": WATCHED}


def production(ran: Ran, argument: int = 1) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of an argument of the monitor's function."""
    found = result(ran)[str(argument)]
    return found["columns"], found["data"]


def hashed(asset: wire.Asset, content: bytes | None = None) -> wire.Asset:
    """With the hash that it had when it was scored."""
    was = content if content is not None else asset.content()
    assert was is not None
    known = wire.ContentHash(hash_type="SHA-256", hex_string=hashlib.sha256(was).hexdigest())
    return asset.model_copy(update={"content_hash": known})


async def test_batches_are_joined_row_by_row_and_put_together_the_oldest_first(call: Run) -> None:
    newest, older = embedded("new.csv", "a,b\n3,x\n4,y\n"), embedded("old.jsonl", '{"b": "z", "a": 1}\n')
    data = [BASELINE, newest, scores("o2.jsonl", 0.3, 0.4), older, scores("o1.jsonl", 0.1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j2", 1, 1), ("j1", 1, 1)))
    columns, rows = production(ran)
    by_name = [dict(zip(columns, row, strict=True)) for row in rows]
    assert by_name == [
        {"a": 1, "b": "z", "score": 0.1},
        {"a": 3, "b": "x", "score": 0.3},
        {"a": 4, "b": "y", "score": 0.4},
    ]
    assert production(ran, 0) == (["a", "score"], [[0, 0]])
    assert ran.runtime_info["production"] == {
        "records": 3,
        "jobs": [{"job": "j2", "records": 2}, {"job": "j1", "records": 1}],
        "leftOut": {},
    }
    assert len(ran.runtime_info["sha256"]["inputs"]) == 5


async def test_a_monitor_of_production_data_alone_has_one_argument(call: Run) -> None:
    data = [embedded("in.csv", "a\n1\n"), scores("out.jsonl", 0.5)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j", 1, 1), place=0))
    assert result(ran) == {"0": {"index": [0], "columns": ["a", "score"], "data": [[1, 0.5]]}}


@pytest.mark.parametrize(
    ("rows", "read"), [(1, [4]), (2, [3, 4]), (3, [2, 3, 4]), (99, [1, 2, 3, 4]), (None, [1, 2, 3, 4])]
)
async def test_a_window_takes_the_newest_rows(call: Run, rows: int | None, read: list[int]) -> None:
    data = [
        BASELINE,
        embedded("n.csv", "a\n3\n4\n"),
        scores("n.jsonl", 3, 4),
        embedded("o.csv", "a\n1\n2\n"),
        scores("o.jsonl", 1, 2),
    ]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j2", 1, 1), ("j1", 1, 1), rows=rows))
    assert production(ran)[1] == [[number, number] for number in read]
    assert ran.runtime_info["production"]["records"] == len(read)


async def test_several_files_of_a_batch_are_paired_in_their_order(call: Run) -> None:
    data = [BASELINE, embedded("a.csv", "a\n1\n"), embedded("b.csv", "a\n2\n3\n"), scores("all.jsonl", 1, 2, 3)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j", 2, 1)))
    assert production(ran)[1] == [[1, 1], [2, 2], [3, 3]]


async def test_answers_with_the_inputs_columns_and_bare_ones_are_read(call: Run) -> None:
    whole = embedded("whole.jsonl", '{"a": -1, "score": 0.1, "why": "x"}\n')
    data = [
        BASELINE,
        embedded("n.csv", "a,score\n7,9\n"),
        whole,
        embedded("o.csv", "a\n6\n"),
        embedded("o.json", "0.2\n"),
    ]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j2", 1, 1), ("j1", 1, 1)))
    assert production(ran) == (["a", "score"], [[6, 0.2], [7, 0.1]]), "the records' own columns, but for the score"
    assert any("not all of the production data has are left out: why" in line for line in ran.told)


async def test_columns_that_not_every_batch_has_are_left_out_and_named(call: Run) -> None:
    data = [
        BASELINE,
        embedded("n.csv", "a,new\n3,x\n"),
        scores("n.jsonl", 3),
        embedded("o.csv", "a,old\n1,x\n"),
        scores("o.jsonl", 1),
    ]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j2", 1, 1), ("j1", 1, 1)))
    assert production(ran) == (["a", "score"], [[1, 1], [3, 3]])
    assert any(line.endswith("are left out: new, old") for line in ran.told)


async def test_compressed_files_and_tables_are_read(call: Run) -> None:
    made = io.BytesIO()
    pq.write_table(pa.table({"score": [0.5]}), made)
    packed = embedded("in.csv.gz", gzip.compress(b"a\n1\n"))
    data = [BASELINE, hashed(packed), hashed(embedded("out.parquet", made.getvalue()))]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j", 1, 1)))
    assert production(ran) == (["a", "score"], [[1, 0.5]])


GOOD = [embedded("o.csv", "a\n1\n"), scores("o.jsonl", 1)]
GONE = wire.Asset(name="gone.csv", filename="gone.csv", asset_type="EXTERNAL_FILE", file_url="file:///nowhere/gone.csv")


@pytest.mark.parametrize(
    ("records", "answers", "why"),
    [
        (GONE, scores("n.jsonl", 3), "gone.csv"),
        (
            embedded("n.csv", "a\n3\n4\n"),
            scores("n.jsonl", 3),
            "2 records in, 1 answers out: which is whose can't be told",
        ),
        (embedded("n.csv", b"\xff\xfe"), scores("n.jsonl", 3), "its records can't be counted"),
        (embedded("n.what", "a"), scores("n.jsonl", 3), "has no known format"),
    ],
)
async def test_a_batch_that_is_not_whole_is_left_out_and_the_reason_told(
    call: Run, records: wire.Asset, answers: wire.Asset, why: str
) -> None:
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, records, answers, *GOOD, job=of(("j2", 1, 1), ("j1", 1, 1)))
    assert production(ran)[1] == [[1, 1]]
    assert list(ran.runtime_info["production"]["leftOut"]) == ["j2"]
    assert why in ran.runtime_info["production"]["leftOut"]["j2"]


async def test_a_record_that_is_none_fails_the_job(call: Run) -> None:
    data = [BASELINE, embedded("n.csv", "a\n3\n"), embedded("n.jsonl", "{"), *GOOD]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of(("j2", 1, 1), ("j1", 1, 1)))
    assert "line 1 of the input file n.jsonl can't be read" in ran.problem.lower()


async def test_files_that_were_changed_since_are_left_out(call: Run, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "in.csv").write_text("a\n9\n")
    outside = wire.Asset(
        name="in.csv", filename="in.csv", asset_type="EXTERNAL_FILE", file_url=(lake / "in.csv").as_uri()
    )
    for was, read in ((b"a\n9\n", [[1, 1], [9, 9]]), (b"a\n3\n", [[1, 1]])):
        data = [BASELINE, hashed(outside, was), scores("n.jsonl", 9), *GOOD]
        ran = await call(
            JobKind.METRICS, MONITOR, *data, job=of(("j2", 1, 1), ("j1", 1, 1)), files=FileSettings(root=lake)
        )
        assert production(ran)[1] == read
    assert "has other content than when it was scored" in ran.runtime_info["production"]["leftOut"]["j2"]


async def test_nothing_that_can_be_read_fails_the_job_with_what_to_do(call: Run) -> None:
    data = [BASELINE, embedded("n.csv", "a\n3\n4\n"), scores("n.jsonl", 3)]
    for each in (data, [BASELINE, GONE, scores("n.jsonl", 3)]):
        ran = await call(JobKind.METRICS, MONITOR, *each, job=of(("j", 1, 1)))
        assert ran.problem.startswith("Nothing that the model has scored can be read: j (")
        assert "MLC_MONITOR_PRODUCTION=assets" in ran.problem


@pytest.mark.parametrize(
    "told",
    [
        "x",
        {},
        {"place": 0, "batches": []},
        {"place": 9, "batches": [{"job_id": "j", "inputs": 1, "outputs": 1}]},
        {"place": 0, "batches": [{"job_id": "j", "inputs": 40, "outputs": 1}]},
    ],
)
async def test_a_parameter_that_says_what_can_not_be_fails_the_job(call: Run, told: Any) -> None:
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, *GOOD, job=job({PRODUCTION: told}))
    assert ran.problem.startswith("What the job says of its production data can't be")


async def test_a_job_that_says_nothing_of_it_reads_each_input_by_itself(call: Run) -> None:
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, embedded("c.csv", "a\n5\n"), job=job({}))
    assert production(ran) == (["a"], [[5]])
    assert "production" not in ran.runtime_info
