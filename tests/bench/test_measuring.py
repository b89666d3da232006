"""What the benches share: figures, limits, reports; and that one bench that fails keeps no other from its report."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return loaded("measuring", monkeypatch)


def test_a_figure_is_the_median_with_its_spread_beside_its_baseline(measuring: ModuleType) -> None:
    made = measuring.figure([3, 1, 2], "s", baseline=[1, 1, 4], at_most=1.5)
    assert (made["median"], made["spread"], made["baseline"]["median"]) == (2, [1, 3], 1)
    assert (made["ratio"], made["ratio_spread"], made["kept"]) == (1, [0.5, 3], True)


@pytest.mark.parametrize(
    ("limits", "kept"),
    [({"at_most": 2}, True), ({"at_most": 1.9}, False), ({"at_least": 2}, True), ({"at_least": 2.1}, False)],
)
def test_a_limit_can_be_missed(measuring: ModuleType, limits: dict[str, float], kept: bool) -> None:
    assert measuring.figure([1, 2, 3], "s", **limits)["kept"] is kept


def test_a_baseline_of_nothing_is_no_limit_that_is_kept(measuring: ModuleType) -> None:
    assert measuring.figure([1], "s", baseline=[0], at_most=5)["kept"] is False


@pytest.mark.parametrize(("size", "code"), [("full", 1), ("quick", 1), ("smoke", 0)])
def test_what_was_missed_is_told_and_the_exit_code_says_so(
    measuring: ModuleType, capsys: pytest.CaptureFixture[str], size: str, code: int
) -> None:
    figures = {"good": measuring.figure([1], "s", at_most=1), "bad": measuring.verdict(False, "it grew")}
    assert measuring.report("b", measuring.Size(size), figures, skipped={"other": "no disk"}) == code
    told = json.loads(capsys.readouterr().out)
    assert told["missed"] == (["bad"] if code else [])
    assert told["skipped"] == {"other": "no disk"}


def test_memory_and_cpu_of_a_process_are_read(measuring: ModuleType) -> None:
    assert measuring.own_memory(os.getpid()) > 1_000_000
    assert measuring.cpu_seconds(os.getpid()) > 0
    assert measuring.own_memory(2**22 + 1) is None
    assert measuring.cpu_seconds(2**22 + 1) is None
    fill = "kept = bytearray(60_000_000); kept[::4096] = b'x' * len(kept[::4096])"
    code = f"import time; {fill}; print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        with measuring.watched({"it": process.pid}) as peaks:
            process.stdout.readline()
        process.kill()
    assert 50 < peaks.mebibytes()["it"] < 150


def test_a_bench_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    every = loaded("all", monkeypatch)
    scripts = {
        "breaks": "raise SystemExit('no Temporal here')",
        "mumbles": "print('nothing that is JSON')",
        "misses": 'print(\'{"bench": "misses", "missed": ["x"]}\'); raise SystemExit(1)',
        "claims": 'print(\'{"bench": "claims", "missed": []}\'); raise SystemExit(1)',
        "keeps": 'import sys; print(\'{"bench": "keeps", "missed": [], "asked": "%s"}\' % sys.argv[1:])',
        "hangs": "import time; time.sleep(600)",
    }
    for name, code in scripts.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setattr(every, "__file__", str(tmp_path / "all.py"))
    monkeypatch.setattr(every, "BENCHES", (*scripts, "absent"))
    monkeypatch.setattr(every, "SECONDS", {"quick": 5})
    monkeypatch.setattr(sys, "argv", ["all.py", "--quick"])
    assert every.main() == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["failed"] == ["breaks", "mumbles", "claims", "hangs"]
    assert told["missed"] == {"misses": ["x"]}
    by_name = {each["bench"]: each for each in told["benches"]}
    assert by_name["keeps"]["asked"] == "['--quick']"
    assert "no Temporal here" in by_name["breaks"]["said"]
    assert by_name["absent"]["skipped"]
