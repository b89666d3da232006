"""The level ``landlock``: what programs under it can't read, write, reach and control, and what they still can."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from breaking_out import (
    CONTROLLING,
    LEAVING,
    MEANT_WELL,
    REACHING,
    READING,
    SECRET,
    WRITING,
    World,
    done,
    ends_with_its_supervisor,
    left,
    refused,
    tried,
    world,
)
from outcomes import result
from small_models import embedded, python_model

from mlc.model.job import JobKind
from mlc.runtime.isolation.landlock import Landlock, landlock_abi
from mlc.runtime.isolation.levels import CannotIsolate, Process, level_for
from mlc.settings import RuntimeSettings

PROBLEM = Landlock(RuntimeSettings()).problem()
pytestmark = pytest.mark.skipif(PROBLEM is not None, reason=f"no level landlock: {PROBLEM}")
VERSIONS = sorted({1, 2, 3, 4, 5, 6, landlock_abi()} & {*range(1, landlock_abi() + 1)})


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    with world(tmp_path) as made:
        yield made


def landlock(abi: int | None = None) -> Landlock:
    return Landlock(RuntimeSettings(), abi=abi)


async def test_what_is_tried_here_can_be_done_by_a_process_so_that_a_refusal_means_something(around: World) -> None:
    harmless = {**READING, **REACHING}
    answers = await tried(Process(), around, harmless)
    others = {"packets", "the machine's passwords", "the first process's environment"}  # not everybody's
    assert set(refused(answers)) <= others
    assert SECRET in answers["the runtime's environment"]


@pytest.mark.parametrize("abi", VERSIONS)
async def test_nothing_of_the_runtimes_or_of_other_jobs_is_read(around: World, abi: int) -> None:
    answers = await tried(landlock(abi), around, READING)
    assert done(answers) == {}
    assert SECRET not in json.dumps(answers)


@pytest.mark.parametrize("abi", VERSIONS)
async def test_nothing_is_written_but_its_outputs(around: World, abi: int) -> None:
    assert done(await tried(landlock(abi), around, WRITING)) == {}
    assert around.untouched()


@pytest.mark.parametrize("abi", VERSIONS)
async def test_nothing_is_reached(around: World, abi: int) -> None:
    assert done(await tried(landlock(abi), around, REACHING)) == {}


@pytest.mark.parametrize("abi", VERSIONS)
async def test_no_other_process_and_nothing_of_the_kernels_is_controlled(around: World, abi: int) -> None:
    assert done(await tried(landlock(abi), around, CONTROLLING)) == {}
    assert around.untouched()


@pytest.mark.parametrize("abi", VERSIONS)
async def test_what_honest_programs_do_works(around: World, abi: int) -> None:
    assert refused(await tried(landlock(abi), around, MEANT_WELL)) == {}


@pytest.mark.parametrize("abi", VERSIONS)
async def test_modes_and_times_of_what_is_not_its_own_stay_as_they_are(around: World, abi: int) -> None:
    files = [around.told[name] for name in ("settings", "environment")]
    before = [(path.stat().st_mode, path.stat().st_mtime_ns) for path in (*map(Path, files), around.folder / "home")]
    attempts = {
        **{f"mode {n}": f"os.chmod({path!r}, 0o777)" for n, path in enumerate([*files, around.told["home"]])},
        **{f"times {n}": f"os.utime({path!r}, (1, 1))" for n, path in enumerate(files)},
        **{f"descriptor {n}": f"os.fchmod(os.open({path!r}, os.O_RDONLY), 0)" for n, path in enumerate(files[1:])},
        **{f"owner {n}": f"os.chown({path!r}, 12345, 12345)" for n, path in enumerate(files)},
        **{f"attribute {n}": f"os.setxattr({path!r}, 'user.x', b'x')" for n, path in enumerate(files)},
    }
    answers = await tried(landlock(abi), around, attempts)
    after = [(path.stat().st_mode, path.stat().st_mtime_ns) for path in (*map(Path, files), around.folder / "home")]
    assert after == before
    assert not any(os.listxattr(file) for file in files)
    assert {name for name in answers if name.startswith(("owner", "attribute"))} <= set(refused(answers))


async def test_with_a_network_ports_are_reached_and_sockets_of_this_machine_still_are_not(around: World) -> None:
    answers = await tried(landlock(), around, REACHING, network=True)
    assert set(refused(answers)) == {"a socket's path", "a socket's abstract name", "a path by datagrams", "packets"}


async def test_a_program_of_roots_has_no_capability(around: World) -> None:
    answers = await tried(landlock(), around, {"status": "read('/proc/self/status')"})
    values = dict(
        line.split(":\t", 1) for line in answers["status"].partition("done: ")[2].splitlines() if ":\t" in line
    )
    assert {values[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {""}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")
    if os.geteuid() == 0:
        assert values["CapBnd"].strip("0") == ""


async def test_what_a_program_starts_is_confined_as_it_is(around: World) -> None:
    script = f"{sys.executable} -I -S -c 'print(open(\"{around.told['settings']}\").read())'"
    attempts = {"grandchild": f"subprocess.run(['sh', '-c', {script!r}], check=True, capture_output=True)"}
    assert done(await tried(landlock(), around, attempts)) == {}


async def test_a_folder_to_write_in_that_is_a_link_ends_the_program_before_it_runs(around: World) -> None:
    outputs = around.job / "outputs"
    outputs.rmdir()
    outputs.symlink_to(around.told["other job"])
    with pytest.raises(AssertionError, match="where it is to write, is no folder"):
        await tried(landlock(), around, {"x": "open('outputs/x', 'w')"})
    assert not (Path(around.told["other job"]) / "x").exists()


def broken_kernel(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    monkeypatch.setattr("mlc.runtime.isolation.landlock.landlock_abi", lambda: version)


@pytest.mark.parametrize(
    ("version", "said"), [(-38, "needs Linux 5.13 or later that is built with it"), (-95, "add landlock to lsm=")]
)
def test_a_kernel_without_landlock_is_a_reason(monkeypatch: pytest.MonkeyPatch, version: int, said: str) -> None:
    broken_kernel(monkeypatch, version)
    assert said in str(landlock().problem())


def test_a_named_level_that_can_not_be_had_is_an_error_and_auto_takes_a_weaker_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken_kernel(monkeypatch, -38)
    with pytest.raises(CannotIsolate, match=r"MLC_RUNTIME_ISOLATION=landlock can't be had here.*5.13.*process"):
        level_for(RuntimeSettings(isolation="landlock"))
    assert level_for(RuntimeSettings(isolation="auto")).name not in {"landlock", "user"}


def test_a_processor_whose_calls_are_not_known_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "riscv64" in str(landlock().problem())


def test_a_home_inside_of_what_models_read_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inside = Path(sys.prefix) / "home-of-a-test"
    monkeypatch.setenv("MLC_HOME", str(inside))
    problem = str(landlock().problem())
    assert "the runtime's own files lie there" in problem
    assert "set MLC_HOME" in problem
    assert not inside.exists()


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("restrict", "could read the runtime's files"),
        ("install", "could reach the network"),
    ],
)
def test_a_level_that_does_not_hold_is_found_out_by_trying(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: str, said: str
) -> None:
    """A script that leaves a step out stands for a kernel that takes the step and does nothing."""
    source = Path("mlc/runtime/isolation/confine.py")
    folder = tmp_path / "scripts"
    folder.mkdir()
    for name in ("seccomp.py", "system_calls.py"):
        (folder / name).write_text((source.parent / name).read_text())
    (folder / "confine.py").write_text(
        source.read_text().replace('if __name__ == "__main__":', f"{without} = lambda *_, **__: None\nif True:")
    )
    monkeypatch.setattr("mlc.runtime.isolation.landlock.CONFINE", folder / "confine.py")
    version = 3 if without == "install" else None  # a newer one refuses connections as well
    assert landlock(version).problem() == f"a program under it {said}"


@pytest.mark.parametrize("step", ["filter_of", "become", "restrict", "install"])
def test_a_step_that_fails_ends_the_program_before_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str, capfd: pytest.CaptureFixture[str]
) -> None:
    source = Path("mlc/runtime/isolation/confine.py").read_text()
    failing = f"def {step}(*_, **__):\n    raise Failed('it is a test')\nif True:"
    (tmp_path / "confine.py").write_text(source.replace('if __name__ == "__main__":', failing))
    for name in ("seccomp.py", "system_calls.py"):
        (tmp_path / name).write_text(Path("mlc/runtime/isolation", name).read_text())
    specification = {
        "command": ["/bin/echo", "it ran"],
        "account": None,
        "abi": landlock_abi(),
        "read": ["/usr", "/bin", "/lib"],
        "write": [],
        "devices": [],
        "filter": {"network": False, "own_signals_only": False},
    }
    script = [sys.executable, "-I", "-S", str(tmp_path / "confine.py"), json.dumps(specification)]
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ran.stdout == ""
    assert ran.returncode in {1, 126}
    assert "it is a test" in ran.stderr


CSV = embedded("data.csv", "a\n1\n2\n", file_format="CSV")


async def test_a_job_says_how_it_was_isolated_and_its_harness_works(run: Callable[..., Any]) -> None:
    ran = await run(
        JobKind.METRICS, python_model("# modelop.metrics\ndef m(df): yield {'fine': True}"), CSV, level=landlock()
    )
    assert ran.problem is None, ran.messages
    assert ran.runtime_info["isolation"] == "landlock"


LIBRARIES = """
import io, multiprocessing, os, subprocess, sys, tempfile, threading
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

