"""Laying a kept content out in a working directory, so that what a model does to its file changes no kept one.

Blocks are shared where the file system can: then the file is a copy that costs nothing. Else, at a level that keeps a
model from writing to what it only reads, its file is the kept one under another name; it is its runtime's, so only
Landlock, a read-only mount or another account keep the model from it, as they keep it from the environments that it
shares with others. At the level ``process`` nothing does, and it gets a copy.
"""

from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlc.runtime.contents.content import Check, Content, Damaged, copied, digest_of, opened
from mlc.runtime.environments.manifest import shares_blocks
from mlc.runtime.working_directory import WorkingDirectory


class Target(NamedTuple):
    """Where a content is wanted: a name in a working directory, and whether it may be a second name of a kept file."""

    directory: WorkingDirectory
    name: PurePosixPath
    linked: bool

    def take(self, kept: Path, content: Content, check: Check) -> None:
        """Lay a kept file out, and make its hash as it lies there. Blocking.

        Raises:
            Damaged: it isn't what its name says, or isn't there any more; nothing is left at the target.
            OSError: it can't be read or written.
        """
        try:
            source = opened(kept, content)
        except FileNotFoundError:
            raise Damaged("it was taken away") from None
        with source:
            try:
                if self._laid(kept, source, check) != content.sha256:
                    raise Damaged("its content is another")
            except BaseException:
                self.directory.unlink(self.name)
                raise

    def _laid(self, kept: Path, source: BufferedReader, check: Check) -> str:
        with self.directory.create(self.name) as file:
            if shares_blocks(source.fileno(), file.fileno()):
                with self.directory.open(self.name, f"file {self.name}") as laid:
                    return digest_of(laid, check)
            if not self.linked:
                return copied(source, file, check)
        try:
            self.directory.link(kept, source, self.name)
        except OSError:  # another file system, or more names than it can give
            with self.directory.create(self.name) as file:
                return copied(source, file, check)
        return digest_of(source, check)
