"""Speed of `mlc.dmn`: evaluations a second of a five-rule table, time to load a 100-rule file, time to import.

python bench/dmn.py            prints JSON; status 1 when a figure is beyond its limit

CPU time of one thread, the median of several runs: what else the machine does counts little. Every evaluation has other
inputs than the one before, and the answers are checked against a few lines of Python. `full` is the table with a test
in every cell; in the other, as in ModelOp's tables, a rule looks at two of the four metrics. Loading is from bytes in
memory. Import is that of a fresh interpreter that has compiled the files before, without the interpreter's own start.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import mlc.dmn

INPUTS = ("auc", "f1_score", "score_PSI", "CSI_maxCSIValue")
RULES = 5
LIMITS = {
    "evaluations_per_second": 20_000,
    "evaluations_per_second_full": 20_000,
    "load_100_rules_ms": 50,
    "import_ms": 100,
}


def bounds(row: int) -> tuple[float, tuple[float, float]]:
    """What the cells of a row ask for: less than one number, or between two."""
    return round(0.7 + row % 29 / 100, 2), (round(row % 9 / 100, 2), 0.9)


def columns(row: int, full: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The columns of a row that have a cell of the one kind and of the other."""
    return ((0, 2), (1, 3)) if full else ((row % 4,), ((row + 1) % 4,))


def table(rules: int, full: bool = False) -> bytes:
    """A COLLECT table in ModelOp's manner: four metrics, an output `passes` and a reason."""
    heads = "".join(
        f'<input id="i{n}" label="{name}"><inputExpression id="e{n}" typeRef="double"><text>{name}</text>'
        "</inputExpression></input>"
        for n, name in enumerate(INPUTS)
    )
    rows = ""
    for row in range(rules):
        cells = ["-"] * len(INPUTS)
        less, (low, high) = bounds(row)
        for column in columns(row, full)[0]:
            cells[column] = f"&lt; {less}"
        for column in columns(row, full)[1]:
            cells[column] = f"[{low}..{high}]"
        entries = "".join(f"<inputEntry><text>{cell}</text></inputEntry>" for cell in cells)
        rows += (
            f'<rule id="r{row}">{entries}<outputEntry><text>false</text></outputEntry>'
            f'<outputEntry><text>"rule {row} failed"</text></outputEntry></rule>'
        )
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="bench">'
        f'<decision id="v" name="Verdict"><decisionTable id="t" hitPolicy="COLLECT">{heads}'
        f'<output id="o1" name="passes" typeRef="boolean"/><output id="o2" name="reason" typeRef="string"/>{rows}'
        "</decisionTable></decision></definitions>"
    ).encode()


def matching(metrics: dict[str, float], full: bool) -> list[int]:
    """The rules that should match, counted from 1."""
    values = list(metrics.values())
    found = []
    for row in range(RULES):
        less, (low, high) = bounds(row)
        below, between = columns(row, full)
        if all(values[n] < less for n in below) and all(low <= values[n] <= high for n in between):
            found.append(row + 1)
    return found


def seconds(work: Callable[[], object], times: int = 7) -> float:
    """Median time of `work`."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def evaluations_per_second(full: bool) -> float:
    """Evaluations of five rules with four floats."""
    model = mlc.dmn.load(table(RULES, full))
    draw = random.Random(0)
    samples = [{name: round(draw.uniform(0.5, 1), 4) for name in INPUTS} for _ in range(500)]
    matches = 0
    for metrics in samples:
        evaluation = model.evaluate(metrics)
        assert not evaluation.problems, evaluation.problems
        assert [rule.index for rule in evaluation.matched_rules] == matching(metrics, full)
        matches += len(evaluation.matched_rules)
    assert matches > len(samples) // 2, "the bench should measure matches too"

    def work() -> None:
        for _ in range(10):
            for metrics in samples:
                model.evaluate(metrics)

    return 10 * len(samples) / seconds(work)


def import_seconds() -> float:
    """Import in a fresh interpreter, without the interpreter's own start, with the bytecode that a first run has left.

    It is kept in a folder of the bench's own: where PYTHONDONTWRITEBYTECODE is set, every import would compile anew.
    """
    code = "import time; start = time.process_time(); import mlc.dmn; print(time.process_time() - start)"
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder

        def once() -> float:
            done = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            )
            return float(done.stdout)

        once()
        return statistics.median(once() for _ in range(9))


def main() -> int:
    data = table(100)
    figures = {
        "evaluations_per_second": round(evaluations_per_second(full=False)),
        "evaluations_per_second_full": round(evaluations_per_second(full=True)),
        "load_100_rules_ms": round(seconds(lambda: mlc.dmn.load(data)) * 1000, 1),
        "import_ms": round(import_seconds() * 1000, 1),
    }
    missed = [
        name
        for name, figure in figures.items()
        if (figure < LIMITS[name] if name.startswith("evaluations") else figure > LIMITS[name])
    ]
    report = {"bench": "dmn", "python": platform.python_version(), **figures, "limits": LIMITS, "missed": missed}
    print(json.dumps(report, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
