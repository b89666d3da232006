"""Removing a folder that a model wrote to: however deep, wide or locked it is, and without leaving it by a link."""

import fcntl
import logging
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from mlc.runtime.working_directory import ENTER, READ

AT_ONCE = 10_000
"""Names of a folder that are kept in memory."""
OPEN_TO_OWNER = 0o700
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
"""Linux' FS_IOC_GETFLAGS and FS_IOC_SETFLAGS, and the flags that keep a file from being changed."""

log = logging.getLogger(__name__)


def remove(folder: Path) -> bool:
    """Remove a folder with everything in it; a link is removed, not what it leads to. Blocking.

    Returns:
        False if something could not be removed, which is logged. Whatever else was there is gone.
    """
    removal = _Removal()
    try:
        parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        removal.remove(parent, folder.name)
    finally:
        os.close(parent)
    if removal.first is not None:
        log.warning("%s can't be removed: %s (%d times)", folder, removal.first.strerror, removal.failures)
    return removal.first is None


class _Removal:
    """Folders are not entered one within another: those in a folder are moved up before it goes.

    So it takes neither recursion, nor long paths, nor more than three descriptors.

    Attributes:
        first: why something could not be removed.
        failures: how often that happened.
    """

    def __init__(self) -> None:
        self.first: OSError | None = None
        self.failures = 0
        self._mark = secrets.token_hex(8)
        self._moved = 0

    def remove(self, parent: int, name: str) -> None:
        try:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                return _forced(parent, name, partial(os.unlink, name, dir_fd=parent))
            top = _entered(parent, name)
            try:
                self._empty(top, lambda inner: self._remove_within(top, inner))
            finally:
                os.close(top)
            _forced(parent, name, partial(os.rmdir, name, dir_fd=parent))
        except FileNotFoundError:
            pass
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.first = self.first or error
        self.failures += 1

    def _remove_within(self, top: int, name: str) -> None:
        folder = _entered(top, name)
        try:
            self._empty(folder, lambda inner: self._move_up(folder, inner, top))
        finally:
            os.close(folder)
        _forced(top, name, partial(os.rmdir, name, dir_fd=top))

    def _move_up(self, folder: int, name: str, top: int) -> None:
        self._moved += 1
        target = f"{self._mark}-{self._moved}"
        _forced(folder, name, lambda: os.rename(name, target, src_dir_fd=folder, dst_dir_fd=top))

    def _empty(self, folder: int, away: Callable[[str], None]) -> None:
        """Remove the files of a folder, and do away with the folders in it."""
        failed: set[str] = set()
        while names := _some(folder, failed):
            for name, is_folder in names:
                try:
                    if is_folder:
                        away(name)
                    else:
                        _forced(folder, name, partial(os.unlink, name, dir_fd=folder))
                except FileNotFoundError:
                    failed.add(name)  # gone; should it be listed again, it is not tried without end
                except OSError as error:
                    failed.add(name)
                    self._fail(error)


def _some(folder: int, without: set[str]) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name not in without:
                found.append((entry.name, entry.is_dir(follow_symlinks=False)))
            if len(found) == AT_ONCE:
                break
    return found


def _entered(parent: int, name: str) -> int:
    """A folder's descriptor; its owner may read and change it from now on."""
    try:
        folder = os.open(name, ENTER, dir_fd=parent)
    except PermissionError:
        _open_up(parent, name)
        folder = os.open(name, ENTER, dir_fd=parent)
    if stat.S_IMODE(os.fstat(folder).st_mode) & OPEN_TO_OWNER != OPEN_TO_OWNER:
        with suppress(OSError):  # its flags may have to go first: see _forced
            os.fchmod(folder, OPEN_TO_OWNER)
    return folder


def _forced(parent: int, name: str, act: Callable[[], None]) -> None:
    """Do something with a name; if that isn't permitted, lift what the owner may lift, and do it again."""
    try:
        act()
    except PermissionError:
        _unlock(parent)
        with suppress(OSError):
            os.fchmod(parent, OPEN_TO_OWNER)
        with suppress(OSError):
            _open_up(parent, name)
        act()


def _open_up(parent: int, name: str) -> None:
    """Let the owner into a folder that nobody may enter, and to the name of a file that nobody may change.

    The mode of a file is left alone: it may be one of somebody else's as well (a hard link), and doesn't matter.
    """
    kind = stat.S_IFMT(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    if kind == stat.S_IFDIR and hasattr(os, "O_PATH"):
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
        try:
            Path(f"/proc/self/fd/{descriptor}").chmod(OPEN_TO_OWNER)
        except PermissionError:
            pass  # its flags may have to go first
        finally:
            os.close(descriptor)
    if kind in {stat.S_IFDIR, stat.S_IFREG}:
        descriptor = os.open(name, READ, dir_fd=parent)
        try:
            _unlock(descriptor)
            if kind == stat.S_IFDIR:
                os.fchmod(descriptor, OPEN_TO_OWNER)
        finally:
            os.close(descriptor)


def _unlock(descriptor: int) -> None:
    """Lift the flags that keep a file or a folder from being changed, where there are such and the user may."""
    with suppress(OSError):
        flags = int.from_bytes(fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8)), "little")
        if flags & (_IMMUTABLE | _APPEND_ONLY):
            kept = flags & ~(_IMMUTABLE | _APPEND_ONLY)
            fcntl.ioctl(descriptor, _SET_FLAGS, kept.to_bytes(8, "little"))
