"""Speed of `mlc.dmn`: evaluations a second of a five-rule table, time to load and to import, what large files take.

python bench/dmn.py            prints JSON; status 1 when a figure is beyond its limit

CPU time of one thread, the median of several runs: what else the machine does counts little. Every evaluation has other
inputs than the one before, and the answers are checked against a few lines of Python. `full` is the table with a test
in every cell; in the other, as in ModelOp's tables, a rule looks at two of the four metrics. Loading is from bytes in
memory. Import is that of a fresh interpreter that has compiled the files before, without the interpreter's own start.

`zen_engine` are evaluations a second of the same two tables by the engine of that name, in its own format, in the same
run and with the same answers; null where it is not installed (the extra `bench`). The ratio of 10,000 rules to 1,000 is
that of evaluations with two matches each, once the first evaluation has made the index. `peak_megabytes` is what the
process grows by while an evaluation that would never end meets its limit.
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
from pathlib import Path

import mlc.dmn

INPUTS = ("auc", "f1_score", "score_PSI", "CSI_maxCSIValue")
RULES = 5
LARGE = 10_000_000
LIMITS = {
    "evaluations_per_second": 20_000,
    "evaluations_per_second_full": 20_000,
    "load_100_rules_ms": 50,
    "import_ms": 100,
    "load_10000_rules_ms": 500,
    "rules_10000_to_1000": 2.0,
    "million_numbers_ms": 1_000,
    "peak_megabytes": 100,
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


def samples() -> list[dict[str, float]]:
    """Inputs of which most meet a rule."""
    draw = random.Random(0)
    return [{name: round(draw.uniform(0.5, 1), 4) for name in INPUTS} for _ in range(500)]


def evaluations_per_second(full: bool) -> float:
    """Evaluations of five rules with four floats."""
    model = mlc.dmn.load(table(RULES, full))
    inputs = samples()
    matches = 0
    for metrics in inputs:
        evaluation = model.evaluate(metrics)
        assert not evaluation.problems, evaluation.problems
        assert [rule.index for rule in evaluation.matched_rules] == matching(metrics, full)
        matches += len(evaluation.matched_rules)
    assert matches > len(inputs) // 2, "the bench should measure matches too"

    def work() -> None:
        for _ in range(10):
            for metrics in inputs:
                model.evaluate(metrics)

    return 10 * len(inputs) / seconds(work)


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


def lookups(rules: int) -> bytes:
    """A table of overlapping ranges and bounds of which two rules match each number of its own."""
    rows = "".join(
        f"<rule><inputEntry><text>[{row}..{row + 2})</text></inputEntry>"
        f"<inputEntry><text>&lt; {row + 7}</text></inputEntry>"
        f'<inputEntry><text>not("x{row}")</text></inputEntry><outputEntry><text>{row}</text></outputEntry></rule>'
        for row in range(rules)
    )
    heads = "".join(f"<input><inputExpression><text>{name}</text></inputExpression></input>" for name in "abc")
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="bench"><decision id="v" name="v">'
        f'<decisionTable hitPolicy="COLLECT">{heads}<output name="o"/>{rows}</decisionTable></decision></definitions>'
    ).encode()


def lookup_seconds(rules: int) -> float:
    """An evaluation of such a table, with two matches."""
    model = mlc.dmn.load(lookups(rules), max_bytes=LARGE)
    samples = [{"a": row, "b": row, "c": "y"} for row in range(1, 1_000, 5)]
    for sample in samples:
        assert model.evaluate(sample).result == [sample["a"] - 1, sample["a"]]
    return seconds(lambda: [model.evaluate(sample) for sample in samples]) / len(samples)


def million_seconds() -> float:
    """An evaluation that counts and sums an input of a million floats, the conversion included."""
    text = "sum(x) / count(x)"
    model = mlc.dmn.load(
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="bench"><inputData id="x" name="x"/>'
        '<decision id="v" name="v"><informationRequirement><requiredInput href="#x"/></informationRequirement>'
        f"<literalExpression><text>{text}</text></literalExpression></decision></definitions>".encode()
    )
    numbers = [number / 7 for number in range(1_000_000)]

    def work() -> None:
        evaluation = model.evaluate({"x": numbers})
        assert not evaluation.problems
        assert abs(float(evaluation.result) * 7 - 499_999.5) < 1e-6

    return seconds(work, times=3)


def peak_megabytes() -> float | None:
    """What a process grows by while a loop that keeps everything meets its limit; None where Linux does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    code = """
import re, mlc.dmn
highest = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
model = mlc.dmn.load(b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="bench"><decision id="v" '
    b'name="v"><literalExpression><text>for i in 1..200000 return [partial, i]</text></literalExpression></decision>'
    b'</definitions>')
before = highest()
assert [problem.kind for problem in model.evaluate({}).problems] == ["limit"]
print(round(highest() - before, 1))
"""
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def zen_evaluations_per_second(full: bool) -> float | None:
    """The same table and the same samples by zen-engine; None where it is not installed."""
    try:
        import zen
    except ImportError:
        return None
    heads = [{"id": f"i{n}", "name": name, "field": name} for n, name in enumerate(INPUTS)]
    rules = []
    for row in range(RULES):
        less, (low, high) = bounds(row)
        below, between = columns(row, full)
        rule = {f"i{n}": f"< {less}" if n in below else f"[{low}..{high}]" if n in between else "" for n in range(4)}
        rules.append({"_id": f"r{row}", **rule, "o1": "false", "o2": f'"rule {row} failed"'})
    outputs = [{"id": "o1", "name": "passes", "field": "passes"}, {"id": "o2", "name": "reason", "field": "reason"}]
    table = {"hitPolicy": "collect", "inputs": heads, "outputs": outputs, "rules": rules}
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "t", "name": "t", "type": "decisionTableNode", "content": table},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [{"id": f"e{n}", "type": "edge", "sourceId": one, "targetId": other}
             for n, (one, other) in enumerate((("in", "t"), ("t", "out")))]  # fmt: skip
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    inputs = samples()
    for metrics in inputs:
        found = [{"passes": False, "reason": f"rule {row - 1} failed"} for row in matching(metrics, full)]
        assert decision.evaluate(metrics)["result"] == found

    def work() -> None:
        for _ in range(10):
            for metrics in inputs:
                decision.evaluate(metrics)

    return 10 * len(inputs) / seconds(work)


