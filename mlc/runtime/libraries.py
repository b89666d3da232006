"""Which libraries, in which versions, a model process had imported."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.working_directory import WorkingDirectory

LARGEST = 16 * 1024**2
"""Bytes that are read of a file that says what a library holds."""
LINKED = 1_000_000
"""Names that a file of a library may have: installers link them to one another."""


def libraries(modules: Iterable[str], python: str) -> dict[str, str]:
    """Version by name of the distributions that top-level modules come from.

    Looked up here and not in the model process, since it takes longer than most models need to start.

    Args:
        python: the interpreter that imported them: this one, or one that :mod:`mlc.runtime.requirements` made.
    """
    known = {**_distributions(), **_distributions(_site(python))}
    return dict(sorted(known[module] for module in modules if module in known))


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
def _distributions(site: str | None = None) -> Mapping[str, tuple[str, str]]:
    """Name and version by module, of one folder or of all that this interpreter sees."""
    found = metadata.distributions() if site is None else _installed(Path(site))
    whole = [distribution for distribution in found if distribution.metadata["Name"]]  # not a half-removed one
    return {module: (found.name, found.version) for found in whole for module in _modules(found)}


def _installed(site: Path) -> Iterator[metadata.Distribution]:
    for entry in site.iterdir():
        if entry.suffix in {".dist-info", ".egg-info"}:
            yield _Installed(site, entry.name)


def _modules(distribution: metadata.Distribution) -> set[str]:
    if declared := distribution.read_text("top_level.txt"):
        return set(declared.split())
    return {path.parts[0].partition(".")[0] for path in distribution.files or () if path.suffix in {".py", ".so"}}
