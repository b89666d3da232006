"""What a contained program and all that it started use, measured from outside."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

BLOCK = 512
"""Bytes of a block in ``st_blocks``, whatever the file system's own blocks are."""
MOST_FILES = 200_000
"""More are not looked at: so many are over the limit, however small they are."""


def memory(supervisor: int) -> int:
    """Bytes that the descendants of a supervisor have in memory, pages that they share counted once."""
    return sum(map(_memory, _descendants(supervisor)))


def disk(supervisor: int | None, folders: Sequence[Path]) -> int:
    """Bytes of blocks below folders, and of files that have no name any more and that a descendant holds open.

    Links are not followed, and a file is counted once, however many names it has. So many files that it would take
    long to look at them count as infinitely large.
    """
    seen: set[tuple[int, int]] = set()
    total = 0
    for number, state in enumerate((*_below(folders), *_nameless(_descendants(supervisor)))):
        if number > MOST_FILES:
            return 1 << 62
        if (state.st_dev, state.st_ino) not in seen:
            seen.add((state.st_dev, state.st_ino))
            total += state.st_blocks * BLOCK
    return total


def _descendants(supervisor: int | None) -> list[psutil.Process]:
    if supervisor is None:
        return []
    with suppress(psutil.Error):
        return list(psutil.Process(supervisor).children(recursive=True))
    return []


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        try:
            full = process.memory_full_info()
            return int(getattr(full, "pss", None) or full.uss)
        except psutil.AccessDenied:  # a process may forbid to be looked into; what it has resident is always told
            return int(process.memory_info().rss)
    return 0


def _below(folders: Iterable[Path]) -> Iterator[os.stat_result]:
    waiting = [str(folder) for folder in folders]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)


def _nameless(processes: Iterable[psutil.Process]) -> Iterator[os.stat_result]:
    for process in processes:
        with suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    state = entry.stat()
                    if state.st_nlink == 0:
                        yield state
