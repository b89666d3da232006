"""`mlc.dmn` works with nothing but its own two dependencies, and its README says how."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import mlc.dmn

ENGINE = Path(mlc.dmn.__file__).parent
README = (ENGINE / "README.md").read_text()
DEPENDENCIES = ("google-re2",)


@pytest.fixture
def thresholds(tmp_path: Path, table) -> Path:
    """The table that the README is about."""
    path = tmp_path / "thresholds.dmn"
    path.write_bytes(
        table(["auc", "psi"], [("passes", "boolean")], [["< 0.7", "", "false"], ["", "> 0.1", "false"]], "COLLECT")
    )
    return path


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with the engine, not even the rest of the package `mlc`, and the packages that it may need."""
    folder = tmp_path / "packages"
    shutil.copytree(ENGINE, folder / "mlc/dmn", ignore=shutil.ignore_patterns("__pycache__"))
    for name in DEPENDENCIES:
        for file in distribution(name).files or []:
            if file.suffix in (".py", ".so") and ".." not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), target)
    return folder


def block(language: str) -> str:
    """The README's block of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def python(code: str, packages: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that has the standard library and these packages: no site, no environment, no folder."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(packages)!r})\n{code}"],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_readmes_example_prints_what_it_says_with_nothing_else_installed(packages: Path, thresholds: Path) -> None:
    done = python(block("python"), packages, thresholds.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == block("text")
    assert len(block("python").splitlines()) <= 12


def test_all_of_its_modules_can_be_imported_there(packages: Path, tmp_path: Path) -> None:
    names = [
        ".".join(path.relative_to(packages).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((packages / "mlc").rglob("*.py"))
    ]
    assert len(names) > 40
    done = python(f"import {', '.join(names)}\nprint(*sys.modules)", packages, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    others = {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names
    assert others <= {"mlc", "re2", "_re2", "__main__", "__mp_main__"}


def test_patterns_zones_and_the_reports_work_there(packages: Path, thresholds: Path) -> None:
    code = """
import mlc.dmn
from mlc.dmn.analysis import analyse
from mlc.dmn.analysis.report import Checked, lines
assert "  auc: Any" in lines(Checked("thresholds.dmn", analyse("thresholds.dmn")))
xml = lambda text: ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" namespace="n" id="d">'
    f'<decision id="x" name="x"><literalExpression><text>{text}</text></literalExpression></decision></definitions>')
value = lambda text: mlc.dmn.load(xml(text).encode()).evaluate({}).result
print(value('matches("abc", "a.c")'), value('date and time("2026-07-31T10:00:00@Europe/Berlin")'))
"""
    done = python(code, packages, thresholds.parent)
    assert (done.stdout, done.stderr) == ("True 2026-07-31 10:00:00+02:00\n", "")


def test_the_environment_has_nothing_else_and_it_is_needed(packages: Path, thresholds: Path) -> None:
    shutil.rmtree(packages / "re2")
    thresholds.write_bytes(thresholds.read_bytes().replace(b"&lt; 0.7", b'matches("abc", "a.c")'))
    done = python(block("python"), packages, thresholds.parent)
    assert "ModuleNotFoundError: No module named 're2'" in done.stderr


@pytest.mark.parametrize("other", ["pydantic", "temporalio", "mlc.settings", "pytest"])
def test_other_packages_are_not_there(other: str, packages: Path, tmp_path: Path) -> None:
    assert "ModuleNotFoundError" in python(f"import {other}", packages, tmp_path).stderr


def test_the_readmes_commands_work(thresholds: Path) -> None:
    commands = re.findall(r"^    mlc (.+)$", README, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "mlc.cli", *command.split()],
            cwd=thresholds.parent,
            env={"PYTHONPATH": str(ENGINE.parents[1])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert "< 0.7" in done.stdout
