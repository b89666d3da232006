"""The files that were fetched from model centres, kept by their SHA-256 for all runtimes of an account on a machine.

Of the files of the folder, ``H`` being a SHA-256 in hexadecimal:

* ``H`` is a content, which comes in one step and never changes;
* ``H.part`` is one that isn't whole: whoever wants it next goes on with it, within a day;
* ``H.lock`` is held alone by who fetches or removes it, and shared by who lays it out. It was touched at the last use.

A level that doesn't keep models from the runtime's files doesn't keep them from these either. So nothing here is
trusted: a file is what its name says if its hash is, which is made anew at every use.
"""

import asyncio
import logging
import os
import re
import shutil
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mlc.runtime.contents.content import Check, Content, Damaged, DiskFull, in_thread, opened
from mlc.runtime.contents.laying import Target
from mlc.runtime.environments.locks import ALONE, INTERVAL, SHARED, hold
from mlc.runtime.removal import remove

TRIES = 3
FOLDER, OPEN = 0o700, 0o600
UNFINISHED = 24 * 3600
"""Seconds for which a part is kept that nobody goes on with."""
TIDIED_EVERY = 3600
"""Seconds between two looks at what is too much, if nothing is fetched meanwhile."""
_OURS = re.compile(r"([0-9a-f]{64})(\.part|\.lock)?")
log = logging.getLogger(__name__)

Fetch = Callable[[Path], Awaitable[None]]
"""Fetches a content to a file, or goes on with what is there of it; it is whole and right then."""
Waiting = Callable[[], Awaitable[None]]
"""Told that another fetches the same content."""


class Kept(NamedTuple):
    """What is kept of a content: bytes on disk, and when it was used last."""

    sha256: str
    size: int
    used: float


