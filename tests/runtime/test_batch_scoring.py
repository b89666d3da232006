"""Scoring in batches: streamed, counted, and what becomes of bad records."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from outcomes import Ran, lines
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind, JobResult
from mlc.runtime.harness import records
from mlc.settings import FileSettings

Run = Callable[..., Any]


DOUBLED = python_model("# modelop.score\ndef s(r):\n    yield {'twice': 2 * r['a']}")


STOP = {"stop_on_bad_records": True}


def counts(ran: Ran) -> dict[str, Any]:
    assert ran.records is not None
    return ran.records.model_dump(exclude={"examples", "paired"})


def numbers(count: int) -> wire.Asset:
    return embedded("n.jsonl", "".join(f'{{"a": {n}}}\n' for n in range(count)))


BAD = {
    "a line that is not JSON": (
        embedded("d.jsonl", '{"a": 1}\n\n{"a": 2\n{"a": 3}\n'),
        "Record 2 of d.jsonl is bad: line 3 can't be read as JSON: ",
    ),
    "a row that is too short": (
        embedded("d.csv", "a,b\n1,x\n2\n3,z\n"),
        "Record 2 of d.csv is bad: line 3 has 1 cells, and the header names 2 columns",
    ),
    "a row that is not UTF-8": (
        embedded("d.csv", b"a,b\n1,x\n2,\xff\n3,z\n"),
        "Record 2 of d.csv is bad: line 3 is not UTF-8",
    ),
    "a quote in the wrong place": (
        embedded("d.csv", 'a,b\n1,x\n2,"y"y\n3,z\n'),
        "Record 2 of d.csv is bad: line 3 can't be read as CSV: ",
    ),
    "an exception": (
        embedded("d.json", '[{"a": 1}, {"b": 2}, {"a": 3}]'),
        "Record 2 of d.json is bad: The score function 's' of model.py failed: KeyError: 'a' (line 3).",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_record_is_named_and_skipped_and_counted(call: Run, what: str) -> None:
    data, said = BAD[what]
    outcome = await call(JobKind.SCORING, DOUBLED, data)
    assert lines(outcome) == [{"twice": 2}, {"twice": 6}]
    assert any(message.startswith(said) for message in outcome.told), outcome.messages
    assert outcome.messages[-3:-1] == ["Records in/out: 3/2", "Bad records: 1 of 3, skipped"]
    assert counts(outcome) == {"read": 3, "written": 2, "bad": 1, "unanswered": 0}
    (example,) = outcome.records.examples
    assert example.startswith(said)


@pytest.mark.parametrize("what", BAD)
async def test_the_job_ends_at_the_first_bad_record_if_it_says_so(call: Run, what: str) -> None:
    data, said = BAD[what]
    outcome = await call(JobKind.SCORING, DOUBLED, data, job=STOP)
    assert outcome.problem.startswith(said)
    assert outcome.problem.endswith("The job stops there: it asks to be stopped by a bad record.")
    assert outcome.outputs == []


async def test_a_job_whose_records_are_all_bad_is_an_error_with_the_first_ones_traceback(call: Run) -> None:
    outcome = await call(JobKind.SCORING, DOUBLED, embedded("d.csv", "b\n1\n2\n"))
    assert outcome.problem.startswith("All 2 records are bad. Record 1 of d.csv is bad: The score function 's'")
    assert any('File "model.py", line 3, in s' in message for message in outcome.messages)
    assert lines(await call(JobKind.SCORING, DOUBLED, embedded("d.csv", "a\n"))) == []


async def test_of_many_bad_records_the_first_twenty_are_named(call: Run) -> None:
    model = python_model("# modelop.score\ndef s(r):\n    if r['a'] != 7: raise ValueError(r['a'])\n    yield 'seven'")
    outcome = await call(JobKind.SCORING, model, numbers(50))
    assert lines(outcome) == ["seven"]
    named = [message for message in outcome.told if message.startswith("Record ")]
    assert len(named) == 20
    assert "29 more records are bad." in outcome.told
    assert "Bad records: 49 of 50, skipped" in outcome.messages


async def test_a_bad_record_leaves_nothing_of_its_answer_behind(call: Run) -> None:
    source = """
        # modelop.score
        def s(r):
            yield {"a": r["a"]}
            if r["a"] == 2: yield {"b": 1}
            if r["a"] == 3: yield {"a": {1, object()}}
            yield {"a": -r["a"]}
        """
    output = wire.Asset(name="o.csv", filename="o.csv", file_format="CSV")
    outcome = await call(JobKind.SCORING, python_model(source), embedded("d.csv", "a\n1\n2\n3\n4\n"), outputs=[output])
    assert outcome.problem is None
    assert outcome.outputs[0].content() == b"a\n1\n-1\n4\n-4\n"
    messages = "\n".join(outcome.messages)
    assert "Record 2 of d.csv is bad: its answer can't be written: the CSV file o.csv has no column 'b'" in messages
    assert "Record 3 of d.csv is bad: The result of the score function is not JSON: record 3.a[" in messages


async def test_a_job_that_lost_a_record_has_failed_although_it_is_complete(call: Run) -> None:
    for source, lost in (
        ("if r['a'] == 2: raise ValueError('odd')\n    yield r['a']", {"bad": 1, "unanswered": 0}),
        ("yield None if r['a'] == 2 else r['a']", {"bad": 0, "unanswered": 1}),
        ("if r['a'] != 2: yield from [r['a']] * 2", {"bad": 0, "unanswered": 1}),
        ("yield from [r['a']] * 2", {"bad": 0, "unanswered": 0}),
    ):
        model = python_model(f"# modelop.score\ndef s(r):\n    {source}")
        outcome = await call(JobKind.SCORING, model, embedded("d.csv", "a\n1\n2\n3\n4\n"))
        assert outcome.problem is None
        assert {name: counts(outcome)[name] for name in lost} == lost
        assert outcome.result is (JobResult.FAILURE if sum(lost.values()) else JobResult.SUCCESS)
        assert len(outcome.records.examples) == sum(lost.values())
        assert all(example.startswith("Record 2 of d.csv") for example in outcome.records.examples)


async def test_a_record_stands_in_no_message_beyond_a_short_cut(call: Run) -> None:
    secret = "4111-" * 2_000
    model = python_model(
        "# modelop.score\ndef s(r):\n    if r['a']: raise ValueError(r['a'] + '\\n' + r['a'])\n    yield 1"
    )
    outcome = await call(JobKind.SCORING, model, embedded("d.jsonl", f'{{"a": "{secret}"}}\n' * 5 + '{"a": ""}\n'))
    assert counts(outcome) == {"read": 6, "written": 1, "bad": 5, "unanswered": 0}
    assert len(outcome.records.examples) == 3
    assert max(map(len, [*outcome.told, *outcome.records.examples])) <= 240


@pytest.mark.usefixtures("models_write_outside")
async def test_a_model_that_is_killed_half_way_leaves_neither_outputs_nor_counts(run: Run) -> None:
    model = python_model(
        "import os\n# modelop.score\ndef s(r):\n    if r['a'] == 2: os.kill(os.getpid(), 9)\n    yield 1"
    )
    outcome = await run(JobKind.SCORING, model, numbers(5))
    assert outcome.problem == "The model process was killed by SIGKILL."
    assert (outcome.result, outcome.records, outcome.outputs) == (JobResult.FAILURE, None, [])


async def test_bad_records_of_several_inputs_are_named_with_their_input(call: Run) -> None:
    inputs = [embedded(f"{name}.csv", f"{column}\n1\n") for name, column in (("one", "a"), ("two", "b"))]
    outcome = await call(JobKind.SCORING, DOUBLED, *inputs)
    assert lines(outcome) == [{"twice": 2}]
    assert any(message.startswith("Record 1 of two.csv is bad: ") for message in outcome.told)


async def test_exiting_is_no_bad_record_but_the_end(call: Run) -> None:
    model = python_model("import sys\n# modelop.score\ndef s(r): sys.exit(3)")
    outcome = await call(JobKind.SCORING, model, numbers(3))
    assert outcome.problem == "The score function 's' of model.py failed: it called sys.exit(3) (line 3)."


async def test_a_json_array_that_breaks_off_is_an_error_and_not_a_short_file(call: Run) -> None:
    outcome = await call(JobKind.SCORING, DOUBLED, embedded("d.json", '[{"a": 1}, {"a": 2}, {"a": '))
    assert outcome.problem.startswith("The input file d.json can't be read as JSON: ")


async def test_values_across_the_chunks_of_a_json_array_are_whole(call: Run) -> None:
    expected = [{"a": n, "text": "ü" * (n % 977), "x": [n / 7, None, True]} for n in range(3000)]
    model = python_model("# modelop.score\ndef s(r): yield r")
    for content in (json.dumps(expected), json.dumps(expected, indent=2, ensure_ascii=False)):
        outcome = await call(JobKind.SCORING, model, embedded("d.json", content), output_limit=10**8)
        assert lines(outcome) == expected


async def test_a_document_that_is_no_list_of_records_has_a_limit(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LARGEST_DOCUMENT", 2**20)
    large = embedded("d.json", json.dumps({"a": list(range(300_000))}))
    outcome = await call(JobKind.SCORING, DOUBLED, large)
    assert outcome.problem == (
        "The input file d.json can't be read as JSON: it is one document of 2 MB, and 1 MB is the most: "
        "write an array or JSON lines."
    )


MEASURING = """
    # modelop.score
    def s(r):
        if r["last"] == "yes":  # the kernel's own peak: getrusage counts the parent's memory in
            print(*[line for line in open("/proc/self/status") if line.startswith("VmHWM")])
        yield {"a": r["a"], "b": r["b"] * 2, "nan": float("nan")}
    """


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_a_hundred_thousand_records_take_no_more_memory_than_a_thousand(
    run: Run, tmp_path: Path, kind: str
) -> None:
    peaks: dict[int, int] = {}
    reports: list[int] = []
    for count in (1_000, 100_000):
        write_records(tmp_path / f"in.{kind}", count)
        source, target = (
            wire.Asset(name=name, filename=name, asset_type="EXTERNAL_FILE", file_url=f"file://{tmp_path}/{name}")
            for name in (f"in.{kind}", "out.jsonl")
        )
        outcome = await run(
            JobKind.SCORING,
            python_model(MEASURING),
            source,
            outputs=[target],
            files=FileSettings(root=tmp_path),
            progress=reports.append,
        )
        assert outcome.problem is None, outcome.messages
        assert counts(outcome) == {"read": count, "written": count, "bad": 0, "unanswered": 0}
        peaks[count] = next(int(m.split()[1]) for m in outcome.told if m.startswith("VmHWM"))
    assert peaks[100_000] < peaks[1_000] + 8 * 1024, peaks  # KiB
    assert reports[0] == 1_000
    assert reports[1:] == sorted(reports[1:])
    assert reports[-1] == 100_000


async def test_the_same_inputs_give_the_same_file_byte_for_byte(run: Run) -> None:
    source = """
        # modelop.score
        def s(r):
            yield {"set": {f"item {r['a'] + n}" for n in range(9)}, "third": r["a"] / 3}
            if r["a"] == 5: raise ValueError("bad")
        """
    twice = [await run(JobKind.SCORING, python_model(source), numbers(100)) for _ in range(2)]
    assert len(lines(twice[0])) == 99
    assert twice[0].outputs[0].content() == twice[1].outputs[0].content()
    assert twice[0].messages[1:-1] == twice[1].messages[1:-1]


def write_records(path: Path, count: int) -> None:
    with path.open("w") as file:
        if path.suffix == ".csv":
            file.write("a,b,last\n")
        file.write("[" if path.suffix == ".json" else "")
        for n in range(count):
            last = "yes" if n == count - 1 else "no"
            if path.suffix == ".csv":
                file.write(f"{n},{n / 7},{last}\n")
            else:
                end = "\n" if path.suffix == ".jsonl" else ("]" if last == "yes" else ", ")
                file.write(json.dumps({"a": n, "b": n / 7, "last": last}) + end)


TWICE = {
    "of one name": "pd.DataFrame([[1, 2]], columns=['p', 'p'])",
    "whose names are one text": "pd.DataFrame([[1, 2]], columns=[1, '1'])",
}


@pytest.mark.parametrize("answered", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize(
    ("marker", "answer"),
    [
        ("# modelop.batch: frame 1", "{}"),
        ("# modelop.batch: records 1", "{}"),
        ("# modelop.recordsets.1: true", "{}"),
        ("", "{}"),
        ("", "{{'deep': [{}]}}"),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_a_frame_with_two_columns_of_one_name_is_bad_and_loses_none(
    call: Run, form: str, marker: str, answer: str, answered: str
) -> None:
    source = f"import pandas as pd\n{marker}\n# modelop.score\ndef s(r):\n    return {answer.format(answered)}\n"
    output = wire.Asset(name=f"o.{form}", filename=f"o.{form}", file_format=form.upper())
    outcome = await call(JobKind.SCORING, python_model(source), numbers(1), outputs=[output])
    name = answered[-4:-2].strip("'")
    assert "The result of the score function is not JSON: " in outcome.problem
    assert f"is a data frame that has the column '{name}' twice." in outcome.problem


async def test_keys_that_are_one_text_in_json_are_bad(call: Run) -> None:
    source = "# modelop.score\ndef s(r):\n    return {'a': {1: 'x', '1': 'y'}} if r['a'] else {1: 'x'}\n"
    outcome = await call(JobKind.SCORING, python_model(source), numbers(2))
    assert lines(outcome) == [{"1": "x"}]
    assert any("a has the key '1' twice." in line for line in outcome.told)


async def test_metrics_that_hold_two_columns_of_one_name_are_an_error(call: Run) -> None:
    for yielded in ("{'table': " + TWICE["of one name"] + "}", TWICE["of one name"]):
        source = f"import pandas as pd\n# modelop.metrics\ndef m(df):\n    yield {yielded}\n"
        outcome = await call(JobKind.METRICS, python_model(source), numbers(1))
        assert "is a data frame that has the column 'p' twice" in outcome.problem
