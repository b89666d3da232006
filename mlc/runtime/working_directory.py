"""A model's working directory as the runtime enters it: nothing in there is trusted once code of the model has run.

A model can put a link, a pipe or a device where a file was, or a link to anywhere in place of a folder. So each name
is looked up from one folder's descriptor to the next, no link is followed in any of them, and only regular files are
opened.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import shown

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
ENTER = READ | os.O_DIRECTORY
DEEPEST = 32
"""Folders within one another that are looked into."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS: dict[int, str] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


class Entry(NamedTuple):
    """Something that lies in a working directory: its name relative to where one looked, and what it is."""

    name: PurePosixPath
    state: os.stat_result

    @property
    def kind(self) -> str:
        """``file`` (a regular one), ``folder``, ``link``, ``pipe``, ``socket`` or ``device``."""
        return _KINDS.get(stat.S_IFMT(self.state.st_mode), "device")

    @property
    def identity(self) -> tuple[int, int]:
        """The same for all names of one file."""
        return self.state.st_dev, self.state.st_ino


class WorkingDirectory:
    """One model's working directory; names are relative to it. Blocking.

    Args:
        root: it is there, and no code of the model has run yet: another folder in its place is noticed later.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._identity = Entry(PurePosixPath(), root.lstat()).identity

    def open(self, name: PurePosixPath, what: str, *, names: int = 1) -> BufferedReader:
        """A regular file, opened for reading.

        Args:
            what: what it is to people, without an article: ``output scores.csv``.
            names: how many it may have at the most (hard links): one that has more may be a file from elsewhere.

        Raises:
            ModelFailure: it is none, it or a folder above it is a link, or it can't be read.
        """
        try:
            with self._entered(name.parent) as folder:
                descriptor = _open(folder, name.name, names)
        except OSError as error:
            raise ModelFailure(f"The {what} can't be read: {_reason(error)}.") from None
        return os.fdopen(descriptor, "rb")

    def create(self, name: PurePosixPath) -> IO[bytes]:
        """A new file, opened for writing; whatever had its name goes, and missing folders are made.

        Raises:
            OSError: it can't be written, a folder has its name, or something that is no folder lies above it.
        """
        with self._entered(name.parent, make=True) as folder:
            with suppress(FileNotFoundError):
                os.unlink(name.name, dir_fd=folder)
            descriptor = os.open(name.name, _NEW, 0o666, dir_fd=folder)
        return os.fdopen(descriptor, "wb")

    def unlink(self, name: PurePosixPath) -> None:
        """Take a name away, if it is there."""
        with suppress(FileNotFoundError), self._entered(name.parent) as folder:
            os.unlink(name.name, dir_fd=folder)

    def link(self, path: Path, opened: IO[bytes], name: PurePosixPath) -> None:
        """Give a file of the runtime's, which is open, a second name here; whatever had it goes.

        Raises:
            OSError: as for :meth:`create`; or it lies on another file system, or another file is at its path by now.
        """
        with self._entered(name.parent, make=True) as folder:
            with suppress(FileNotFoundError):
                os.unlink(name.name, dir_fd=folder)
            os.link(path, name.name, dst_dir_fd=folder, follow_symlinks=False)
            state = os.stat(name.name, dir_fd=folder, follow_symlinks=False)
            if not os.path.samestat(state, os.fstat(opened.fileno())):
                raise OSError("another file was put in its place")

    def point(self, name: PurePosixPath, end: PurePosixPath) -> None:
        """Make a symbolic link at a name that leads to another name here; whatever had it goes.

        Raises:
            OSError: as for :meth:`create`.
        """
        with self._entered(name.parent, make=True) as folder:
            with suppress(FileNotFoundError):
                os.unlink(name.name, dir_fd=folder)
            os.symlink("../" * (len(name.parts) - 1) + str(end), name.name, dir_fd=folder)

    def state(self, name: PurePosixPath) -> os.stat_result:
        """What the system says of what lies at a name, of a link itself.

        Raises:
            OSError: nothing does, or no folder leads there.
        """
        with self._entered(name.parent) as folder:
            return os.stat(name.name, dir_fd=folder, follow_symlinks=False)

    def make(self, folder: PurePosixPath) -> None:
        """Make a folder, and those above it, where there is none.

        Raises:
            OSError: something that is no folder is in its place.
        """
        with self._entered(folder, make=True):
            pass

    def move(self, file: PurePosixPath, name: PurePosixPath) -> None:
        """Give a file another name; whatever had it goes, and missing folders are made.

        Raises:
            OSError: as for :meth:`create`.
        """
        with self._entered(file.parent) as source, self._entered(name.parent, make=True) as target:
            os.replace(file.name, name.name, src_dir_fd=source, dst_dir_fd=target)

    def kind(self, name: PurePosixPath) -> str | None:
        """What lies at a name, as :attr:`Entry.kind` says it; None if nothing does, or no folder leads there."""
        try:
            return Entry(name, self.state(name)).kind
        except OSError:
            return None

    def entries(
        self, folder: PurePosixPath, check: Callable[[], None], *, without: Collection[str] = ()
    ) -> Iterator[Entry]:
        """Whatever lies in a folder and the folders in it, in no order; no link is followed.

        A folder that is ``DEEPEST`` folders below is not looked into. Whoever iterates ends it when it is too much.

        Args:
            check: called for each entry; what it raises ends the iteration.
            without: names of folders that are not looked into.

        Raises:
            ModelFailure: a folder is none, or can't be read.
        """
        pending = [PurePosixPath()]
        while pending:
            inside = pending.pop()
            try:
                with self._entered(folder / inside) as descriptor, os.scandir(descriptor) as found:
                    for entry in found:
                        check()
                        seen = Entry(inside / entry.name, entry.stat(follow_symlinks=False))
                        if seen.kind == "folder" and len(seen.name.parts) < DEEPEST and entry.name not in without:
                            pending.append(seen.name)
                        yield seen
            except OSError as error:
                raise ModelFailure(f"The folder {shown(folder / inside)} can't be read: {_reason(error)}.") from None

    @contextmanager
    def _entered(self, folder: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        """The descriptor of a folder, for as long as the block lasts."""
        current = os.open(self.root, ENTER)
        try:
            state = os.fstat(current)
            if (state.st_dev, state.st_ino) != self._identity:
                raise OSError("another folder was put in the place of the working directory")
            for part in folder.parts:
                if part in {"..", "/"}:
                    raise OSError("it leads out of the working directory")
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=current)
                inner = os.open(part, ENTER, dir_fd=current)
                os.close(current)
                current = inner
            yield current
        finally:
            os.close(current)


def _open(folder: int, name: str, names: int) -> int:
    # Looked at first, since opening a device may do something; and once more, since it is the open one that counts.
    _require_file(os.stat(name, dir_fd=folder, follow_symlinks=False), names)
    descriptor = os.open(name, READ, dir_fd=folder)
    try:
        _require_file(os.fstat(descriptor), names)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _require_file(state: os.stat_result, names: int) -> None:
    entry = Entry(PurePosixPath(), state)
    if entry.kind != "file":
        raise OSError(f"it is a {entry.kind} and no regular file")
    if state.st_nlink > names:
        raise OSError("it has another name elsewhere (a hard link); copy it instead")


def _reason(error: OSError) -> str:
    if error.errno is None:
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, NotADirectoryError):
        return "a link, or something else that is no folder, is in the place of its folder"
    return error.strerror or type(error).__name__
