"""Speed of `mlc.dmn`: evaluations a second of a five-rule table, time to load and to import, what large files take.

python bench/dmn.py [--quick]        prints JSON; status 1 when a figure is beyond its limit

CPU time of one thread; what else the machine does counts little. Each figure stands beside what Python itself takes for
the same on this machine, in the same rounds, and the limit is of the ratio. Every evaluation has other inputs than the
one before, and the answers are checked.

* `evaluations`, `evaluations_full`: beside the same rules written as a loop in Python. In the full table every cell has
  a test; in the other, as in ModelOp's tables, a rule looks at two of the four metrics.
* `load_*`: from bytes in memory, beside parsing the XML alone.
* `rules_10000`: an evaluation with two matches among 10,000 rules, beside one among 1,000, once the first evaluation
  has made the index.
* `million_numbers`: an input of a million floats counted and summed, beside a loop that sums them as decimals.
* `import`: in a fresh interpreter that has compiled the files before, beside an import of what it takes from Python.
* `peak_mb`: what the process grows by while an evaluation that would never end meets its limit.
* `zen_engine`, `zen_engine_full`: evaluations a second of the same two tables by the engine of that name, in its own
  format and with the same answers, where it is installed (the extra `bench`), beside ours.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

from measuring import Report, Size, asked, figure, report, rounds

import mlc.dmn

INPUTS = ("auc", "f1_score", "score_PSI", "CSI_maxCSIValue")
RULES = 5
LARGE = 10_000_000
LEAST_OF_PLAIN = 0.15
FEW_TO_PARSING, MANY_TO_PARSING = 15.0, 3.0
IMPORT_TO_PYTHON = 6.0
MILLION_TO_PLAIN = 1.5
TAKEN_FROM_PYTHON = (
    "datetime, decimal, re, typing, enum, dataclasses, functools, xml.parsers.expat, zoneinfo, csv, json"
)


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


def seconds(work: Callable[[], object], times: int = 2) -> float:
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


def evaluations(size: Size, full: bool) -> Report:
    """Evaluations a second of five rules with four floats."""
    model = mlc.dmn.load(table(RULES, full))
    inputs = samples()
    matches = 0
    for metrics in inputs:
        evaluation = model.evaluate(metrics)
        assert not evaluation.problems, evaluation.problems
        assert [rule.index for rule in evaluation.matched_rules] == matching(metrics, full)
        matches += len(evaluation.matched_rules)
    assert matches > len(inputs) // 2, "the bench should measure matches too"
    ours, plain = rounds(
        size, lambda: _a_second(model.evaluate, inputs), lambda: _a_second(lambda each: matching(each, full), inputs)
    )
    return figure(ours, "evaluations/s", baseline=plain, at_least=LEAST_OF_PLAIN, digits=0)


def _a_second(evaluate: Callable[[dict[str, float]], object], inputs: list[dict[str, float]]) -> float:
    def work() -> None:
        for _ in range(5):
            for metrics in inputs:
                evaluate(metrics)

    return 5 * len(inputs) / seconds(work)


def import_times(size: Size) -> Report:
    """Import in a fresh interpreter, without the interpreter's own start, with the bytecode that a first run has left.

    It is kept in a folder of the bench's own: where PYTHONDONTWRITEBYTECODE is set, every import would compile anew.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder

        def milliseconds(what: str) -> float:
            code = f"import time; start = time.process_time(); import {what}; print(time.process_time() - start)"
            done = [
                subprocess.run(
                    [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
                )
                for _ in range(5)
            ]
            return 1000 * statistics.median(float(each.stdout) for each in done)

        milliseconds("mlc.dmn")
        ours, taken = rounds(size, lambda: milliseconds("mlc.dmn"), lambda: milliseconds(TAKEN_FROM_PYTHON))
    return figure(ours, "ms", baseline=taken, at_most=IMPORT_TO_PYTHON, digits=1)


def loading(size: Size, data: bytes, at_most: float) -> Report:
    """From bytes in memory."""
    ours, parsed = rounds(
        size,
        lambda: 1000 * seconds(lambda: mlc.dmn.load(data, max_bytes=LARGE)),
        lambda: 1000 * seconds(lambda: ET.fromstring(data)),
    )
    return figure(ours, "ms", baseline=parsed, at_most=at_most, digits=1)


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


def lookup(rules: int) -> Callable[[], float]:
    """Measures an evaluation of such a table, with two matches, in milliseconds."""
    model = mlc.dmn.load(lookups(rules), max_bytes=LARGE)
    samples = [{"a": row, "b": row, "c": "y"} for row in range(1, 1_000, 5)]
    for sample in samples:
        assert model.evaluate(sample).result == [sample["a"] - 1, sample["a"]]
    return lambda: 1000 * seconds(lambda: [model.evaluate(sample) for sample in samples]) / len(samples)


def million_numbers(size: Size) -> Report:
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

    def plain() -> None:
        assert abs(float(sum(Decimal(repr(number)) for number in numbers)) * 7 / 1_000_000 - 499_999.5) < 1e-6

    ours, decimals = rounds(size, lambda: 1000 * seconds(work, times=1), lambda: 1000 * seconds(plain, times=1))
    return figure(ours, "ms", baseline=decimals, at_most=MILLION_TO_PLAIN, digits=1)


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


def zen_engine(size: Size, full: bool) -> Report:
    """The same table and the same samples by zen-engine.

    Raises:
        ImportError: it is not installed.
    """
    import zen

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

    model = mlc.dmn.load(table(RULES, full))
    theirs, ours = rounds(size, lambda: _a_second(decision.evaluate, inputs), lambda: _a_second(model.evaluate, inputs))
    return figure(theirs, "evaluations/s", baseline=ours, digits=0)


def main() -> int:
    size = asked(__doc__)
    thousand, ten_thousand = lookup(1_000), lookup(10_000)
    many, few = rounds(size, ten_thousand, thousand)
    figures = {
        "evaluations": evaluations(size, full=False),
        "evaluations_full": evaluations(size, full=True),
        "load_100_rules": loading(size, table(100), FEW_TO_PARSING),
        "load_10000_rules": loading(size, table(10_000, full=True), MANY_TO_PARSING),
        "import": import_times(size),
        "rules_10000": figure(many, "ms", baseline=few, at_most=2.0),
        "million_numbers": million_numbers(size),
    }
    skipped = {}
    if (peak := peak_megabytes()) is None:
        skipped["peak_mb"] = "Linux alone tells it"
    else:
        figures["peak_mb"] = figure([peak], "MB", at_most=100)
    for name, full in {"zen_engine": False, "zen_engine_full": True}.items():
        try:
            figures[name] = zen_engine(size, full)
        except ImportError:
            skipped[name] = "not installed: pip install -e .[bench]"
    return report("dmn", size, figures, skipped=skipped)


if __name__ == "__main__":
    sys.exit(main())
