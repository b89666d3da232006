import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mlc.standalone import children
from mlc.standalone.children import Child, NotReady, Program

# Writes its pid and that of a child of its own, then sleeps.
PARENT = """
import os, pathlib, subprocess, sys, time
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {inner.pid}")
time.sleep(600)
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def program(code: str, *arguments: str, file: Path | None = None, name: str = "thing") -> Program:
    async def ready(_pid: int) -> bool:
        return file is not None and len(file.read_text().split()) == 2

    return Program(name, [sys.executable, "-c", code, *arguments], ready)


def child_of(what: Program, folder: Path, said: list[str] | None = None) -> Child:
    return Child(what, env=dict(os.environ), folder=folder, logs=folder, tell=(said if said is not None else []).append)


async def test_a_process_that_dies_is_started_again_and_ended_with_all_that_it_started(tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "pids"
    child = child_of(program(PARENT, str(file), file=file), tmp_path, said)
    await child.start()
    await child.wait_ready(60)
    child.keep_running()
    first, first_inner = map(int, file.read_text().split())
    assert child.pid == first
    os.kill(first, signal.SIGKILL)

    def is_there_again() -> bool:
        pids = file.read_text().split()  # empty for the moment in which the next one writes it
        return child.pid not in (None, first) and len(pids) == 2 and pids[0] == str(child.pid)

    await until(is_there_again)
    assert said == [f"thing was ended by SIGKILL; it is started again. Log: {child.log}"]
    assert gone(first_inner)
    second, second_inner = map(int, file.read_text().split())
    await child.stop()
    await until(lambda: gone(second) and gone(second_inner))
    assert child.pid is None


async def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE", 0.3)
    file = tmp_path / "pids"
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + PARENT
    child = child_of(program(stubborn, str(file), file=file), tmp_path)
    await child.start()
    await child.wait_ready(60)
    pid = child.pid
    assert pid
    began = time.monotonic()
    await child.stop()
    assert gone(pid)
    assert time.monotonic() - began < 5


async def test_one_that_does_not_come_up_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = child_of(program("print('port is taken'); raise SystemExit(3)"), tmp_path)
    child.log.write_text("words of an earlier run\n")
    await child.start()
    with pytest.raises(NotReady) as failure:
        await child.wait_ready(60)
    await child.stop()
    assert str(failure.value) == f"thing ended with exit code 3. Log: {child.log}\n  | port is taken"
    silent = child_of(program("import time; time.sleep(600)"), tmp_path)
    await silent.start()
    with pytest.raises(NotReady, match=r"thing was not ready within 0 seconds. Log: .* It logged nothing."):
        await silent.wait_ready(0.2)
    await silent.stop()


@pytest.mark.parametrize("code", [0, 4])
async def test_a_program_that_does_one_thing_is_ready_when_it_has_done_it(tmp_path: Path, code: int) -> None:
    child = child_of(Program("once", [sys.executable, "-c", f"raise SystemExit({code})"]), tmp_path)
    await child.start()
    if code:
        with pytest.raises(NotReady, match="once ended with exit code 4"):
            await child.wait_ready(60)
    else:
        await child.wait_ready(60)
    child.keep_running()
    await child.stop()


async def test_a_large_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LARGE_LOG", 10)
    once = Program("once", [sys.executable, "-c", "print('new')"])
    (tmp_path / "once.log").write_text("a long old log\n")
    child = child_of(once, tmp_path)
    await child.start()
    await child.wait_ready(60)
    await child.stop()
    assert (tmp_path / "once.log").read_text() == "new\n"
    assert (tmp_path / "once.log.1").read_text() == "a long old log\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
async def test_even_when_the_supervisor_is_killed_nothing_stays(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    supervisor = f"""
import asyncio, os, pathlib, sys
from mlc.standalone.children import Child, Program
async def main():
    child = Child(Program("x", [sys.executable, "-c", "import time; time.sleep(600)"]), env=dict(os.environ),
                  folder=pathlib.Path('/'), logs=pathlib.Path({str(tmp_path)!r}), tell=print)
    await child.start()
    pathlib.Path({str(file)!r}).write_text(str(child.pid))
    await asyncio.sleep(600)
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", supervisor])
    await until(lambda: file.exists() and bool(file.read_text()))
    pid = int(file.read_text())
    assert not gone(pid)
    process.kill()
    process.wait()
    await until(lambda: gone(pid))
