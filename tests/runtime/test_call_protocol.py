"""How score and metrics functions of several kinds get their records, and what they may answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from outcomes import Ran, lines, result
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.center.modelop.folder.markers import read_source
from mlc.model.job import JobKind
from mlc.runtime.harness.calling import arguments_of
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.markers import marked_functions, usual_functions

Run = Callable[..., Any]


def rows(name: str, *records: Any) -> wire.Asset:
    return embedded(name, "".join(json.dumps(record) + "\n" for record in records), file_format="JSON")


def with_schema(model: wire.DeployableModel, *definitions: Any) -> wire.DeployableModel:
    schemas = [{"name": f"{n}.avsc", "schemaDefinition": d} for n, d in enumerate(definitions)]
    model.stored_model.model_meta_data.input_schema = schemas
    return model


ONE, TWO = rows("one.json", {"a": 1}, {"a": 2}), rows("two.json", {"b": 3}, {"b": 4})
OUT = [wire.Asset(name="out.json", filename="out.json", file_format="JSON")]


async def test_a_function_of_two_inputs_gets_one_record_of_each(call: Run) -> None:
    source = """
        def action(input_1: dict, input_2: dict) -> dict:
            return input_1 | input_2
        """
    outcome = await call(JobKind.SCORING, python_model(source), ONE, TWO, outputs=OUT)
    assert lines(outcome) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]


async def test_inputs_of_different_lengths_lose_no_record_without_a_word(call: Run) -> None:
    source = "# modelop.score\ndef action(one, two): return one | two"
    outcome = await call(JobKind.SCORING, python_model(source), ONE, rows("two.json", {"b": 3}), outputs=OUT)
    assert lines(outcome) == [{"a": 1, "b": 3}]
    assert "Record 2 of one.json and two.json is bad: has no record of two.json, which ended before" in outcome.told
    assert outcome.records.bad == 1


@pytest.mark.parametrize(
    ("inputs", "outputs", "problem"),
    [
        ([ONE], OUT, "one record of each of 2 inputs, and the job has 1. Give it 2; or if the second"),
        ([ONE, TWO, ONE], OUT, "one record of each of 2 inputs, and the job has 3"),
        ([ONE, TWO], [*OUT, *OUT], "takes 2 inputs together: give the job one output"),
    ],
)
async def test_a_function_of_two_inputs_says_what_it_needs(
    call: Run, inputs: list[wire.Asset], outputs: list[wire.Asset], problem: str
) -> None:
    source = "# modelop.score\ndef action(one, two): return one | two"
    outcome = await call(JobKind.SCORING, python_model(source), *inputs, outputs=outputs)
    assert problem in outcome.problem


async def test_a_function_that_takes_a_slot_is_told_it_for_each_record(call: Run) -> None:
    source = """
        total = 0
        # modelop.score
        def action(datum, slot_no):
            global total
            if slot_no == 2:
                yield {"total": total + datum["b"]}
            else:
                total += datum["a"]
        """
    outcome = await call(JobKind.SCORING, python_model(source), ONE, TWO, outputs=OUT)
    assert lines(outcome) == [{"total": 6}, {"total": 7}]
    numbered = "# modelop.score\ndef action(datum, slot, seq_no): return [slot, seq_no]"
    outcome = await call(JobKind.SCORING, python_model(numbered), ONE, TWO, outputs=OUT)
    assert lines(outcome) == [[0, 0], [0, 1], [2, 0], [2, 1]]


async def test_metrics_that_take_a_slot_are_called_for_each_input(call: Run) -> None:
    source = """
        baseline = None
        # modelop.metrics
        def metrics(data, slot_no):
            global baseline
            if slot_no == 0:
                baseline = data
                return
            yield {"rows": [len(baseline), len(data)]}
        """
    assert result(await call(JobKind.METRICS, python_model(source), ONE, TWO)) == {"rows": [2, 2]}


SIZE = "# modelop.score\ndef action(data): return [type(data).__name__, len(data)]"
RECORDS = {"type": "array", "items": {"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}}


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (RECORDS, '[{"a": 1}, {"a": 2}]', [["list", 2]]),
        (RECORDS, '[\n{"a": 1},\n{"a": 2}\n]', [["list", 2]]),
        (RECORDS, '[{"a": 1}, {"a": 2}]\n[{"a": 3}]\n', [["list", 2], ["list", 1]]),
        (RECORDS, '{"a": 1}\n{"a": 2}\n', [["list", 2]]),
        ({"type": "array", "items": "double"}, "[1.5, 2.5]", [["list", 2]]),
        ({"type": "array", "items": {"type": "array", "items": "double"}}, "[[1.5], [2.5], [3]]", [["list", 3]]),
        (RECORDS["items"], '[{"a": 1}, {"a": 2}]', [["dict", 1], ["dict", 1]]),
        (None, '[{"a": 1}, {"a": 2}]', [["dict", 1], ["dict", 1]]),
    ],
)
async def test_an_array_is_one_record_where_the_schema_says_that_records_are_arrays(
    call: Run, schema: Any, text: str, expected: list[Any]
) -> None:
    model = with_schema(python_model(SIZE), *[schema] if schema else [])
    data = embedded("data.json", text, file_format="JSON")
    outcome = await call(JobKind.SCORING, model, data, outputs=OUT)
    assert lines(outcome) == expected
    assert outcome.records.read == len(expected)


async def test_rows_of_csv_are_one_record_where_records_are_arrays(call: Run) -> None:
    data = embedded("data.csv", "a\n1\n2\n", file_format="CSV")
    assert lines(await call(JobKind.SCORING, with_schema(python_model(SIZE), RECORDS), data, outputs=OUT)) == [
        ["list", 2]
    ]


async def test_arrays_of_records_are_rows_of_the_frame_of_a_metrics_function(call: Run) -> None:
    source = "# modelop.metrics\ndef m(df): yield {'sum': int(df.a.sum())}"
    data = embedded("data.json", '[{"a": 1}, {"a": 2}]\n[{"a": 3}]\n', file_format="JSON")
    assert result(await call(JobKind.METRICS, python_model(source), data)) == {"sum": 6}


async def test_a_record_set_is_one_frame_and_an_answered_frame_is_its_rows(call: Run) -> None:
    source = """
        # fastscore.recordsets.$all: yes
        def action(df):
            df["sum"] = df["a"].sum()
            yield df
        """
    outcome = await call(JobKind.SCORING, python_model(source), ONE, outputs=OUT)
    assert lines(outcome) == [{"a": 1, "sum": 3}, {"a": 2, "sum": 3}]
    assert (outcome.records.read, outcome.records.written, outcome.records.bad) == (2, 2, 0)
    taken = "# modelop.recordsets.0: true\n# modelop.score\ndef action(df): yield {'rows': len(df)}"
    assert lines(await call(JobKind.SCORING, python_model(taken), ONE, outputs=OUT)) == [{"rows": 2}]


async def test_a_record_set_with_a_broken_record_is_bad_as_a_whole(call: Run) -> None:
    source = "# modelop.recordsets.0: true\n# modelop.score\ndef action(df): yield {'rows': len(df)}"
    data = embedded("data.json", '{"a": 1}\n{"a": \n{"a": 2}\n', file_format="JSON")
    outcome = await call(JobKind.SCORING, python_model(source), data, outputs=OUT)
    assert "it is part of a record set, which is scored whole" in outcome.problem


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("yield {'a': 1}; yield {'b': 2}", {"a": 1, "b": 2}),
        ("yield [{'a': 1}, {'b': 2}]", {"a": 1, "b": 2}),
        ("return [{'a': 1}]", {"a": 1}),
        ("yield {'a': 1}; yield {'a': 1, 'b': 2}", {"a": 1, "b": 2}),
        ("yield None; yield {'a': 1}", {"a": 1}),
        ("yield df.iloc[:1]", {"a": 1}),
    ],
)
async def test_several_dicts_of_metrics_are_one_result(call: Run, body: str, expected: dict[str, Any]) -> None:
    source = f"# modelop.metrics\ndef m(df):\n    {body}"
    assert result(await call(JobKind.METRICS, python_model(source), ONE)) == expected


async def test_dicts_of_metrics_that_disagree_are_a_clear_error(call: Run) -> None:
    source = "# modelop.metrics\ndef m(df): yield df.to_dict(orient='records')"
    outcome = await call(JobKind.METRICS, python_model(source), ONE)
    assert outcome.problem == (
        "The metrics function 'm' of model.py yields 2 dicts, and two of them have different values for 'a', so that a "
        "decision table could not know which counts: yield one dict, with rows as a list under one key."
    )


async def test_files_in_folders_are_opened_and_imported_by_their_places(run: Run) -> None:
    source = """
        from pkg.deep.limits import LIMIT
        # modelop.metrics
        def m(df): yield {"limit": LIMIT, "read": open("data/x.txt").read()}
        """
    files = [
        embedded("data/x.txt", "text"),
        wire.Asset(filename="pkg/deep/limits.py", asset_type="SOURCE_CODE", source_code="LIMIT = 3\n"),
    ]
    assert result(await run(JobKind.METRICS, python_model(source, *files), ONE)) == {"limit": 3, "read": "text"}


async def test_a_source_in_a_folder_imports_what_lies_beside_it_and_may_be_called_as_a_standard_module(
    run: Run,
) -> None:
    source = """
        import code
        from helper import ROOT
        assert code.InteractiveConsole
        # modelop.metrics
        def m(df): yield {"root": ROOT}
        """
    model = python_model(
        source, wire.Asset(filename="deep/helper.py", asset_type="SOURCE_CODE", source_code="ROOT = 2\n")
    )
    model.stored_model.model_assets[0].filename = "deep/code.py"
    assert result(await run(JobKind.METRICS, model, ONE)) == {"root": 2}


async def test_a_source_called_py3_is_run(run: Run) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {'a': 1}")
    model.stored_model.model_assets[0].filename = "lr-1.py3"
    assert result(await run(JobKind.METRICS, model, ONE)) == {"a": 1}


SOURCES = [
    "# modelop.init\ndef a(): ...\n#fastscore.score\ndef b(r): ...\n# modelop.metrics\ndef c(df): ...\n",
    "# modelop.train\n@staticmethod\ndef t(df): ...\n",
    "# fastscore.action: f\ndef f(r): ...\n",
    "# fastscore.action.0: f\n# modelop.metrics\ndef m(df): ...\ndef f(r): ...\n",
    "def begin(): ...\ndef action(r): ...\n",
    "def metrics(df): ...\ndef score(r): ...\ndef predict(r): ...\n",
    "def helper(): ...\n",
]


@pytest.mark.parametrize("source", SOURCES)
def test_the_harness_finds_the_functions_that_were_found_at_submission(source: str) -> None:
    said = read_source(source)
    assert marked_functions(source.encode()) == said.functions
    if not said.functions:
        assert usual_functions(source.encode()) == said.unmarked


async def test_of_a_snapshot_that_names_no_function_those_with_the_usual_names_are_called(call: Run) -> None:
    source = "def begin():\n    global x\n    x = 1\ndef action(r):\n    yield [x, r]\n"
    outcome: Ran = await call(JobKind.SCORING, python_model(source), ONE, outputs=OUT)
    assert lines(outcome) == [[1, {"a": 1}], [1, {"a": 2}]]


def two(input_1: Any, input_2: Any) -> None: ...


def slotted(record: Any, slot_no: int, seq_no: int) -> None: ...


def one(record: Any, limit: int = 3) -> None: ...


@pytest.mark.parametrize(
    ("function", "record", "arguments"),
    [
        (two, {"input_1": {"a": 1}, "input_2": 2}, [{"a": 1}, 2]),
        (slotted, {"a": 1}, [{"a": 1}, 0, 0]),
        (one, {"a": 1}, [{"a": 1}]),
        (len, [1], [[1]]),
    ],
)
def test_an_online_record_becomes_what_the_function_takes(function: Any, record: Any, arguments: list[Any]) -> None:
    assert arguments_of(function, record) == arguments


@pytest.mark.parametrize("record", [{"input_1": 1}, {"input_1": 1, "input_2": 2, "more": 3}, [1, 2], None])
def test_an_online_record_for_several_inputs_holds_one_of_each_by_name(record: Any) -> None:
    with pytest.raises(ModelFailure, match="send an object with input_1 and input_2"):
        arguments_of(two, record)
