"""The model's schemas: what they make of a file's cells, and the checks of records against them."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from outcomes import lines
from small_models import EXAMPLES, embedded, example_data, example_model, python_model

from mlc.center.modelop import wire
from mlc.center.modelop.folder import read_model_folder
from mlc.model.job import JobKind

Run = Callable[..., Any]
ECHO = "# modelop.score\ndef s(r): yield r"
CHECKS = {"enable_input_schema_checking": True, "enable_output_schema_checking": True}


def described(
    model: wire.DeployableModel, *, inputs: Sequence[tuple[str, Any]] = (), outputs: Sequence[tuple[str, Any]] = ()
) -> wire.DeployableModel:
    """The model with an extended Avro schema for its inputs and outputs."""
    for attribute, fields in (("input_schema", inputs), ("output_schema", outputs)):
        if fields:
            definition = {
                "type": "record",
                "name": "r",
                "fields": [
                    {"name": n, "type": t, "role": "predictor", "scoringOptional": n == "label"} for n, t in fields
                ],
            }
            setattr(model.stored_model.model_meta_data, attribute, [{"schemaDefinition": definition}])
    return model


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ([], [{"a": 1, "b": "7", "c": 1.5, "d": True}, {"a": None, "b": "A7", "c": 2.0, "d": None}]),
        (
            [("a", ["null", "double"]), ("b", "string"), ("c", "string"), ("d", "string")],
            [{"a": 1.0, "b": "7", "c": "1.5", "d": "true"}, {"a": None, "b": "A7", "c": "2", "d": None}],
        ),
        (
            [("b", "int")],
            [{"a": 1, "b": 7, "c": 1.5, "d": True}, {"a": None, "b": "A7", "c": 2.0, "d": None}],
        ),
    ],
)
async def test_a_cell_is_what_the_schema_says_or_else_what_its_whole_column_is(
    call: Run, schema: list[tuple[str, Any]], expected: list[Any]
) -> None:
    data = embedded("d.csv", "a,b,c,d\n1,7,1.5,true\nNA,A7,2,\n")
    model = described(python_model("# modelop.score\ndef s(r): yield r"), inputs=schema)
    assert lines(await call(JobKind.SCORING, model, data)) == expected


async def test_records_are_checked_against_the_models_schemas_if_the_job_says_so(call: Run) -> None:
    source = "# modelop.score\ndef s(r):\n    return {'twice': r['a'] * 2, 'text': r['b']}"
    model = described(
        python_model(source),
        inputs=[("a", "int"), ("b", ["null", "string"]), ("label", "int")],
        outputs=[("twice", "int"), ("text", "string")],
    )
    data = embedded("d.jsonl", '{"a": 1, "b": "x"}\n{"a": "2", "b": "x"}\n{"b": "x"}\n{"a": 4, "b": null}\n')
    outcome = await call(JobKind.SCORING, model, data, job=CHECKS)
    assert lines(outcome) == [{"twice": 2, "text": "x"}]
    named = [message for message in outcome.told if message.startswith("Record ")]
    assert named == [
        "Record 2 of d.jsonl is bad: it is not as the input schema says: its field 'a' is a str, and should be int.",
        "Record 3 of d.jsonl is bad: it is not as the input schema says: "
        "its field 'a' is missing or null, and should be int.",
        "Record 4 of d.jsonl is bad: of its answer, it is not as the output schema says: "
        "its field 'text' is missing or null, and should be string.",
    ]
    assert "Records in/out: 4/1" in outcome.messages
    unchecked = await call(JobKind.SCORING, model, data)
    assert len(lines(unchecked)) == 3


async def test_a_test_on_records_that_are_not_as_the_schema_says_is_an_error(call: Run) -> None:
    model = described(python_model("# modelop.metrics\ndef m(df): yield {}"), inputs=[("a", "int"), ("label", "int")])
    good, bad = embedded("d.csv", "a,label\n1,1\n"), embedded("d.csv", "a,label\n1,1\n2,\n")
    assert (await call(JobKind.METRICS, model, good, job=CHECKS)).problem is None
    assert (await call(JobKind.METRICS, model, bad, job=CHECKS)).problem == (
        "Record 2 of d.csv is bad: it is not as the input schema says: "
        "its field 'label' is missing or null, and should be int."
    )


async def test_a_check_without_a_usable_schema_is_refused(call: Run) -> None:
    data = embedded("n.jsonl", '{"a": 0}\n')
    without = await call(JobKind.SCORING, python_model("# modelop.score\ndef s(r): yield r"), data, job=CHECKS)
    assert without.problem == (
        "The job asks for input schema checking with 1 inputs, and the model has 0 input schemas: "
        "give it one, or one for each."
    )
    model = described(python_model("# modelop.score\ndef s(r): yield r"), inputs=[("a", "no such type")])
    broken = await call(JobKind.SCORING, model, data, job={"enable_input_schema_checking": True})
    assert broken.problem.startswith("The input schema is not an Avro schema: ")


async def test_several_schemas_are_for_the_inputs_in_their_order(call: Run) -> None:
    model = described(python_model("# modelop.score\ndef s(r): yield r"), inputs=[("a", "string")])
    numeric = described(python_model(""), inputs=[("a", "int")])
    schemas = model.stored_model.model_meta_data.input_schema
    schemas += numeric.stored_model.model_meta_data.input_schema
    inputs = [embedded(f"{n}.csv", "a\n7\n") for n in (1, 2)]
    check = {"enable_input_schema_checking": True}
    assert lines(await call(JobKind.SCORING, model, *inputs, job=check)) == [{"a": "7"}, {"a": 7}]
    assert "and the model has 2 input schemas" in (await call(JobKind.SCORING, model, inputs[0], job=check)).problem


@pytest.mark.parametrize("kind", ["CSV", "JSON"])
async def test_an_example_scores_with_its_schemas_checked(call: Run, kind: str) -> None:
    model = example_model("diabetes")
    known = read_model_folder(EXAMPLES / "diabetes").model
    meta = model.stored_model.model_meta_data
    meta.input_schema = [{"schemaDefinition": schema.definition} for schema in known.input_schemas]
    meta.output_schema = [{"schemaDefinition": schema.definition} for schema in known.output_schemas]
    output = wire.Asset(name="scores", filename="scores", file_format=kind)
    outcome = await call(
        JobKind.SCORING,
        model,
        example_data("diabetes", "to_score.csv"),
        outputs=[output],
        job={**CHECKS, "stop_on_bad_records": True},
    )
    assert outcome.problem is None
    text = io.StringIO(outcome.outputs[0].content().decode())
    scores = list(csv.DictReader(text)) if kind == "CSV" else [json.loads(line) for line in text]
    weights = json.loads((EXAMPLES / "diabetes" / "coefficients.json").read_text())
    wanted = list(csv.DictReader((EXAMPLES / "diabetes" / "to_score.csv").open()))
    assert len(scores) == len(wanted) > 40
    for score, record in zip(scores, wanted, strict=True):
        expected = sum(float(record[n]) * w for n, w in weights["coefficients"].items()) + weights["intercept"]
        assert float(score["score"]) == pytest.approx(expected, abs=0.01)
        assert int(score["record_id"]) == int(record["record_id"])


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
async def test_a_night_without_records_makes_a_table_that_can_be_read(call: Run, form: str, check: bool) -> None:
    columns = [
        ("n", "long"),
        ("p", ["null", "double"]),
        ("s", "string"),
        ("deep", {"type": "array", "items": "long"}),
    ]
    model = described(python_model(ECHO), outputs=columns)
    output = wire.Asset(name=f"o.{form}", filename=f"o.{form}", file_format=form.upper())
    nothing = embedded("in.jsonl", "")
    job = {"enable_output_schema_checking": True} if check else {}
    ran = await call(JobKind.SCORING, model, nothing, outputs=[output], job=job)
    assert ran.problem is None, ran.messages
    content = ran.outputs[0].content()
    if form == "csv":
        assert content == b"n,p,s,deep\n"
    else:
        table = pq.read_table(io.BytesIO(content)) if form == "parquet" else pa.ipc.open_file(content).read_all()
        assert table.num_rows == 0
        assert {field.name: str(field.type) for field in table.schema} == {
            "n": "int64",
            "p": "double",
            "s": "string",
            "deep": "string",
        }
    again = await call(JobKind.SCORING, model, embedded(f"o.{form}", content), outputs=[output])
    assert again.problem is None, again.messages
    assert again.records.read == 0


async def test_a_night_without_records_and_without_a_schema_is_said(call: Run) -> None:
    for form, said in {"csv": "is an empty file", "parquet": "there is no record from which its columns"}.items():
        output = wire.Asset(name=f"o.{form}", filename=f"o.{form}", file_format=form.upper())
        ran = await call(JobKind.SCORING, python_model(ECHO), embedded("in.jsonl", ""), outputs=[output])
        assert said in "\n".join([ran.problem or "", *ran.told])


async def test_a_number_too_large_for_a_table_is_said_without_a_query(call: Run) -> None:
    output = wire.Asset(name="o.parquet", filename="o.parquet", file_format="PARQUET")
    source = "# modelop.score\ndef s(r): return {'u': 2**64 - r}"
    ran = await call(JobKind.SCORING, python_model(source), embedded("in.jsonl", "1\n"), outputs=[output])
    said = "its column 'u' holds a value that is too large: let the model answer values of one kind that fit, or text"
    assert said in ran.problem
