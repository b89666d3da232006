"""The tables of docs/threat-model.md, cell by cell and line by line."""

import asyncio
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from container_image import image
from hostile import ATTEMPTS, TRY

from mlc.runtime.contents.content import Content
from mlc.runtime.contents.laying import Target
from mlc.runtime.isolation import Confinement, ContainedProcess, Level
from mlc.runtime.isolation.container import Container
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.levels import levels
from mlc.runtime.isolation.trial import trial
from mlc.runtime.places import Places
from mlc.runtime.working_directory import WorkingDirectory
from mlc.settings import RuntimeSettings

PAGE = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text()
ACCOUNT = "nobody"
"""Whose programs models are, for the level ``user``."""
SECRET = "A_SECRET"
WEIGHTS = bytes(range(256)) * 4097
OF_THE_MACHINE = frozenset(
    {"trace-runtime", "namespaces", "mount", "keys", "bpf", "userfaultfd", "io-uring", "shared-memory-left"}
)
"""What a kernel, or a container around all of this, may refuse to everybody who isn't root, or to root as well."""


def table(mark: str) -> list[dict[str, str]]:
    """The rows of the table below a mark, by the names of its columns."""
    lines = PAGE.split(f"<!-- {mark} -->\n")[1].split("\n\n")[0].strip().splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


PROMISES = table("promises")
HELD = [*table("every level"), *table("others")]
TESTS = Path(__file__).parents[1]


def level_named(name: str) -> Level:
    image_name, problem = image() if name == Container.name else ("", None)
    if problem:
        pytest.skip(f"The level {name} can't be had here: {problem}.")
    settings = RuntimeSettings(account=ACCOUNT, container_image=image_name, isolation="container")
    return levels(settings)[name]


@pytest.fixture(scope="session")
def interpreters() -> dict[str, str]:
    """Which interpreter each level can run, found out once."""
    return {}


def interpreter_of(level: Level, found: dict[str, str]) -> str:
    """This interpreter; the system's, where another account can't run this one. Skips if the level can't be had."""
    if level.name not in found:
        found[level.name], problem = sys.executable, level.problem()
        system = shutil.which("python3", path="/usr/bin:/bin")
        if problem and "can't enter" in problem and system:
            found[level.name], problem = system, trial(level, RuntimeSettings().folder, system)
        if problem:
            found[level.name] = f"The level {level.name} can't be had here: {problem}."
    if not found[level.name].startswith("/"):
        pytest.skip(found[level.name])
    return found[level.name]


@dataclass
class Scene:
    """A runtime with secrets, another job and a cached environment, all of this account, and servers to reach."""

    folder: Path
    aim: dict[str, Any]
    environment: Path
    kept: Path


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    folder = Path(tempfile.mkdtemp(prefix="threats-"))
    folder.chmod(0o711)  # every account can pass through it, unlike pytest's
    home, job = folder / "home", folder / "home" / "jobs" / "mine"
    monkeypatch.setenv("MLC_HOME", str(home))
    environment, other = home / "environments" / "cached", home / "jobs" / "other"
    for made in (job / "out", job / "tmp", environment, other):
        made.mkdir(parents=True)
    (job / "model.py").write_text("")
    (environment / "lib.py").write_text("")
    (other / "data.csv").write_text("a secret")
    kept = home / "runtime.contents" / hashlib.sha256(WEIGHTS).hexdigest()
    kept.parent.mkdir(mode=0o700)
    kept.write_bytes(WEIGHTS)
    kept.chmod(0o400)
    (home / "mlc.env").write_text(f"MLC_CENTER_TOKEN='{SECRET}'")
    unique = f"mlc-{uuid.uuid4().hex}"
    runtime = subprocess.Popen(["/bin/sleep", "600"], env={"TOKEN": SECRET}, start_new_session=True)
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        path = f"/tmp/{unique}.sock"
        for server, address in ((unix, path), (abstract, f"\0{unique}")):
            server.bind(address)
            server.listen()
        aim = {
            "runtime": runtime.pid,
            "settings": str(home / "mlc.env"),
            "home": str(home),
            "other_job": str(other),
            "environment": str(environment),
            "kept": str(kept),
            "tcp": tcp.getsockname()[1],
            "unix": path,
            "unique": unique,
            "key": int(unique[-7:], 16),
        }
        try:
            yield Scene(job, aim, environment, kept)
        finally:
            runtime.kill()
            runtime.wait()
            Path(path).unlink()
            Path(f"/var/tmp/{unique}").unlink(missing_ok=True)
            subprocess.run(["ipcrm", "-M", str(aim["key"])], check=False, capture_output=True)
            shutil.rmtree(folder)


