"""Which file lies where in a model's working directory. What lies there once is never replaced by something else."""

import hashlib
from io import BufferedReader
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import same_file
from mlc.runtime.working_directory import WorkingDirectory

CHUNK = 1024**2


class Places:
    """The names that are given to files in one working directory, each to one content.

    Names that some file system takes for the same are the same here: see :func:`mlc.runtime.names.same_file`. The files
    that are copied or moved to a name lie in the working directory as well, and are not trusted either.
    """

    def __init__(self, directory: WorkingDirectory) -> None:
        self._directory = directory
        self._files: dict[str, PurePosixPath | None] = {}

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
        with self._directory.open(name, f"file {name}") as one, self._directory.open(file, f"file {name}") as other:
            return _same(one, other)

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
            if move:
                self._directory.move(file, name)
            else:
                with self._directory.open(file, f"file {name}") as source, self._directory.create(name) as target:
                    copyfileobj(source, target, CHUNK)
        except OSError as error:
            problem = error.strerror or error
            raise ModelFailure(f"The file {name} can't be written: {problem}. Rename the asset.") from None
        self._files[same_file(name)] = name

    def sha256(self, name: PurePosixPath) -> str:
        """Hexadecimal SHA-256 of what lies at a name now.

        Raises:
            ModelFailure: it is no file any more.
        """
        with self._directory.open(name, f"file {name}") as file:
            return digest(file)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file that no model could change."""
    with path.open("rb") as file:
        return digest(file)


def digest(file: BufferedReader) -> str:
    """Hexadecimal SHA-256 of an open file."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def _same(one: IO[bytes], other: IO[bytes]) -> bool:
    while (piece := one.read(CHUNK)) == other.read(CHUNK):
        if not piece:
            return True
    return False
