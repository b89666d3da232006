"""The rights to files of an account that models have: its own folders, and the reading of others by its group."""

import os
import pwd
import stat
from collections.abc import Collection, Iterator
from pathlib import Path


class Group:
    """Lets a group read what is the runtime's, by its owner's will: no right is given to anybody else.

    Args:
        number: the group's id.
        top: the uppermost folder that is the runtime's own to open.
    """

    def __init__(self, number: int, top: Path) -> None:
        self._number = number
        self._top = top

    def open_way(self, path: Path) -> None:
        """Let it pass through the folders around a path, without seeing what is in them."""
        for folder in path.parents:
            if folder.is_relative_to(self._top):
                self._open(folder, stat.S_IXGRP)

    def open(self, path: Path, without: Collection[Path] = ()) -> None:
        """Let it read a file or folder, which becomes the runtime's, and pass through those around it."""
        self.open_way(path)
        for each in reversed([*_tree(path, without)]):
            self._open(each, stat.S_IRGRP)

    def open_kept(self, path: Path) -> None:
        """Do so with what doesn't change any more, such as an environment: once."""
        state = path.lstat()
        done = state.st_gid == self._number and state.st_uid == os.geteuid() and state.st_mode & stat.S_IRGRP
        if not done:  # the folder itself is opened after all that is in it
            self.open(path)
        else:
            self.open_way(path)

    def _open(self, path: Path, rights: int) -> None:
        state = path.lstat()
        mode = stat.S_IMODE(state.st_mode)
        if (state.st_uid, state.st_gid) != (os.geteuid(), self._number):
            os.chown(path, os.geteuid(), self._number, follow_symlinks=False)
            mode &= ~(stat.S_IRWXG | stat.S_ISUID | stat.S_ISGID)  # another group's
        if stat.S_ISLNK(state.st_mode):
            return
        if stat.S_ISDIR(state.st_mode) or mode & stat.S_IXUSR:
            rights |= stat.S_IXGRP
        if mode | rights != stat.S_IMODE(state.st_mode):
            path.chmod(mode | rights)


def give(path: Path, user: int, group: int) -> None:
    """Make a folder and what is below it an account's."""
    for each in _tree(path):
        os.chown(each, user, group, follow_symlinks=False)


def enters(entry: pwd.struct_passwd, folder: Path) -> bool:
    """Whether an account may pass through a folder, as far as its mode tells."""
    state = folder.stat()
    if state.st_uid == entry.pw_uid:
        return bool(state.st_mode & stat.S_IXUSR)
    return bool(state.st_mode & (stat.S_IXGRP if state.st_gid == entry.pw_gid else stat.S_IXOTH))


def _tree(path: Path, without: Collection[Path] = ()) -> Iterator[Path]:
    """A file, or a folder and what is below it; each folder before its content. Links are not followed."""
    waiting = [path]
    while waiting:
        each = waiting.pop()
        yield each
        if stat.S_ISDIR(each.lstat().st_mode):
            waiting += [entry for entry in each.iterdir() if entry not in without]
