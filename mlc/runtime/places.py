"""Which file lies where in a model's working directory. What lies there once is never replaced by something else."""

import filecmp
import hashlib
import shutil
from pathlib import Path, PurePosixPath

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import same_file


class Places:
    """The names that are given to files in one folder, each to one content.

    Names that some file system takes for the same are the same here: see :func:`mlc.runtime.names.same_file`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, PurePosixPath | None] = {}

    def reserve(self, name: PurePosixPath) -> None:
        """Let no file have this name, unless one has it already: it is the name of a file that can't be had."""
        self._files.setdefault(same_file(name), None)

    def has(self, name: PurePosixPath) -> bool:
        """Whether a file lies at exactly this name."""
        return self._files.get(same_file(name)) == name

    def holds(self, name: PurePosixPath, file: Path) -> bool:
        """Whether a file with the content of ``file`` lies at exactly this name."""
        return self.has(name) and filecmp.cmp(self._root / name, file, shallow=False)

    def put(self, file: Path, name: PurePosixPath, *, move: bool = False) -> bool:
        """Copy, or move, a file to a name.

        Returns:
            False if the name is taken; it is not if what lies there has the same content.

        Raises:
            ModelFailure: it can't be written.
        """
        path = self._root / name
        if same_file(name) in self._files or path.is_dir():
            return self.holds(name, file)
        self.replace(file, name, move=move)
        return True

    def replace(self, file: Path, name: PurePosixPath, *, move: bool = False) -> None:
        """Copy, or move, a file to a name whatever lies there.

        Raises:
            ModelFailure: it can't be written.
        """
        # No link: a model that writes over the file of this name must not change what else it is given to read.
        path = self._root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            (shutil.move if move else shutil.copyfile)(file, path)
        except OSError as error:
            raise ModelFailure(f"The file {name} can't be written: {error.strerror}. Rename the asset.") from None
        self._files[same_file(name)] = name

    def sha256(self, name: PurePosixPath) -> str:
        """Hexadecimal SHA-256 of what lies at a name now."""
        return sha256(self._root / name)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
