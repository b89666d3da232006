"""A scoring job that writes its input's records with their scores."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from outcomes import Ran, lines
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.model.scored import SCORED_RECORDS
from mlc.settings import FileSettings

Run = Callable[..., Any]
ASKED = {"job_parameters": {SCORED_RECORDS: True}}
FIELDS = [
    {"name": "id", "type": "string", "role": "identifier"},
    {"name": "a", "type": ["null", "double"], "role": "predictor", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]
DATA = embedded("train.csv", "id,a,truth\n007,1.5,yes\n008,,no\n009,3,yes\n")


def model(source: str, fields: list[dict[str, Any]] = FIELDS, schemas: int = 1) -> wire.DeployableModel:
    found = python_model(f"# modelop.score\n{source}")
    schema = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": fields}}
    found.stored_model.model_meta_data.input_schema = [schema] * schemas
    return found


async def scored(call: Run, of: wire.DeployableModel, *data: wire.Asset, output: str = "b.csv", **more: Any) -> Ran:
    asked = wire.Asset(name=output, filename=output, asset_role="BASELINE_DATA")
    ran: Ran = await call(JobKind.SCORING, of, *(data or [DATA]), outputs=[asked], job=ASKED, **more)
    return ran


def rows(ran: Ran) -> list[dict[str, str]]:
    assert ran.problem is None, ran.messages
    content = ran.outputs[0].content()
    assert content is not None
    return list(csv.DictReader(io.StringIO(content.decode())))


async def test_the_output_is_the_inputs_columns_and_the_score_row_by_row(call: Run) -> None:
    ran = await scored(call, model("def s(r):\n    yield {'score': (r['a'] or 0) * 2, 'why': 'x', 'a': -1}"))
    assert rows(ran) == [
        {"id": "007", "a": "1.5", "truth": "yes", "score": "3.0"},
        {"id": "008", "a": "", "truth": "no", "score": "0"},
        {"id": "009", "a": "3.0", "truth": "yes", "score": "6.0"},
    ]
    assert ran.records is not None
    assert (ran.records.read, ran.records.written, ran.records.lost) == (3, 3, 0)
    assert ran.runtime_info[SCORED_RECORDS] is True
    assert ran.outputs[0].asset_role == "BASELINE_DATA"


async def test_without_the_parameter_and_with_another_value_of_it_answers_are_written_alone(call: Run) -> None:
    for job in ({}, {"job_parameters": {SCORED_RECORDS: "yes"}}):
        ran = await call(JobKind.SCORING, model("def s(r):\n    yield {'score': 1}"), DATA, job=job)
        assert lines(ran) == [{"score": 1}] * 3
        assert SCORED_RECORDS not in ran.runtime_info


async def test_a_score_that_is_in_the_data_already_is_the_models_own(call: Run) -> None:
    data = embedded("d.jsonl", '{"id": "x", "score": 0.1, "a": 1}\n')
    ran = await scored(call, model("def s(r):\n    yield {'score': 0.9}"), data, output="b.jsonl")
    assert lines(ran) == [{"id": "x", "score": 0.9, "a": 1}]


async def test_a_bare_answer_is_the_one_score(call: Run) -> None:
    assert [row["score"] for row in rows(await scored(call, model("def s(r):\n    yield 0.25")))] == ["0.25"] * 3


async def test_a_table_stays_one(call: Run) -> None:
    made = io.BytesIO()
    pq.write_table(pa.table({"id": ["x", "y"], "a": [1.0, None], "day": [date(2026, 1, 2), None]}), made)
    data = embedded("train.parquet", made.getvalue())
    ran = await scored(call, model("def s(r):\n    yield {'score': 0.5}"), data, output="b.parquet")
    assert ran.problem is None, ran.messages
    content = ran.outputs[0].content()
    assert content is not None
    assert pq.read_table(io.BytesIO(content)).to_pylist() == [
        {"id": "x", "a": 1.0, "day": "2026-01-02", "score": 0.5},
        {"id": "y", "a": None, "day": None, "score": 0.5},
    ]


WHOLE = """
import pandas as pd
# modelop.slot.0: in-use
# modelop.recordsets.0: true
# modelop.recordsets.1: true
# modelop.score
def s(df):
    yield {rows}
