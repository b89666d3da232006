"""Speed of batch scoring: records a second, beside a plain loop and pandas that do the same in the same run.

python bench/batch.py                       prints JSON; status 1 when a ratio is below its limit
python bench/batch.py --quick               fewer records, one round
python bench/batch.py --records 10000000 --only memory     the peak of each process alone, also of arrays and wide rows

For CSV and JSON lines, a function that costs next to nothing (`trivial`) and one of about 50 µs (`heavy`) are called by

* `plain`: a program of one loop: `csv.DictReader` with a converter for each column, or `json.loads` of each line; the
  function; `json.dumps` of each answer;
* `ours`: a runtime's whole job: input hashed and counted, model isolated in its own process, output counted again,
  hashed, and stored at its address; with one process, and with two;

and for whole frames by `pandas` (`read_csv`, the function, `to_json(lines=True)`) and by `ours` with a model that asks
for frames. One core is one core for all that takes part (`os.sched_setaffinity`). Records a second are of whole
programs without their start, which is measured with 100 records (`start_seconds`); `cpu_us` is the CPU that a record
takes in all processes. The ratios on one core are those of CPU; that of two processes to one is of rates. Medians of
the rounds, with the lowest and the highest. The outputs are compared byte by byte, but for those of pandas, which drops
digits: there each answer is computed again.

`peak_megabytes` is the largest RssAnon + RssShmem that any process of ours had at one time, looked at 5 times a second:
`runtime` is the runtime's own, `others` the largest of the model's and of those that count.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

RECORDS, QUICK_RECORDS = 1_000_000, 100_000
FEW = 100
"""Records with which a program's start is measured."""
HEAVY_PART = 10
"""The heavy function gets so many times fewer records."""
LIMITS = {"ours_to_plain": 0.8, "two_to_one": 1.6, "frame_to_pandas": 0.8}
CONVERTERS: dict[str, Callable[[str], Any]] = {"id": int, "age": int, "income": float, "debt": float, "region": str}
FUNCTIONS = {
    "trivial": """
def score(record):
    yield {"id": record["id"], "score": record["age"] * 0.01 + record["debt"]}
""",
    "heavy": """
def score(record):
    total = record["debt"]
    for step in range(1100):
        total = total * 0.99 + step
    yield {"id": record["id"], "score": total}
""",
}
FRAME = """
import pandas as pd
def score(frame):
    return pd.DataFrame({"id": frame["id"], "score": frame["age"] * 0.01 + frame["debt"]})
"""


def write_input(path: Path, records: int, columns: int = 0) -> None:
    """An input of so many records, with so many more columns; what it holds depends on nothing else."""
    regions = ("north", "south", "east", "west")
    more = "".join(f",more_{n}" for n in range(columns))
    with path.open("w") as file:
        lines = path.suffix != ".csv"
        if path.suffix == ".json":
            file.write("[")
        elif not lines:
            file.write(f"id,age,income,debt,region{more}\n")
        for n in range(records):
            row = (n, 18 + n * 7 % 70, round(10_000 + n * 7919 % 190_000 / 1.07, 2), n * 104_729 % 999_983 / 1e6)
            rest = "".join(f",{(n * 31 + k) % 1000 / 8}" for k in range(columns))
            if lines:
                values = dict(zip(CONVERTERS, (*row, regions[n % 4]), strict=True))
                values |= {f"more_{k}": (n * 31 + k) % 1000 / 8 for k in range(columns)}
                end = "\n" if path.suffix == ".jsonl" else "\n]" if n == records - 1 else ",\n"
                file.write(json.dumps(values) + end)
            else:
                file.write(f"{row[0]},{row[1]},{row[2]},{row[3]},{regions[n % 4]}{rest}\n")


def plain(source: Path, target: Path, function: str) -> None:
    """A loop as anybody would write it."""
    namespace: dict[str, Any] = {}
    exec(FUNCTIONS[function], namespace)
    score = namespace["score"]
    with source.open(newline="") as lines, target.open("w") as output:
        for record in _plain_records(source, lines):
            for answer in score(record):
                output.write(json.dumps(answer) + "\n")


def _plain_records(source: Path, lines: Any) -> Iterator[dict[str, Any]]:
    if source.suffix == ".csv":
        for row in csv.DictReader(lines):
            yield {name: CONVERTERS[name](cell) for name, cell in row.items()}
    else:
        for line in lines:
            yield json.loads(line)


def with_pandas(source: Path, target: Path) -> None:
    """The same with a frame of the whole file."""
    import pandas as pd

    namespace: dict[str, Any] = {}
    exec(FRAME, namespace)
    frame = pd.read_csv(source) if source.suffix == ".csv" else pd.read_json(source, lines=True)
    namespace["score"](frame).to_json(target, orient="records", lines=True, double_precision=15)


