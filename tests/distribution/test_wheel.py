"""What the wheel has in it. It is built from a copy of the clone, which takes about a second."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from distribution.missing import ROOT

PACKAGES = ("mlc", "workflows", "activities")
MODELS = "mlc/standalone/demo/models/"
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, 'build_' + sys.argv[1])('dist')"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the repository and a wheel is built from, links as links."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in (*PACKAGES, "examples"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def built(folder: Path, what: str = "wheel") -> Path:
    """Builds the wheel or the sdist as pip does, with this Python's setuptools."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, what], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    [file] = (folder / "dist").glob("*.whl" if what == "wheel" else "*.tar.gz")
    return file


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(built(clone)) as file:
        file.extractall(folder)
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_has_every_file_of_the_packages(clone: Path, wheel: Path) -> None:
    wanted = {f"{name}/{file}" for name in PACKAGES for file in files(clone / name) if not file.endswith(".md")}
    wanted = {name for name in wanted if not name.startswith(MODELS)}
    assert wanted - files(wheel) == set()
    assert "mlc/dmn/README.md" in files(wheel)


def test_it_has_the_models_of_the_demo_byte_for_byte(wheel: Path) -> None:
    models = {path.parent.name for path in (ROOT / "examples").glob("*/metadata.json")}
    assert models == {"breast_cancer", "breast_cancer_weak", "diabetes"}
    for model in models:
        ours = {path.name: path.read_bytes() for path in (ROOT / "examples" / model).iterdir() if path.is_file()}
        theirs = {path.name: path.read_bytes() for path in (wheel / MODELS / model).iterdir()}
        assert theirs == ours


def test_it_has_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in files(wheel)}
    assert {re.sub(r"-[\d.]+\.dist-info$", ".dist-info", top) for top in tops} == {*PACKAGES, "mlc_temporal.dist-info"}
    assert not {name for name in files(wheel) if "__pycache__" in name or name.endswith((".env", ".pyc"))}
    assert not list((wheel / MODELS).glob("*.*"))  # make_data.py is for a clone


def test_the_demo_finds_its_models_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    code = f"""
import sys
sys.path[:0] = [{str(wheel)!r}]
from datetime import date
from mlc.standalone.demo.run import EXAMPLES, submissions
from mlc.center.modelop.folder import read_model_folder
assert EXAMPLES.is_relative_to({str(wheel)!r}), EXAMPLES
models = [read_model_folder(each.folder) for each in submissions(date.today(), approve=True)]
print(*(folder.model.name for folder in models), sep="|")
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "Breast Cancer Diagnosis|Diabetes Progression|Breast Cancer Diagnosis (two measurements)\n", (
        done.stderr
    )


def test_a_wheel_made_from_the_source_archive_is_the_same(clone: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(built(clone, "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.iterdir()
    with zipfile.ZipFile(built(source)) as file:
        packed = {name for name in file.namelist() if not name.endswith("/")}
        assert packed == {name for name in files(wheel) if "__pycache__" not in name}  # whoever ran it left that there


def test_without_the_examples_there_is_a_wheel_for_production(clone: Path, tmp_path: Path) -> None:
    """As in the image, whose build sees the packages only."""
    shutil.copytree(clone, tmp_path / "c", symlinks=True, ignore=shutil.ignore_patterns("examples", "build", "dist"))
    with zipfile.ZipFile(built(tmp_path / "c")) as file:
        names = file.namelist()
    assert "mlc/worker.py" in names
    assert not [name for name in names if name.startswith(MODELS)]
