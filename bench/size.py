"""A model of real size: from `mlc submit` to an online answer, with what each process takes and what the store holds.

python bench/size.py [--mb 2000] [--times 3] [--quick | --smoke]      JSON; status 1 when a figure is beyond its limit

All of standalone mode is started on free ports in a folder of its own. A model folder with a weights file of random
bytes is submitted through a proxy that cuts the connection in the middle, deployed, and called online: the model
answers with its weights' length and the hash of their beginning, middle and end. Then the same folder is submitted so
many times more, each to its end.

Memory is RssAnon + RssShmem of every process below this one, looked at every 50 ms or more often: what is mapped from
files doesn't count. The model's own process and the Temporal server stand apart. MB are 1,000,000 bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from cutting import CuttingProxy
from measuring import MEBIBYTE, SAMPLED, Report, Size, asked, children_of, figure, own_memory, report, told, verdict
from parts import Parts, parts

from mlc.standalone.needs import ONLINE_RUNTIME

MEGABYTE = 1_000_000
MOST = 250
"""MB that a process of ours may take at its peak."""
SLACK = 1.05
"""How much the store may hold for each byte of the folder: a job's files and a monitor's lie there, too."""
LISTED = 0.1
"""Seconds between two looks at which processes there are."""
SAMPLE = MEBIBYTE
LONGEST = 3_600
"""Seconds for one submission to its end."""
SOURCE = f'''"""Answers with what it has of its weights."""
import hashlib
import os

WEIGHTS, SAMPLE = "weights.bin", {SAMPLE}
told = {{}}


# modelop.init
def begin():
    size, digest = os.path.getsize(WEIGHTS), hashlib.sha256()
    with open(WEIGHTS, "rb") as file:
        for start in (0, size // 2, max(size - SAMPLE, 0)):
            file.seek(start)
            digest.update(file.read(SAMPLE))
    told.update(bytes=size, sample=digest.hexdigest())


# modelop.score
def score(record):
    yield told
'''
METADATA = {"name": "Large model", "modelMethodology": "Regression", "description": "Weights of the size of real ones."}


def folder_of(place: Path, megabytes: int) -> Report:
    """Write a model folder whose weights are no two runs' the same; what its model will answer."""
    place.mkdir()
    (place / "model.py").write_text(SOURCE)
    (place / "metadata.json").write_text(json.dumps(METADATA))
    size = megabytes * MEGABYTE
    block = bytearray(os.urandom(MEBIBYTE))
    with (place / "weights.bin").open("wb") as file:
        for number in range(-(-size // MEBIBYTE)):
            block[:8] = number.to_bytes(8, "big")
            file.write(block[: size - number * MEBIBYTE])
    digest = hashlib.sha256()
    with (place / "weights.bin").open("rb") as file:
        for start in (0, size // 2, max(size - SAMPLE, 0)):
            file.seek(start)
            digest.update(file.read(SAMPLE))
    return {"bytes": size, "sample": digest.hexdigest()}


class Memory:
    """The peaks of all processes below this one, by what they are, in bytes."""

    def __init__(self, system: Parts) -> None:
        self.ours: dict[str, int] = {}
        self.apart: dict[str, int] = {}
        self.gaps: list[float] = []
        """Seconds from one look to the next."""
        self._system = system
        self._names: dict[int, str] = {}
        self._there: dict[int, str] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            last = listed = 0.0
            while not over.wait(SAMPLED / 5):
                now = time.monotonic()
                if now - listed > LISTED:
                    self._list()
                    listed = now
                self._look()
                self.gaps += [now - last] if last else []
                last = now

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _list(self) -> None:
        known = {pid: name for name, pid in self._system.pids.items()}
        self._there = {pid: known.get(pid) or self._name(pid) for pid in children_of(os.getpid())[1:]}

    def _look(self) -> None:
        for pid, name in self._there.items():
            size = own_memory(pid)
            if size is not None:
                table = self.apart if name in {"temporal", "model"} else self.ours
                table[name] = max(table.get(name, 0), size)

    def _name(self, pid: int) -> str:
        """What a process is that standalone mode did not start itself: a command of the bench's, or below a runtime."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return "?"
        if any(word.endswith("isolation/supervisor.py") for word in words):
            self._names[pid] = "supervisor"
        elif self._names.get(parent) in {"supervisor", "model"}:
            self._names[pid] = "model"
        elif "mlc.cli" in words:
            self._names[pid] = " ".join(["mlc", *words[words.index("mlc.cli") + 1 :][:1]])
        else:
            self._names[pid] = f"beside {self._names.get(parent, 'the programs')}: {Path(words[0]).name}"
        return self._names[pid]


class Submissions:
    """`mlc submit`, as a person types it."""

    def __init__(self, system: Parts, folder: Path) -> None:
        self._system = system
        self._folder = folder
        self.seconds: list[float] = []

    async def one(self, **settings: str) -> str:
        """One to its end; what it said on its error output.

        Raises:
            RuntimeError: it did not end as deployed.
        """
        command = [sys.executable, "-m", "mlc.cli", "submit", str(self._folder), "--tag", "online", "--watch"]
        environment = {**os.environ, "MLC_HOME": str(self._system.home), **settings}
        began = time.monotonic()
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        self.seconds.append(time.monotonic() - began)
        if done.returncode:
            raise RuntimeError(f"mlc submit ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return done.stderr


def stored(home: Path) -> int:
    """Bytes of all that the centre keeps of files."""
    return sum(path.stat().st_size for path in (home / "center.contents").rglob("*") if path.is_file())


def answer(system: Parts) -> Any:
    """What the model answers online."""
    url = f"http://127.0.0.1:{system.ports.online}/{ONLINE_RUNTIME}/api/roundtrip/0/1"
    said = httpx.post(url, json={"x": 1}, timeout=60).raise_for_status().json()
    return said[0] if isinstance(said, list) else said


async def measured(size: Size, megabytes: int, times: int) -> int:
    with tempfile.TemporaryDirectory(prefix="mlc-bench-") as place:
        folder = Path(place) / "model"
        right = folder_of(folder, megabytes)
        async with parts() as system:
            memory, submissions = Memory(system), Submissions(system, folder)
            with memory.watched():
                address = urlsplit(system.said["MLC_CENTER_URL"])
                half = right["bytes"] // 2
                with CuttingProxy((address.hostname or "", address.port or 0), half) as proxy:
                    told(f"submitting {megabytes} MB, and cutting the connection after {half // MEGABYTE}")
                    through = f"http://127.0.0.1:{proxy.port}{address.path}"
                    said = await submissions.one(MLC_CENTER_URL=through)
                answered = await asyncio.to_thread(answer, system)
                once = stored(system.home)
                for number in range(times):
                    told(f"submitting it once more ({number + 1} of {times})")
                    await submissions.one()
            held = stored(system.home)
    in_folder = right["bytes"] + len(SOURCE) + len(json.dumps(METADATA))
    peaks = {name: figure([peak / MEGABYTE], "MB", at_most=MOST) for name, peak in sorted(memory.ours.items())}
    line = re.search(r"^weights\.bin: .*$", said, re.MULTILINE)
    figures = {
        **{f"peak of {name}": each for name, each in peaks.items()},
        **{f"peak of {name}, apart": figure([peak / MEGABYTE], "MB") for name, peak in memory.apart.items()},
        "model answers online with its weights": verdict(answered == right, f"answered {answered}"),
        "the cut connection was gone on with": verdict(
            proxy.cut == 1 and proxy.passed < 1.1 * right["bytes"],
            f"cut {proxy.cut} times; {proxy.passed:,} bytes went through for {right['bytes']:,}",
            line[0] if line else "the weights were not sent by themselves",
        ),
        "bytes stored, by the folder's": figure([held], "bytes", baseline=[in_folder], at_most=SLACK),
        "seconds from submit to deployed, cut in the middle": figure(submissions.seconds[:1], "s"),
    }
    figures["milliseconds between two looks at memory"] = figure([1000 * statistics.median(memory.gaps)], "ms")
    if times:
        figures["seconds from submit to deployed, once more"] = figure(submissions.seconds[1:], "s")
        figures["bytes that were added by one more"] = figure([(held - once) / times], "bytes")
    return report("size", size, figures, megabytes=megabytes, submissions=1 + times, looks=len(memory.gaps))


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--mb", type=int, help="size of the weights file, MB")
    parser.add_argument("--times", type=int, help="how often it is submitted once more")
    given, rest = parser.parse_known_args()
    size = asked(f"{__doc__}\nBeside these: --mb N and --times N.", rest)
    megabytes = given.mb if given.mb is not None else size.of(2_000, 200, 20)
    times = given.times if given.times is not None else size.of(19, 2, 1)
    return asyncio.run(measured(size, megabytes, times))


if __name__ == "__main__":
    sys.exit(main())
