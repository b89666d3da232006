"""How long the monitors take on data frames in memory, and what they need above them.

python bench/monitors.py            1,000,000 rows of 30 columns on both sides
python bench/monitors.py --quick    100,000 rows

The baseline is the same statistics of the same columns by the calls of scipy, pandas and scikit-learn that one would
write by hand, in one process, one after the other; in turns with ours. `data_drift` is judged against scipy by hand
but for the densities of Jensen-Shannon, which scipy takes minutes for: by hand that distance is taken from the
histogram that Kullback-Leibler has, too, so that ours does more. `data_drift_cpu` is the CPU of all threads.
`densities` is one column with scipy's own. `memory` is what a process that makes the frames and runs all five has for
itself above the frames, at most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import MEBIBYTE, Report, Size, asked, figure, own_memory, report, rounds, told, watched
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics

from mlc.monitors import MONITORS, Schema, read_schema, statistics

ROOT = Path(__file__).parents[1]
NUMERICAL, CATEGORICAL = 25, 5
AT_MOST = 0.6
MEMORY_AT_MOST = 3 * 1024
CLASSES = [f"class {number}" for number in range(12)]


def described() -> Schema:
    """25 numbers and 5 categories; a score and a label of two classes, and the same as numbers."""
    fields = [{"name": f"n{number}", "role": "predictor", "dataClass": "numerical"} for number in range(NUMERICAL - 2)]
    fields += [{"name": f"c{number}", "role": "predictor", "dataClass": "categorical"} for number in range(CATEGORICAL)]
    fields += [{"name": name, "role": name, "dataClass": "numerical"} for name in ("score", "label")]
    return read_schema({"type": "record", "name": "bench", "fields": fields})


def classes_described() -> Schema:
    """The same two columns as classes: from 0 on the score is the positive one."""
    fields: list[dict[str, Any]] = [
        {"name": "c_label", "role": "label", "dataClass": "categorical"},
        {"name": "score", "role": "score", "dataClass": "numerical", "threshold": 0},
    ]
    return read_schema({"type": "record", "name": "bench", "fields": fields})


def drawn(rows: int, seed: int) -> pd.DataFrame:
    """A frame of 30 columns, and the label as a class."""
    random = np.random.default_rng(seed)
    shapes: tuple[Callable[[], Any], ...] = (
        lambda: random.normal(0.001 * seed, 1, rows),
        lambda: random.lognormal(0, 1, rows),
        lambda: random.integers(0, 1_000, rows),
        lambda: np.where(random.random(rows) < 0.05, np.nan, random.standard_t(4, rows)),
    )
    columns = {f"n{number}": shapes[number % len(shapes)]() for number in range(NUMERICAL - 2)}
    for number in range(CATEGORICAL):
        columns[f"c{number}"] = pd.Series(CLASSES, dtype="str").take(random.integers(0, 12 - number, rows)).to_numpy()
    columns["score"] = random.normal(0, 1, rows)
    columns["label"] = columns["score"] + random.normal(0, 1, rows)
    return pd.DataFrame(columns).assign(c_label=lambda frame: (frame["label"] > 0).astype(int))


def by_hand(baseline: pd.DataFrame, sample: pd.DataFrame) -> dict[str, list[float]]:
    """The statistics of data drift, written down as they are called."""
    found: dict[str, list[float]] = {}
    for field in described().fields:
        if not field.drift_candidate:
            continue
        one, other = baseline[field.name].dropna(), sample[field.name].dropna()
        if field.numerical:
            x, y = one.to_numpy(float), other.to_numpy(float)
            ends = np.linspace(x.min(), x.max(), 6)
            ends[[0, -1]] = -np.inf, np.inf
            p, q = np.histogram(x, ends)[0] / len(x), np.histogram(y, ends)[0] / len(y)
            tests = [stats.ks_2samp(x, y).pvalue, stats.epps_singleton_2samp(x, y).pvalue]
            divergence = stats.entropy(p, q)
            found[field.name] = [*tests, divergence if np.isfinite(divergence) else stats.entropy(q, p)]
        else:
            counts = pd.concat([one.value_counts(), other.value_counts()], axis=1).fillna(0)
            p, q = (counts.iloc[:, side] / counts.iloc[:, side].sum() for side in (0, 1))
            found[field.name] = [stats.entropy(p, q)]
        jensenshannon(p, q)
        one.describe(), other.describe()
    return found


def stability_by_hand(baseline: pd.DataFrame, sample: pd.DataFrame) -> dict[str, float]:
    """The index of each column, by pandas: cut, count, add."""
    found = {}
    for field in described().fields:
        if field.name == "label":
            continue
        one, other = baseline[field.name], sample[field.name]
        if field.numerical:
            ends = [-np.inf, one.quantile(0.5, interpolation="lower"), np.inf]
            one, other = pd.cut(one, ends), pd.cut(other, ends)
        sides = [
            frame.groupby(column, dropna=False, observed=False)["score"].agg(["size", "mean"])
            for frame, column in ((baseline, one), (sample, other))
        ]
        t, e = (side["size"] / side["size"].sum() for side in sides)
        found[field.name] = float(((e - t) * np.log(e / t)).sum())
    return found


def classes_by_hand(sample: pd.DataFrame) -> float:
    label, score = sample["c_label"].to_numpy(), sample["score"].to_numpy()
    predicted = (score >= 0).astype(int)
    metrics.precision_recall_fscore_support(label, predicted, average="binary")
    metrics.confusion_matrix(label, predicted, normalize="all")
    metrics.roc_auc_score(label, score)
    return float(metrics.accuracy_score(label, predicted))


def seconds(work: Callable[[], Any], cpu: list[float]) -> float:
    """How long it takes by the clock; the CPU of all threads is added to the list."""
    began, used = time.perf_counter(), time.process_time()
    work()
    cpu.append(time.process_time() - used)
    return time.perf_counter() - began


def computed(name: str, *frames: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    (monitor,) = (each for each in MONITORS.values() if each.name.split(": ")[0].startswith(name) or name in each.name)
    return monitor.compute(*frames, schema=schema)


def same(baseline: pd.DataFrame, sample: pd.DataFrame) -> None:
    """What is compared is the same."""
    ours = computed("Data Drift", baseline, sample, schema=described())
    for name, values in by_hand(baseline, sample).items():
        suffixes = ("_ks_pvalue", "_es_pvalue", "_kl_divergence")[-len(values) :]
        for suffix, value in zip(suffixes, values, strict=True):
            if np.isinf(value):
                assert ours[name + suffix] is None
                continue
            assert abs(ours[name + suffix] - value) <= 1e-4, (name, suffix, ours[name + suffix], value)
    index = computed("Stability", baseline, sample, schema=described())
    for name, value in stability_by_hand(baseline, sample).items():
        found = index["score_PSI" if name == "score" else f"{name}_CSI"]
        assert abs(found - value) <= 2e-5, (name, found, value)


def figures(size: Size) -> dict[str, Report]:
    rows = size.of(1_000_000, 100_000, 12_000)
    baseline, sample = drawn(rows, 1), drawn(rows, 2)
    same(baseline, sample)
    told("the results are the same")
    both = (baseline, sample)
    column = [np.sort(frame["n0"].to_numpy()) for frame in both]
    at = np.linspace(min(each[0] for each in column), max(each[-1] for each in column), 100)
    ways: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "data_drift": (
            lambda: computed("Data Drift", *both, schema=described()),
            lambda: by_hand(*both),
        ),
        "stability": (
            lambda: computed("Stability", *both, schema=described()),
            lambda: stability_by_hand(*both),
        ),
        "classification": (
            lambda: computed("Classification", sample, schema=classes_described()),
            lambda: classes_by_hand(sample),
        ),
        "densities": (
            lambda: statistics.densities(*column, 100),
            lambda: [stats.gaussian_kde(each)(at) for each in column],
        ),
    }
    found = {}
    for name, (ours, hand) in ways.items():
        told(name)
        cpu: tuple[list[float], list[float]] = ([], [])
        values, base = rounds(size, partial(seconds, ours, cpu[0]), partial(seconds, hand, cpu[1]))
        limit = AT_MOST if name in ("data_drift", "stability") else None
        found[name] = figure(values, "s", baseline=base, at_most=limit)
        if name == "data_drift":
            found["data_drift_cpu"] = figure(cpu[0], "s", baseline=cpu[1])
    return found | {"memory": memory(rows)}


def memory(rows: int) -> Report:
    """MiB above the frames in a process of its own."""
    command = [sys.executable, __file__, "--memory", str(rows)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "bench")])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return figure([float(done.stdout)], "MiB", at_most=MEMORY_AT_MOST, digits=1)


def above_the_frames(rows: int) -> float:
    """What this process has for itself at most while all five run, above what it has before; in MiB."""
    baseline, sample = drawn(rows, 1), drawn(rows, 2)
    computed("Data Drift", baseline.head(100), sample.head(100), schema=described())
    before = own_memory(os.getpid()) or 0
    with watched({"monitors": os.getpid()}) as peaks:
        for name in ("Data Drift", "Concept Drift", "Stability"):
            computed(name, baseline, sample, schema=described())
        computed("Regression", sample, schema=described())
        computed("Classification", sample, schema=classes_described())
    return (peaks.bytes["monitors"] - before) / MEBIBYTE


def main() -> int:
    if sys.argv[1:2] == ["--memory"]:
        print(above_the_frames(int(sys.argv[2])))
        return 0
    size = asked(__doc__)
    return report("monitors", size, figures(size))


if __name__ == "__main__":
    sys.exit(main())
