"""A control group (version 2) for each contained program, where this process may make one.

Only for what the kernel does at once that a loop over processes can't: kill all of a group, however fast it forks.
"""

import logging
import os
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

from mlc.runtime.isolation.identity import identity, lives
from mlc.runtime.isolation.supervisor import remove_group

log = logging.getLogger(__name__)
_PREFIX = "contained-"
TRIES, PAUSE = 20, 0.005
"""How often a group is tried to be removed, and seconds between."""


def new_group() -> Path | None:
    """A group below this process's own; None where there can't be one. Its user removes it."""
    parent = _own_group()
    if parent is None:
        return None
    group = parent / f"{_PREFIX}{_namespace()}-{identity(os.getpid())}-{uuid.uuid4().hex}"
    try:
        group.mkdir()
    except OSError:
        return None
    if (group / "cgroup.kill").exists():  # Linux 5.14
        return group
    group.rmdir()
    return None


def remove(group: Path | None) -> None:
    """Kill what is in a group, and remove it if that is nothing by now."""
    if group is not None:
        with suppress(OSError):
            (group / "cgroup.kill").write_text("1")
        for _ in range(TRIES):  # what was killed takes a moment to be gone
            remove_group(str(group))
            if not group.exists():
                break
            time.sleep(PAUSE)


def remove_left() -> None:
    """End and remove what killed runtimes left: groups of processes that are no more. Blocking."""
    parent = _own_group()
    if parent is None:
        return
    for group in parent.glob(f"{_PREFIX}{_namespace()}-*"):
        maker = group.name.split("-")[2]
        if not lives(maker):
            log.info("What is left of a model of process %s, which is no more, is ended.", maker)
            remove(group)


def _namespace() -> int:
    """Of process ids: the same id is another process in another one."""
    return Path("/proc/self/ns/pid").stat().st_ino


@cache
def _own_group() -> Path | None:
    with suppress(OSError):
        mount = next(
            line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"
        )
        path = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        return Path(mount) / path.lstrip("/")
    return None
