"""Bubblewrap: what a program in it can't see, change or reach; docs/threat-model.md says it for all levels."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from small_models import embedded, python_model

from mlc.model.job import JobKind
from mlc.runtime.isolation import Confinement, ContainedProcess
from mlc.runtime.isolation.bubblewrap import Bubblewrap
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.levels import Process
from mlc.settings import RuntimeSettings

LEVEL = Bubblewrap(RuntimeSettings())
PROBLEM = LEVEL.problem()
pytestmark = pytest.mark.skipif(PROBLEM is not None, reason=f"No bubblewrap here: {PROBLEM}")
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")


async def said(folder: Path, source: str, *, network: bool = False, memory: int = 2**29) -> Any:
    """What a program prints as JSON, run by bubblewrap in a folder of which only ``out`` and ``tmp`` can be written."""
    for name in ("out", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    confinement = Confinement(
        directory=folder,
        writable=[folder / "out", folder / "tmp"],
        readable=interpreter_files(sys.executable),
        environment={"PATH": os.environ["PATH"], "TMPDIR": str(folder / "tmp")},
        memory=memory,
        disk=2**24,
        network=network,
    )
    process = ContainedProcess(LEVEL, [sys.executable, "-P", "-s", "-u", "-c", source], confinement)
    await process.start()
    try:
        await asyncio.wait_for(process.ended(), 60)
    finally:
        await process.end()
    if process.code:
        return process.verdict or f"{process.cause_of_death}: {process.log.lines()}"
    return json.loads(process.log.lines()[-1])


TRIES = """
import json, os
def tried(what, *arguments):
    try:
        what(*arguments)
        return "done"
    except OSError as error:
        return error.strerror
"""


async def test_nothing_can_be_written_but_what_is_meant_to_be(tmp_path: Path) -> None:
    places = ["x", "/x", "/usr/x", "/etc/passwd", "/dev/x", "/proc/sys/kernel/core_pattern", "/var/x", "/root/x"]
    source = f"{TRIES}\nprint(json.dumps({{p: tried(open, p, 'a') for p in {[*places, 'out/x', 'tmp/x', '/tmp/y']}}}))"
    found = await said(tmp_path, source)
    assert {place for place, how in found.items() if how == "done"} == {"out/x", "tmp/x", "/tmp/y"}
    assert {path.name for path in (tmp_path / "tmp").iterdir()} <= {"x", "y"}
    assert not Path("/tmp/y").exists()


async def test_the_usual_place_of_temporary_files_is_its_own() -> None:
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:  # a job's folder is not below /tmp but in tests
        source = f"{TRIES}\nprint(json.dumps([tried(open, '/tmp/y', 'a'), tried(open, '/var/tmp/z', 'a')]))"
        assert await said(Path(folder).resolve(), source) == ["done", "done"]
        assert not Path("/var/tmp/z").exists()


async def test_the_machines_devices_keep_their_modes(tmp_path: Path) -> None:
    before = Path("/dev/null").stat().st_mode
    source = f"{TRIES}\nprint(json.dumps([tried(os.chmod, f'/dev/{{d}}', 0) for d in ('null', 'zero', 'urandom')]))"
    assert "done" not in await said(tmp_path, source)
    assert Path("/dev/null").stat().st_mode == before


async def test_no_other_process_is_seen_and_none_can_be_signalled(tmp_path: Path) -> None:
    source = f"""{TRIES}
others = [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, os.getpid())]
print(json.dumps([others, tried(os.kill, {os.getpid()}, 0)]))"""
    assert await said(tmp_path, source) == [[], "No such process"]


async def test_files_of_the_machine_are_not_there(tmp_path: Path) -> None:
    secret = tmp_path.parent / f"{tmp_path.name}.env"
    secret.write_text("MLC_CENTER_TOKEN='a secret'")
    other = tmp_path.parent / f"{tmp_path.name}-other-job"
    other.mkdir()
    names = [str(secret), str(other), "/etc/shadow", "/etc/ssl/private", "/run", "/home", "/var/run/docker.sock"]
    source = f"{TRIES}\nprint(json.dumps([os.path.exists(name) for name in {names}]))"
    assert await said(tmp_path, source) == [False] * len(names)


@pytest.mark.parametrize(("network", "reached"), [(False, "not at all"), (True, "done")])
async def test_the_network_is_there_only_where_it_is_allowed(tmp_path: Path, network: bool, reached: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"""{TRIES}
import socket
import subprocess
def reach(): socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)
how = tried(reach)
print(json.dumps(how if how == 'done' else 'not at all'))"""
        assert await said(tmp_path, source, network=network) == reached


async def test_no_further_namespaces_and_no_tracing(tmp_path: Path) -> None:
    source = """