"""


async def test_a_model_that_takes_the_whole_set_is_taken_at_its_word_unless_its_answers_name_others(call: Run) -> None:
    in_order = model(WHOLE.format(rows="pd.DataFrame({'score': df['a'].fillna(0), 'id': df['id']})"))
    assert [row["score"] for row in rows(await scored(call, in_order))] == ["1.5", "0.0", "3.0"]
    sorted_ = model(
        WHOLE.format(rows="pd.DataFrame({'score': df['a'], 'id': df['id']}).fillna(9).sort_values('score')")
    )
    assert "not in the order of the records: 'id' of record 2" in (await scored(call, sorted_)).problem
    fewer = model(WHOLE.format(rows="pd.DataFrame({'score': df['a'].dropna()})"))
    assert "each record must have one answer, and to 3 records there are 2" in (await scored(call, fewer)).problem


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def s(r):\n    yield {'score': 1 / (r['a'] and 1)}", "1 have none. Record 2 of train.csv is bad"),
        ("def s(r):\n    if r['a']: yield {'score': 1}", "1 have none. Record 2 of train.csv: the model answered"),
        ("def s(r):\n    yield {'score': 1}\n    yield {'score': 2}", "to 3 records there are 6"),
        (
            "def s(r):\n    yield {'scor': 1}",
            "record 1 has no 'score', which the input schema has as the score; it has 'scor'",
        ),
        ("def s(r):\n    yield {'score': r['a']}", "1 records have no score, but null, such as record 2"),
        ("def s(r):\n    yield {'score': float('nan')}", "3 records have no score, but null, such as record 1"),
    ],
)
async def test_a_record_without_its_one_score_fails_the_job(call: Run, source: str, said: str) -> None:
    ran = await scored(call, model(source))
    assert said in ran.problem, ran.problem
    assert ran.outputs == []


@pytest.mark.parametrize(
    ("of", "data", "said"),
    [
        (model("def s(r):\n    yield 1", FIELDS[:2]), [DATA], "no input schema in which a field has the role score"),
        (model("def s(r):\n    yield 1", schemas=0), [DATA], "no input schema in which a field has the role score"),
        (model("def s(r):\n    yield 1"), [DATA, DATA], "of one input, to one output"),
        (model("def s(r):\n    yield 1"), [embedded("d.jsonl", "1\n2\n")], "d.jsonl must be objects"),
    ],
)
async def test_what_can_not_be_joined_fails_the_job(
    call: Run, of: wire.DeployableModel, data: list[wire.Asset], said: str
) -> None:
    assert said in (await scored(call, of, *data)).problem


async def test_it_is_the_same_of_several_processes_and_of_a_model_that_takes_batches(run: Run) -> None:
    data = embedded("d.jsonl", "".join(json.dumps({"id": str(n), "a": n}) + "\n" for n in range(20_000)))
    one_by_one = model("def s(r):\n    yield {'score': r['a'] * 2}")
    batches = model("# modelop.batch: records\ndef s(rows):\n    yield [{'score': r['a'] * 2} for r in rows]")
    for of, processes in ((one_by_one, 2), (batches, 1)):
        ran = await scored(run, of, data, output="b.jsonl", processes=processes)
        assert lines(ran) == [{"id": str(n), "a": n, "score": n * 2} for n in range(20_000)]


async def test_an_output_at_an_address_has_the_scores_as_well(call: Run, tmp_path: Any) -> None:
    place = tmp_path / "lake" / "b.jsonl"
    place.parent.mkdir()
    asked = wire.Asset(name="b.jsonl", filename="b.jsonl", asset_type="EXTERNAL_FILE", file_url=place.as_uri())
    ran = await call(
        JobKind.SCORING,
        model("def s(r):\n    yield {'score': 1}"),
        DATA,
        outputs=[asked],
        job=ASKED,
        files=FileSettings(root=place.parent),
    )
    assert ran.problem is None, ran.messages
    assert [json.loads(line)["score"] for line in place.read_text().splitlines()] == [1, 1, 1]
