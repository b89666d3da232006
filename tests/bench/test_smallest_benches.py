"""Each bench in its smallest form, as a process: it runs, and says what its report is to say.

They start a good deal of the project and take a minute or two in all, so `make test` leaves them out:
``pytest -m bench``.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.jobs import pages

BENCH = Path(__file__).parents[2] / "bench"
WAYS = ("cpu", "elapsed", "two")
FIGURES = {
    "batch": {
        *(f"{name}_{part}" for name in ("csv_trivial", "csv_heavy", "jsonl_trivial", "jsonl_heavy") for part in WAYS),
        *(
            f"{name}_{part}"
            for name in ("csv_frame", "csv_frame_to_jsonl", "jsonl_frame", "csv_list")
            for part in WAYS[:2]
        ),
        *(f"memory_{name}" for name in ("csv", "frame", "array", "parquet", "wide")),
    },
    "latency": {"webhook_ms"},
    "monitors": {"data_drift", "data_drift_cpu", "stability", "classification", "densities", "memory"},
    "start": {"help_ms", "worker_s", "center_s", "runtime_s"},
    "dmn": {
        *("evaluations", "evaluations_full", "load_100_rules", "load_10000_rules", "import", "rules_10000"),
        *("million_numbers", "peak_mb"),
    },
    "listings": {f"{place}_{page}" for place in ("sqlite", "http", "postgresql") for page in pages(400)}
    - {"http_web_page_of_200"},
    "throughput": {f"{way}_{what}" for way in ("instant", "standalone") for what in ("cpu", "rate", "lone_run")},
    "mirror": {"look_seconds", "look_requests"},
    "waiting": {"worker_mb", "sweep_seconds", "sweep_calls_per_50", "told"},
    "midnight": {"small_done", "share_while_all_wait", "seconds"},
    "growth": {"runtimes", "monitors", "megabytes", "days"},
}
pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]


def run(name: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCH / f"{name}.py"), "--smoke"]
    ended = subprocess.run(command, capture_output=True, timeout=580, check=False)
    assert ended.returncode == 0, ended.stderr.decode()[-3000:]
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


@pytest.mark.parametrize("name", FIGURES)
def test_the_smallest_form_of_a_bench_reports_its_figures(name: str) -> None:
    report = run(name)
    assert (report["bench"], report["size"], report["missed"]) == (name, "smoke", [])
    assert report["figures"].keys() == FIGURES[name]
    assert report["machine"]["cores"]
    for each in report["figures"].values():
        assert "median" in each or "kept" in each


def test_every_bench_that_is_here_is_run_by_make_bench() -> None:
    shared = {"measuring", "parts", "centre", "jobs", "all"}
    scripts = {path.stem for path in BENCH.glob("*.py") if "def main() -> int:" in path.read_text()} - shared
    listed = (BENCH / "all.py").read_text()
    assert {name for name in scripts if f'"{name}"' not in listed} == set()