def child(pipe):
    pipe.send(os.getpid() != 0)

# modelop.metrics
def m(df):
    x, y = np.random.default_rng(0).random((60, 3)), np.arange(60) % 2
    forest = RandomForestClassifier(n_estimators=5, n_jobs=2).fit(x, y)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=[theirs])
    process.start()
    with tempfile.TemporaryDirectory() as folder:
        df.to_csv(f"{folder}/x.csv")
        subprocess.run([sys.executable, "-c", f"open('{folder}/y', 'w').write('x')"], check=True)
        files = sorted(os.listdir(folder))
    yield {
        "threads": forest.predict(x).shape[0],
        "serial": len(cross_val_score(forest, x, y, cv=2, n_jobs=2)),
        "pipe": ours.recv(),
        "files": files,
        "now": str(pd.Timestamp.now(tz="Europe/Berlin").tz),
    }
    process.join()
"""


async def test_libraries_work_with_threads_children_and_files_of_their_own(run: Callable[..., Any]) -> None:
    """What needs memory shared by name (/dev/shm) doesn't: joblib says so, and works in one process."""
    ran = await run(JobKind.METRICS, python_model(LIBRARIES), CSV, level=landlock())
    assert result(ran) == {"threads": 60, "serial": 2, "pipe": True, "files": ["x.csv", "y"], "now": "Europe/Berlin"}
    assert any("joblib will operate in serial mode" in line for line in ran.messages), ran.messages


