"""Which files of a folder become the model's, under their places below it."""

import errno
import os
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from mlc.center.modelop.folder.sentences import shown
from mlc.model.asset import OUTPUT_DIR
from mlc.model.failure import MlcError

LARGEST_FOLDER = 45_000_000
"""Bytes of all files together, where contents are embedded: as base64 they must fit into one request to the centre."""
MOST_FILES = 2_000
MOST_ENTRIES = 10_000
"""Names of all kinds, those that are left out included: whatever else lies there is not looked at."""
DEEPEST = 30
"""Folders within each other."""
LONGEST_NAME = 200
_TOOLS = frozenset({"__pycache__", "__MACOSX", "node_modules"})
_SILENT = frozenset({".git", ".gitignore", ".gitattributes", ".DS_Store", ".ipynb_checkpoints"})
_COMPILED = (".pyc", ".pyo")
_PRIVATE = "__moc_runtime"
_RESERVED = {_PRIVATE: "the runtime's own", OUTPUT_DIR: "where training writes"}


class _Enough(MlcError):
    """The folder is so large or deep that the rest of it isn't looked at."""


class FolderFiles:
    """The files of a folder, by their places below it.

    Args:
        largest: bytes of all files together; None: as many as there are.

    Attributes:
        found: paths by name, such as ``data/test.csv``, in the order of their names.
        problems: a sentence for each that can't be part of a model.
        notices: a sentence for what is left out.
        complete: whether all of it was looked at.
    """

    def __init__(self, folder: Path, largest: int | None = LARGEST_FOLDER) -> None:
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.found: dict[str, Path] = {}
        self.complete = False
        self._largest = largest
        self._root = folder.resolve()
        self._folder = shown(folder)
        self._entries = self._size = 0
        self._places: dict[str, str] = {}
        try:
            for name, path in self._walk(folder, PurePosixPath()):
                self._take(name, path)
            self.complete = True
        except _Enough as enough:
            self.problems.append(str(enough))
        self.found = dict(sorted(self.found.items()))

    def _listed(self, folder: Path, below: PurePosixPath) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                listed = sorted(islice(entries, MOST_ENTRIES + 1 - self._entries), key=lambda entry: entry.name)
        except OSError as error:
            name = shown(below) if below.parts else self._folder
            self.problems.append(f"{name} can't be read ({error.strerror}); make it readable, or remove it.")
            return []
        self._entries += len(listed)
        if self._entries > MOST_ENTRIES:
            raise _Enough(
                f"{self._folder} holds more than {MOST_ENTRIES} files and folders; keep large data out of the model."
            )
        return listed

    def _walk(self, folder: Path, below: PurePosixPath) -> Iterator[tuple[str, Path]]:
        if len(below.parts) > DEEPEST:
            raise _Enough(
                f"{shown(below)} lies more than {DEEPEST} folders deep in {self._folder}; lay the files out flatter."
            )
        for entry in self._listed(folder, below):
            name, path = str(below / entry.name), Path(entry.path)
            if entry.name in _TOOLS or entry.name.lower().endswith(_COMPILED):
                continue
            if entry.name.startswith("."):
                if entry.name not in _SILENT:
                    self.notices.append(f"{shown(name)} is hidden, and is left out of the model.")
            elif problem := self._problem(entry, path, top=not below.parts):
                self.problems.append(f"{shown(name)} {problem}")
            elif not entry.is_dir(follow_symlinks=False):
                yield name, path
            elif _is_environment(path):
                self.notices.append(f"{shown(name)} is a virtual environment, and is left out of the model.")
            else:
                yield from self._walk(path, below / entry.name)

    def _problem(self, entry: os.DirEntry[str], path: Path, *, top: bool) -> str:
        """Why a file or folder can't be part of a model; empty if it can."""
        part = entry.name
        if not part.isprintable() or "\\" in part or part != part.strip(". ") or len(part) > LONGEST_NAME:
            return "has a name that not every system can hold; rename it."
        if part in _RESERVED and (top or part == _PRIVATE):
            return f"has a name that is {_RESERVED[part]}; rename it."
        try:
            if entry.is_symlink() and (problem := self._problem_of_link(path)):
                return problem
            if not (entry.is_file() or entry.is_dir()):
                return "is not a file; remove it."
        except OSError as error:
            return f"can't be looked at ({error.strerror}); remove it."
        return ""

    def _problem_of_link(self, path: Path) -> str:
        try:
            target = Path(os.path.realpath(path, strict=True))
        except OSError as error:
            if error.errno == errno.ELOOP:
                return "is a link that goes round in a circle; put the file itself there."
            target = Path(os.path.realpath(path))
        if not target.is_relative_to(self._root):
            return "is a link that leads out of the folder; put the file itself there."
        return "is a link to a folder; put the folder itself there." if target.is_dir() else ""

    def _take(self, name: str, path: Path) -> None:
        """Add a file.

        Raises:
            _Enough: there are too many by now, or too large ones.
        """
        other = self._places.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            self.problems.append(f"{shown(other)} and {shown(name)} are one file for some systems; rename one of them.")
            return
        if len(self.found) >= MOST_FILES:
            raise _Enough(f"{self._folder} holds more than {MOST_FILES} files; keep large data outside of the model.")
        try:
            self._size += path.stat().st_size
        except OSError as error:
            self.problems.append(f"{shown(name)} can't be read ({error.strerror}); make it readable, or remove it.")
            return
        if self._largest is not None and self._size > self._largest:
            limit = f"{self._largest // 1_000_000} MB"
            raise _Enough(
                f"{shown(name)} brings the folder over {limit}, the most that goes into one document; keep large data "
                "outside of the model, or set MLC_CENTER_CONTENTS to reference if the centre takes files by themselves."
            )
        if not os.access(path, os.R_OK):
            self.problems.append(f"{shown(name)} can't be read (Permission denied); make it readable, or remove it.")
            return
        self.found[name] = path


def _is_environment(folder: Path) -> bool:
    try:
        return (folder / "pyvenv.cfg").is_file()
    except OSError:  # said where the folder is listed
        return False


def named(name: str, files: dict[str, Path], ending: str = "") -> str | None:
    """The file that a text names: by its place, without its ending, or by its bare name if only one is called so."""
    wanted = re.sub(r"^\./", "", name)
    for place in (wanted, wanted + ending):
        if place in files:
            return place
    bare = [place for place in files if PurePosixPath(place).name in {wanted, wanted + ending}]
    return bare[0] if len(bare) == 1 else None
