"""Isolation by bubblewrap: namespaces of its own for users, processes, IPC, the network and what is mounted.

What a program needs is mounted into an empty root, read-only but for the folders that it may write to; nothing else of
the machine is there. See bwrap(1).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mlc.runtime.isolation.confinement import Confinement, Launch, keep_apart, limits_of, own_files
from mlc.runtime.isolation.seccomp import UnknownArchitecture, bpf_program
from mlc.runtime.isolation.system import PROGRAMS, system_files
from mlc.runtime.isolation.trial import trial
from mlc.settings import RuntimeSettings

PROGRAM = "bwrap"
OLDEST = (0, 8)
"""The first version that can forbid further user namespaces."""
NOBODY = "65534"
"""As whom a program runs in its namespace; outside it is the runtime's own account."""
CPUS = "/sys/devices/system/cpu"
FIXED_DEVICES = 'mount --bind /dev /dev && mount -o remount,bind,ro /dev && exec "$@"'
"""For a runtime that is root: the devices are the machine's own, and their owner could change who may use them."""
AS_ROOT = ("unshare", "--mount", "--propagation", "private", "sh", "-c", FIXED_DEVICES, "sh")
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - its own
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - its own
NAMESPACES = ("user", "pid", "ipc", "uts", "cgroup", "net")
TRIAL = 20
"""Seconds that it may take to say its version."""


class Bubblewrap:
    """Namespaces, an empty root, no capability, a filter of system calls; see docs/threat-model.md."""

    name = "bubblewrap"
    reads_only = True

    def __init__(self, settings: RuntimeSettings) -> None:
        self._folder = settings.folder.resolve()
        self._own_files = own_files(settings)

    def problem(self) -> str | None:
        program = shutil.which(PROGRAM)
        if program is None:
            return f"there is no {PROGRAM} on the PATH: install bubblewrap"
        try:
            if (version := _version(program)) < OLDEST:
                needed, found = (".".join(map(str, each)) for each in (OLDEST, version))
                return f"bubblewrap {needed} is needed, and {program} is {found or 'none'}: install a newer one"
            return trial(self, self._folder)
        except (OSError, UnknownArchitecture, subprocess.TimeoutExpired) as error:
            return str(error)

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        keep_apart([*map(Path, PROGRAMS), *confinement.readable], self._own_files)
        rules = _open(bpf_program(network=confinement.network, unix_sockets=True, own_namespaces=True))
        command = [
            *(() if os.geteuid() else AS_ROOT),
            *(shutil.which(PROGRAM) or PROGRAM, "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *(f"--unshare-{kind}" for kind in NAMESPACES if not (kind == "net" and confinement.network)),
            *("--disable-userns", "--uid", NOBODY, "--gid", NOBODY, "--hostname", "model"),
            *self._root(confinement),
            *self._mounts(confinement),
            *("--remount-ro", "/", "--chdir", str(confinement.directory), "--seccomp", str(rules), "--"),
        ]
        return Launch(
            command=[*command, *program],
            limits=limits_of(confinement),
            no_new_privileges=False,  # bwrap sees to it; where it is a set-user-id program, it needs that first
            descriptors=[rules],
        )

    def _root(self, confinement: Confinement) -> list[str]:
        """A system of which there is nothing but programs, libraries, its own processes and harmless devices."""
        arguments = []
        for name in PROGRAMS:
            if (path := Path(name)).is_symlink():
                arguments += ["--symlink", str(path.readlink()), name]
            elif path.is_dir():
                arguments += ["--ro-bind", name, name]
        for path in system_files(network=confinement.network):
            arguments += ["--ro-bind", str(path), str(path)]
        arguments += ["--ro-bind-try", CPUS, CPUS, "--proc", "/proc", "--dev", "/dev"]
        shared = ["--size", str(confinement.memory), "--tmpfs", SHARED_MEMORY]
        # Seen from outside, the program has the runtime's account: if that is root's, it owns the settings in /proc.
        return [*arguments, *shared, "--remount-ro", "/dev", "--remount-ro", "/proc"]

    def _mounts(self, confinement: Confinement) -> list[str]:
        """What the program needs besides; the later of two mounts lies over the earlier."""
        arguments = []
        readable = [path for path in confinement.readable if path.exists() and not path.is_relative_to("/usr")]
        mounted = (*readable, confinement.directory)
        for place in TEMPORARY:  # for programs that know no other
            if any(path.is_relative_to(place) for path in mounted):  # these would get folders in it
                arguments += ["--size", str(confinement.memory), "--tmpfs", place]
            elif temporary := confinement.environment.get("TMPDIR"):
                arguments += ["--bind", temporary, place]
        for path in mounted:
            arguments += ["--ro-bind", str(path), str(path)]
        for path in confinement.writable:
            arguments += ["--bind", str(path), str(path)]
        return arguments


def _open(content: bytes) -> int:
    """A descriptor from which this can be read."""
    descriptor = os.memfd_create("system calls", 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _version(program: str) -> tuple[int, ...]:
    """Of bubblewrap; empty if it doesn't say."""
    asked = subprocess.run(  # noqa: S603 - the program that the operator installed
        [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TRIAL, check=False
    )
    return tuple(map(int, re.findall(r"\d+", asked.stdout)[:2]))
