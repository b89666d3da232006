"""Production's processes run without standalone mode, which is there for one machine and one person."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from distribution.missing import ONLY_IN_EXTRA, ROOT, mlc, python

from mlc.cli.extra import RUNTIME

NO_SERVER = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
PROCESSES = {
    "worker": ["mlc.worker"],
    "gateway": ["mlc.gateway.serve"],
    "runtime": ["mlc.runtime", "mlc.runtime.serve"],
    "setup": ["mlc.namespace", "mlc.worker"],
    "check": ["mlc.check.report"],
    "schedule": ["mlc.mirrored", "mlc.cli.schedule"],
    "dmn": ["mlc.dmn.report", "mlc.cli.dmn"],
    "workflows": ["workflows", "activities"],
}


def loaded(code: str, home: Path) -> set[str]:
    """The modules of ours that a process has loaded after some code."""
    done = python(code + "\nprint('LOADED', *sys.modules)", home)
    assert done.returncode == 0, done.stderr
    return {name for name in done.stdout.split() if name.startswith(("mlc", "workflows", "activities"))}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_of_production_loads_nothing_of_standalone_mode(process: str, tmp_path: Path) -> None:
    code = f"import mlc.cli.home, {', '.join(PROCESSES[process])}\nmlc.cli.home.use_home()"
    found = loaded(code, tmp_path)
    assert set(PROCESSES[process]) <= found
    assert not {name for name in found if name.startswith("mlc.standalone") or "faults" in name.split(".")}


def test_a_module_of_standalone_mode_would_be_seen(tmp_path: Path) -> None:
    assert "mlc.standalone.environment" in loaded("import mlc.worker, mlc.standalone.environment", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        (["worker"], {}, "No ticket system is set up: set MLC_JIRA_URL"),
        (["gateway"], {}, "No secret for webhooks: set MLC_JIRA_WEBHOOK_SECRETS"),
        (["setup"], NO_SERVER, "Temporal can't be reached at 127.0.0.1:1"),
        (["schedule", "list"], NO_SERVER, "Temporal can't be reached at 127.0.0.1:1"),
        (["schedule", "run", "nightly"], NO_SERVER, "Temporal can't be reached at 127.0.0.1:1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_its_commands_need_neither_standalone_mode_nor_its_packages(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], says: str
) -> None:
    done = mlc(*arguments, home=tmp_path, without=["mlc.standalone", *ONLY_IN_EXTRA], **settings)
    [sentence] = done.stderr.splitlines()
    assert (done.returncode, sentence.startswith(says)) == (1, True), sentence


def test_check_needs_neither(tmp_path: Path) -> None:
    done = mlc("check", home=tmp_path, without=["mlc.standalone", *ONLY_IN_EXTRA], **NO_SERVER)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Temporal" in done.stdout


def test_a_runtime_needs_the_packages_and_not_standalone_mode(tmp_path: Path) -> None:
    others = set(ONLY_IN_EXTRA) - set(RUNTIME)
    done = mlc("runtime", "--name", "r", home=tmp_path, without=["mlc.standalone", *sorted(others)], **NO_SERVER)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "can't be reached at 127.0.0.1:1" in done.stderr.splitlines()[-1]


def test_lint_refuses_an_import_of_standalone_mode(tmp_path: Path) -> None:
    """On a copy of the packages with one import too many."""
    for name in ("mlc", "workflows", "activities"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "models"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    home = tmp_path / "mlc/cli/home.py"
    home.write_text(home.read_text() + "\n\ndef f():\n    import mlc.standalone.faults\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Production is without standalone mode BROKEN" in done.stdout
    assert "mlc.cli.home -> mlc.standalone.faults" in done.stdout
