"""The level ``landlock``: the kernel lets a program open its own files only, and filters its system calls."""

import ctypes
import errno
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mlc.runtime.isolation.confinement import Confinement, Launch, keep_apart, limits_of, own_files
from mlc.runtime.isolation.seccomp import UnknownArchitecture, bpf_program
from mlc.runtime.isolation.system import DEVICES, KERNEL_FILES, PROGRAMS, system_files
from mlc.runtime.isolation.trial import trial
from mlc.settings import RuntimeSettings

CONFINE = Path(__file__).with_name("confine.py")
CREATE_RULESET, VERSION = 444, 1
TRUNCATION, SIGNALS = 3, 6
"""The versions of Landlock's interface from which on it looks at these itself; before, the filter refuses them."""


class Landlock:
    """A program of the runtime's own account that may open its own files only, and has no capability.

    It needs no privilege, and Linux 5.13. What Landlock has learnt only later is left to the filter of system calls.

    Args:
        abi: the version of Landlock's interface that is made use of; None for the newest that the kernel has.
    """

    name = "landlock"
    reads_only = True

    def __init__(self, settings: RuntimeSettings, *, abi: int | None = None) -> None:
        self._folder = settings.folder.resolve()
        self._own_files = own_files(settings)
        self._abi = abi

    def problem(self) -> str | None:
        if sys.platform != "linux":
            return "only Linux has Landlock"
        try:
            bpf_program(network=False)
        except UnknownArchitecture as error:
            return str(error)
        version = landlock_abi()
        if version < 0:
            release = platform.release()
            if -version == errno.EOPNOTSUPP:
                return f"this kernel ({release}) has Landlock switched off: add landlock to lsm= of its command line"
            return f"this kernel ({release}) has no Landlock, which needs Linux 5.13 or later that is built with it"
        try:
            return trial(self, self._folder)
        except OSError as error:
            return str(error)

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        specification = json.dumps(self._specification(program, confinement))
        command = [sys.executable, "-I", "-S", str(CONFINE), specification]
        return Launch(command=command, limits=limits_of(confinement))

    def _specification(self, program: Sequence[str], confinement: Confinement) -> Mapping[str, Any]:
        """What the confining script is told.

        Raises:
            OSError: what the program must be able to read lies around the runtime's own files.
        """
        abi = landlock_abi() if self._abi is None else self._abi
        system = [*map(Path, (*PROGRAMS, *KERNEL_FILES)), *system_files(network=confinement.network)]
        read = [*system, *confinement.readable, confinement.directory]
        keep_apart(read, self._own_files)
        return {
            "command": [*program],
            "account": None,
            "abi": abi,
            "read": ["/proc/self", *map(str, read)],
            "write": [*map(str, confinement.writable)],
            "devices": [*DEVICES],
            "filter": {
                "network": confinement.network,
                "truncation": abi < TRUNCATION,
                "own_signals_only": abi < SIGNALS,
            },
        }


@cache
def landlock_abi() -> int:
    """The version of the kernel's Landlock interface, or the negative number of the error that says why it has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    version: int = libc.syscall(ctypes.c_long(CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(VERSION))
    return version if version >= 0 else -(ctypes.get_errno() or errno.ENOSYS)
