"""Where the code of a model's process comes from: not from where its runtime was started, nor from variables."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hostile_folder import HostileFolder
from outcomes import Ran, result
from small_models import embedded, needing, python_model, tiny_library

from mlc.model.job import JobKind

Run = Callable[..., Awaitable[Ran]]
CSV = embedded("test.csv", "a\n1\n", file_format="CSV")
REPORTING = """
import os, sys
# modelop.metrics
def m(df): yield {
    "path": sys.path,
    "variables": sorted(os.environ),
    "order": list({f"name {number}" for number in range(50)}),
    "utf8": sys.flags.utf8_mode,
}
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileFolder:
    """The folder in which the runtime runs, to which every variable leads that Python might follow."""
    planted = HostileFolder(tmp_path / "started here")
    monkeypatch.chdir(planted.folder)
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONPLATLIBDIR"):
        monkeypatch.setenv(name, str(planted.folder))
    monkeypatch.setenv("PYTHONSTARTUP", str(planted.folder / "secrets.py"))
    return planted


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one package, tiny-library 1.0."""
    folder = tmp_path / "packages"
    folder.mkdir()
    tiny_library(folder, "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


async def test_a_model_runs_and_nothing_of_the_folder_is_executed(run: Run, hostile: HostileFolder) -> None:
    seen = result(await run(JobKind.METRICS, python_model(REPORTING), CSV))
    assert hostile.executed() == []
    assert not [entry for entry in seen["path"] if str(hostile.folder) in entry]
    assert not set(seen["variables"]) & {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE"}


async def test_a_model_gives_the_same_each_time(run: Run, tmp_path: Path) -> None:
    """An isolated Python takes no hash seed from a variable, and would order sets by chance."""
    first, second = [result(await run(JobKind.METRICS, python_model(REPORTING), CSV)) for _ in range(2)]
    assert first["order"] == second["order"]
    assert first["utf8"] == 1


@pytest.mark.usefixtures("packages")
async def test_requirements_are_installed_and_nothing_of_the_folder_is_executed(
    run: Run, hostile: HostileFolder
) -> None:
    assert result(await run(JobKind.METRICS, needing("tiny-library==1.0"), CSV))["v"] == "1.0"
    assert hostile.executed() == []


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("planted", ["pip", "venv", "ensurepip", "secrets", "json", "sitecustomize"])
async def test_what_a_model_brings_is_not_taken_for_what_its_requirements_are_installed_with(
    run: Run, planted: str, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    code = f"import sys\nif 'pip' in ' '.join(sys.argv): open({str(marker)!r}, 'w')\n"
    model = needing("tiny-library==1.0", embedded(f"{planted}.py", code, asset_role="SOURCE_CODE"))
    assert (await run(JobKind.METRICS, model, CSV)).problem is None
    assert not marker.exists()
