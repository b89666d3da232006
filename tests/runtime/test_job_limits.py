"""What a model can't do to its runtime: time, memory, output, processes, files, secrets."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_models import MEGABYTE, embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.runtime.isolation.printed import CappedLog
from mlc.runtime.names import inside

Run = Callable[..., Any]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
GOOD = python_model("# modelop.metrics\ndef m(df): yield {'fine': True}")


def metrics(body: str, first: str = "") -> wire.DeployableModel:
    """A model whose metrics function does this, and which does something first when it is imported.

    It is imported at once, but a busy machine may take seconds to read the input and call the function.
    """
    lines = "\n    ".join(body.strip().splitlines())
    imports = "import os, signal, subprocess, sys, time"
    return python_model(f"{imports}\n{first}\n# modelop.metrics\ndef m(df):\n    {lines}\n    yield {{}}")


async def works_afterwards(run: Run) -> bool:
    return (await run(JobKind.METRICS, GOOD, CSV)).problem is None


def processes_that_mention(text: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and text in " ".join(process.info["cmdline"] or []):
            found.append(process)
    return found


async def test_a_model_that_runs_too_long_is_ended(run: Run) -> None:
    began = time.monotonic()
    outcome = await run(JobKind.METRICS, metrics("time.sleep(600)", first="print('here')"), CSV, time=6)
    assert outcome.problem == "The model ran longer than the 6 seconds that the runtime allows."
    assert "here" in outcome.told
    assert time.monotonic() - began < 30


async def test_a_model_that_ignores_signals_is_ended_all_the_same(run: Run) -> None:
    deaf = "for s in (2, 15): signal.signal(s, signal.SIG_IGN)"
    outcome = await run(JobKind.METRICS, metrics("while True: pass", first=deaf), CSV, time=2)
    assert outcome.problem.startswith("The model ran longer")


async def test_a_model_that_asks_for_too_much_memory_gets_a_memory_error(run: Run) -> None:
    outcome = await run(JobKind.METRICS, metrics("x = bytearray(10**10)"), CSV, memory=256)
    assert outcome.problem == (
        "The metrics function 'm' of model.py failed: it needed more memory than the runtime allows (line 5)."
    )


async def test_a_model_may_map_weights_that_are_larger_than_its_memory(run: Run) -> None:
    body = """
import mmap
with open("outputDir/weights.bin", "w+b") as file:
    file.truncate(700 * 1024 * 1024)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as weights:
        total = sum(weights[at] for at in range(0, len(weights), 4096))
        time.sleep(1)
"""
    outcome = await run(JobKind.METRICS, metrics(body), CSV, memory=256, time=60)
    assert outcome.problem is None


async def test_processes_that_use_too_much_memory_together_are_ended(run: Run) -> None:
    body = """
for _ in range(4):
    if os.fork() == 0:
        x = b"x" * (150 * 1024 * 1024)
        time.sleep(600)
time.sleep(600)
"""
    outcome = await run(JobKind.METRICS, metrics(body), CSV, memory=400, time=60)
    assert outcome.problem == "The model used more than the 400 MB of memory that the runtime allows."


async def test_a_model_that_prints_without_end_fills_nothing(run: Run) -> None:
    model = metrics("yield {}", first="print('first line')\nwhile True: print('y' * 1000)")
    before = psutil.Process().memory_info().rss
    outcome = await run(JobKind.METRICS, model, CSV, time=5)
    assert outcome.problem.startswith("The model ran longer")
    assert "first line" in outcome.told
    assert sum(map(len, outcome.messages)) < MEGABYTE
    assert any("bytes of output left out" in line for line in outcome.messages)
    assert psutil.Process().memory_info().rss - before < 100 * MEGABYTE


async def test_one_endless_line_is_cut(run: Run) -> None:
    outcome = await run(JobKind.METRICS, metrics("sys.stdout.write('z' * 5_000_000)"), CSV)
    assert outcome.problem is None
    assert max(map(len, outcome.messages)) < 2100


@pytest.mark.parametrize("detach", ["", ", start_new_session=True"])
async def test_what_a_model_started_ends_with_it(run: Run, detach: str) -> None:
    sign = f"sign_{os.getpid()}_{'detached' if detach else 'attached'}"
    body = f"""
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{sign}"]{detach})
print("child", child.pid)
"""
    outcome = await run(JobKind.METRICS, metrics(body), CSV)
    assert outcome.problem is None
    assert any(line.startswith("child ") for line in outcome.told)
    assert processes_that_mention(sign) == []


@pytest.mark.usefixtures("models_write_outside")
async def test_a_daemon_that_left_its_session_and_its_parent_ends_too(run: Run) -> None:
    body = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("daemon", os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(1)
"""
    outcome = await run(JobKind.METRICS, metrics(body), CSV)
    daemon = next(int(line.split()[1]) for line in outcome.told if line.startswith("daemon "))
    from servers import eventually  # here, since a process of another test imports this file from its own folder

    async def dead() -> bool:
        return not psutil.pid_exists(daemon) or psutil.Process(daemon).status() == psutil.STATUS_ZOMBIE

    await eventually(dead, seconds=60)  # the kernel may take a moment over it


