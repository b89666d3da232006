"""Which libraries, in which versions, a model process had imported."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path


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


@cache
def _distributions(site: str | None = None) -> Mapping[str, tuple[str, str]]:
    """Name and version by module, of one folder or of all that this interpreter sees."""
    found = metadata.distributions() if site is None else metadata.distributions(path=[site])
    whole = [distribution for distribution in found if distribution.metadata["Name"]]  # not a half-removed one
    return {module: (found.name, found.version) for found in whole for module in _modules(found)}


def _modules(distribution: metadata.Distribution) -> set[str]:
    if declared := distribution.read_text("top_level.txt"):
        return set(declared.split())
    return {path.parts[0].partition(".")[0] for path in distribution.files or () if path.suffix in {".py", ".so"}}
