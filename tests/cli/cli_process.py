"""Runs the ``mlc`` command as a user does: in a process of its own, in a home of its own."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Self, TypeVar

import psutil
import pytest
from dotenv import dotenv_values

from mlc import cli, start

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
BY_MODULE = (sys.executable, "-m", "mlc.cli")
BY_SCRIPT = (str(Path(sys.executable).with_name("mlc")),)


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without settings, and with another home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLC_", "TEMPORAL_"))}
    return kept | {"MLC_HOME": str(home), "TEMPORAL_CONFIG_FILE": os.devnull} | more


def mlc(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*BY_MODULE, *arguments],
        env=environment(home, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def called(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end within this process: for what is not about the process, whose start takes a second.

    Not for commands that run until they are told to end, or as such: they set up logging and rights for all that is
    here.
    """
    out, err, wanted = io.StringIO(), io.StringIO(), environment(home, **more)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
        for name in os.environ.keys() - wanted.keys():
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        patch.chdir(ROOT)
        with redirect_stdout(out), redirect_stderr(err):
            code = thread.submit(cli.run, arguments).result(120)  # a thread in which no loop runs
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def wait_until(condition: Callable[[], T], seconds: float = 60, said: Callable[[], str] = str) -> T:
    """The first true answer; if there is none in time, ``said`` tells more of why."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {seconds} s. {said()}"
        time.sleep(0.05)
    return answer


def alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie doesn't."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Dev:
    """`mlc dev --free-ports`, or another command that starts everything, as a process on a home of its own."""

    def __init__(
        self,
        home: Path,
        *command: str,
        folder: Path = ROOT,
        program: Sequence[str] = BY_MODULE,
        umask: int = -1,
        **more: str,
    ) -> None:
        self.home = home
        self.output = home.with_name(f"{home.name}.out")
        self.seen: set[psutil.Process] = set()
        self.process = subprocess.Popen(
            [*program, *(command or ("dev",)), "--free-ports"],
            env=environment(home, **more),
            cwd=folder,
            umask=umask,
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever a test came to: nothing that was started is left."""
        with suppress(psutil.NoSuchProcess):
            self.children()
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for process in filter(alive, self.seen):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text()

    def ready(self) -> "Dev":
        """Wait until everything is up."""
        wait_until(lambda: "Ready." in self.said() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.said()
        self.children()
        return self

    def children(self) -> dict[str, psutil.Process]:
        """Its running processes, by the name of their command, or of the runtime."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                words = child.cmdline() or [""]  # none while it is being started
                own = next((words[i + 1 :] for i, word in enumerate(words) if word == start.__file__), [])
                name = own[2] if own[:1] == ["runtime"] else own[0] if own else Path(words[0]).name
                found[name] = child
                self.seen.update([child, *child.children(recursive=True)])
        return found

    def setting(self, name: str) -> str:
        """A setting in the home's file."""
        return dotenv_values(self.home / "mlc.env")[name] or ""

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait for the end, and see to it that no process is left. The exit code."""
        self.children()
        self.process.send_signal(number)
        code = self.process.wait(60)
        wait_until(lambda: not any(map(alive, self.seen)))
        return code
