"""Which libraries a model's interpreter has, in which versions. The model isn't asked: it could hide or invent one."""

import platform
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.texts import one_line
from mlc.runtime.working_directory import WorkingDirectory

LONGEST = 100
"""Characters of a name or a version."""
LARGEST = 16 * 1024**2
"""Bytes that are read of a file that says what a library holds."""
LINKED = 1_000_000
"""Names that a file of a library may have: installers link them to one another."""


def versions(python: str) -> dict[str, Any]:
    """``python``, and ``libraries``: version by name of all distributions that an interpreter sees.

    To be called before any code of the model runs, which could write to where they lie.

    Args:
        python: the interpreter: this one, or one that :mod:`mlc.runtime.environments.requirements` made of it, of the
            same version.
    """
    site = _site(python)
    made = Path(site).stat().st_mtime_ns if site else 0
    found = {**_distributions(), **_distributions(site, made)}  # those of its own are before the runtime's
    return {"python": platform.python_version(), "libraries": dict(sorted(found.values()))}


def _site(python: str) -> str | None:
    return next((str(path) for path in Path(python).parents[1].glob("lib/python*/site-packages")), None)


class _Installed(metadata.Distribution):
    """A library in an environment that models could write to: only its regular files are read, and not without end."""

    def __init__(self, site: Path, name: str) -> None:
        self._site = site
        self._directory = WorkingDirectory(site)
        self._name = name

    def read_text(self, filename: str) -> str:
        try:
            with self._directory.open(PurePosixPath(self._name, filename), "library", names=LINKED) as file:
                return file.read(LARGEST).decode(errors="replace")
        except ModelFailure:
            return ""

    def locate_file(self, path: Any) -> Path:
        return self._site.joinpath(path)


@cache
def _distributions(site: str | None = None, _made: int = 0) -> Mapping[str, tuple[str, str]]:
    """Name and version by normalized name, of one folder or of all that this interpreter sees.

    Args:
        _made: when the folder was made: at the same place there may be another one later.
    """
    found = metadata.distributions() if site is None else _installed(Path(site))
    whole: dict[str, tuple[str, str]] = {}
    for distribution in found:
        if name := distribution.metadata["Name"]:  # not a half-removed one
            # Of two of a name Python imports the first.
            entry = one_line(name, LONGEST), one_line(distribution.version, LONGEST)
            whole.setdefault(re.sub(r"[-_.]+", "-", name).lower(), entry)
    return whole


def _installed(site: Path) -> Iterator[metadata.Distribution]:
    for entry in sorted(site.iterdir()):
        if entry.suffix in {".dist-info", ".egg-info"}:
            yield _Installed(site, entry.name)