async def test_what_needs_shared_memory_fails_with_a_reason(run: Callable[..., Any]) -> None:
    model = python_model(
        "import multiprocessing\n# modelop.metrics\ndef m(df): yield {'x': multiprocessing.Pool(2).map(abs, [1])}"
    )
    ran = await run(JobKind.METRICS, model, CSV, level=landlock())
    assert "Permission denied" in str(ran.problem)


async def test_a_program_is_gone_with_all_that_it_left_and_when_its_supervisor_is_killed(around: World) -> None:
    answers = await tried(landlock(), around, LEAVING)
    assert refused(answers) == {}
    assert left(around) == []
    assert await ends_with_its_supervisor(landlock(), around)


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        (
            "import multiprocessing\n    multiprocessing.Pool(2)",
            "Pools, queues and locks of multiprocessing need shared",
        ),
        ("import multiprocessing\n    multiprocessing.Manager()", "Pools, queues and locks of multiprocessing need"),
        ("import urllib.request\n    urllib.request.urlopen('http://127.0.0.1:1/')", "MLC_RUNTIME_NETWORK"),
        ("import socket\n    socket.create_connection(('127.0.0.1', 1))", "MLC_RUNTIME_NETWORK"),
    ],
)
async def test_a_model_that_is_refused_something_is_told_what_is_allowed(
    run: Callable[..., Any], source: str, allowed: str
) -> None:
    model = python_model(f"# modelop.metrics\ndef m(df):\n    {source}\n    yield {{'fine': True}}")
    outcome = await run(JobKind.METRICS, model, CSV, level=landlock())
    assert allowed in outcome.problem
