"""Scoring in several processes, and in batches: what comes of it is what comes of one process and single records."""

import json
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from outcomes import Ran, lines
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.center.modelop.folder.markers import read_source
from mlc.model.job import JobKind
from mlc.runtime.harness import markers
from mlc.runtime.harness.block import Scored, Task
from mlc.runtime.harness.functions import ModelCode, ModelRaised
from mlc.runtime.harness.plain import Nulled
from mlc.runtime.harness.scoring import answers
from mlc.runtime.harness.tasks import Size
from mlc.runtime.harness.workers import DONE, Forked, Work
from mlc.runtime.harness.writing import Formatter

Run = Callable[..., Any]

UNEVEN = """
    import os
    # modelop.init
    def begin():
        os.write(1, b"loaded\\n")  # at once: what is printed by two processes is mixed
    # modelop.score
    def s(r):
        if r["a"] % 500 == 3: raise ValueError("three")
        if r["a"] % 500 == 4: return
        yield {"a": r["a"], "b": r["b"]} if r["a"] % 500 != 5 else {"a": {object()}}
        if r["a"] % 500 == 6: yield {"a": float("nan"), "b": None}
    """
TABLE = embedded("in.csv", "a,b\n" + "".join(f'{n},"x{n}\ny"\n' if n % 7 else f"{n},x{n}\n" for n in range(3000)))


def told(ran: Ran) -> tuple[Any, ...]:
    return (
        ran.problem,
        [asset.content() for asset in ran.outputs],
        ran.records,
        [m for m in ran.told if m.strip() and "load" not in m and ": ended after " not in m],
    )


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_two_processes_make_the_same_bytes_and_tell_the_same_as_one(run: Run, form: str) -> None:
    output = wire.Asset(name=f"o.{form}", filename=f"o.{form}", file_format=form.upper())
    one = await run(JobKind.SCORING, python_model(UNEVEN), TABLE, outputs=[output])
    two = await run(JobKind.SCORING, python_model(UNEVEN), TABLE, outputs=[output], processes=2)
    assert told(one) == told(two)
    assert one.problem is None
    assert (one.records.read, one.records.bad, one.records.unanswered) == (3000, 12, 6)
    assert [sum(m.count("loaded") for m in ran.told) for ran in (one, two)] == [1, 2]
    assert two.runtime_info["sha256"] == one.runtime_info["sha256"]


async def test_an_array_and_a_bad_record_that_stops_are_the_same_in_two_processes(run: Run) -> None:
    array = embedded("in.json", json.dumps([{"a": n, "b": "é"} for n in range(2, 400)]))
    for job in ({}, {"stop_on_bad_records": True}):
        ran = [await run(JobKind.SCORING, python_model(UNEVEN), array, processes=count, job=job) for count in (1, 2)]
        assert told(ran[0]) == told(ran[1])
    assert ran[0].problem.startswith("Record 2 of in.json is bad: The score function 's' of model.py failed")


def test_of_thousands_of_tasks_that_are_handed_over_whole_few_are_in_memory_at_once() -> None:
    """Records that can't be read by place, such as an array's: each task waits until somebody listens."""
    made, gone, most = 0, list[int](), 0

    def tasks() -> Iterator[Task]:
        nonlocal made, most
        for made in range(1, 3001):
            task = Task(made - 1, given=[made])
            weakref.finalize(task, gone.append, made)
            most = max(most, made - len(gone))
            yield task

    def scores(theirs: Connection) -> None:
        theirs.recv()  # the work
        with suppress(EOFError):
            while True:
                task = theirs.recv()
                theirs.send((DONE, (0.001, Scored(text=str(task.first).encode()))))

    workers = Forked({}, 0, unneeded)
    ends = [Pipe() for _ in range(2)]
    workers._processes = {ours: 0 for ours, _ in ends}
    threads = [threading.Thread(target=scores, args=[theirs]) for _, theirs in ends]
    for thread in threads:
        thread.start()
    scored = workers.score(Work(0, 0, None), tasks(), Formatter("jsonl", "o"), Size(), lambda _: None)
    assert [int(each.text) for each in scored] == list(range(3000))
    for ours, _ in ends:
        ours.close()
    for thread in threads:
        thread.join(60)
    assert most < 50


def unneeded() -> ModelCode:
    raise AssertionError


@pytest.mark.usefixtures("models_write_outside")
@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("os.kill(os.getpid(), 9)", "The model process was killed by SIGKILL."),
        ("os._exit(3)", "The model process ended with exit code 3 before it gave a result."),
        ("raise SystemExit(4)", "The score function 's' of model.py failed: it called sys.exit(4) (line 4)."),
    ],
)
async def test_when_one_of_the_processes_ends_the_job_fails_as_with_one(run: Run, does: str, said: str) -> None:
    model = python_model(f"import os\n# modelop.score\ndef s(r):\n    if r['a'] == 2000: {does}\n    yield 1")
    ran = await run(JobKind.SCORING, model, TABLE, processes=2)
    assert (ran.problem, ran.outputs, ran.records) == (said, [], None)


async def test_a_model_that_can_not_be_loaded_says_the_same_from_two_processes(run: Run) -> None:
    model = python_model("# modelop.score\ndef s(r):\n    yield 1\nraise ValueError('no')")
    one, two = [await run(JobKind.SCORING, model, TABLE, processes=count) for count in (1, 2)]
    assert one.problem == two.problem
    assert "ValueError: no" in one.problem


async def test_a_stateful_model_runs_in_one_process_in_order(run: Run) -> None:
    source = """
        # modelop.stateful
        seen = 0
        # modelop.score
        def s(r):
            global seen
            seen += 1
            yield seen - r["a"]
        """
    ran = await run(JobKind.SCORING, python_model(source), TABLE, processes=3)
    assert set(lines(ran)) == {1}


