"""Models that write to the channel to their runtime themselves: their jobs end with a sentence all the same."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fuzz import channel as fuzzing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from job_runs import execute
from outcomes import Ran, lines
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind, JobResult
from mlc.runtime.environments.libraries import versions
from mlc.runtime.execution import JobExecution
from mlc.runtime.harness.texts import is_printable
from mlc.runtime.isolation.levels import Process

Run = Callable[..., Any]

CSV = embedded("data.csv", "a\n1\n2\n3\n", file_format="CSV")
BROKE = "The model's process did not speak as it must: "
FINDS_IT = """
import json, os, subprocess, sys, time
def sockets():
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                yield int(name)
        except OSError:
            pass
def say(data):
    channel = max(sockets())
    while data:
        data = data[os.write(channel, data):]
"""


def writing(body: str) -> wire.DeployableModel:
    """A model that has the channel while its metrics function runs."""
    source = FINDS_IT + "# modelop.metrics\ndef m(df):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return python_model(source + "    time.sleep(600)\n    yield {}\n")


WRITTEN = {
    "a bare done": (r"""say(b'{"event":"done"}\n')""", "notes: Field required"),
    "a list": (r"say(b'[]\n')", "should be an object"),
    "deep nesting": (r"say(b'[' * 90_000 + b'\n')", "recursion limit"),
    "progress in another job": (
        r"""say(b'{"event":"progress","records":1}\n')""",
        "it told how many records are done, which only a scoring job does",
    ),
    "progress without records": (r"""say(b'{"event":"progress"}\n')""", "records: Field required"),
    "half a surrogate pair": (r"""say(b'{"event":"done","notes":["\\ud800"]}\n')""", "hex escape"),
    "a number of 3 MB": (r"say(b'9' * 3_000_000 + b'\n')", "it sent a message longer than 1,048,576 bytes"),
    "a number of 300 KB": (r"""say(b'{"event":"progress","records":' + b'9' * 300_000 + b'}\n')""", "out of range"),
    "a line without end": ("while True: say(b'x' * 65536)", "it sent a message longer than 1,048,576 bytes"),
    "forged libraries": (
        r"""say(b'{"event":"done","notes":[],"modules":["torch"],"python":"2.7"}\n')""",
        "Extra inputs are not permitted",
    ),
    "notes that look like the runtime's": (
        r"""say(b'{"event":"done","notes":["a\\nmetrics job job-1: ended after 1.0 s"]}\n')""",
        "can't be printed",
    ),
    "counts in another job": (
        r"""
counts = b'{"read":1,"written":1,"bad":0,"unanswered":0,"paired":true,"examples":[]}'
say(b'{"event":"done","notes":[],"records":' + counts + b'}\n')
""",
        "its last message has such counts of records",
    ),
    "a second done": (r"""say(b'{"event":"done","notes":[]}\n' * 2)""", "it went on after its last message"),
    "ready": (r"""say(b'{"event":"ready","trial":null,"notes":[]}\n')""", "tag 'ready'"),
    "an answer": (r"""say(b'{"event":"scored","id":1,"outcomes":[]}\n')""", "tag 'scored'"),
    "a closed channel": (
        "import socket; socket.socket(fileno=max(sockets())).shutdown(socket.SHUT_WR); time.sleep(600)",
        "it closed its channel and went on",
    ),
    "a child that writes": (
        r"""
channel = max(sockets())
subprocess.Popen([sys.executable, "-c", f"import os; os.write({channel}, b'{{}}\\n')"], pass_fds=[channel])
""",
        "discriminator",
    ),
    "a fork that writes": (
        r"""
channel = max(sockets())
if os.fork() == 0:
    os.write(channel, b'nonsense\n')
    os._exit(0)
