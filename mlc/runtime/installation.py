"""Installing what a model requires: said while it goes on, ended in time, and explained where it can't be done."""

import asyncio
import os
import platform
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.pip_output import PipOutput

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds until an index that was away is asked again."""
LOG_READ = 1024**2
"""Bytes of pip's log that are read, from its end."""
SHOWN_LINES = 30

Doing = Callable[[str], Awaitable[None]]
"""Told what is being done just now."""
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
PASSED_ON_LIKE = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


async def quietly(_doing: str) -> None:
    """Tell nobody."""


class Installation:
    """One installation by pip, tried again while an index is away."""

    def __init__(self, python: Path, wanted: Path, directory: Path, log: Path, what: str) -> None:
        self._log = log
        self._directory = directory
        version = platform.python_version()
        self._python = f"Python {version}"
        self._what = f"{what} for Python {version.rpartition('.')[0]}"
        options = ["--disable-pip-version-check", "--no-input", "--log", str(log)]
        self._command = [str(python), "-I", "-m", "pip", "install", *options, "-r", str(wanted), "pandas"]
        self._private = [wanted.read_text(), *environment().values()]

    async def run(self, limit: float, doing: Doing) -> None:
        """Install; a ModelFailure says in pip's words why that can't be done, or what it was at for too long."""
        await doing(f"installing {self._what}")
        pause, away = FIRST_PAUSE, ""
        try:
            async with asyncio.timeout(limit):
                while True:
                    self._log.unlink(missing_ok=True)
                    code, said = await run_program(self._command, self._directory)
                    if not code:
                        return
                    output = await self._output()
                    if not (away := output.outage()):
                        raise self._failure(output, said)
                    await doing(f"waiting for the package index, to install {self._what}")
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        except TimeoutError:
            raise self._late(await self._output(), limit, away) from None
        finally:
            self._log.unlink(missing_ok=True)

    async def _output(self) -> PipOutput:
        return PipOutput(await asyncio.to_thread(_end_of, self._log), self._private)

    def _failure(self, logged: PipOutput, said: str) -> ModelFailure:
        printed = PipOutput(said, self._private)
        why = logged.reason() or printed.reason() or "pip's last lines follow"
        trace = "\n".join(printed.lines[-SHOWN_LINES:])
        return ModelFailure(f"The model's requirements can't be installed for {self._python}: {why}.", trace)

    def _late(self, logged: PipOutput, limit: float, away: str) -> ModelFailure:
        step = logged.step()
        if away := logged.outage() or ("" if step else away):  # one that came back has let it get on
            return ModelFailure(
                f"The model's requirements can't be installed for {self._python}: the package index was away for the "
                f"{limit:g} seconds that this may take ({away})."
            )
        late = f"Installing {self._what} took longer than {limit:g} seconds (MLC_RUNTIME_INSTALL_TIME_LIMIT)"
        return ModelFailure(f"{late}; pip was at: {step}" if step else f"{late}.")


def _end_of(log: Path) -> str:
    with suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_READ))
        return file.read().decode(errors="replace")
    return ""


def environment() -> dict[str, str]:
    found = {n: v for n, v in os.environ.items() if n in PASSED_ON or n.startswith(PASSED_ON_LIKE)}
    # Whether an index is asked again is decided here, and said; pip's own way takes minutes, and says nothing.
    return {"PIP_RETRIES": "1", **found}


async def run_program(command: list[str], directory: Path) -> tuple[int, str]:
    """Exit code and output of a program, which is killed when this is cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")
