"""What a contained program and all that it started use, measured from outside."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

import psutil

BLOCK = 512
"""Bytes of a block in ``st_blocks``, whatever the file system's own blocks are."""
MOST_FILES = 200_000
"""More are not looked at: so many are over the limit, however small they are."""
INFINITE = 1 << 62
NO_NAME = " (deleted)"
SENT_FILES = "scm_fds:"
OF_MEMORY = ("/dev/zero", "/memfd:", "/SYSV")
"""How the names of mapped files begin that are shared memory."""


def memory(supervisor: int, *, nested: bool = False) -> int:
    """Bytes that the descendants of a supervisor have in memory: pages that they share counted once, files in memory
    folders of their own, and shared memory of which a part is mapped, counted whole.

    Args:
        nested: count only those with a PID namespace of their own; the others run them.
    """
    processes = [process for process in _descendants(supervisor) if not nested or _is_nested(process)]
    own, mapped = map(sum, zip((0, 0), *map(_memory, processes), strict=True))
    return own + max(mapped, _files_in_memory(processes) + _total(_mapped(processes, of_memory=True)))


def disk(supervisor: int | None, folders: Sequence[Path]) -> int:
    """Bytes of blocks below folders, and of files without a name that a descendant holds open or has mapped.

    Links are not followed, and a file is counted once, however many names it has. So many files that it would take
    long to look at them count as infinitely large.
    """
    processes = _descendants(supervisor)
    return _total(chain(_below(folders), _nameless(processes), _mapped(processes, of_memory=False)))


def _total(files: Iterable[os.stat_result]) -> int:
    seen: set[tuple[int, int]] = set()
    total = 0
    for number, state in enumerate(files):
        if number > MOST_FILES:
            return INFINITE
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
    """What a process has by itself, and what it has mapped of shared memory; each with its part of what others map.

    What it has mapped of files on a disk is neither: the system keeps that in memory for as long as there is room.
    """
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        sizes = {name: 1024 * int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
        shared = sizes.get("Pss_Shmem", 0)
        return sizes["Pss_Anon"] if "Pss_Anon" in sizes else sizes["Pss"] - shared, shared
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


def in_flight(supervisor: int, *, nested: bool = False) -> int:
    """How many open files the descendants of a supervisor have sent to one another and nobody has received yet.

    Nobody can measure those (``SCM_RIGHTS``, see unix(7)); one of them may be a socket that holds others.

    Args:
        nested: as for :func:`memory`.
    """
    found = 0
    for process in _descendants(supervisor):
        if nested and not _is_nested(process):
            continue
        with suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    if stat.S_ISSOCK(entry.stat().st_mode):
                        told = Path(f"/proc/{process.pid}/fdinfo/{entry.name}").read_text()
                        found += int(told.partition(SENT_FILES)[2].partition("\n")[0] or 0)
    return found


def _nameless(processes: Iterable[psutil.Process]) -> Iterator[os.stat_result]:
    for process in processes:
        with suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    state = entry.stat()
                    if state.st_nlink == 0:
                        yield state


def _mapped(processes: Iterable[psutil.Process], *, of_memory: bool) -> Iterator[os.stat_result]:
    """The files without a name of which a process has mapped a part: it needn't hold them open for that.

    Whoever may not look at them (that takes CAP_CHECKPOINT_RESTORE) sees none.
    """
    for process in processes:
        with suppress(OSError), Path(f"/proc/{process.pid}/maps").open(errors="replace") as maps:
            for line in maps:
                if not line.endswith(f"{NO_NAME}\n"):
                    continue
                place, *_, name = line.split(maxsplit=5)
                if name.startswith(OF_MEMORY) == of_memory:
                    with suppress(OSError):
                        yield Path(f"/proc/{process.pid}/map_files/{place}").stat()