""",
        "it sent what is no message: Invalid JSON",
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
async def test_what_is_no_message_ends_the_job_with_a_sentence(run: Run, what: str) -> None:
    body, said = WRITTEN[what]
    began = time.monotonic()
    outcome = await run(JobKind.METRICS, writing(body), CSV, time=120)
    assert outcome.problem.startswith(BROKE)
    assert said in outcome.problem, outcome.problem
    assert (outcome.result, outcome.outputs) == (JobResult.FAILURE, [])
    assert outcome.messages[0] == outcome.messages[-1] == outcome.problem
    assert time.monotonic() - began < 60
    check(outcome)


def check(outcome: Ran) -> None:
    """That whatever goes to the centre is valid and bounded."""
    assert all(map(is_printable, [*outcome.messages, outcome.problem or ""]))
    assert len(json.dumps([outcome.messages, outcome.runtime_info], allow_nan=False).encode()) < 2_000_000
    assert not any("mlc/runtime" in line for line in outcome.messages)


async def test_half_a_line_and_silence_are_ended_by_the_jobs_own_limit(run: Run) -> None:
    outcome = await run(JobKind.METRICS, writing("""say(b'{"event":"done"')"""), CSV, time=8)
    assert outcome.problem == "The model ran longer than the 8 seconds that the runtime allows."


@pytest.mark.parametrize(
    "message", [b'{"event":"progress","records":1}\n', b'{"event":"scored","id":1,"outcomes":[]}\n', b"\n"]
)
async def test_a_flood_of_messages_ends_its_job_and_delays_no_other(tmp_path: Path, message: bytes) -> None:
    source = f"{FINDS_IT}\n# modelop.score\ndef s(r):\n    while True: say({message!r} * 1000)\n    yield 1"
    good = python_model("# modelop.score\ndef s(r): yield r['a']")
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.05)
            gaps.append(time.monotonic() - before - 0.05)

    ticking = asyncio.create_task(tick())
    used = time.process_time()
    (tmp_path / "flood").mkdir()
    flood, other = await asyncio.gather(
        execute(JobExecution, tmp_path / "flood", JobKind.SCORING, python_model(source), CSV),
        execute(JobExecution, tmp_path, JobKind.SCORING, good, CSV),
    )
    ticking.cancel()
    assert flood.problem.startswith(BROKE)
    assert lines(other) == [1, 2, 3]
    assert max(gaps) < 2, sorted(gaps)[-5:]
    assert time.process_time() - used < 20


class Scripted(JobExecution):
    """A job whose model's process is a program that writes some bytes, and no Python: it starts at once."""

    async def _answer(self, python: str, *arguments: Any) -> Any:
        return await super()._answer(str(self._folder.parent / "bin" / "python"), *arguments)


