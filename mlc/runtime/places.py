"""Which file lies where in a model's working directory. What lies there once is never replaced by something else."""

import hashlib
import os
import sys
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from mlc.runtime.contents.content import FULL, DiskFull, repeated
from mlc.runtime.environments.manifest import shares_blocks
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import same_file
from mlc.runtime.working_directory import WorkingDirectory

CHUNK = 1024**2
LARGE = 1024**2
"""Bytes of a file that isn't copied where a link to it does as well."""


class _Known(NamedTuple):
    """A file's hash, how it looked when that was made, and whether it is a kept one, which others have as well."""

    sha256: str
    looks: tuple[int, ...]
    kept: bool


class Places:
    """The names that are given to files in one working directory, each to one content.

    Names that some file system takes for the same are the same here: see :func:`mlc.runtime.names.same_file`. The files
    that are copied or moved to a name lie in the working directory as well, and are not trusted either.
    """

    def __init__(self, directory: WorkingDirectory) -> None:
        self._directory = directory
        self._files: dict[str, PurePosixPath | None] = {}
        self._known: dict[PurePosixPath, _Known] = {}

    def reserve(self, name: PurePosixPath) -> None:
        """Let no file have this name, unless one has it already: it is the name of a file that can't be had."""
        self._files.setdefault(same_file(name), None)

    def has(self, name: PurePosixPath) -> bool:
        """Whether a file lies at exactly this name."""
        return self._files.get(same_file(name)) == name

    def holds(self, name: PurePosixPath, file: PurePosixPath) -> bool:
        """Whether a file with the content of ``file`` lies at exactly this name.

        Raises:
            ModelFailure: one of them can't be read any more.
        """
        if not self.has(name):
            return False
        if (one := self._hash(name)) and (other := self._hash(file)):
            return one == other
        with self._open(name, f"file {name}") as first, self._open(file, f"file {name}") as second:
            return _same(first, second)

    def know(self, name: PurePosixPath, sha256: str) -> None:
        """The runtime has just laid out a file of this hash: unless it changes, it isn't read for it again."""
        state = self._directory.state(name)
        kept = state.st_nlink > 1  # no code of the model has run yet, which could have given it a further name
        self._known[name] = _Known(sha256, _looks(state, kept), kept)

    def put(self, file: PurePosixPath, name: PurePosixPath, *, move: bool = False) -> bool:
        """Copy, or move, a file to a name.

        Returns:
            False if the name is taken; it is not if what lies there has the same content.

        Raises:
            ModelFailure: it can't be written.
        """
        if same_file(name) in self._files or self._directory.kind(name) == "folder":
            return self.holds(name, file)
        self.replace(file, name, move=move)
        return True

    def replace(self, file: PurePosixPath, name: PurePosixPath, *, move: bool = False) -> None:
        """Copy, or move, a file to a name whatever lies there.

        Raises:
            ModelFailure: it can't be written.
        """
        # No link: a model that writes over the file of this name must not change what else it is given to read.
        try:
            known = self._hash(file)
            self._known.pop(name, None)
            if move:
                self._directory.move(file, name)
            else:
                with self._open(file, f"file {name}") as source, self._directory.create(name) as target:
                    repeated(source, target)
            if known:
                self.know(name, known)
        except OSError as error:
            if error.errno in FULL:
                raise DiskFull(str(name), self._directory.root) from None
            problem = error.strerror or error
            raise ModelFailure(f"The file {name} can't be written: {problem}. Rename the asset.") from None
        self._files[same_file(name)] = name

    def repeat(self, file: PurePosixPath, name: PurePosixPath) -> bool:
        """Let a file be found by a further name, as :meth:`put` does; one that would be long to copy by a link to it.

        Where a model can't write to the file, it can't by that link; it may put a file of its own in the link's place.
        """
        if same_file(name) in self._files or self._directory.kind(name) == "folder":
            return self.put(file, name)
        with self._open(file, f"file {name}") as source:
            if source.seek(0, os.SEEK_END) <= LARGE:
                return self.put(file, name)
            with self._directory.create(name) as target:
                shared = shares_blocks(source.fileno(), target.fileno())
        if not shared:
            self._directory.point(name, file)
        self._files[same_file(name)] = name
        return True

    def sha256(self, name: PurePosixPath, what: str = "") -> str:
        """Hexadecimal SHA-256 of what lies at a name now; made once, unless the file changes.

        Raises:
            ModelFailure: it is no file any more.
        """
        if known := self._hash(name):
            return known
        with self._open(name, what or f"file {name}") as file:
            looks = _looks(os.fstat(file.fileno()), kept=False)
            self._known[name] = _Known(digest(file), looks, kept=False)
        return self._known[name].sha256

    def _hash(self, name: PurePosixPath) -> str | None:
        """A file's hash, if it is known and the file is as it was then."""
        if (known := self._known.get(name)) is None:
            return None
        try:
            state = self._directory.state(name)
        except OSError:
            return None
        return known.sha256 if _looks(state, known.kept) == known.looks else None

    def _open(self, name: PurePosixPath, what: str) -> BufferedReader:
        known = self._known.get(name)
        return self._directory.open(name, what, names=sys.maxsize if known and known.kept else 1)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file that no model could change."""
    with path.open("rb") as file:
        return digest(file)


def digest(file: BufferedReader) -> str:
    """Hexadecimal SHA-256 of an open file."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def _looks(state: os.stat_result, kept: bool) -> tuple[int, ...]:
    """What differs once a file was written to, or another is in its place.

    The time of the last change of a kept file differs whenever another job gives it a name or takes one away.
    """
    last = 0 if kept else state.st_ctime_ns
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, last


def _same(one: IO[bytes], other: IO[bytes]) -> bool:
    while (piece := one.read(CHUNK)) == other.read(CHUNK):
        if not piece:
            return True
    return False
