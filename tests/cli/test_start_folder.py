"""The folder in which a command is started decides nothing, and what it holds is not executed.

The demo is played in such a folder, too: ``test_demo.py``.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_process import BY_MODULE, BY_SCRIPT, ROOT, Dev, environment, wait_until
from hostile_folder import LEADING_HERE, HostileFolder

from mlc.standalone.temporal_server import temporal_binary

pytestmark = pytest.mark.timeout(300)

WAYS = pytest.mark.parametrize("way", [BY_MODULE, BY_SCRIPT], ids=["python -m mlc.cli", "mlc"])
COMMANDS = (
    ["--help"],
    ["--version"],
    ["processes"],
    ["dmn", "check", str(ROOT / "examples/breast_cancer/thresholds.dmn")],
    ["validate", str(ROOT / "examples/diabetes")],
    ["submit", str(ROOT / "examples/diabetes")],
    ["worker"],
    ["gateway"],
    ["setup"],
    ["runtime"],
    ["check"],
    ["schedule", "list"],
    ["center"],
    ["desk", "--mistyped"],
)


@pytest.fixture
def hostile(tmp_path: Path) -> HostileFolder:
    return HostileFolder(tmp_path / "started here")


def run(way: tuple[str, ...], command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    settings = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "MLC_CENTER_URL": "http://127.0.0.1:1"}
    return subprocess.run(
        [*way, *command],
        env=environment(folder / "home", **settings, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@WAYS
@pytest.mark.parametrize("command", [command for command in COMMANDS if command != ["runtime"]], ids=" ".join)
def test_no_command_executes_anything_of_it(way: tuple[str, ...], command: list[str], hostile: HostileFolder) -> None:
    done = run(way, command, hostile.folder, **LEADING_HERE)
    assert hostile.executed() == []
    assert done.returncode in (0, 1, 2), done.stderr
    assert "Traceback" not in done.stderr


@WAYS
@pytest.mark.parametrize("path", ["", ".", ":", "elsewhere:", "./."])
def test_a_relative_part_of_pythonpath_is_not_searched_once_a_command_runs(
    way: tuple[str, ...], path: str, tmp_path: Path
) -> None:
    """What Python itself imports before it runs anything is out of our hands: that much a person has asked for."""
    hostile = HostileFolder(tmp_path / "started here")
    for file in hostile.folder.glob("*.py"):
        if file.stem not in {"secrets", "yaml", "pydantic", "typer", "asyncio", "logging", "workflows", "activities"}:
            file.unlink()
    done = run(way, ["processes"], hostile.folder, PYTHONPATH=path)
    assert (done.returncode, "DeployModel" in done.stdout) == (0, True), done.stderr
    assert hostile.executed() == []


def test_it_runs_from_its_source_as_well_where_it_is_not_installed(tmp_path: Path) -> None:
    """What is not installed is found beside the file that is run, in a folder that is not searched otherwise."""
    source = tmp_path / "source"
    source.mkdir()
    for package in ("mlc", "workflows", "activities"):
        (source / package).symlink_to(ROOT / package)
    (source / "secrets.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    without = (
        "import sys\n"
        "sys.meta_path[:] = [each for each in sys.meta_path if 'editable' not in str(each)]\n"
        f"sys.argv = [{str(source / 'mlc' / 'start.py')!r}, 'processes']\n"
        f"import runpy; runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", without],
        env=environment(tmp_path),
        cwd=source,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "DeployModel" in done.stdout) == (0, True), done.stderr
    assert not (tmp_path / "executed").exists()


@pytest.fixture
def dev(hostile: HostileFolder, tmp_path: Path) -> Iterator[Dev]:
    """`mlc dev`, started there."""
    with Dev(tmp_path / "home", folder=hostile.folder, **LEADING_HERE) as running:
        yield running


def test_everything_runs_there_and_nothing_of_it_is_executed(dev: Dev, hostile: HostileFolder) -> None:
    dev.ready()
    example = str(ROOT / "examples" / "diabetes")
    done = subprocess.run(
        [*BY_MODULE, "submit", example, "--tag", "run_test", "--tag", "online", "--watch"],
        env=environment(dev.home, **LEADING_HERE),
        cwd=hostile.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Outcome: deployed" in done.stdout, done.stdout + done.stderr
    children = dev.children()
    assert len(children) == 7
    assert {child.cwd() for child in children.values()} == {str(dev.home)}
    worker = children["worker"]
    worker.kill()
    wait_until(lambda: dev.children().get("worker") not in (None, worker))
    assert dev.end(signal.SIGTERM) == 0
    assert hostile.executed() == []
    assert sorted(path.name for path in hostile.folder.iterdir() if path.name == "__pycache__") == []


def test_a_program_is_not_looked_for_there(
    hostile: HostileFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(hostile.folder)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    for path in (".", "", ":", "./", "..", "../started here"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(FileNotFoundError, match="No `temporal` command"):
            temporal_binary()
    elsewhere = tmp_path / "bin"
    elsewhere.mkdir()
    (elsewhere / "temporal").touch(0o755)
    monkeypatch.setenv("PATH", f".::{elsewhere}")
    assert temporal_binary() == elsewhere / "temporal"
