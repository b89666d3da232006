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


def memory(supervisor: int, *, nested: bool = False) -> int:
    """Bytes that the descendants of a supervisor have in memory: pages that they share counted once, files in memory
    folders of their own counted whole.

    Args:
        nested: count only those with a PID namespace of their own; the others run them.
    """
    processes = [process for process in _descendants(supervisor) if not nested or _is_nested(process)]
    own, mapped = map(sum, zip((0, 0), *map(_memory, processes), strict=True))
    return own + max(mapped, _files_in_memory(processes))


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


def _is_nested(process: psutil.Process) -> bool:
    """Whether a process has a PID namespace below this one's; it has an id in each."""
    with suppress(OSError):
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return any(len(line.split()) > 2 for line in lines if line.startswith("NSpid:"))
    return False


def _files_in_memory(processes: Iterable[psutil.Process]) -> int:
    """Bytes in the file systems in memory that only processes with mounts of their own have."""
    total = 0
    with suppress(OSError):
        seen = {device for device, _ in _in_memory("self")}
        namespaces = {Path("/proc/self/ns/mnt").stat().st_ino}
        for process in processes:
            with suppress(OSError):
                if (namespace := Path(f"/proc/{process.pid}/ns/mnt").stat().st_ino) in namespaces:
                    continue
                namespaces.add(namespace)
                for device, place in _in_memory(str(process.pid)):
                    if device not in seen and place.stat().st_dev == device:  # else another lies over it
                        seen.add(device)
                        state = os.statvfs(place)
                        total += (state.f_blocks - state.f_bfree) * state.f_frsize
    return total


def _in_memory(process: str) -> Iterator[tuple[int, Path]]:
    """The file systems in memory that a process has mounted, each by its device, and where this process finds it."""
    for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines():
        mount, _, kind = line.partition(" - ")
        if kind.split()[0] in {"tmpfs", "ramfs"}:
            device, place = (mount.split()[field] for field in (2, 4))
            major, minor = device.split(":")
            for code in ("040", "011", "012", "134"):  # how a space, a tab, a line's end and a backslash are written
                place = place.replace(f"\\{code}", chr(int(code, 8)))
            yield os.makedev(int(major), int(minor)), Path(f"/proc/{process}/root{place}")


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