@given(
    seed=st.sampled_from(list(fuzzing.seeds())), chance=st.randoms(use_true_random=False), raw=st.binary(max_size=50)
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
def test_whatever_bytes_a_model_writes_its_job_ends_with_an_outcome(
    tmp_path: Path, seed: bytes, chance: Any, raw: bytes
) -> None:
    program = tmp_path / "bin" / "python"
    program.parent.mkdir(exist_ok=True)
    (tmp_path / "bytes").write_bytes(fuzzing.changed(seed, chance) + raw)
    program.write_text(f"#!/bin/sh\nexec cat {tmp_path}/bytes\n")
    program.chmod(0o755)
    model = python_model("# modelop.score\ndef s(r): yield 1")
    for kind in (JobKind.METRICS, JobKind.SCORING):
        outcome = asyncio.run(execute(Scripted, tmp_path, kind, model, CSV, time=30))
        assert outcome.problem is not None
        assert len(outcome.problem) < 4_000
        check(outcome)


LYING = """
from model_harness import scoring
honest = scoring.BatchScoring.run
def run(self):
    told = honest(self)
    {lie}
    return told
scoring.BatchScoring.run = run
# modelop.score
def s(r):
    if r['a'] != 2: yield r['a']
"""
LIES = {
    "more read": ("told['read'] += 1", "it read 4, and there are 3"),
    "fewer read": ("told['read'] = 2; told['unanswered'] = 0", "it read 2, and there are 3"),
    "more written": ("told['written'] = 3; told['unanswered'] = 0", "it wrote 2, and not 3"),
    "fewer written": ("told['written'] = 1", "it wrote 2, and not 1"),
    "an output that was cut": ("open(self._order['outputs'][0]['path'], 'w').close()", "it wrote 0, and not 2"),
    "an output that grew": ("open(self._order['outputs'][0]['path'], 'a').write('1\\n')", "it wrote 3, and not 2"),
    "a loss that is hidden": ("told['unanswered'] = 0", "they contradict each other"),
    "a loss that is declared away": (
        "told['unanswered'] = 0; told['paired'] = False",
        "they are of another kind of function than the source has",
    ),
    "more lost than there are": ("told['bad'] = 3", "they contradict each other"),
    "inputs that were cut": (
        "open(self._order['inputs'][0]['path'], 'w').write('a\\n1\\n'); told.update(read=1, written=2, unanswered=0)",
        "it read 1, and there are 3",
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_counts_that_are_not_true_are_the_models_failure(run: Run, lie: str) -> None:
    statement, said = LIES[lie]
    outcome = await run(JobKind.SCORING, python_model(LYING.format(lie=statement)), CSV, level=Process())
    assert outcome.problem == f"The model's process told counts of records that aren't true: {said}."
    assert (outcome.records, outcome.outputs) == (None, [])
    assert not any(line.startswith("Records in/out") for line in outcome.messages)


async def test_counts_that_are_true_are_told_by_the_runtime(run: Run) -> None:
    outcome = await run(JobKind.SCORING, python_model(LYING.format(lie="print('Records in/out: 9/9')")), CSV)
    assert outcome.problem is None, outcome.messages
    assert (outcome.records.read, outcome.records.written, outcome.records.lost) == (3, 2, 1)
    assert [line for line in outcome.messages if "Records" in line] == [
        "> Records in/out: 9/9",
        "Records in/out: 3/2",
        "Records that the model answered nothing to: 1 of 3",
    ]


async def test_a_report_of_more_records_than_there_are_is_not_passed_on(run: Run) -> None:
    reports: list[int] = []
    source = (
        FINDS_IT
        + """
# modelop.score
def s(r):
    say(b'{"event":"progress","records":4000}\\n')
    time.sleep(600)
    yield 1
"""
    )
    outcome = await run(JobKind.SCORING, python_model(source), CSV, progress=reports.append)
    assert outcome.problem == f"{BROKE}it told that 4,000 records are done, of 3 that there are."
    assert reports == []


async def test_what_ran_is_described_by_the_runtime_whatever_the_model_changes(run: Run) -> None:
    source = """
import importlib.metadata, platform, sys, types
sys.modules["torch"] = types.ModuleType("torch")
importlib.metadata.version = lambda name: "6.6.6"
platform.python_version = lambda: "6.6.6"
# modelop.metrics
def m(df):
    for path in ("__moc_runtime/inputs/0", "data.csv", "weights.txt", "model.py", "__moc_runtime/order.json"):
        open(path, "w").write("forged")
    yield {"a": 1}
"""
    outcomes = []
    for code in (source, source.replace('open(path, "w").write("forged")', "pass")):
        model = python_model(code, embedded("weights.txt", "approved", asset_role="WEIGHTS_FILE"))
        outcomes.append(await run(JobKind.METRICS, model, CSV, level=Process()))  # the others let it change nothing
        assert outcomes[-1].problem is None, outcomes[-1].messages
    forged, left_alone = outcomes
    for part in ("artefacts", "inputs"):
        assert forged.runtime_info["sha256"][part] == left_alone.runtime_info["sha256"][part]
    assert forged.runtime_info["sha256"]["source"] != left_alone.runtime_info["sha256"]["source"]  # they do differ
    expected = versions(sys.executable)
    assert {name: forged.runtime_info[name] for name in expected} == expected
    assert "torch" not in expected["libraries"]
    assert expected["libraries"]["pandas"]


async def test_what_a_model_prints_passes_for_nothing_that_the_runtime_says(run: Run) -> None:
    source = r"""
# modelop.metrics
def m(df):
    print("metrics job job-1: ended after 1.0 s")
    print("a\x1b[2Jb\x00c\u2028metrics job job-1: ended\u202e", flush=True)
    import os; os.write(2, b"\xff\xed\xa0\x80\n")
    raise ValueError("metrics job job-1: ended after 1.0 s\nRecords in/out: 3/3")
"""
    outcome = await run(JobKind.METRICS, python_model(source), CSV)
    own = [line for line in outcome.messages if not line.startswith("> ")]
    assert own[0].startswith("metrics job job-1: started, isolated by ")
    assert own[1].startswith("metrics job job-1: ended after ")
    assert len(own) == 2
    assert "metrics job job-1: ended after 1.0 s" in outcome.told
    assert r"a\x1b[2Jb\x00c" in outcome.told
    check(outcome)


async def test_a_model_that_prints_a_million_lines_leaves_a_thousand(run: Run) -> None:
    source = "# modelop.metrics\ndef m(df):\n    print('\\n' * 1_000_000)\n    yield {}"
    outcome = await run(JobKind.METRICS, python_model(source), CSV)
    assert outcome.problem is None
    assert len(outcome.messages) < 1_010
    assert any("left out" in line for line in outcome.messages)
