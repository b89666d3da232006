"""What model functions are given of a job's inputs, and how its outputs are written."""

from collections.abc import Callable
from typing import Any

import pytest
from outcomes import lines, result
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind

Run = Callable[..., Any]
CSV = embedded("data.csv", "a,b\n1,x\n2,y\n", file_format="CSV")


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
    assert lines(await call(JobKind.SCORING, python_model(source), data)) == [
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
        ("d.docx", "?", "The input d.docx has no known format: set its format to CSV, JSON, PARQUET or ARROW."),
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
    assert lines(await call(JobKind.SCORING, python_model(source), data)) == [["int", None], ["int", "y"]]


async def test_a_line_that_is_an_array_reaches_the_score_function_as_a_list(call: Run) -> None:
    source = "# modelop.score\ndef score(records):\n    return sum(r['a'] for r in records)"
    data = embedded("d.jsonl", '[{"a": 1}, {"a": 2}]\n[{"a": 5}]\n')
    assert lines(await call(JobKind.SCORING, python_model(source), data)) == [3, 5]


async def test_each_yield_is_one_output_record_and_a_returned_none_is_none(call: Run) -> None:
    source = """
        # modelop.score
        def score(r):
            for _ in range(r["a"]):
                yield r["b"]
        """
    assert lines(await call(JobKind.SCORING, python_model(source), CSV)) == ["x", "y", "y"]
    silent = await call(JobKind.SCORING, python_model("# modelop.score\ndef score(r): pass"), CSV)
    assert lines(silent) == []
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
    assert "NaN or infinite values became null: a, t[0].x, array[0][1]" in outcome.told


async def test_outputs_without_a_name_or_with_the_same_are_numbered(call: Run) -> None:
    source = "# modelop.score\ndef score(r):\n    return r['a']"
    inputs = [embedded(f"{i}.csv", f"a\n{i}\n", file_format="CSV") for i in range(5)]
    names = ["output-2.json", None, None, "scores.jsonl", "Scores.jsonl"]
    outputs = [wire.Asset(name=name or "", filename=name) for name in names]
    outcome = await call(JobKind.SCORING, python_model(source), *inputs, outputs=outputs)
    wanted = ["output-2.json", "output.json", "output-3.json", "scores.jsonl", "Scores-2.jsonl"]
    assert [asset.filename for asset in outcome.outputs] == [asset.name for asset in outcome.outputs] == wanted
    assert list(outcome.runtime_info["sha256"]["outputs"]) == wanted
    assert [lines(outcome, number) for number in range(5)] == [[number] for number in range(5)]


@pytest.mark.parametrize("marker", ["", "# modelop.batch: records 2\n", "# modelop.batch: frame 2\n"])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_a_decimal_that_a_number_can_not_hold_is_rounded_and_named(call: Run, form: str, marker: str) -> None:
    texts = ["1.10", "12345678901234567890.1234", "0.1", "NaN"]
    answer = "{'d': decimal.Decimal(r['text'])}"
    if "records" in marker:
        answer = "[{'d': decimal.Decimal(each['text'])} for each in r]"
    if "frame" in marker:
        answer = "pd.DataFrame({'d': [decimal.Decimal(each) for each in r['text']]})"
    source = f"import decimal\nimport pandas as pd\n{marker}# modelop.score\ndef s(r):\n    return {answer}\n"
    data = embedded("in.jsonl", "".join(f'{{"text": "{text}"}}\n' for text in texts))
    output = wire.Asset(name=f"o.{form}", filename=f"o.{form}", file_format=form.upper())
    ran = await call(JobKind.SCORING, python_model(source), data, outputs=[output])
    numbers = [1.1, 1.2345678901234567e19, 0.1, None]
    written = {"jsonl": "".join(f'{{"d": {"null" if n is None else n}}}\n' for n in numbers)}
    written["csv"] = "d\n" + "".join(f"{chr(34) * 2 if n is None else n}\n" for n in numbers)
    assert ran.outputs[0].content().decode() == written[form]
    assert "Decimals of more digits than JSON's numbers hold were rounded (answer them as text): record 2.d" in ran.told
    assert "NaN or infinite values became null: record 4.d" in ran.told


async def test_a_decimal_larger_than_any_number_and_one_that_signals_are_no_accident(call: Run) -> None:
    source = "import decimal\n# modelop.score\ndef s(r):\n    return {'d': decimal.Decimal(r['text'])}\n"
    data = embedded("in.jsonl", '{"text": "1e400"}\n{"text": "sNaN"}\n{"text": "-Infinity"}\n')
    ran = await call(JobKind.SCORING, python_model(source), data)
    assert lines(ran) == [{"d": None}, {"d": None}]
    assert any("record 1.d is larger than JSON's numbers" in line for line in ran.told)


@pytest.mark.parametrize("marker", ["", "# modelop.batch: records 2\n", "# modelop.batch: frame 2\n", "SLOT"])
async def test_a_column_that_a_later_answer_lacks_is_named(call: Run, marker: str) -> None:
    of = {
        "": "def s(r):\n    return {'n': r['n'], **({'x': 1} if r['n'] < 3 else {})}",
        "SLOT": "def s(r, slot):\n    return {'n': r['n'], **({'x': 1} if r['n'] < 3 else {})}",
        "# modelop.batch: records 2\n": "def s(rs):\n    return [{**r, 'x': 1} if r['n'] < 3 else r for r in rs]",
        "# modelop.batch: frame 2\n": "def s(f):\n    return f.assign(x=1) if f['n'].max() < 3 else f",
    }[marker]
    source = f"{marker if marker != 'SLOT' else ''}# modelop.score\n{of}\n"
    data = embedded("in.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(1, 6)))
    output = wire.Asset(name="o.csv", filename="o.csv", file_format="CSV")
    ran = await call(JobKind.SCORING, python_model(source), data, outputs=[output])
    said = "Cells of CSV are empty since the answer lacks what the first one had: "
    assert ran.outputs[0].content().decode() == "n,x\n1,1\n2,1\n3,\n4,\n5,\n"
    assert said + ", ".join(f"record {n}.x" for n in (3, 4, 5)) in ran.told
