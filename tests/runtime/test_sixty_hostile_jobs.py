"""A runtime that ran sixty hostile jobs runs the next good one at once, and nothing of them is left."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind

Run = Callable[..., Any]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
PARALLEL = 4
SAYS = "for channel in range(3, 50):\n    try: os.write(channel, {!r})\n    except OSError: pass"
HOSTILE = {
    "never ends": "while True: pass",
    "is deaf": "for number in range(1, 32):\n    signal.signal(number, signal.SIG_IGN)\nwhile True: pass",
    "leaves a daemon": "subprocess.Popen(['sleep', '600'], start_new_session=True, env={}, close_fds=True)",
    "leaves a daemon of a daemon": "if not os.fork():\n    os.setsid()\n    os.fork()\n    time.sleep(600)",
    "kills its parents": "for pid in (os.getppid(), os.getpgrp()):\n    os.kill(pid, 9)\ntime.sleep(600)",
    "forks without end": "while True: os.fork()",
    "takes all memory": "while True: kept.append(bytearray(2**24))",
    "takes shared memory": "import mmap\nwhile True: kept.append(mmap.mmap(-1, 2**24)) or kept[-1].write(bytes(2**24))",
    "fills the disk": "n = 0\nwhile True:\n    n += 1\n    open(f'outputDir/{n}', 'wb').write(bytes(2**22))",
    "fills it with nothing": "for n in range(10**6): open(f'outputDir/{n}', 'w').close()",
    "digs deep": "os.chdir('outputDir')\nfor n in range(3000):\n    os.mkdir('d')\n    os.chdir('d')",
    "prints without end": "while True: print('x' * 1000)",
    "prints one line without end": "while True: os.write(2, b'x' * 65536)",
    "leaves a pipe": "os.mkfifo('outputDir/pipe')\nos.mkfifo('__moc_runtime/outputs/0')",
    "leaves links": "os.symlink('/dev/zero', 'outputDir/zero')\nos.symlink('/dev/zero', '__moc_runtime/outputs/0')",
    "closes everything": "os.closerange(0, 1000)\ntime.sleep(600)",
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "exits": "os._exit(0)",
    "says what isn't so": SAYS.format(b'{"event": "done"}\n'),
    "says nonsense": SAYS.format(b"[" * 1000 + b"\n"),
}  # fmt: skip


def model(body: str) -> wire.DeployableModel:
    lines = "\n    ".join(body.splitlines())
    return python_model(
        "import os, signal, subprocess, sys, time\nkept = []\n# modelop.metrics\ndef m(df):\n"
        f"    {lines}\n    yield {{'fine': True}}"
    )


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.timeout(600)
async def test_after_sixty_hostile_jobs_nothing_is_left_and_the_next_runs_at_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"  # the runtime's own: other tests use the machine's at the same time
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def job(name: str, body: str, number: int) -> Any:
        folders = {"folder": tmp_path / f"job-{number}", "environments": tmp_path / "environments"}
        return run(JobKind.METRICS, model(body), CSV, time=4, memory=300, disk=20, **folders)

    good = await job("good", "pass", -1)  # whatever is loaded once, is
    assert good.problem is None
    descriptors = open_files()
    others = {child.pid for child in psutil.Process().children(recursive=True)}  # servers of other tests
    turns = asyncio.Semaphore(PARALLEL)

    async def in_turn(number: int, name: str, body: str) -> None:
        async with turns:
            outcome = await job(name, body, number)
        assert outcome.problem or name.startswith(("leaves", "digs", "says what")), name

    await asyncio.gather(
        *(in_turn(20 * round_ + n, *item) for round_ in range(3) for n, item in enumerate(HOSTILE.items()))
    )
    began = time.monotonic()
    good = await job("good", "pass", 100)
    assert good.problem is None
    assert time.monotonic() - began < 10
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= others
    assert open_files() <= descriptors
    assert list(temporary.iterdir()) == []