async def test_a_model_that_forks_without_end_is_ended_with_all_its_children(run: Run) -> None:
    body = """
for _ in range(1000):
    if os.fork() == 0:
        time.sleep(600)
time.sleep(600)
"""
    outcome = await run(JobKind.METRICS, metrics(body), CSV, memory=4096, time=60)
    assert outcome.problem == "The model started more than 256 processes and was stopped."
    mine = [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
    assert [p for p in mine if "model_harness" in " ".join(p.cmdline())] == []
    assert await works_afterwards(run)


@pytest.mark.usefixtures("models_write_outside")
async def test_a_cancelled_job_takes_its_model_along(run: Run, tmp_path: Path) -> None:
    started = tmp_path / "started"
    body = f"open({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    job = asyncio.create_task(run(JobKind.METRICS, metrics(body), CSV))
    while not (started.exists() and started.read_text()):
        await asyncio.sleep(0.05)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert not psutil.pid_exists(int(started.read_text()))


async def test_a_model_does_not_outlive_a_killed_runtime(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = f"""
import asyncio, contextlib, pathlib, sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}
from test_job_limits import CSV, metrics, wire
from mlc.runtime.execution import JobExecution
from mlc.runtime.outcome import Limits
from mlc.runtime.isolation.levels import Process
from mlc.runtime.process import Allowance
from mlc.runtime.contents.fetching import fetching
from mlc.runtime.environments.installation import quietly
from mlc.settings import FileSettings, RuntimeSettings
from one_job import OneJob
model = metrics("open({str(started)!r}, 'w').write(str(os.getpid()))\\ntime.sleep(600)")
job = wire.Job(id="j", job_type="MODEL_BATCH_TEST_JOB", model=model, input_data=[CSV])
folder = pathlib.Path({str(tmp_path)!r})
async def main():
    async with OneJob(job).center() as center, contextlib.AsyncExitStack() as stack:
        opened = await stack.enter_async_context(center.open_job("j"))
        await JobExecution(opened, center, laid_out=stack.aclose, folder=folder / "job", environments=folder,
                           contents=fetching(center, RuntimeSettings(), Process(), quietly),
                           level=Process(), limits=Limits(Allowance(2**30, 2**30), 600, 2**20, 2**20),
                           files=FileSettings()).run()
asyncio.run(main())
"""
    runtime = subprocess.Popen([sys.executable, "-c", program])
    try:
        while not (started.exists() and started.read_text()):
            assert runtime.poll() is None
            await asyncio.sleep(0.05)
        model = psutil.Process(int(started.read_text()))
    finally:
        runtime.kill()
        runtime.wait()
    deadline = time.monotonic() + 20
    while model.is_running() and model.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_model_sees_no_secret_and_a_home_of_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLC_CENTER_TOKEN", "TEMPORAL_API_KEY", "AWS_SECRET_ACCESS_KEY", "LET_THROUGH"):
        monkeypatch.setenv(name, "a secret")
    source = "import os\n# modelop.metrics\ndef m(df): yield {'seen': dict(os.environ), 'cwd': os.getcwd()}"
    outcome = await run(JobKind.METRICS, python_model(source), CSV, environment={"LET_THROUGH": "wanted"})
    content = outcome.outputs[0].content().decode()
    assert "a secret" not in content
    seen = json.loads(content)
    assert seen["seen"]["LET_THROUGH"] == "wanted"
    assert seen["seen"]["HOME"].startswith(seen["cwd"])
    assert seen["seen"]["TMPDIR"].startswith(seen["cwd"])


async def test_what_one_job_leaves_behind_does_not_disturb_the_next(run: Run) -> None:
    body = """
os.makedirs("data.csv.d", exist_ok=True); os.remove("data.csv"); os.symlink("/", "data.csv")
os.chmod("__moc_runtime", 0)
"""
    await run(JobKind.METRICS, metrics(body), CSV)
    assert await works_afterwards(run)


@pytest.mark.parametrize(
    "name", ["../../escaped", "/tmp/escaped", "a/../../escaped", "..\\escaped", "__moc_runtime/order.json"]
)
async def test_an_assets_name_leads_nowhere_else(run: Run, tmp_path: Path, name: str) -> None:
    source = """
        import os
        # modelop.metrics
        def m(df):
            yield {"files": [os.path.join(d, f) for d, _, names in os.walk(".") for f in names]}
        """
    outcome = await run(JobKind.METRICS, python_model(source, embedded(name, "x")), CSV)
    assert outcome.problem is None
    kept = str(inside(name))
    assert f"./{kept}" in outcome.outputs[0].content().decode()
    assert not kept.startswith(("/", ".."))
    for place in (tmp_path, tmp_path.parent, Path("/tmp")):
        assert not (place / "escaped").exists()


def test_names_are_kept_where_they_are_harmless() -> None:
    assert str(inside("outputDir/sub/model v1.pkl")) == "outputDir/sub/model v1.pkl"
    assert str(inside("../..")) == "unnamed"
    assert str(inside("a\x00b\n")) == "ab"


async def test_outputs_that_are_too_large_for_the_centre_are_refused(run: Run) -> None:
    model = python_model("# modelop.score\ndef s(r): return 'x' * 2_000_000")
    outcome = await run(JobKind.SCORING, model, CSV)
    assert outcome.problem.startswith("The job's outputs have 2,000,00")
    assert outcome.outputs == []


def test_a_capped_log_keeps_the_first_and_the_last() -> None:
    log = CappedLog(half=100)
    for number in range(1000):
        log.add(b"line %d\n" % number)
    lines = log.lines()
    assert lines[0] == "line 0"
    assert lines[-1] == "line 999"
    assert sum(map(len, lines)) < 300
    small = CappedLog(half=100)
    small.add(b"a" * 150)
    assert small.lines() == ["a" * 150]
