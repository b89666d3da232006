"""A control group (version 2) for each contained program, where this process may make one.

Only for what the kernel does at once that a loop over processes can't: kill all of a group, however fast it forks.
"""

import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

from mlc.runtime.isolation.supervisor import remove_group


def new_group() -> Path | None:
    """A group below this process's own; None where there can't be one. Its user removes it."""
    parent = _own_group()
    if parent is None:
        return None
    group = parent / f"contained-{uuid.uuid4().hex}"
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
        remove_group(str(group))


@cache
def _own_group() -> Path | None:
    with suppress(OSError):
        mount = next(
            line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"
        )
        path = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        return Path(mount) / path.lstrip("/")
    return None
