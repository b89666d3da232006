"""Which files of a folder become the model's, under their places below it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mlc.model.asset import OUTPUT_DIR

LARGEST_FOLDER = 45_000_000
"""Bytes of all files together: as base64 they must fit into one request to the centre."""
MOST_FILES = 2_000
LONGEST_NAME = 200
_TOOLS = frozenset({"__pycache__", "__MACOSX", "node_modules"})
_SILENT = frozenset({".git", ".gitignore", ".gitattributes", ".DS_Store", ".ipynb_checkpoints"})
_COMPILED = (".pyc", ".pyo")
_PRIVATE = "__moc_runtime"
_RESERVED = {_PRIVATE: "the runtime's own", OUTPUT_DIR: "where training writes"}


class FolderFiles:
    """The files of a folder, by their places below it.

    Attributes:
        found: paths by name, such as ``data/test.csv``, in the order of their names.
        problems: a sentence for each that can't be part of a model.
        notices: a sentence for what is left out.
    """

    def __init__(self, folder: Path) -> None:
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.found: dict[str, Path] = {}
        self._root = folder.resolve()
        self._size = 0
        self._places: dict[str, str] = {}
        for name, path in self._walk(folder, PurePosixPath()):
            if len(self.found) >= MOST_FILES:
                self.problems.append(
                    f"{folder} holds more than {MOST_FILES} files; keep large data outside of the model."
                )
                break
            if not self._take(name, path):
                break
        self.found = dict(sorted(self.found.items()))

    def _walk(self, folder: Path, below: PurePosixPath) -> Iterator[tuple[str, Path]]:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            name, path = str(below / entry.name), Path(entry.path)
            if entry.name in _TOOLS or entry.name.lower().endswith(_COMPILED):
                continue
            if entry.name.startswith("."):
                if entry.name not in _SILENT:
                    self.notices.append(f"{name} is hidden, and is left out of the model.")
            elif problem := self._problem(entry.name, path, top=not below.parts):
                self.problems.append(f"{name} {problem}")
            elif not entry.is_dir():
                yield name, path
            elif (path / "pyvenv.cfg").is_file():
                self.notices.append(f"{name} is a virtual environment, and is left out of the model.")
            else:
                yield from self._walk(path, below / entry.name)

    def _problem(self, part: str, path: Path, *, top: bool) -> str:
        """Why a file or folder can't be part of a model; empty if it can."""
        if not part.isprintable() or "\\" in part or part != part.strip(". ") or len(part) > LONGEST_NAME:
            return "has a name that not every system can hold; rename it."
        if part in _RESERVED and (top or part == _PRIVATE):
            return f"has a name that is {_RESERVED[part]}; rename it."
        if not path.resolve().is_relative_to(self._root):
            return "is a link that leads out of the folder; put the file itself there."
        if path.is_symlink() and path.is_dir():
            return "is a link to a folder; put the folder itself there."
        if not (path.is_file() or path.is_dir()):
            return "is not a file; remove it."
        return ""

    def _take(self, name: str, path: Path) -> bool:
        """Add a file; False if the folder is too large by now."""
        other = self._places.setdefault(name.casefold(), name)
        if other != name:
            self.problems.append(f"{other} and {name} are one file for some systems; rename one of them.")
            return True
        self._size += path.stat().st_size
        if self._size > LARGEST_FOLDER:
            limit = f"{LARGEST_FOLDER // 1_000_000} MB"
            self.problems.append(f"{name} brings the folder over {limit}; keep large data outside of the model.")
            return False
        self.found[name] = path
        return True


def named(name: str, files: dict[str, Path], ending: str = "") -> str | None:
    """The file that a text names: by its place, without its ending, or by its bare name if only one is called so."""
    wanted = re.sub(r"^\./", "", name)
    for place in (wanted, wanted + ending):
        if place in files:
            return place
    bare = [place for place in files if PurePosixPath(place).name in {wanted, wanted + ending}]
    return bare[0] if len(bare) == 1 else None