def ours(source: Path, target: Path, function: str, processes: int, *, look: bool) -> None:
    """A scoring job, as a runtime runs it. Prints the peaks of memory."""
    code = "# modelop.batch: frame\n" + FRAME.strip() if function == "frame" else FUNCTIONS[function].strip()
    code = code.replace("def score", "# modelop.score\ndef score")
    peaks = Peaks() if look else None
    problem = asyncio.run(_job(source, target, code, processes))
    if problem:
        raise SystemExit(problem)
    if peaks:
        print(json.dumps(peaks.told()))


async def _job(source: Path, target: Path, code: str, processes: int) -> str | None:
    from mlc.model.asset import Asset, AssetKind
    from mlc.model.job import JobKind, JobRecord
    from mlc.model.snapshot import Model, Snapshot
    from mlc.runtime.activities import limits
    from mlc.runtime.execution import JobExecution
    from mlc.runtime.isolation.levels import level_for
    from mlc.settings import FileSettings, RuntimeSettings

    settings = RuntimeSettings(scoring_processes=processes, memory_limit_mb=8192, time_limit=36_000)
    model = Asset(name="model.py", kind=AssetKind.SOURCE, primary=True, ref="model.py", functions={})
    snapshot = Snapshot(id="snapshot", model=Model(name="bench", type="PYTHON"), assets=[model])
    files = [
        Asset(name=path.name, kind=AssetKind.EXTERNAL, address=path.as_uri(), format=path.suffix[1:].upper())
        for path in (source, target)
    ]
    job = JobRecord(id="job", kind=JobKind.SCORING, snapshot=snapshot, inputs=[files[0]], outputs=[files[1]])

    async def stream(_asset: Asset) -> AsyncIterator[bytes]:
        yield code.encode()

    async def nothing(*_: Any) -> None:
        return None

    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        execution = JobExecution(
            job,
            SimpleNamespace(stream=stream, save_definition=_definition),  # type: ignore[arg-type] - all that it asks for
            level=level_for(settings),
            folder=Path(folder) / "job",
            environments=Path(folder) / "environments",
            limits=limits(settings, 1024**2),
            files=FileSettings(root=source.parent, limit_mb=100_000, time_limit=36_000),
            laid_out=nothing,
        )
        outcome = await execution.run()
        execution.clear()
    return outcome.problem and "\n".join([outcome.problem, *outcome.messages])


async def _definition(_owner: Any, path: Path) -> None:
    await asyncio.to_thread(path.write_text, "{}")


class Peaks:
    """The memory that this process and its descendants take, looked at by a thread."""

    def __init__(self) -> None:
        self._own = self._others = 0
        threading.Thread(target=self._look, daemon=True).start()

    def told(self) -> dict[str, float]:
        """Megabytes."""
        return {"runtime": round(self._own / 1024, 1), "others": round(self._others / 1024, 1)}

    def _look(self) -> None:
        import psutil

        this = psutil.Process()
        while True:
            self._own = max(self._own, _resident(this.pid))
            with suppress(psutil.Error):
                self._others = max([self._others, *(_resident(child.pid) for child in this.children(recursive=True))])
            time.sleep(0.2)


def _resident(process: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return 0


def run(
    role: str, source: Path, target: Path, function: str, *, processes: int = 1, cores: int = 1, look: bool = False
) -> dict[str, Any]:
    """One program, from start to end: seconds, those of CPU, and what it told."""
    command = [sys.executable, __file__, "--role", role, "--source", str(source), "--target", str(target)]
    command += ["--function", function, "--processes", str(processes), *(["--look"] if look else [])]
    available = sorted(os.sched_getaffinity(0))[:cores]
    target.unlink(missing_ok=True)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, preexec_fn=lambda: os.sched_setaffinity(0, available)
    )
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        raise SystemExit(f"{role} failed: {ended.stdout}")
    told = json.loads(ended.stdout) if ended.stdout.strip() else {}
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "peak_megabytes": told, "sha256": _hash(target)}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rates(records: int, runs: list[dict[str, Any]], starts: list[dict[str, Any]]) -> dict[str, Any]:
    """Records a second of some rounds, and microseconds of CPU a record, without what a program takes to start."""
    start = statistics.median(each["seconds"] for each in starts)
    start_cpu = statistics.median(each["cpu"] for each in starts)
    found = sorted(records / max(each["seconds"] - start, 1e-9) for each in runs)
    cpu = sorted(max(each["cpu"] - start_cpu, 1e-9) / records * 1e6 for each in runs)
    return {
        "median": round(statistics.median(found)),
        "lowest": round(found[0]),
        "highest": round(found[-1]),
        "cpu_us": round(statistics.median(cpu), 2),
        "cpu_us_spread": [round(cpu[0], 2), round(cpu[-1], 2)],
        "start_seconds": round(start, 2),
    }