class ContentCache:
    """The contents in one folder.

    Args:
        limit: bytes that they may have on disk in all. Those that haven't been used for longest are removed first; what
            is in use stays.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit

    async def lay(self, content: Content, target: Target, fetch: Fetch, waiting: Waiting) -> None:
        """Put a content where it is wanted; it is fetched if it isn't here, or isn't what it should be.

        Raises:
            DiskFull: the disk is full.
            OSError: it can't be read or written.
        """
        for _ in range(TRIES):
            async with self._there(content, fetch, waiting) as kept:
                try:
                    return await in_thread(partial(target.take, kept, content))
                except Damaged as damage:
                    self._drop(content, str(damage))
        raise OSError(f"the content of {content.name} was changed each time that it had been fetched")

    async def keep_tidy(self) -> None:
        """Remove again and again what nobody goes on with, and what is beyond the limit, also of a lower one."""
        while True:
            try:
                await in_thread(self._tidy)
            except OSError as error:
                log.warning("The contents in %s can't be looked through (%s).", self._folder, error.strerror)
            await asyncio.sleep(TIDIED_EVERY)

    @asynccontextmanager
    async def _there(self, content: Content, fetch: Fetch, waiting: Waiting) -> AsyncIterator[Path]:
        """The kept file, whole by its looks. Nobody fetches or removes it for as long as the block lasts."""
        told = False
        while True:
            self._make_folder()
            lock = self._lock(content.sha256)
            if (shared := hold(lock, SHARED)) is not None:
                with shared:
                    if self._looks_right(content):
                        _touch(lock)
                        yield self._folder / content.sha256
                        return
            if (alone := hold(lock, ALONE, create=True)) is not None:
                with alone:
                    if not self._looks_right(content):
                        await self._fetch(content, fetch)
                    _touch(lock)
                    yield self._folder / content.sha256
                    return
            if not told:
                told = True
                await waiting()
            await asyncio.sleep(INTERVAL)

    async def _fetch(self, content: Content, fetch: Fetch) -> None:
        """Fetch it, by who holds its lock alone."""
        kept, part = self._folder / content.sha256, self._folder / f"{content.sha256}.part"
        await in_thread(partial(self._make_room, content, part))
        await fetch(part)
        if kept.is_dir() and not kept.is_symlink():
            remove(kept)
        part.replace(kept)

    def _looks_right(self, content: Content) -> bool:
        try:
            opened(self._folder / content.sha256, content).close()
        except FileNotFoundError:
            return False
        except Damaged as damage:
            self._drop(content, str(damage))
            return False
        return True

    def _drop(self, content: Content, why: str) -> None:
        """Remove a kept file, by who holds its lock: nobody can have put another in its place."""
        log.warning("The kept content of %s (%s) is not as it was kept: %s.", content.name, content.sha256[:12], why)
        remove(self._folder / content.sha256)

    def _lock(self, sha256: str) -> Path:
        """Where a content's lock is, if it is there; whatever else has its name goes."""
        lock = self._folder / f"{sha256}.lock"
        with suppress(FileNotFoundError):
            state = lock.lstat()
            if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & OPEN != OPEN:
                log.warning("What lies at %s is no lock: it is removed.", lock)
                remove(lock)
        return lock

    def _make_folder(self) -> None:
        with suppress(FileNotFoundError):
            state = self._folder.lstat()
            if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid():
                log.warning("%s is no folder of this account: it is removed, and made anew.", self._folder)
                remove(self._folder)
            elif stat.S_IMODE(state.st_mode) != FOLDER:
                self._folder.chmod(FOLDER)
        self._folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)

    def _make_room(self, content: Content, part: Path, check: Check) -> None:
        """Remove what is too much with a content that comes, and what nobody goes on with.

        Raises:
            DiskFull: the disk is full all the same.
        """
        there = part.lstat().st_blocks * 512 if part.is_file() and not part.is_symlink() else 0
        needed = max((content.size or 0) - there, 0)
        self._bound(needed, check, but=content.sha256)
        if self._free() < needed:
            raise DiskFull(content.name, self._folder, content.size)

    def _tidy(self, check: Check) -> None:
        if os.path.lexists(self._folder):
            self._make_folder()
            self._bound(0, check)

    def _bound(self, needed: int, check: Check, *, but: str = "") -> None:
        """Remove unfinished ones that are old, and then those not used for longest, until so many bytes have room."""
        kept = sorted(self._kept(), key=lambda each: each.used)
        total = sum(each.size for each in kept) + needed
        for each in kept:
            check()
            if total <= self._limit and self._free() >= needed:
                break
            if each.sha256 != but and self._remove_if_unused(each.sha256):
                total -= each.size
                log.info("The content %s had not been used for longest, and was removed.", each.sha256[:12])

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _kept(self) -> list[Kept]:
        sizes, used = dict[str, int](), dict[str, float]()
        for path in self._folder.iterdir():
            match = _OURS.fullmatch(path.name)
            if match is None:
                continue
            with suppress(OSError):
                state, sha256 = path.lstat(), match[1]
                if match[2] == ".part" and time.time() - state.st_mtime > UNFINISHED:
                    self._remove_if_unused(sha256, whole=False)
                elif match[2] != ".lock":
                    sizes[sha256] = sizes.get(sha256, 0) + state.st_blocks * 512
                    used.setdefault(sha256, state.st_mtime)
                else:
                    used[sha256] = state.st_mtime
        for sha256 in used.keys() - sizes.keys():
            self._remove_if_unused(sha256)
        return [Kept(sha256, size, used[sha256]) for sha256, size in sizes.items()]

    def _remove_if_unused(self, sha256: str, *, whole: bool = True) -> bool:
        """Remove a content, or only an unfinished one; one that a model has by another name would free nothing."""
        try:
            lock = hold(self._lock(sha256), ALONE, create=True)
        except OSError:
            return False
        if lock is None:
            return False
        with lock:
            kept = self._folder / sha256
            there = kept.lstat() if os.path.lexists(kept) else None
            if there is not None and stat.S_ISREG(there.st_mode) and there.st_nlink > 1:
                return False
            remove(self._folder / f"{sha256}.part")
            if whole:
                remove(kept)
            if whole or there is None:
                remove(self._folder / f"{sha256}.lock")
            return True


def _touch(lock: Path) -> None:
    with suppress(OSError):
        os.utime(lock)
