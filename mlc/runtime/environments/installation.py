"""Installing what a model requires: contained, said while it goes on, ended in time, explained if it can't be done."""

import asyncio
import importlib.util
import os
import platform
import shutil
import stat
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlc.model.required_libraries import Required
from mlc.runtime.environments.pip_output import PipOutput
from mlc.runtime.environments.pip_settings import pip_environment, pip_files
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation import Confinement, ContainedProcess, Level
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.names import PRIVATE
from mlc.runtime.process import Allowance

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds until an index that was away is asked again."""
LOG_READ = 1024**2
"""Bytes of pip's log that are read, from its end."""
SHOWN_LINES = 30
WHAT = "Installing the model's requirements"
# A wheel of an index may require what lies at an address, which "only binary" doesn't keep pip from building. To
# install wheels it needs no other program, and no hook can be taken away again.
PIP_ALONE = """
import runpy, sys
def refuse(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty"):
        raise PermissionError("pip would have to run another program, and this runtime builds no packages")
sys.addaudithook(refuse)
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""

Doing = Callable[[str], Awaitable[None]]
"""Told what is being done just now."""


async def quietly(_doing: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class InstallRules:
    """How models' requirements are installed.

    Args:
        time: seconds; an index that is away is asked again until then.
        disk: bytes that one installation may write, what is only needed meanwhile included.
        kept: bytes that all environments together may keep.
        source_builds: whether packages may be built, and the model's own folders and archives be installed.
    """

    time: float = 600
    disk: int = 10 * 1024**3
    kept: int = 20 * 1024**3
    source_builds: bool = False


class Installation:
    """One environment, made by venv and pip in contained processes; pip is asked again while an index is away.

    Args:
        wanted: what is to be installed.
        what: the same, for people.
        directory: the model's files.
        environment: an empty folder, which becomes the environment.
        work: an empty folder for whatever is needed meanwhile.
        allowance: what a model's process may use; pip may, too.
    """

    def __init__(
        self,
        wanted: Sequence[Required],
        what: str,
        *,
        directory: Path,
        environment: Path,
        work: Path,
        level: Level,
        allowance: Allowance,
        rules: InstallRules,
    ) -> None:
        self._wanted, self._directory = wanted, directory
        self._environment, self._work = environment.resolve(), work.resolve()
        self._level, self._allowance, self._rules = level, allowance, rules
        self._temporary = self._work / "tmp"
        self._log = self._temporary / "pip.log"
        version = platform.python_version()
        self._cannot = f"The model's requirements can't be installed for Python {version}"
        self._what = f"{what} for Python {version.rpartition('.')[0]}"
        self._settings = pip_environment(self._work)

    async def run(self, doing: Doing) -> None:
        """Make it; a ModelFailure says in pip's words why that can't be done, or what it was at for too long."""
        for folder in self._writable:
            folder.mkdir(exist_ok=True)
        lines = await asyncio.to_thread(self._lines)
        (self._work / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))
        await self._make_environment()
        await doing(f"installing {self._what}")
        pause, away = FIRST_PAUSE, ""
        try:
            async with asyncio.timeout(self._rules.time):
                while True:
                    self._log.unlink(missing_ok=True)
                    code, said = await self._contained(self._pip())
                    if not code:
                        break
                    output = await self._output()
                    if not (away := output.outage()):
                        raise self._failure(output, said)
                    await doing(f"waiting for the package index, to install {self._what}")
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        except TimeoutError:
            raise self._late(await self._output(), away) from None
        await asyncio.to_thread(self._check)

    async def _make_environment(self) -> None:
        # It sees the runtime's own pip, if there is one; to unpack another takes longer than most installations.
        own_pip = ["--without-pip"] if importlib.util.find_spec("pip") else []
        limit = self._rules.time
        try:
            async with asyncio.timeout(limit):
                make = [sys.executable, "-I", "-m", "venv", *own_pip, str(self._environment)]
                code, said = await self._contained(make)
        except TimeoutError:
            raise ModelFailure(f"The environment for the model's requirements can't be made in {limit:g} s.") from None
        if code:
            raise ModelFailure("The environment for the model's requirements can't be made.", said)
        libraries = sorted({sysconfig.get_path(kind) for kind in ("purelib", "platlib")})
        (self._site / "runtime_libraries.pth").write_text("\n".join(libraries))

    @property
    def _writable(self) -> list[Path]:
        # Not all of its working folder: levels put there what they need themselves.
        return [self._environment, self._work / "home", self._temporary]

    @property
    def _site(self) -> Path:
        return next(self._environment.glob("lib/python*/site-packages"))

    def _lines(self) -> list[str]:
        """What pip is told to install. Of the model's own files it gets a copy: a build writes beside its source."""
        source = self._temporary / "model"
        if any(each.path for each in self._wanted):
            shutil.copytree(self._directory, source, ignore=shutil.ignore_patterns(PRIVATE))
        for each in self._wanted:
            if each.path and not (source / each.path).exists():
                raise ModelFailure(f"{self._cannot}: {each.path} is no file of the model's.")
        return [(source / each.path).as_uri() if each.path else str(each) for each in self._wanted]

    def _pip(self) -> list[str]:
        builds = self._rules.source_builds
        run = ["-m", "pip"] if builds else ["-c", PIP_ALONE]
        # Its cache would be read by other installations, and what is built here may write to it.
        options = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--log", str(self._log)]
        only = [] if builds else ["--only-binary", ":all:"]
        # Where hashes are given, pip wants them for everything.
        pandas = [] if any(each.hashes for each in self._wanted) else ["pandas"]
        wanted = ["-r", str(self._work / "requirements.txt"), *pandas]
        return [str(self._environment / "bin" / "python"), "-I", *run, "install", *options, *only, *wanted]

    async def _contained(self, program: Sequence[str]) -> tuple[int, str]:
        """Exit code and output of a program. Whatever happens, nothing of it is alive afterwards."""
        confinement = Confinement(
            directory=self._work,
            writable=self._writable,
            readable=[*interpreter_files(sys.executable), *pip_files()],
            environment=self._settings,
            memory=self._allowance.memory,
            disk=self._rules.disk,
            processes=self._allowance.processes,
            network=True,
            bounded_address_space=True,
        )
        process = ContainedProcess(self._level, program, confinement, what=WHAT)
        try:
            await process.start()
            await process.ended()
        finally:
            await asyncio.shield(process.end())
        said = "\n".join(process.log.lines())
        if process.verdict:
            raise ModelFailure(process.verdict, self._tail(PipOutput(said, self._private)))
        if process.code is None or process.code < 0:
            raise ModelFailure(f"{WHAT} {process.cause_of_death}.", self._tail(PipOutput(said, self._private)))
        return process.code, said

    def _check(self) -> None:
        """Without builds, everything is of an index: what lies at an address isn't, although a package requires it."""
        for path in () if self._rules.source_builds else self._site.glob("*.dist-info/direct_url.json"):
            name = path.parent.name.removesuffix(".dist-info")
            raise ModelFailure(
                f"{self._cannot}: {name} is required by another package from an address, "
                "and only packages of the runtime's index are."
            )

    @property
    def _private(self) -> list[str]:
        return [*map(str, self._wanted), *self._settings.values()]

    async def _output(self) -> PipOutput:
        return PipOutput(await asyncio.to_thread(_end_of, self._log), self._private)

    def _failure(self, logged: PipOutput, said: str) -> ModelFailure:
        printed = PipOutput(said, self._private)
        why = logged.reason() or printed.reason() or "pip's last lines follow"
        return ModelFailure(f"{self._cannot}: {why}.", self._tail(printed))

    def _tail(self, printed: PipOutput) -> str:
        return "\n".join(printed.lines[-SHOWN_LINES:])

    def _late(self, logged: PipOutput, away: str) -> ModelFailure:
        limit, step = self._rules.time, logged.step()
        if away := logged.outage() or ("" if step else away):  # one that came back has let it get on
            return ModelFailure(
                f"{self._cannot}: the package index was away for the {limit:g} seconds that this may take ({away})."
            )
        late = f"Installing {self._what} took longer than {limit:g} seconds (MLC_RUNTIME_INSTALL_TIME_LIMIT)"
        return ModelFailure(f"{late}; pip was at: {step}" if step else f"{late}.")


def _end_of(log: Path) -> str:
    # What is built may have put something else in its place.
    with suppress(OSError):
        descriptor = os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if stat.S_ISREG(state.st_mode):
                file.seek(max(0, state.st_size - LOG_READ))
                return file.read(LOG_READ).decode(errors="replace")
    return ""
