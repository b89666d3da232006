"""How long the programs take to start: from the call to an answer, or to asking for work.

python bench/start.py            five times each in three rounds; `mlc dev` once a round
python bench/start.py --quick    once each a round

Each in a process of its own, with the bytecode that a first start has left; nothing of the user's is read. `help_ms` is
`mlc --help`, beside an interpreter that does nothing. `worker`, `center` and `runtime` are until they are ready as `mlc
dev` sees it: it looks ten times a second. `dev` is all of standalone mode on an empty folder.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from measuring import Report, Size, asked, figure, report, rounds, rounds_of, told
from parts import parts

from mlc import start
from mlc.standalone.children import Child
from mlc.standalone.environment import HOST
from mlc.standalone.needs import BATCH_RUNTIME
from mlc.standalone.readiness import answers

READY_SECONDS = 120.0
AGAIN = ("worker", "center", BATCH_RUNTIME)


def seconds_of(command: list[str], folder: str) -> float:
    """Seconds that a command takes to its end."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": folder, "MLC_HOME": folder}
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - began


def help_figure(size: Size) -> Report:
    times = size.of(5, 3, 1)
    with tempfile.TemporaryDirectory() as folder:
        # Not isolated as `mlc`'s own processes are: those would not see where this bytecode is kept.
        ours, bare = [sys.executable, start.__file__, "--help"], [sys.executable, "-c", "pass"]
        seconds_of(ours, folder)

        def median(command: list[str]) -> Callable[[], float]:
            return lambda: statistics.median(seconds_of(command, folder) for _ in range(times)) * 1000

        found, baseline = rounds(size, median(ours), median(bare))
    return figure(found, "ms", baseline=baseline, digits=1)


async def ready(child: Child) -> float:
    """Seconds until a process that has been stopped is ready again."""
    began = time.perf_counter()
    await child.start()
    await child.wait_ready(READY_SECONDS)
    return time.perf_counter() - began


async def programs(size: Size) -> dict[str, Report]:
    """Each is started again beside the others, on what they have kept."""
    times = size.of(5, 1, 1)
    wanted = ("temporal", "center", "desk", "setup", *AGAIN)
    async with parts(*wanted) as system, httpx.AsyncClient(timeout=2) as http:
        looks = {"center": answers(http, f"http://{HOST}:{system.ports.center}/")}  # those of the start are closed
        children = {child.program.name: child for wave in system._waves for child in wave}

        def again(name: str) -> Callable[[], Awaitable[float]]:
            async def started_again() -> float:
                spent = []
                for _ in range(times):
                    old = children[name]
                    await old.stop()
                    program = replace(old.program, ready=looks.get(name, old.program.ready))
                    new = Child(program, env=old._env, folder=old._folder, logs=old.log.parent, tell=told)
                    children[name] = new
                    for wave in system._waves:
                        wave[:] = [new if child is old else child for child in wave]
                    spent.append(await ready(new))
                    told(f"{name} after {spent[-1]:.1f} s")
                return statistics.median(spent)

            return started_again

        found = await rounds_of(size, *(again(name) for name in AGAIN))
    return {f"{_short(name)}_s": figure(values, "s") for name, values in zip(AGAIN, found, strict=True)}


def _short(name: str) -> str:
    return "runtime" if name == BATCH_RUNTIME else name


async def everything(size: Size) -> Report:
    """All of standalone mode."""

    async def on_an_empty_folder() -> float:
        with tempfile.TemporaryDirectory(prefix="mlc-bench-", ignore_cleanup_errors=True) as folder:
            began = time.perf_counter()
            async with parts(home=Path(folder) / "home"):
                return time.perf_counter() - began

    (found,) = await rounds_of(size, on_an_empty_folder)
    return figure(found, "s")


async def measured(size: Size) -> dict[str, Any]:
    figures = {"help_ms": help_figure(size), **await programs(size)}
    if size.name != "smoke":
        figures["dev_s"] = await everything(size)
    return figures


def main() -> int:
    size = asked(__doc__)
    skipped = {"dev_s": "not in the smallest form"} if size.name == "smoke" else {}
    return report("start", size, asyncio.run(measured(size)), skipped=skipped)


if __name__ == "__main__":
    sys.exit(main())
