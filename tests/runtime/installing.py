"""Installs requirements in a test, and packages for that: wheels and source archives made by hand."""

import io
import tarfile
import textwrap
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from small_models import MEGABYTE

from mlc.model.required_libraries import RequirementsFile
from mlc.runtime.environments.installation import InstallRules
from mlc.runtime.environments.requirements import Interpreter, interpreter_for
from mlc.runtime.isolation import Level
from mlc.runtime.isolation.levels import Process, levels
from mlc.runtime.process import Allowance
from mlc.settings import RuntimeSettings


def level_named(name: str) -> Level:
    """A level; the test is skipped with the reason where it can't be had."""
    level = levels(RuntimeSettings())[name]
    if problem := level.problem():
        pytest.skip(f"The level {name} can't be had here: {problem}.")
    return level


class ReadsOnly(Process):
    """A level that keeps what it reads from being written; what is tested with it asks only whether that is said."""

    reads_only = True


@asynccontextmanager
async def installed(
    requirements: str,
    tmp_path: Path,
    name: str = "model",
    *,
    level: Level | None = None,
    memory: int = 1024,
    processes: int = 64,
    rules: InstallRules | None = None,
    **told: Any,
) -> AsyncIterator[Interpreter]:
    """The interpreter for some requirements of the model in ``tmp_path / name``, with environments in ``tmp_path``."""
    (tmp_path / name / "__moc_runtime").mkdir(parents=True, exist_ok=True)
    async with interpreter_for(
        [RequirementsFile("requirements.txt", requirements.encode())],
        tmp_path / "environments",
        tmp_path / name,
        level=level or Process(),
        allowance=Allowance(memory * MEGABYTE, 1024 * MEGABYTE, processes),
        rules=rules or InstallRules(time=120),
        **told,
    ) as interpreter:
        yield interpreter


def source_archive(folder: Path, name: str, setup: str) -> Path:
    """A source archive of version 1.0 whose ``setup.py`` begins with some code; and the ``seen.py`` that it makes."""
    modules = "import os\nmodules = [each for each in ('seen',) if os.path.exists(each + '.py')]"
    made = f"from setuptools import setup\nsetup(name={name!r}, version='1.0', py_modules=modules)"
    code = f"{textwrap.dedent(setup)}\n{modules}\n{made}\n"
    archive = folder / f"{name}-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for path, text in {
            "setup.py": code,
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        }.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive


def wheel(folder: Path, name: str, version: str = "1.0", *, requires: str = "", **files: str) -> Path:
    """A wheel with some modules by name, which may require something."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(path, "w") as archive:
        for module, text in files.items():
            archive.writestr(f"{module}.py", text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path
