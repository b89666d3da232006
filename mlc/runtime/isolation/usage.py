"""What a contained program and all that it started use, measured from outside."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - it is looked at only
BLOCK = 512
"""Bytes of a block in ``st_blocks``, whatever the file system's own blocks are."""
MOST_FILES = 200_000
"""More are not looked at: so many are over the limit, however small they are."""


def memory(supervisor: int) -> int:
    """Bytes that the descendants of a supervisor have in memory: pages that they share counted once, files in a shared
    memory folder of their own counted whole.
    """
    processes = _descendants(supervisor)
    own, mapped = map(sum, zip((0, 0), *map(_memory, processes), strict=True))
    return own + max(mapped, _shared_files(processes))


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


def _memory(process: psutil.Process) -> tuple[int, int]:
    """What a process has by itself, and what it has mapped of shared memory; each with its part of what others map."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        sizes = {name: 1024 * int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
        return sizes["Pss"] - sizes.get("Pss_Shmem", 0), sizes.get("Pss_Shmem", 0)
    except (OSError, KeyError):  # gone, or it forbids to be looked into; what it has resident is always told
        with suppress(psutil.Error):
            return int(process.memory_info().rss), 0
    return 0, 0


def _shared_files(processes: Iterable[psutil.Process]) -> int:
    """Bytes in the shared memory folders of processes whose root is their own."""
    with suppress(OSError):
        seen = {SHARED_MEMORY.stat().st_dev}
        total = 0
        for process in processes:
            with suppress(OSError):
                folder = Path(f"/proc/{process.pid}/root") / SHARED_MEMORY.relative_to("/")
                if (device := folder.stat().st_dev) not in seen:
                    seen.add(device)
                    state = os.statvfs(folder)
                    total += (state.f_blocks - state.f_bfree) * state.f_frsize
        return total
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