import ctypes, json
c = ctypes.CDLL(None, use_errno=True)
print(json.dumps([c.unshare(0x10000000), c.ptrace(0, 0, 0, 0), c.mount(b"a", b"/", b"tmpfs", 0, None)]))"""
    assert await said(tmp_path, source) == [-1, -1, -1]


async def test_files_in_shared_memory_count_as_memory(tmp_path: Path) -> None:
    source = "for n in range(6): open(f'/dev/shm/{n}', 'wb').write(bytes(2**23))\nimport time; time.sleep(600)"
    found = await said(tmp_path, source, memory=2**25)
    # Which of the two is first: the folder is full, or it is seen how full it is.
    assert "No space left on device" in found or found.startswith("The model used more than the 32 MB of memory")


async def test_workers_of_multiprocessing_run(tmp_path: Path) -> None:
    source = "import json, multiprocessing\nprint(json.dumps(multiprocessing.Pool(2).map(abs, [1, -2])))"
    assert await said(tmp_path, source) == [1, 2]


async def test_a_job_says_how_it_was_isolated(run: Any) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {'fine': True}")
    outcome = await run(JobKind.METRICS, model, CSV, level=LEVEL)
    assert outcome.problem is None
    assert outcome.runtime_info["isolation"] == "bubblewrap"
    assert outcome.messages[0] == "metrics job job-1: started, isolated by bubblewrap"


async def test_a_model_that_writes_where_it_may_not_is_told_where_it_may(run: Any) -> None:
    model = python_model("# modelop.train\ndef t(df): open('weights.bin', 'wb').write(b'1')")
    outcome = await run(JobKind.TRAINING, model, CSV, level=LEVEL)
    assert "Read-only file system: 'weights.bin' (line 2). A model can write to outputDir/" in outcome.problem


@pytest.mark.parametrize("call", ["urlopen('http://files.example.org')", "urlopen('http://127.0.0.1:9/')"])
async def test_a_model_that_wants_the_network_is_told_that_there_is_none(run: Any, call: str) -> None:
    model = python_model(f"from urllib.request import urlopen\n# modelop.metrics\ndef m(df): {call}")
    outcome = await run(JobKind.METRICS, model, CSV, level=LEVEL)
    assert "(line 3). A model has no network here" in outcome.problem
    assert "MLC_RUNTIME_NETWORK" in outcome.problem


@pytest.mark.parametrize(
    "call", ["os.setpriority(os.PRIO_PROCESS, 0, -5)", "open('none')", "socket.create_connection(('127.0.0.1', 9))"]
)
async def test_whatever_else_fails_is_not_put_down_to_the_network(run: Any, call: str) -> None:
    model = python_model(f"import os, socket\n# modelop.metrics\ndef m(df): {call}")
    outcome = await run(JobKind.METRICS, model, CSV, level=Process() if "socket." in call else LEVEL)
    assert "(line 3)." in outcome.problem
    assert "network" not in outcome.problem


def test_a_home_inside_of_what_models_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_HOME", str(Path(sys.prefix) / "home-of-mlc"))
    problem = Bubblewrap(RuntimeSettings(work_dir=tmp_path)).problem()
    assert problem is not None
    assert "set MLC_HOME" in problem


def test_what_was_run_to_try_it_is_no_models_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    source = """
import asyncio, logging
from mlc.runtime import serve
from mlc.runtime.isolation import adoption
from mlc.settings import RuntimeSettings
async def start():
    for _ in range(3):
        await serve.tried_level(RuntimeSettings(isolation="bubblewrap"))
        await adoption.end_adopted()
logging.basicConfig()
adoption.adopt()
asyncio.run(start())
"""
    environment = {**os.environ, "MLC_HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", source], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        ("bubblewrap 0.4.1", "bubblewrap 0.8 is needed, and "),
        ("", "is none: install a newer one"),
        (None, "there is no bwrap on the PATH: install bubblewrap"),
    ],
    ids=["old", "silent", "missing"],
)
def test_a_bubblewrap_that_will_not_do_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str | None, problem: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if says is not None:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / "bwrap").chmod(0o755)
    assert problem in str(Bubblewrap(RuntimeSettings()).problem())
