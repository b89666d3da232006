"""File names from outside: where they may lead, which of them mean the same file, and which mean code."""

import unicodedata
from pathlib import PurePosixPath
from posixpath import splitext

from mlc.model.asset import OUTPUT_DIR, Asset, AssetKind

__all__ = ["OUTPUT_DIR"]  # where it was once

PRIVATE = "__moc_runtime"
COMPILED = "__pycache__"
LONGEST_SHOWN = 120
"""Characters of a name that people are shown."""
CODE = frozenset({".py", ".py3", ".pyc", ".pyd", ".pyo", ".pyw", ".so"})
"""Endings of what an interpreter imports from a folder, on any platform, and of FastScore's sources."""


def inside(name: str) -> PurePosixPath:
    """A file name as a relative path that can't lead outside: roots, ``..`` and control characters are dropped."""
    clean = "".join(character for character in name.replace("\\", "/") if character.isprintable())
    parts = [part.strip()[:200].strip() for part in clean.split("/")]
    kept = [part for part in parts if _same_name(part) not in {"", PRIVATE}]
    return PurePosixPath(*kept or ["unnamed"])


def path_of(asset: Asset) -> PurePosixPath:
    """Where an asset's file lies in a model's working directory."""
    return inside(asset.name)


def same_file(path: PurePosixPath) -> str:
    """Equal for all paths that some file system, or a reader, takes for the same.

    Such paths differ by case, by characters that look or compose alike, or by spaces and dots at the end of a name.
    """
    return "/".join(_same_name(part) for part in path.parts)


def is_code(path: PurePosixPath) -> bool:
    """Whether Python would import a file by this name."""
    name = PurePosixPath(same_file(path))
    return name.suffix in CODE or COMPILED in name.parts


def is_source(asset: Asset) -> bool:
    """Whether an asset is code: as its kind says, or as its name makes it."""
    return asset.kind is AssetKind.SOURCE or is_code(path_of(asset))


def shown(name: PurePosixPath | str) -> str:
    """Any file name as it can be shown: whatever doesn't print is escaped, and a long one is cut in its middle."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name)[:2000])
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN // 2]}...{text[-LONGEST_SHOWN // 2 :]}"


def numbered(name: str, taken: set[str]) -> str:
    """``name``, or the first of ``name-2``, ``name-3`` ... (before its ending) that isn't taken; it is taken then."""
    (stem, ending), found, number = splitext(name), name, 1
    while same_file(PurePosixPath(found)) in taken:
        number += 1
        found = f"{stem}-{number}{ending}"
    taken.add(same_file(PurePosixPath(found)))
    return found


def _same_name(part: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
    return folded.rstrip(". ")
