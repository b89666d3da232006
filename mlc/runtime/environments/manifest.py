"""What a folder holds: every file's SHA-256, every link's end, all permissions; described, compared and copied."""

# ruff: noqa: PTH101, PTH102, PTH115, PTH117, PTH118, PTH120, PTH123, PTH206, PTH211
# Paths are text here: there are tens of thousands of them.

import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from mlc.model.failure import MlcError

if sys.platform == "linux":
    import fcntl

MOST_ENTRIES = 200_000
PIECE = 1024**2
THREADS = min(8, os.cpu_count() or 1)
FICLONE = 0x40049409
"""linux/fs.h: let a file share another's blocks until either is written to."""
READING = stat.S_IRGRP | stat.S_IXGRP
"""Permissions that a level may add: models that have an account of their own read by a group."""
Entries = Mapping[str, str]
"""By the path below the folder: the kind and permissions, and what is in it, such as ``file 644 <sha256>``."""


class NotPlain(MlcError):
    """A folder holds what no package brings, such as a pipe or a file of two names. The text is a sentence's end."""


def describe(root: Path) -> Entries:
    """All that is below a folder.

    Raises:
        NotPlain: something is neither a file of one name, a folder nor a link, or there is too much.
        OSError: something can't be read.
    """
    found, files = dict[str, str](), list[tuple[str, str, int]]()
    for name, path, state in _below(root):
        mode = f"{stat.S_IMODE(state.st_mode) & ~READING:o}"
        if stat.S_ISDIR(state.st_mode):
            found[name] = f"folder {mode}"
        elif stat.S_ISLNK(state.st_mode):
            found[name] = f"link {os.readlink(path)}"
        else:
            files.append((name, path, state.st_size))
    files.sort(key=lambda file: -file[2])  # the largest first, so that no thread is left with it in the end
    with ThreadPoolExecutor(THREADS) as pool:
        found |= dict(pool.map(_described, files))
    return found


def take(root: Path) -> None:
    """Make all that is below a folder, and itself, this account's, for nobody else to write to.

    Raises:
        NotPlain: as :func:`describe`.
        OSError: it is another account's, and can't be had.
    """
    for path, state in [(str(root), root.lstat()), *((path, state) for _, path, state in _below(root))]:
        if state.st_uid != os.geteuid():
            os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
        mode = stat.S_IMODE(state.st_mode)
        if not stat.S_ISLNK(state.st_mode) and mode & (stat.S_IWGRP | stat.S_IWOTH):
            os.chmod(path, mode & ~(stat.S_IWGRP | stat.S_IWOTH))


def difference(wanted: Entries, found: Entries) -> str | None:
    """What differs first, as the end of a sentence; None if nothing does."""
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            verb = "is missing" if name not in found else "was added" if name not in wanted else "differs"
            return f"{ascii(name)[1:-1][:200]} {verb}"
    return None


def copy(root: Path, target: Path) -> None:
    """Copy a folder to where there is none: by sharing blocks where the file system can, never by another name.

    Raises:
        NotPlain: as :func:`describe`.
        OSError: something can't be read or written.
    """
    target.mkdir(mode=0o700)
    files, folders = list[tuple[str, str]](), list[tuple[str, int]]()
    for name, path, state in _below(root):
        end = os.path.join(target, name)
        if stat.S_ISDIR(state.st_mode):
            os.mkdir(end, 0o700)
            folders.append((end, stat.S_IMODE(state.st_mode)))
        elif stat.S_ISLNK(state.st_mode):
            os.symlink(os.readlink(path), end)
        else:
            files.append((path, end))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(_copied, files):
            pass
    for end, mode in reversed(folders):
        os.chmod(end, mode)


def _below(root: Path) -> Iterator[tuple[str, str, os.stat_result]]:
    """Name below the root, path and state of everything; a folder before what is in it."""
    start, count = len(str(root)) + 1, 0
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                state = entry.stat(follow_symlinks=False)
                name = entry.path[start:]
                count += 1
                if count > MOST_ENTRIES:
                    raise NotPlain(f"more than {MOST_ENTRIES:,} files and folders are there")
                _check(name, state)
                yield name, entry.path, state
                if stat.S_ISDIR(state.st_mode):
                    waiting.append(entry.path)


def _check(name: str, state: os.stat_result) -> None:
    kind, shown = stat.S_IFMT(state.st_mode), ascii(name)[1:-1][:200]
    if kind not in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}:
        raise NotPlain(f"{shown} is neither a file, a folder nor a link")
    if kind == stat.S_IFREG and state.st_nlink > 1:
        raise NotPlain(f"{shown} has a second name, under which it can be changed")
    if kind == stat.S_IFREG and state.st_mode & (stat.S_ISUID | stat.S_ISGID):
        raise NotPlain(f"{shown} would run with another account's permissions")


def _opened(path: str) -> int:
    """A file that was one a moment ago, and is still."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise NotPlain(f"{path!a} is no file any more")
    return descriptor


def _described(file: tuple[str, str, int]) -> tuple[str, str]:
    name, path, _ = file
    descriptor = _opened(path)
    try:
        digest = hashlib.sha256()
        while piece := os.read(descriptor, PIECE):
            digest.update(piece)
        return name, f"file {stat.S_IMODE(os.fstat(descriptor).st_mode) & ~READING:o} {digest.hexdigest()}"
    finally:
        os.close(descriptor)


def _copied(file: tuple[str, str]) -> None:
    path, end = file
    with open(_opened(path), "rb", buffering=0) as source, open(end, "xb") as target:
        if not shares_blocks(source.fileno(), target.fileno()):
            shutil.copyfileobj(source, target, PIECE)
        os.fchmod(target.fileno(), stat.S_IMODE(os.fstat(source.fileno()).st_mode))


def shares_blocks(source: int, target: int) -> bool:
    """Make an empty file what another is by sharing its blocks; False where the file system can't. Both are open."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.ioctl(target, FICLONE, source)
            return True
    return False


def check_links(entries: Entries, outside: Iterable[str]) -> None:
    """See that every link stays in its folder, but for those of the names in ``outside``.

    Raises:
        NotPlain: one leads elsewhere, where its end could be changed.
    """
    allowed = set(outside)
    for name, what in entries.items():
        if what.startswith("link ") and name not in allowed:
            end = what.removeprefix("link ")
            inside = os.path.normpath(os.path.join(os.path.dirname(name), end))
            if os.path.isabs(end) or inside.split(os.sep)[0] == os.pardir:
                raise NotPlain(f"the link {ascii(name)[1:-1][:200]} leads out of it")