def main() -> int:
    data, large = table(100), table(10_000, full=True)
    figures = {
        "evaluations_per_second": round(evaluations_per_second(full=False)),
        "evaluations_per_second_full": round(evaluations_per_second(full=True)),
        "load_100_rules_ms": round(seconds(lambda: mlc.dmn.load(data)) * 1000, 1),
        "import_ms": round(import_seconds() * 1000, 1),
        "load_10000_rules_ms": round(seconds(lambda: mlc.dmn.load(large, max_bytes=LARGE)) * 1000, 1),
        "rules_10000_to_1000": round(lookup_seconds(10_000) / lookup_seconds(1_000), 2),
        "million_numbers_ms": round(million_seconds() * 1000, 1),
        "peak_megabytes": peak_megabytes(),
    }
    others = [zen_evaluations_per_second(full=full) for full in (False, True)]
    zen_engine = "not installed: pip install -e .[bench]" if None in others else [round(one or 0) for one in others]
    missed = [
        name
        for name, figure in figures.items()
        if figure is not None and (figure < LIMITS[name] if name.startswith("evaluations") else figure > LIMITS[name])
    ]
    report = {
        "bench": "dmn",
        "python": platform.python_version(),
        **figures,
        "zen_engine": zen_engine,
        "limits": LIMITS,
        "missed": missed,
    }
    print(json.dumps(report, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
