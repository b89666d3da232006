"""What the benches share: rounds, a baseline beside each figure, what Linux tells of processes, one form of report.

A bench is a script of this folder with a ``main`` that ends in ``report``. Its figures are medians of rounds; the
spread beside each says how far to trust it. What is compared is measured in turns, in one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROUNDS = 3
MEBIBYTE = 1024 * 1024
SAMPLED = 0.05
"""Seconds between two looks at the memory of processes."""

Report = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How much is measured: in full; ``--quick``, all benches within minutes; ``--smoke``, for a bench's own test."""

    name: str

    def of(self, full: Any, quick: Any, smoke: Any) -> Any:
        """The one of three values that belongs to this size."""
        return {"full": full, "quick": quick, "smoke": smoke}[self.name]

    @property
    def rounds(self) -> int:
        return 1 if self.name == "smoke" else ROUNDS


def asked(description: str | None, arguments: Sequence[str] | None = None) -> Size:
    """The size that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", dest="size", action="store_const", const="quick", help="smaller, within minutes")
    sizes.add_argument("--smoke", dest="size", action="store_const", const="smoke", help="as small as it gets")
    return Size(parser.parse_args(arguments).size or "full")


def figure(
    values: Sequence[float],
    unit: str,
    *,
    baseline: Sequence[float] | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
    digits: int = 3,
) -> Report:
    """A figure of a report: the median of the rounds, their spread, and what it is compared with.

    Args:
        values: one of each round.
        baseline: what it is measured against, one of each of the same rounds. The ratio is the median of the rounds'.
        at_most, at_least: the limit of the ratio, or of the median where there is no baseline.
    """
    made = _spread(values, digits) | {"unit": unit}
    judged = statistics.median(values)
    if baseline is not None:
        ratios = [value / base if base else float("inf") for value, base in zip(values, baseline, strict=True)]
        judged = statistics.median(ratios)
        made |= {"baseline": _spread(baseline, digits), "ratio": _rounded(judged, 3)}
        made["ratio_spread"] = [_rounded(min(ratios), 3), _rounded(max(ratios), 3)]
    if at_most is not None:
        made |= {"at_most": at_most, "kept": judged <= at_most}
    if at_least is not None:
        made |= {"at_least": at_least, "kept": made.get("kept", True) and judged >= at_least}
    return made


def verdict(kept: bool, *why: str) -> Report:
    """A figure that is a yes or no, with what was seen."""
    return {"kept": kept, "why": list(why)}


def report(
    bench: str, size: Size, figures: Mapping[str, Report], *, skipped: Mapping[str, str] | None = None, **more: Any
) -> int:
    """Print a bench's report as JSON.

    Args:
        skipped: what was not measured, and why.

    Returns:
        The exit code: 1 if a figure is beyond its limit. (That of a smaller size than the full one tells nothing of the
        machine's real figures, and is judged all the same.)
    """
    missed = [name for name, each in figures.items() if each.get("kept") is False]
    document = {
        "bench": bench,
        "size": size.name,
        "machine": machine(),
        "figures": dict(figures),
        "skipped": dict(skipped or {}),
        "missed": missed,
        **more,
    }
    print(json.dumps(document, indent=2, default=str))
    return 1 if missed else 0


def machine() -> Report:
    """On what was measured. A load above 0 before the bench began is what others did there."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_1m_at_end": load and round(load, 2),
    }


def rounds(size: Size, *ways: Callable[[], float]) -> list[list[float]]:
    """Do each of the ways in turns, as many rounds as the size has: the values of each."""
    values: list[list[float]] = [[] for _ in ways]
    for number in range(size.rounds):
        told(f"round {number + 1} of {size.rounds}")
        for way, found in zip(ways, values, strict=True):
            found.append(way())
    return values


async def rounds_of(size: Size, *ways: Callable[[], Awaitable[float]]) -> list[list[float]]:
    """The same for coroutines."""
    values: list[list[float]] = [[] for _ in ways]
    for number in range(size.rounds):
        told(f"round {number + 1} of {size.rounds}")
        for way, found in zip(ways, values, strict=True):
            found.append(await way())
    return values


def told(text: str) -> None:
    """Say on the error output how far it is: the report alone is on the output."""
    print(f"{Path(sys.argv[0]).stem}: {text}", file=sys.stderr, flush=True)


def own_memory(pid: int) -> int | None:
    """Bytes that a process has for itself now (RssAnon + RssShmem): files that are mapped, and could be read again, do
    not count. None where Linux does not tell, or the process has ended.
    """
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = dict(re.findall(r"^(RssAnon|RssShmem):\s+(\d+) kB$", text, re.MULTILINE))
    return sum(map(int, found.values())) * 1024 if found else None


def cpu_seconds(pid: int) -> float | None:
    """Seconds of CPU that a process has used, with those of its children that have ended. None: it is not told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    """The processes below a process, itself first."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += below.get(each, [])
    return found


@dataclass
class Peaks:
    """The largest memory of each process of a table while a block lasts, in bytes."""

    processes: Mapping[str, int]
    bytes: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        for name, pid in self.processes.items():
            self.bytes[name] = max(self.bytes.get(name, 0), own_memory(pid) or 0)

    def mebibytes(self) -> dict[str, float]:
        return {name: round(size / MEBIBYTE, 1) for name, size in self.bytes.items()}


@contextmanager
def watched(processes: Mapping[str, int]) -> Iterator[Peaks]:
    """Look at the memory of processes, by a thread, for as long as the block lasts."""
    peaks, over = Peaks(processes), threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLED):
            peaks.look()

    thread = threading.Thread(target=watch, daemon=True)
    peaks.look()
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()
        peaks.look()


def _spread(values: Sequence[float], digits: int) -> Report:
    return {
        "median": _rounded(statistics.median(values), digits),
        "spread": [_rounded(min(values), digits), _rounded(max(values), digits)],
        "rounds": [_rounded(value, digits) for value in values],
    }


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) if abs(value) < 1000 else round(value, 1)
