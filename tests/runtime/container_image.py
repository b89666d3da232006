"""An image in which models run, made without a registry: this interpreter, pandas, and the libraries of the system."""

import fcntl
import hashlib
import importlib.metadata
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mlc.runtime.isolation.container import Container
from mlc.runtime.isolation.engine import Engine, EngineFailed, installed
from mlc.settings import RuntimeSettings

GIVEN = "MLC_TEST_CONTAINER_IMAGE"
"""A variable that names an image that is there already."""
PROGRAMS = ("sh", "cat", "true")
LIBRARIES = ("pip", "numpy", "pandas", "python-dateutil", "six", "tzdata")
LEFT_OUT = {"__pycache__", "test", "tests", "site-packages", "dist-packages", "idlelib", "ensurepip"}
ACCOUNTS = {"etc/passwd": b"root:x:0:0:root:/:/bin/sh\n", "etc/group": b"root:x:0:\n"}


@cache
def image() -> tuple[str, str | None]:
    """The image's name, and why there is none; made once for this interpreter, and kept for later runs."""
    if name := os.environ.get(GIVEN):
        return name, None
    engine = installed()
    if engine is None:
        return "", "there is neither podman nor docker"
    if os.geteuid() == 0:
        return "", "the tests run as root, and an engine would, too"
    kind = [PROGRAMS, sys.executable, sys.version, *(importlib.metadata.version(each) for each in LIBRARIES)]
    name = f"localhost/mlc-test-model:{hashlib.sha256(repr(kind).encode()).hexdigest()[:12]}"
    lock = Path(tempfile.gettempdir(), f"mlc-test-model-{os.geteuid()}.lock")
    with lock.open("w") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # workers of the tests share it
        try:
            engine.ask("image", "inspect", name)
        except EngineFailed:
            try:
                _make(engine, name)
            except (EngineFailed, subprocess.CalledProcessError) as failure:
                return name, f"no image can be made: {failure}"
    return name, None


def container() -> tuple[Container, str | None]:
    """The level, and why it can't be had here."""
    name, problem = image()
    level = Container(RuntimeSettings(container_image=name, work_dir=Path(tempfile.gettempdir(), "mlc-test-model")))
    return level, problem or level.problem()


def _make(engine: Engine, name: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in _files():
                archive.add(path, recursive=False)
            for place in ("tmp", "var/tmp", "proc", "dev", "sys", "run"):
                folder = tarfile.TarInfo(place)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(folder)
            for place, content in ACCOUNTS.items():
                entry = tarfile.TarInfo(place)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        file.flush()
        variables = ["PATH=/usr/bin:/bin", f"LD_LIBRARY_PATH={sys.base_prefix}/lib"]
        changes = [word for each in variables for word in ("--change", f"ENV {each}")]
        subprocess.run([engine.program, "import", *changes, file.name, name], check=True, capture_output=True)


def _files() -> Iterator[Path]:
    """What the interpreter needs, with the folders of links that lead to it."""
    found = [Path(sys.prefix, "pyvenv.cfg"), *Path(sys.prefix, "bin").glob("python*")]
    real = Path(sys.executable).resolve()
    found += [real, *real.parent.glob("python3*")]
    found += _below(Path(sysconfig.get_path("stdlib")))
    for library in LIBRARIES:
        found += [path for file in importlib.metadata.files(library) or () if (path := Path(file.locate())).exists()]
    programs = [Path(program) for name in PROGRAMS if (program := shutil.which(name, path="/bin"))]
    shared = [*programs, *(path for path in found if path == real or ".so" in path.suffixes)]
    found += programs
    told = subprocess.run(["ldd", *map(str, shared)], capture_output=True, text=True, check=False).stdout
    found += {Path(match) for match in re.findall(r"(/[^\s:]+)(?: \(0x)", told)}
    given: set[Path] = set()
    for path in found:
        for each in _with_links(path):
            if each not in given and each.exists() and "__pycache__" not in each.parts:
                given.add(each)
                yield each


def _below(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each not in LEFT_OUT]
        yield from (Path(path, file) for file in files)


def _with_links(path: Path) -> Iterator[Path]:
    """The links on the way to a file, and the file itself, none of them by a path through a link."""
    way = Path("/")
    for part in path.parts[1:]:
        way = way / part
        if ".." in way.parts:
            way = Path(os.path.normpath(way))
        if way.is_symlink():
            yield way
            yield from _with_links(way.parent / way.readlink())
            way = way.resolve()
    yield way