def measure(folder: Path, records: int, rounds: int) -> dict[str, Any]:
    """Rates of everything, and the ratios."""
    figures: dict[str, Any] = {}
    two = len(os.sched_getaffinity(0)) > 1
    for suffix in ("csv", "jsonl"):
        for function in (*FUNCTIONS, "frame"):
            count = records // HEAVY_PART if function == "heavy" else records
            source, small, target = folder / f"in.{suffix}", folder / f"small.{suffix}", folder / "out.jsonl"
            write_input(source, count)
            write_input(small, FEW)
            programs: dict[str, tuple[str, int]] = {"ours": ("ours", 1)}
            if function == "frame":
                programs = {"pandas": ("pandas", 1), "ours_frame": ("ours", 1)}
            else:
                programs = {"plain": ("plain", 1), **programs, **({"ours_two": ("ours", 2)} if two else {})}
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
            starts: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
            for _ in range(rounds):
                for name, (role, processes) in programs.items():
                    for found, asked in ((starts, small), (runs, source)):
                        found[name].append(run(role, asked, target, function, processes=processes, cores=processes))
                    if function == "frame" and name == "ours_frame":
                        _check_answers(source, target, count)
            if function != "frame" and len({each["sha256"] for of_one in runs.values() for each in of_one}) != 1:
                raise SystemExit(f"{suffix}, {function}: the outputs differ")
            figures[f"{suffix}_{function}"] = _compared(count, runs, starts)
    return figures


def _check_answers(source: Path, target: Path, records: int) -> None:
    """Those of frames: pandas writes them with fewer digits."""
    with source.open(newline="") as lines, target.open() as answers:
        for number, (row, line) in enumerate(zip(_plain_records(source, lines), answers, strict=True)):
            if json.loads(line) != {"id": row["id"], "score": row["age"] * 0.01 + row["debt"]}:
                raise SystemExit(f"record {number + 1} has a wrong answer")
        if number + 1 != records:
            raise SystemExit("there are too few answers")


def _compared(
    records: int, runs: dict[str, list[dict[str, Any]]], starts: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    found = {name: rates(records, of_one, starts[name]) for name, of_one in runs.items()}
    ratios = {}
    for name, one, other in (("ours_to_plain", "ours", "plain"), ("frame_to_pandas", "ours_frame", "pandas")):
        if one in found:  # on one core, so that CPU is what counts, whatever else the machine does
            ratios[name] = round(found[other]["cpu_us"] / found[one]["cpu_us"], 2)
    if "ours_two" in found:
        ratios["two_to_one"] = round(found["ours_two"]["median"] / found["ours"]["median"], 2)
    return {"records": records, **found, **ratios}


def memory(folder: Path, records: int) -> dict[str, Any]:
    """Peaks with so many records, and with a hundredth of them."""
    figures: dict[str, Any] = {}
    for name, suffix, columns, share in (("csv", "csv", 0, 1), ("array", "json", 0, 1), ("wide", "csv", 500, 100)):
        for count in (records // share // 100, records // share):
            source, target = folder / f"in.{suffix}", folder / "out.jsonl"
            write_input(source, count, columns)
            ran = run("ours", source, target, "trivial", processes=2, cores=2, look=True)
            figures.setdefault(name, []).append(
                {"records": count, "seconds": round(ran["seconds"], 1), "peak_megabytes": ran["peak_megabytes"]}
            )
            source.unlink()
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--records", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", choices=["speed", "memory"])
    parser.add_argument("--look", action="store_true")
    parser.add_argument("--role")
    parser.add_argument("--source", type=Path)
    parser.add_argument("--target", type=Path)
    parser.add_argument("--function", default="")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    match asked.role:
        case "plain":
            plain(asked.source, asked.target, asked.function)
            return 0
        case "pandas":
            with_pandas(asked.source, asked.target)
            return 0
        case "ours":
            ours(asked.source, asked.target, asked.function, asked.processes, look=asked.look)
            return 0
    records = asked.records or (QUICK_RECORDS if asked.quick else RECORDS)
    rounds = asked.rounds or (1 if asked.quick else 3)
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "limits": LIMITS,
    }
    with tempfile.TemporaryDirectory() as folder:
        if asked.only != "memory":
            report["speed"] = measure(Path(folder), records, rounds)
        if asked.only != "speed":
            report["memory"] = memory(Path(folder), records)
    print(json.dumps(report, indent=2))
    speeds = report.get("speed", {}).values()
    below = [name for each in speeds for name, limit in LIMITS.items() if each.get(name, limit) < limit]
    return 1 if below else 0


if __name__ == "__main__":
    raise SystemExit(main())
