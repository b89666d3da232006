"""ModelOp's call protocol: how model functions are found and called, and what their failures become."""

from collections.abc import Callable
from typing import Any

import pytest
from outcomes import result
from small_models import embedded, python_model

from mlc.model.failure_text import failure_text
from mlc.model.job import JobKind

Run = Callable[..., Any]
CSV = embedded("data.csv", "a,b\n1,x\n2,y\n", file_format="CSV")


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


async def test_metrics_with_another_number_of_parameters_than_inputs_is_a_clear_error(call: Run) -> None:
    outcome = await call(JobKind.METRICS, python_model("# modelop.metrics\ndef m(one, two): yield {}"), CSV)
    assert outcome.problem.startswith("The metrics function 'm' of model.py is called with 1 argument(s): missing")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return {'a': 1}", None),
        ("yield {'a': 1}", None),
        ("return", "must yield one dict, or several with different keys, and gave a NoneType."),
        ("return [1]", "must yield one dict, or several with different keys, and gave a int."),
        ("return []", "must yield one dict, or several with different keys, and gave a list."),
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
    began = f"metrics job job-1: started, isolated by {outcome.runtime_info['isolation']}"
    assert outcome.messages[:3] == [f"> {outcome.problem}", began, "> before it"]
    assert outcome.messages[-1] == f"> {outcome.problem}"
    text = "\n".join(outcome.messages)
    assert 'File "model.py", line 7, in metrics' in text
    assert "harness" not in text


EXCEPTIONS = {
    "many lines": (
        "raise ValueError('two columns are missing:\\n - a\\n - b')",
        "ValueError: two columns are missing:",
    ),
    "a blank first line": ("raise ValueError('\\n\\n  at last\\n - b')", "ValueError: at last"),
    "no text": ("raise ValueError", "ValueError"),
    "a note": ("e = KeyError('y'); e.add_note('- a note'); raise e", "KeyError: 'y'"),
    "several": (
        "raise ExceptionGroup('two failed', [ValueError('a'), KeyError('b')])",
        "ExceptionGroup: two failed (2 sub-exceptions)",
    ),
    "of a library": (
        "import json; json.loads('[')",
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)",
    ),
    "one that can't say what it is": (
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0, '__module__': 'builtins'})",
        "Odd",
    ),
}


@pytest.mark.parametrize("what", EXCEPTIONS)
async def test_an_exception_is_told_by_its_type_and_first_line_and_its_rest_is_in_the_traceback(
    call: Run, what: str
) -> None:
    raising, reason = EXCEPTIONS[what]
    outcome = await call(JobKind.METRICS, python_model(f"# modelop.metrics\ndef m(df): {raising}"), CSV)
    assert outcome.problem == f"The metrics function 'm' of model.py failed: {reason} (line 2)."
    if what == "many lines":
        assert [line for line in outcome.told if line.startswith(" - ")] == [" - a", " - b"]
        assert failure_text(outcome.messages, 600).splitlines()[:3] == [outcome.problem, " - a", " - b"]


async def test_source_that_does_not_compile_is_told_by_its_first_line(call: Run) -> None:
    outcome = await call(JobKind.METRICS, python_model("# modelop.metrics\ndef m(df):\n  return )"), CSV)
    assert outcome.problem == (
        "The model's source could not be imported: SyntaxError: unmatched ')' (model.py, line 3)."
    )


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


async def test_a_source_whose_content_is_broken_is_a_clear_error(call: Run) -> None:
    model = python_model("")
    model.stored_model.model_assets[0].file_content = "not base64!"
    outcome = await call(JobKind.METRICS, model, CSV)
    assert (
        "The content of the asset model.py can't be had: "
        "The content of the file 'model.py' is broken: it is not base64."
    ) in outcome.messages
    assert outcome.problem == "The model has no source code: an asset that is source, with its text."
