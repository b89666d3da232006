"""Speed and memory of batch scoring, beside a plain loop and pandas that do the same in the same run.

python bench/batch.py            a million records, and ten million for memory: an hour
python bench/batch.py --quick    some of the parts, with fewer records: two minutes
python bench/batch.py --only csv_frame ... [--quick]      some of the parts

For CSV and JSON lines, a function that costs next to nothing (`trivial`), and one of about 50 µs (`heavy`), which are
called for each record, are compared with a program of one loop: `csv.DictReader` with a converter for each column, or
`json.loads` of each line; the function; `json.dumps` of each answer. Functions that ask for batches (`frame`, `list`)
are compared with pandas, which reads, calls and writes 100,000 records at a time. A figure's records a second are of
whole programs without their start, which is measured once with 100 records; `ours` is all of a runtime's job: input
hashed and counted, model isolated in a process of its own, output counted again, hashed, and stored at its address.

One core is one core for all that takes part (`os.sched_setaffinity`), so that CPU is what counts, whatever else the
machine does: `*_cpu` are records a second of CPU in all processes, and are judged; `*_elapsed` are those by the clock.
`*_two` is the clock's for two processes on two cores, against one on one. The outputs are compared byte by byte, but
for those of pandas, which drops digits: there each answer is computed again.

`memory_*`: the largest RssAnon + RssShmem that any process had at one time, with all of the records against a tenth.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import MEBIBYTE, Report, Size, figure, report, told
from scoring_programs import plain_records, write_input

from mlc.runtime.isolation.supervisor import descendants

FEW = 100
"""Records with which a program's start is measured."""
HEAVY_PART = 10
"""The heavy function gets so many times fewer records."""
TO_PLAIN = TO_PANDAS = 0.8
TWO_TO_ONE = 1.6
GROWN = 1.15
"""So much more memory all of the records may take than a tenth of them: what the allocators make of it."""
SMALLEST = 96
"""Megabytes; below them growth is not judged."""
SAMPLED = 0.03
"""Seconds between two looks at the CPU of a program's processes."""
WIDE = 10_000
"""Columns of wide rows; of such there are so many times fewer."""
PROGRAM = Path(__file__).with_name("scoring_programs.py")


@dataclass(frozen=True)
class Speed:
    """What is measured: the baseline's program, the function, and the formats of input and output."""

    baseline: str
    function: str
    source: str
    target: str = "jsonl"


SPEEDS = {
    "csv_trivial": Speed("plain", "trivial", "csv"),
    "csv_heavy": Speed("plain", "heavy", "csv"),
    "jsonl_trivial": Speed("plain", "trivial", "jsonl"),
    "jsonl_heavy": Speed("plain", "heavy", "jsonl"),
    "csv_frame": Speed("pandas", "frame", "csv", "csv"),
    "csv_frame_to_jsonl": Speed("pandas", "frame", "csv"),
    "jsonl_frame": Speed("pandas", "frame", "jsonl"),
    "csv_list": Speed("pandas", "list", "csv"),
}
MEMORY = {
    "memory_csv": ("csv", "jsonl", "trivial", 0),
    "memory_frame": ("csv", "csv", "frame", 0),
    "memory_array": ("json", "jsonl", "trivial", 0),
    "memory_parquet": ("parquet", "parquet", "trivial", 0),
    "memory_wide": ("csv", "jsonl", "trivial", WIDE),
}


QUICK = ["csv_trivial", "csv_frame_to_jsonl", "memory_csv"]
"""Of each kind one."""


@dataclass(frozen=True)
class Ran:
    """One program, from start to end: seconds, those of CPU, the output's hash, and the peaks of memory."""

    seconds: float
    cpu: float
    sha256: str
    peaks: Mapping[str, float]


def run(program: str, source: Path, target: Path, function: str, *, processes: int = 1, look: bool = False) -> Ran:
    """Run a program on as many cores as it has processes for its functions."""
    command = [sys.executable, str(PROGRAM), program, str(source), str(target), function, str(processes)]
    target.unlink(missing_ok=True)
    began = time.monotonic()
    with subprocess.Popen(
        [*command, *(["--look"] if look else [])],
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        used: dict[int, float] = {}
        while started.poll() is None:
            for process in (started.pid, *descendants(started.pid)):
                used[process] = max(used.get(process, 0.0), _cpu(process))
            time.sleep(SAMPLED)
        seconds = time.monotonic() - began
        said = started.stdout.read() if started.stdout else ""
    if started.returncode:
        raise SystemExit(f"{program} failed: {said}")
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Ran(seconds, sum(used.values()), digest, json.loads(said or "{}"))


def _cpu(process: int) -> float:
    """Seconds of CPU of a process without its children. Nobody waits for those of a namespace that is ended: what they
    used is in no sum of the system's, so that each is looked at while it lives.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class Inputs:
    """The input files: each is written once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, file_format: str, records: int, columns: int = 0) -> Path:
        """One of so many records."""
        path = self.folder / f"{records}-{columns}.{file_format}"
        if not path.exists():
            write_input(path, records, columns)
        return path