@pytest.mark.usefixtures("models_write_outside")
@pytest.mark.parametrize("batch", ["", "# modelop.batch: records 1"], ids=["single records", "batches"])
async def test_how_far_it_is_is_told_before_any_of_the_processes_is_done_with_its_task(
    run: Run, tmp_path: Path, batch: str
) -> None:
    heard, done = tmp_path / "heard", tmp_path / "done"
    source = f"""
        {batch}
        import os, time
        # modelop.score
        def s(r):
            if not os.path.exists({str(heard)!r}): time.sleep(0.2)
            if "999" in str(r): open({str(done)!r}, "w").close()
            return r
        """
    reports: list[tuple[int, bool]] = []

    def progress(records: int) -> None:
        reports.append((records, done.exists()))
        if records:
            heard.touch()

    table = embedded("in.csv", "a\n" + "".join(f"{n}\n" for n in range(1000)))
    ran = await run(JobKind.SCORING, python_model(source), table, processes=2, progress=progress, time=200)
    assert ran.problem is None, ran.messages
    assert lines(ran) == [{"a": n} for n in range(1000)]
    first, was_done = next(report for report in reports if report[0])
    assert 0 < first < 250, "the first task alone has more"
    assert not was_done
    assert [records for records, _ in reports] == sorted(records for records, _ in reports)
    assert reports[-1][0] == 1000


FRAMES = """
    # modelop.batch: frame 100
    # modelop.score
    def s(frame):
        assert 0 < len(frame) <= 100 and frame["a"].dtype == "int64"
        frame["c"] = frame["a"] * 2
        return frame[["c", "b"]]
    """
LISTS = """
    # modelop.batch: records
    # modelop.score
    def s(records):
        assert isinstance(records, list)
        yield [{"c": r["a"] * 2, "b": r["b"]} for r in records[:1]]
        yield [{"c": r["a"] * 2, "b": r["b"]} for r in records[1:]]
    """


@pytest.mark.parametrize("source", [FRAMES, LISTS], ids=["frame", "records"])
async def test_a_model_that_asks_for_batches_answers_each_record(call: Run, source: str) -> None:
    expected = [{"c": 2 * n, "b": f"x{n}\ny" if n % 7 else f"x{n}"} for n in range(3000)]
    ran = await call(JobKind.SCORING, python_model(source), TABLE)
    assert lines(ran) == expected
    assert (ran.records.read, ran.records.written, ran.records.paired) == (3000, 3000, True)
    plain = embedded("in.csv", "a,b\n" + "".join(f"{n},x{n}\n" for n in range(300)))
    assert lines(await call(JobKind.SCORING, python_model(source), plain))[-1] == {"c": 598, "b": "x299"}
    rows = embedded("in.jsonl", "".join(json.dumps({"a": n, "b": None}) + "\n" for n in range(5)))
    assert lines(await call(JobKind.SCORING, python_model(source), rows)) == [{"c": 2 * n, "b": None} for n in range(5)]


async def test_batches_that_are_not_answered_whole_are_bad_and_named(call: Run) -> None:
    model = python_model(
        "# modelop.batch: records 2\n# modelop.score\ndef s(rs):\n    return [r['a'] for r in rs if r['a'] != 3]"
    )
    data = embedded("in.jsonl", '{"a": 1}\n{"a": 2}\n{"a": 3}\n{"a": 4}\n{"a": 5}\nno\n{"a": 6}\n')
    ran = await call(JobKind.SCORING, model, data)
    assert lines(ran) == [1, 2, 5, 6]
    assert (ran.records.read, ran.records.bad, ran.records.written) == (7, 3, 4)
    assert ran.records.examples[0].startswith(
        "The records 3 to 4 of in.jsonl are bad: the score function answered 1 results to the records 3 to 4"
    )
    stopped = await call(JobKind.SCORING, model, data, job={"stop_on_bad_records": True})
    assert "The job stops there" in stopped.problem


@pytest.mark.parametrize("source", [FRAMES, LISTS], ids=["frame", "records"])
def test_online_such_a_model_gets_a_batch_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("batched.py").write_text(textwrap.dedent(source))
    model = ModelCode("batched.py", {})
    assert list(answers(model, model.required("score"), {"a": 4, "b": "x"}, Nulled())) == [{"c": 8, "b": "x"}]
    with pytest.raises(ModelRaised):
        list(answers(model, model.required("score"), {"a": "?"}, Nulled()))


async def test_batches_go_with_nothing_but_one_parameter(call: Run) -> None:
    model = python_model("# modelop.batch: frame\n# modelop.score\ndef s(data, slot):\n    yield 1")
    assert (
        "asks for batches of records, and takes more than that" in (await call(JobKind.SCORING, model, TABLE)).problem
    )


def test_markers_of_batches_and_state_are_read_as_they_are_written() -> None:
    for line, found in {
        "# modelop.batch: frame": ("frame", 50_000),
        "  #modelop.batch :records 7": ("records", 7),
        "x = '# modelop.batch: frame'": None,
    }.items():
        assert markers.batch(line.encode()) == found
    for line in ("# modelop.batch", "# modelop.batch: frame 0", "#modelop.batch: frames", "# fastscore.batch: frame x"):
        with pytest.raises(ValueError, match="line 1: write # modelop"):
            markers.batch(line.encode())
        with pytest.raises(ValueError, match="line 1: write # modelop"):
            read_source(line)
    assert not read_source("# modelop.batch: frame 10\n# modelop.stateful").notices
    assert "did you mean # modelop.stateful?" in read_source("# modelop.statefull").notices[0]
    assert markers.is_stateful(b"x = 1\n# modelop.stateful\n")
    assert not markers.is_stateful(b"# modelop.stateful: no\n")
