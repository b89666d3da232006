"""A folder in which whatever is imported, read or started by accident says so."""

import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

OURS = frozenset({"workflows", "activities"})
"""Ours that a folder may have beside: ``mlc`` itself is what ``python -m mlc.cli`` is told to look for there."""
OUT_OF_OUR_HANDS = frozenset({"mlc", "importlib"})
"""What ``python -m`` itself imports, from its current folder, before it runs anything of ours."""

LEADING_HERE = {
    "PATH": f".::{os.environ['PATH']}",
    "LD_LIBRARY_PATH": ".:",
    "PYTHONSTARTUP": "secrets.py",
    "ENV": ".env",
}
"""Variables by which a program that is started there looks for what it needs there, too."""


@cache
def installed() -> frozenset[str]:
    """The modules and packages of what is installed: to look is to read the files of everything that is."""
    return frozenset(packages_distributions())


class HostileFolder:
    """Modules named as all of Python's, as what is installed and as what Python looks for; and settings files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._marker = folder.with_name(f"{folder.name}.executed")
        folder.mkdir()
        names = sys.stdlib_module_names | installed() | OURS
        self.plant({*names, "sitecustomize", "usercustomize"} - OUT_OF_OUR_HANDS)
        (folder / "planted.pth").write_text(f"import pathlib; {self._saying('planted.pth')}\n")
        for name in ("temporal", "python", "python3", "pip"):
            program = folder / name
            program.write_text(f"#!/bin/sh\necho {name} >> {self._marker}\n")
            program.chmod(0o755)
        for name in (".env", "mlc.env"):
            (folder / name).write_text("MLC_CENTER_URL=http://planted.example\nMLC_JIRA_URL=http://planted.example\n")
        (folder / "temporal.toml").write_text("[profile.default]\naddress = 'planted.example:7233'\n")
        (folder / "pip.conf").write_text("[global]\nindex-url = http://planted.example/simple\n")
        (folder / ".netrc").write_text("default login planted password planted\n")
        (folder / "pyvenv.cfg").write_text("home = /planted\n")

    def plant(self, modules: Iterable[str]) -> None:
        """Put more modules there."""
        for name in modules:
            (self.folder / f"{name}.py").write_text(self._saying(name))

    def executed(self) -> list[str]:
        """What was, of all that is planted."""
        return sorted(set(self._marker.read_text().split())) if self._marker.exists() else []

    def _saying(self, name: str) -> str:
        # Written with what needs no import: a module that is planted in place of another may be in the way.
        return f"open({str(self._marker)!r}, 'a').write({name + chr(10)!r})\n"
