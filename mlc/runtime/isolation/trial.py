"""Whether a level of isolation keeps its promises on this machine: a program under it tries to break them."""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlc.runtime.isolation.confinement import Confinement
from mlc.runtime.isolation.interpreter import interpreter_files

if TYPE_CHECKING:
    from mlc.runtime.isolation.levels import Level

TIME = 60
"""Seconds that a trial may take."""
CONFINED = "confined"
PROBE = f"""
import os, socket, sys
secret, readable = sys.argv[1], sys.argv[2:]
def broken(what):
    sys.exit(f"could {{what}}")
def refused(attempt, what):
    try:
        attempt()
    except OSError:
        return
    broken(what)
for path in readable:
    open(path, "rb").close()
with open("writable/file", "w") as file:
    file.write("written")
refused(lambda: open(secret).close(), "read the runtime's files")
refused(lambda: open("file", "w"), "write where it may only read")
refused(lambda: open("order", "r+"), "write a file that it may only read")
refused(lambda: socket.create_connection(("127.0.0.1", int(open("order").read())), 5), "reach the network")
if "Seccomp:\\t2" not in open("/proc/self/status").read():
    broken("make every system call")
print("{CONFINED}")
"""


def trial(level: "Level", folder: Path, python: str = sys.executable) -> str | None:
    """Run a program under a level.

    Args:
        folder: where the runtime will keep its working files; needn't exist.
        python: the interpreter that is tried.

    Returns:
        What is wrong, as the end of a sentence; None if the level holds.

    Raises:
        OSError: nothing can be tried there.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    with (
        tempfile.TemporaryDirectory(prefix="isolation-", dir=place if os.access(place, os.W_OK) else None) as made,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        secret, directory = Path(made) / "secret", Path(made) / "job"
        (directory / "writable").mkdir(parents=True)
        secret.write_text("secret")
        (directory / "order").write_text(str(listener.getsockname()[1]))
        confinement = Confinement(
            directory=directory.resolve(),
            writable=[directory.resolve() / "writable"],
            readable=interpreter_files(python),
            environment={"PATH": os.environ.get("PATH", os.defpath)},
            memory=2**30,
            disk=2**20,
        )
        pandas = importlib.util.find_spec("pandas") if python == sys.executable else None
        libraries = [pandas.origin] if pandas and pandas.origin else []
        program = [python, "-I", "-c", PROBE, str(secret.resolve()), *libraries]
        launch = level.launch(program, confinement)
        try:
            ran = subprocess.run(  # noqa: S603 - the runtime's own command
                launch.command,
                cwd=directory,
                env=confinement.environment if launch.environment is None else launch.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME,
                pass_fds=launch.descriptors,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"a program under it didn't end within {TIME} seconds"
        finally:
            for descriptor in launch.descriptors:
                os.close(descriptor)
    if ran.stdout.strip() == CONFINED:
        return None
    said = (ran.stderr.strip().splitlines() or [f"it ended with exit code {ran.returncode}"])[-1].removesuffix(".")
    return f"a program under it {said}" if said.startswith("could ") else f"no program can be run under it: {said}"
