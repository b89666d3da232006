"""ModelOp's call protocol: what model functions are given, and what becomes of their answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from small_models import embedded, python_model

from mlc.center import wire
from mlc.model.job import JobKind
from mlc.runtime.execution import Outcome

Run = Callable[..., Any]
CSV = embedded("data.csv", "a,b\n1,x\n2,y\n", file_format="CSV")


def result(outcome: Outcome) -> Any:
    return json.loads(_content(outcome))


def results(outcome: Outcome) -> list[Any]:
    """The output records of a scoring job."""
    return [json.loads(line) for line in _content(outcome).splitlines()]


def _content(outcome: Outcome) -> bytes:
    assert outcome.problem is None, outcome.messages
    content = outcome.outputs[0].content()
    assert content is not None
    return content


async def test_init_is_called_with_the_job_or_without_anything_as_it_has_a_parameter(call: Run) -> None:
    with_one = """
        import json
        # modelop.init
        def begin(definition):
            global seen
            seen = [json.loads(definition["rawJson"])["jobType"], definition["job"]["id"]]
        # modelop.metrics
        def metrics(df):
            yield {"seen": seen}
        """
    without = """
        # modelop.init
        def begin():
            global seen
            seen = "nothing"
        # modelop.metrics
        def metrics(df):
            yield {"seen": seen}
        """
    assert result(await call(JobKind.METRICS, python_model(with_one), CSV)) == {
        "seen": ["MODEL_BATCH_TEST_JOB", "job-1"]
    }
    assert result(await call(JobKind.METRICS, python_model(without), CSV)) == {"seen": "nothing"}


async def test_init_with_two_parameters_is_a_clear_error(call: Run) -> None:
    source = """
        # modelop.init
        def begin(a, b): ...
        # modelop.metrics
        def metrics(df): yield {}
        """
    outcome = await call(JobKind.METRICS, python_model(source), CSV)
    assert outcome.problem.startswith("The init function 'begin' of model.py is called with 0 or 1 argument(s)")


async def test_metrics_gets_one_frame_for_each_input_in_their_order(call: Run) -> None:
    source = """
        # modelop.metrics
        def metrics(baseline, sample):
            yield {"baseline": list(baseline.a), "sample": list(sample.a), "types": str(sample.dtypes["a"])}
        """
    baseline = embedded("same_name.csv", "a\n1\n2\n", file_format="CSV")
    sample = embedded("same_name.csv", "a\n3.5\n\n4\n", file_format="CSV")
    assert result(await call(JobKind.METRICS, python_model(source), baseline, sample)) == {
        "baseline": [1, 2],
        "sample": [3.5, 4.0],
        "types": "float64",
    }


async def test_metrics_with_another_number_of_parameters_than_inputs_is_a_clear_error(call: Run) -> None:
    outcome = await call(JobKind.METRICS, python_model("# modelop.metrics\ndef m(one, two): yield {}"), CSV)
    assert outcome.problem.startswith("The metrics function 'm' of model.py is called with 1 argument(s): missing")


@pytest.mark.parametrize(
    ("name", "content", "file_format"),
    [
        ("d.csv", "a,b\n1,x\n2,y\n", None),
        ("d.csv", "\ufeffa,b\n1,x\n2,y\n", "CSV"),
        ("d.json", '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', None),
        ("d.json", '{"a": [1, 2], "b": ["x", "y"]}', "JSON"),
        ("d.json", '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', "JSON"),
        ("d.jsonl", '{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}', "JSON"),
        ("d.ndjson", '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}', None),
        ("no ending", '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', "JSON"),
    ],
)
async def test_an_input_of_any_format_gives_the_same_frame_and_the_same_records(
    call: Run, name: str, content: str, file_format: str | None
) -> None:
    source = """
        # modelop.metrics
        def metrics(df):
            yield {"frame": df.to_dict("list")}
        # modelop.score
        def score(record):
            yield record
        """
    data = embedded(name, content, file_format=file_format)
    assert result(await call(JobKind.METRICS, python_model(source), data)) == {"frame": {"a": [1, 2], "b": ["x", "y"]}}
    assert results(await call(JobKind.SCORING, python_model(source), data)) == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("d.json", '{"a": 1}\n{"a": }\n', "Line 2 of the input file d.json can't be read as JSON"),
        ("d.json", "[1, 2", "The input file d.json can't be read as JSON"),
        ("d.jsonl", '{"a": 1}\n\n{a}\n', "Line 3 of the input file d.jsonl can't be read as JSON"),
        ("d.csv", 'a,b\n1,2\n1,2,3,4\n"', "The input file d.csv can't be read as CSV"),
        ("d.csv", "", "The input file d.csv can't be read as CSV"),
        ("d.json", "[1, 2]", "The input file d.json must hold JSON objects"),
        ("d.docx", "?", "The input d.docx has no known format: set its fileFormat to CSV or JSON."),
    ],
)
async def test_an_input_that_cannot_be_read_is_named_with_its_place(
    call: Run, name: str, content: str, problem: str
) -> None:
    outcome = await call(
        JobKind.METRICS, python_model("# modelop.metrics\ndef m(df): yield {}"), embedded(name, content)
    )
    assert outcome.problem.startswith(problem)


async def test_an_empty_cell_reaches_the_score_function_as_none(call: Run) -> None:
    source = "# modelop.score\ndef score(r):\n    return [type(r['a']).__name__, r['b']]"
    data = embedded("d.csv", "a,b\n1,\n2,y\n", file_format="CSV")
    assert results(await call(JobKind.SCORING, python_model(source), data)) == [["int", None], ["int", "y"]]


async def test_a_line_that_is_an_array_reaches_the_score_function_as_a_list(call: Run) -> None:
    source = "# modelop.score\ndef score(records):\n    return sum(r['a'] for r in records)"
    data = embedded("d.jsonl", '[{"a": 1}, {"a": 2}]\n[{"a": 5}]\n')
    assert results(await call(JobKind.SCORING, python_model(source), data)) == [3, 5]


async def test_each_yield_is_one_output_record_and_a_returned_none_is_none(call: Run) -> None:
    source = """
        # modelop.score
        def score(r):
            for _ in range(r["a"]):
                yield r["b"]
        """
    assert results(await call(JobKind.SCORING, python_model(source), CSV)) == ["x", "y", "y"]
    silent = await call(JobKind.SCORING, python_model("# modelop.score\ndef score(r): pass"), CSV)
    assert results(silent) == []
    assert "Records in/out: 2/0" in silent.messages


@pytest.mark.parametrize(
    ("name", "file_format", "expected"),
    [
        ("o.json", "JSON", '{"k": 1, "v": [null, "ü"]}\n{"k": 2, "v": [null, "ü"]}\n'),
        ("o.jsonl", "JSON", '{"k": 1, "v": [null, "ü"]}\n{"k": 2, "v": [null, "ü"]}\n'),
        ("o.csv", "CSV", 'k,v\n1,"[null, ""\\u00fc""]"\n2,"[null, ""\\u00fc""]"\n'),
    ],
)
async def test_output_records_are_written_in_the_format_of_the_output(
    call: Run, name: str, file_format: str, expected: str
) -> None:
    source = "# modelop.score\ndef score(r):\n    return {'k': r['a'], 'v': [None, 'ü']}"
    output = wire.Asset(name=name, filename=name, file_format=file_format)
    outcome = await call(JobKind.SCORING, python_model(source), CSV, outputs=[output])
    assert outcome.problem is None
    assert outcome.outputs[0].filename == name
    assert outcome.outputs[0].content().decode() == expected


async def test_outputs_pair_with_inputs_in_the_order_given(call: Run) -> None:
    source = "# modelop.score\ndef score(r):\n    return r['a']"
    inputs = [embedded(f"{i}.csv", f"a\n{i}\n", file_format="CSV") for i in (1, 2)]
    outputs = [wire.Asset(name=f"{i}.jsonl", filename=f"{i}.jsonl") for i in (1, 2)]
    outcome = await call(JobKind.SCORING, python_model(source), *inputs, outputs=outputs)
    assert [asset.content() for asset in outcome.outputs] == [b"1\n", b"2\n"]
    joined = await call(JobKind.SCORING, python_model(source), *inputs, outputs=outputs[:1])
    assert [asset.content() for asset in joined.outputs] == [b"1\n2\n"]
    refused = await call(JobKind.SCORING, python_model(source), CSV, outputs=outputs)
    assert refused.problem == "The job has 1 inputs and 2 outputs: give one output, or one for each input."


async def test_nan_and_infinity_become_null_and_are_named(call: Run) -> None:
    source = """
        import numpy as np
        # modelop.metrics
        def metrics(df):
            yield {"a": float("nan"), "t": [{"x": np.float64("inf")}, 1], "n": np.int64(3), "ok": np.bool_(True),
                   "array": np.array([[1.5, np.nan]]), "d": df.to_dict("records"), "s": df.a, "k": {np.int64(0): 1}}
        """
    outcome = await call(JobKind.METRICS, python_model(source), CSV)
    assert result(outcome) == {
        "a": None,
        "t": [{"x": None}, 1],
        "n": 3,
        "ok": True,
        "array": [[1.5, None]],
        "d": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        "s": [1, 2],
        "k": {"0": 1},
    }
    assert "NaN or infinite values became null: a, t[0].x, array[0][1]" in outcome.messages


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return {'a': 1}", None),
        ("yield {'a': 1}", None),
        ("yield {'a': 1}; yield {'b': 1}", "must yield one dict, and gave 2 results."),
        ("return", "must yield one dict, and gave a NoneType."),
        ("return [1]", "must yield one dict, and gave a list."),
        ("return {'a': object()}", "is not JSON: a is a object, which JSON can't hold."),
        ("return {'a': [{'b': 1j}]}", "is not JSON: a[0].b is a complex, which JSON can't hold."),
        ("return {('x', 1): 1}", "is not JSON: it has the key ('x', 1), and the keys of JSON are text."),
        ("d = {}; d['d'] = d; return d", "levels deep."),
    ],
)
async def test_a_metrics_result_is_one_dict_of_plain_values_or_a_clear_error(
    call: Run, body: str, problem: str | None
) -> None:
    outcome = await call(JobKind.METRICS, python_model(f"# modelop.metrics\ndef m(df):\n    {body}"), CSV)
    if problem is None:
        assert result(outcome) == {"a": 1}
    else:
        assert outcome.problem.startswith(("The metrics function 'm'", "The result of the metrics function"))
        assert outcome.problem.endswith(problem)


@pytest.mark.parametrize(
    ("source", "functions", "problem"),
    [
        ("x = 1", {}, "model.py has no metrics function: put the line '# modelop.metrics' above it."),
        ("x = 1", {"metrics_function": "m"}, "model.py defines no function 'm', which the model names as its metrics."),
        ("# modelop.metrics\nasync def m(df): return {}", {}, "The metrics function 'm' of model.py is async"),
        ("# modelop.metrics\nasync def m(df): yield {}", {}, "The metrics function 'm' of model.py is async"),
        ("def m(:", {}, "The model's source could not be imported: SyntaxError"),
        ("import no_such_library", {}, "The model's source could not be imported: ModuleNotFoundError"),
    ],
)
async def test_a_missing_or_unfit_function_is_a_clear_error(
    call: Run, source: str, functions: dict[str, str], problem: str
) -> None:
    outcome = await call(JobKind.METRICS, python_model(source, **functions), CSV)
    assert outcome.problem.startswith(problem)


async def test_a_function_that_the_asset_names_wins_over_a_marker(call: Run) -> None:
    source = "# modelop.metrics\ndef old(df): yield {'is': 'old'}\ndef new(df): yield {'is': 'new'}"
    assert result(await call(JobKind.METRICS, python_model(source, metrics_function="new"), CSV)) == {"is": "new"}


async def test_an_exception_is_a_sentence_with_its_line_and_the_models_own_traceback(run: Run) -> None:
    source = """
        def deeper(df):
            return df["no such column"]
        # modelop.metrics
        def metrics(df):
            print("before it")
            yield {"a": deeper(df)}
        """
    outcome = await run(JobKind.METRICS, python_model(source), CSV)
    assert outcome.problem == "The metrics function 'metrics' of model.py failed: KeyError: 'no such column' (line 3)."
    assert outcome.messages[0] == "metrics job job-1: started"
    assert outcome.messages[1] == "before it"
    assert outcome.messages[-1] == outcome.problem
    text = "\n".join(outcome.messages)
    assert 'File "model.py", line 7, in metrics' in text
    assert "harness" not in text


async def test_sys_exit_and_a_hard_exit_are_failures_too(run: Run) -> None:
    leaves = "import sys\n# modelop.metrics\ndef m(df): sys.exit(3)"
    assert (await run(JobKind.METRICS, python_model(leaves), CSV)).problem == (
        "The metrics function 'm' of model.py failed: it called sys.exit(3) (line 3)."
    )
    vanishes = "import os\n# modelop.metrics\ndef m(df): os._exit(0)"
    assert (await run(JobKind.METRICS, python_model(vanishes), CSV)).problem == (
        "The model process ended with exit code 0 before it gave a result."
    )
    crashes = "import os, signal\n# modelop.metrics\ndef m(df): os.kill(os.getpid(), signal.SIGSEGV)"
    assert (await run(JobKind.METRICS, python_model(crashes), CSV)).problem == (
        "The model process was killed by SIGSEGV."
    )


async def test_warnings_and_prints_become_job_messages(run: Run) -> None:
    source = """
        import sys, warnings
        # modelop.metrics
        def m(df):
            print("printed"); print("to stderr", file=sys.stderr); warnings.warn("warned")
            yield {}
        """
    messages = "\n".join((await run(JobKind.METRICS, python_model(source), CSV)).messages)
    assert all(text in messages for text in ("printed", "to stderr", "UserWarning: warned"))


async def test_a_job_without_input_or_with_a_foreign_language_is_refused(call: Run) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {}")
    assert (await call(JobKind.METRICS, model)).problem == "The metrics job has no input data."
    model.stored_model.model_meta_data.type = "R"
    outcome = await call(JobKind.METRICS, model, CSV)
    assert outcome.problem == "This runtime runs PYTHON models, and the model's type is R."


async def test_what_ran_is_described_with_versions_and_hashes(run: Run) -> None:
    source = "import sklearn\n# modelop.metrics\ndef m(df): yield {}"
    info = (await run(JobKind.METRICS, python_model(source), CSV)).runtime_info
    assert info["libraries"].keys() >= {"pandas", "numpy", "scikit-learn"}
    assert info["python"].startswith("3.")
    digest = "15920f3fb7c051cc15fceee84432e8803a139a9b53a4ea832c37bf1109e200cf"
    assert info["sha256"]["inputs"] == [{"name": "data.csv", "sha256": digest}]
    assert info["sha256"]["source"].keys() == {"model.py"}
    assert info["sha256"]["outputs"].keys() == {"test_result.json"}