def speed(name: str, size: Size, inputs: Inputs) -> Iterator[tuple[str, Report]]:
    """The figures of one comparison."""
    wanted = SPEEDS[name]
    # What pandas does takes a fraction of the time: of fewer records, what is measured would be its start.
    records = size.of(1_000_000, 200_000 if wanted.baseline == "plain" else 600_000, 2_000)
    records //= HEAVY_PART if wanted.function == "heavy" else 1
    source, small = inputs.of(wanted.source, records), inputs.of(wanted.source, FEW)
    target = inputs.folder / f"out.{wanted.target}"
    two = wanted.baseline == "plain" and len(os.sched_getaffinity(0)) > 1
    programs = {"baseline": (wanted.baseline, 1), "ours": ("ours", 1), **({"two": ("ours", 2)} if two else {})}
    starts = {
        each: run(program, small, target, wanted.function, processes=processes)
        for each, (program, processes) in programs.items()
    }
    rates: dict[str, list[float]] = {}
    hashes = set()
    for number in range(size.rounds):
        for each, (program, processes) in programs.items():
            told(f"{name}: round {number + 1} of {size.rounds}, {each}")
            ran, start = run(program, source, target, wanted.function, processes=processes), starts[each]
            rates.setdefault(f"{each}_elapsed", []).append(records / max(ran.seconds - start.seconds, 1e-3))
            rates.setdefault(f"{each}_cpu", []).append(records / max(ran.cpu - start.cpu, 1e-3))
            if wanted.baseline == "plain" or each == "ours":
                hashes.add(ran.sha256)
    if wanted.baseline != "plain":
        check_answers(source, target, records)  # of the last, which is ours, and has the same bytes as those before it
    if len(hashes) > 1:
        raise SystemExit(f"{name}: the outputs differ")
    limit = TO_PLAIN if wanted.baseline == "plain" else TO_PANDAS
    unit = "records a second"
    yield f"{name}_cpu", figure(rates["ours_cpu"], unit, baseline=rates["baseline_cpu"], at_least=limit, digits=0)
    yield f"{name}_elapsed", figure(rates["ours_elapsed"], unit, baseline=rates["baseline_elapsed"], digits=0)
    if two:
        one = rates["ours_elapsed"]
        yield f"{name}_two", figure(rates["two_elapsed"], unit, baseline=one, at_least=TWO_TO_ONE, digits=0)


def check_answers(source: Path, target: Path, records: int) -> None:
    """Compute each answer again."""
    number = 0
    with source.open(newline="") as lines, target.open(newline="") as written:
        answers: Iterator[Any] = csv.DictReader(written) if target.suffix == ".csv" else map(json.loads, written)
        for number, (row, answer) in enumerate(zip(plain_records(source, lines), answers, strict=True), start=1):
            found = {"id": int(answer["id"]), "score": float(answer["score"])}
            if found != {"id": row["id"], "score": row["age"] * 0.01 + row["debt"]}:
                raise SystemExit(f"record {number} has a wrong answer")
    if number != records:
        raise SystemExit("there are too few answers")


def memory(name: str, size: Size, inputs: Inputs) -> Report:
    """The largest process with all of the records, in megabytes, against that with a tenth of them."""
    source_format, target_format, function, columns = MEMORY[name]
    records = max(20, size.of(10_000_000, 500_000, 2_000) // (columns or 1))
    peaks = []
    for count in (records // 10, records):
        told(f"{name}: {count:,} records")
        source, target = inputs.of(source_format, count, columns), inputs.folder / f"out.{target_format}"
        ran = run("ours", source, target, function, processes=min(2, len(os.sched_getaffinity(0))), look=True)
        peaks.append(ran.peaks)
        size_of_it = source.stat().st_size / MEBIBYTE
        target.unlink()
    few, many = (max(SMALLEST, *each.values()) for each in peaks)
    made = figure([many], "MB", baseline=[few], at_most=GROWN, digits=1)
    return made | {"records": records, "input_mb": round(size_of_it), "peaks": peaks}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", dest="size", action="store_const", const="quick", help="smaller, within minutes")
    sizes.add_argument("--smoke", dest="size", action="store_const", const="smoke", help="as small as it gets")
    parser.add_argument("--only", nargs="+", choices=[*SPEEDS, *MEMORY], help="some of the parts")
    asked = parser.parse_args()
    size = Size(asked.size or "full")
    wanted = asked.only or size.of([*SPEEDS, *MEMORY], QUICK, [*SPEEDS, *MEMORY])
    figures: dict[str, Report] = {}
    with tempfile.TemporaryDirectory(prefix="mlc-bench-") as folder:
        inputs = Inputs(Path(folder))
        for name in wanted:
            if name in SPEEDS:
                figures |= speed(name, size, inputs)
            else:
                figures[name] = memory(name, size, inputs)
    skipped = dict.fromkeys({*SPEEDS, *MEMORY} - {*wanted}, "not asked for")
    return report("batch", size, figures, skipped=skipped)


if __name__ == "__main__":
    sys.exit(main())
