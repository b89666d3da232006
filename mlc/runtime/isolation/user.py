"""The level ``user``: all that ``landlock`` does, by another Unix account, which is given its own folders."""

import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlc.runtime.isolation.confinement import Confinement, Launch
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.landlock import Landlock
from mlc.runtime.isolation.rights import Group, enters, give
from mlc.settings import RuntimeSettings
from mlc.settings.reading import home

NEEDED = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7}
"""Capabilities that a runtime needs for it that isn't root's: linux/capability.h."""
STATUS = Path("/proc/self/status")


class User(Landlock):
    """A program of another account, so that the kernel's own rights stand between it and the runtime as well.

    Jobs that run at the same time have the same account: what keeps them apart is Landlock.
    """

    name = "user"

    def __init__(self, settings: RuntimeSettings, *, abi: int | None = None) -> None:
        super().__init__(settings, abi=abi)
        self._account = settings.account
        base = home().resolve()
        self._own = base if self._folder.is_relative_to(base) else self._folder
        """Nothing above it is changed: that is the operator's."""

    def problem(self) -> str | None:
        if not self._account:
            return (
                "MLC_RUNTIME_ACCOUNT names no account for it: make one for models alone (useradd --system), and set it"
            )
        try:
            entry = self._entry()
        except KeyError:
            return f"there is no account {self._account}, which MLC_RUNTIME_ACCOUNT names"
        if problem := _unsuitable(entry):
            return f"the account {self._account}, which MLC_RUNTIME_ACCOUNT names, {problem}"
        if lacking := lacking_capabilities():
            return f"the runtime is neither root nor has the capabilities that it takes ({', '.join(lacking)}, ambient)"
        self._folder.mkdir(parents=True, exist_ok=True)
        problem = super().problem()
        if problem and (folder := self._closed(entry)):
            return f"{problem}; the account {self._account} can't enter {folder}"
        return problem

    def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
        entry = self._entry()
        group = Group(entry.pw_gid, self._own)
        for folder in (confinement.directory, *confinement.writable):
            group.open_way(folder)
        for folder in confinement.readable:
            if folder.is_relative_to(self._own):
                group.open_kept(folder)
        group.open(confinement.directory, without=set(confinement.writable))
        for folder in confinement.writable:
            give(folder, entry.pw_uid, entry.pw_gid)
        return super().launch(program, confinement)

    def _specification(self, program: Sequence[str], confinement: Confinement) -> Mapping[str, Any]:
        entry = self._entry()
        account = {"uid": entry.pw_uid, "gid": entry.pw_gid}
        return {**super()._specification(program, confinement), "account": account}

    def _entry(self) -> pwd.struct_passwd:
        return pwd.getpwnam(self._account)

    def _closed(self, entry: pwd.struct_passwd) -> Path | None:
        """The first folder that the account can't enter on the way to what it must read, as far as modes tell."""
        for path in (self._folder, *interpreter_files(sys.executable)):
            for folder in reversed([path, *path.parents]):
                if folder.is_dir() and not folder.is_relative_to(self._own) and not enters(entry, folder):
                    return folder
        return None


def _unsuitable(entry: pwd.struct_passwd) -> str | None:
    if 0 in {entry.pw_uid, entry.pw_gid}:
        return "is root's, or of root's group: make an account for models alone"
    if entry.pw_uid in os.getresuid():
        return "is the runtime's own: make an account for models alone"
    if entry.pw_gid in {*os.getresgid(), *os.getgroups()}:
        return "is of a group that the runtime is of: give it a group of its own"
    return None


def lacking_capabilities() -> list[str]:
    """What this process lacks of the capabilities that it takes to run programs of another account."""
    if os.geteuid() == 0:
        return []
    lines = (line.split(":", 1) for line in STATUS.read_text().splitlines())
    ambient = next((int(value, 16) for name, value in lines if name == "CapAmb"), 0)
    return [name for name, number in NEEDED.items() if not ambient >> number & 1]