def lay_out_weights(level: Level, scene: Scene) -> None:
    """As a runtime does, by way of what it keeps for all its models."""
    directory = WorkingDirectory(scene.folder)
    weights = Content(scene.kept.name, len(WEIGHTS), "weights.bin")
    Target(directory, PurePosixPath("weights.bin"), level.reads_only).take(scene.kept, weights, lambda: None)
    places = Places(directory)
    places.know(PurePosixPath("weights.bin"), weights.sha256)
    places.repeat(PurePosixPath("weights.bin"), PurePosixPath("out/weights.bin"))


async def attempt(level: Level, python: str, scene: Scene, source: str) -> str:
    """What a hostile program says that it could do."""
    own = interpreter_files(python) if python == sys.executable else []
    confinement = Confinement(
        directory=scene.folder,
        writable=[scene.folder / "out", scene.folder / "tmp"],
        readable=[*own, scene.environment],
        environment={"PATH": os.environ["PATH"], "TMPDIR": str(scene.folder / "tmp"), "AIM": json.dumps(scene.aim)},
        memory=2**29,
        disk=2**24,
    )
    process = ContainedProcess(level, [python, "-I", "-u", "-c", source], confinement)
    await process.start()
    try:
        await asyncio.wait_for(process.ended(), 60)
    finally:
        await process.end()
    said = process.log.lines()
    assert said, f"It said nothing, and {process.cause_of_death}."
    return said[-1]


def shared_memory_is_left(scene: Scene) -> bool:
    segments = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return any(int(line.split()[0]) & 0xFFFF_FFFF == scene.aim["key"] for line in segments)


EVIDENCE: dict[str, Callable[[Scene], bool]] = {
    "own-code": lambda scene: (scene.folder / "model.py").read_text() != "",
    "own-folder": lambda scene: (scene.folder / "new.txt").exists(),
    "environment": lambda scene: (scene.environment / "lib.py").read_text() != "",
    "other-job-write": lambda scene: (Path(scene.aim["other_job"]) / "new").exists(),
    "home-write": lambda scene: (Path(scene.aim["home"]) / "new").exists(),
    "temporary-write": lambda scene: Path(f"/var/tmp/{scene.aim['unique']}").exists(),
    "weights": lambda scene: scene.kept.read_bytes() != WEIGHTS,
    "kept-contents": lambda scene: scene.kept.read_bytes() != WEIGHTS,
    "modes": lambda scene: (scene.environment / "lib.py").stat().st_mode & 0o777 == 0o777,
    "times": lambda scene: (scene.environment / "lib.py").stat().st_mtime == 1,
    "remove": lambda scene: not (scene.environment / "lib.py").exists(),
    "shared-memory-left": shared_memory_is_left,
}
"""What tells from outside whether an attempt was successful, where the program itself can be wrong about it."""


def test_every_attempt_is_in_the_table_and_every_line_is_an_attempt() -> None:
    assert [row["Attempt"].strip("`") for row in PROMISES] == list(ATTEMPTS)


@pytest.mark.parametrize("row", HELD, ids=lambda row: row["Held by"].partition("::")[2].strip("`"))
def test_what_else_the_page_says_is_held_by_a_test(row: dict[str, str]) -> None:
    file, _, name = row["Held by"].strip("`").partition("::")
    [found] = TESTS.rglob(file)
    assert re.search(rf"^(async )?def {name}\(", found.read_text(), re.MULTILINE), f"There is no {name} in {found}."


@pytest.mark.parametrize("level", ["process", "landlock", "bubblewrap", "user", "container"])
@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row["Attempt"].strip("`"))
async def test_the_table_says_what_a_model_can_do(
    scene: Scene, interpreters: dict[str, str], row: dict[str, str], level: str
) -> None:
    name = row["Attempt"].strip("`")
    named = level_named(level)
    interpreter = interpreter_of(named, interpreters)
    lay_out_weights(named, scene)
    said = await attempt(named, interpreter, scene, TRY.format(attempt=f"    {ATTEMPTS[name]}"))
    assert said == "done" or said.startswith("not done")
    if row[level] == "no" and name in OF_THE_MACHINE and said != "done":
        pytest.skip(f"This machine itself refuses it: {said}")
    successful = EVIDENCE[name](scene) if name in EVIDENCE else said == "done"
    assert row[level] == ("no" if successful else "yes"), said
