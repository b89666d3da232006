"""Speed of `mlc.dmn`: evaluations a second of a five-rule table, time to load a 100-rule file, time to import.

python bench/dmn.py            prints JSON; CPU time on one core, the median of several runs
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import mlc.dmn

INPUTS = ("auc", "f1_score", "score_PSI", "CSI_maxCSIValue")
LIMITS = {"evaluations_per_second": 20_000, "load_100_rules_ms": 50, "import_ms": 100}


def table(rules: int) -> bytes:
    """A COLLECT table in ModelOp's manner: four metrics, `rules` rows, each of which looks at two metrics."""
    columns = "".join(
        f'<input id="i{n}" label="{name}"><inputExpression id="e{n}" typeRef="double"><text>{name}</text>'
        "</inputExpression></input>"
        for n, name in enumerate(INPUTS)
    )
    rows = ""
    for row in range(rules):
        cells = ["-"] * len(INPUTS)
        cells[row % 4] = f"&lt; 0.{70 + row % 29}"
        cells[(row + 1) % 4] = f"[0.0{row % 9}..0.9]"
        entries = "".join(f"<inputEntry><text>{cell}</text></inputEntry>" for cell in cells)
        rows += (
            f'<rule id="r{row}">{entries}<outputEntry><text>false</text></outputEntry>'
            f'<outputEntry><text>"rule {row} failed"</text></outputEntry></rule>'
        )
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="bench">'
        f'<decision id="v" name="Verdict"><decisionTable id="t" hitPolicy="COLLECT">{columns}'
        f'<output id="o1" name="passes" typeRef="boolean"/><output id="o2" name="reason" typeRef="string"/>{rows}'
        "</decisionTable></decision></definitions>"
    ).encode()


def seconds(work: Callable[[], object], times: int = 7) -> float:
    """Median time of `work`."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def evaluations_per_second() -> float:
    """Evaluations of five rules with four floats, two of which match."""
    model = mlc.dmn.load(table(5))
    metrics = {"auc": 0.71, "f1_score": 0.65, "score_PSI": 0.95, "CSI_maxCSIValue": 0.99}
    evaluation = model.evaluate(metrics)
    assert evaluation.matched_rules, "the bench should measure matches too"
    assert not evaluation.problems, evaluation.problems
    count = 5_000

    def work() -> None:
        for _ in range(count):
            model.evaluate(metrics)

    return count / seconds(work)


def import_seconds() -> float:
    """Import in a fresh interpreter, without the interpreter's own start."""
    code = "import time; start = time.process_time(); import mlc.dmn; print(time.process_time() - start)"

    def once() -> float:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return float(done.stdout)

    return statistics.median(once() for _ in range(7))


def main() -> None:
    data = table(100)
    figures = {
        "evaluations_per_second": round(evaluations_per_second()),
        "load_100_rules_ms": round(seconds(lambda: mlc.dmn.load(data)) * 1000, 1),
        "import_ms": round(import_seconds() * 1000, 1),
    }
    print(json.dumps({"bench": "dmn", "python": platform.python_version(), **figures, "limits": LIMITS}, indent=2))


if __name__ == "__main__":
    main()
