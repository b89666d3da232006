"""The parent of one contained program, which sees to it that nothing which the program started outlives it.

``python -I -S supervisor.py <specification>``: a script of the standard library alone, since it starts before anything
else does. The specification is JSON:

* ``command``: what to run, with this process's standard input, output and error, in a session of its own;
* ``limits``: resource limits to set for it, by their names without ``RLIMIT_``;
* ``no_new_privileges``: whether no program that it runs may gain any;
* ``processes``: how many of them may live at the same time, each with ``THREADS`` threads on average;
* ``cgroup``: a folder of cgroup version 2 for it and its descendants, or null;
* ``afterwards``: a command that ends what isn't descended from it, or empty;
* ``control``: number of an inherited socket. Its other end closes, or sends anything, to have everything ended; over it
  the supervisor says how the program ended, when nothing of it is left: ``code`` (exit code, or the negative number of
  a signal), and of what there were ``too_many`` (``processes`` or ``threads``), or null.

On Linux it is a subreaper: whatever loses its parent becomes its child, however it was detached, so that "no child
left" means that nothing is left. If it is killed itself, its children become those of the runtime, which is one too.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38  # linux/prctl.h
COULD_NOT_RUN = 127
LISTS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()
"""Whether this kernel lists the children of a process (CONFIG_PROC_CHILDREN); else all processes are asked."""
COUNT_INTERVAL = 0.1
"""Seconds between two counts of the processes; here, since what forks without end must be ended within a moment."""
THREADS = 16
"""Threads to a process on average. All of the machine's accounts share the ids that the kernel has for them."""
LONGEST_PAUSE = 0.1
AFTERWARDS = 30
"""Seconds that the command afterwards may take."""


def main() -> None:
    """Run the program, end what is left of it, and say how it ended."""
    specification: dict[str, Any] = json.loads(sys.argv[1])
    control = socket.socket(fileno=specification["control"])
    control.set_inheritable(False)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    woken = wake_on_signals()
    child = start(specification)
    # The other ends are told of the program's end by the program's own copies: none may be left here.
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    code, too_many = wait(child, control, woken, specification["processes"])
    code = end_all(child, specification["cgroup"], code)
    if specification["afterwards"]:
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603 - the runtime's own command
                specification["afterwards"], stdout=nothing, stderr=nothing, timeout=AFTERWARDS, check=False
            )
    with suppress(OSError):
        control.sendall(json.dumps({"code": code, "too_many": too_many}).encode())


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process. Only Linux knows them; elsewhere what they are for isn't promised."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def wake_on_signals() -> socket.socket:
    """A socket that becomes readable with each signal: a child has ended, or this process is to end."""
    readable, writable = socket.socketpair()
    readable.setblocking(False)
    writable.setblocking(False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writable.detach(), warn_on_full_buffer=False)
    return readable


def start(specification: dict[str, Any]) -> int:
    """Fork, confine the child by what is inherited, and let it become the program. Returns its process id."""
    supervisor = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(COULD_NOT_RUN)
        if specification["cgroup"]:
            (Path(specification["cgroup"]) / "cgroup.procs").write_text("0")
        for name, wanted in specification["limits"].items():
            kind = getattr(resource, f"RLIMIT_{name}")
            ceiling = resource.getrlimit(kind)[1]
            limit = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
            resource.setrlimit(kind, (limit, limit))
        if specification["no_new_privileges"]:
            prctl(PR_SET_NO_NEW_PRIVS, 1)
        command = specification["command"]
        os.execvp(command[0], command)  # noqa: S606 - the runtime's own command
    except OSError as error:
        os.write(2, f"{specification['command'][0]} can't be run: {error.strerror}.\n".encode())
    finally:
        os._exit(COULD_NOT_RUN)


def wait(child: int, control: socket.socket, woken: socket.socket, most: int) -> tuple[int | None, str | None]:
    """Wait until the program has ended, or is to be ended. Reaps orphans.

    Returns:
        Its code, or None if it still runs, and of what there are too many: see the module's text.
    """
    told = False

    def stop(*_: object) -> None:
        nonlocal told
        told = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    while True:
        code = reap(child)
        if code is not None or told:
            return code, None
        ready, _, _ = select.select([control, woken], [], [], COUNT_INTERVAL)
        if woken in ready:
            with suppress(BlockingIOError):
                woken.recv(4096)
        if control in ready:
            return None, None
        living = descendants(os.getpid())
        if len(living) > most:
            return None, "processes"
        if sum(map(threads, living)) > most * THREADS:
            return None, "threads"


def reap(child: int) -> int | None:
    """Take in the children that have ended; the code of ``child``, if it is among them."""
    code = None
    with suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == child:
                code = os.waitstatus_to_exitcode(status)
            if not ended:
                break
    return code


def end_all(child: int, cgroup: str | None, code: int | None) -> int:
    """Kill until no child is left, however fast new ones come; the program's own code."""
    pause = 0.0
    while True:
        if cgroup:
            with suppress(OSError):
                (Path(cgroup) / "cgroup.kill").write_text("1")
        if sys.platform != "linux":  # no /proc: its session is all that can be found
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
        for process in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        ended = reap(child)
        code = code if ended is None else ended
        if not has_children():
            break
        time.sleep(pause)
        pause = min(pause + 0.001, LONGEST_PAUSE)
    if cgroup:
        remove_group(cgroup)
    return -signal.SIGKILL if code is None else code


def remove_group(group: str) -> None:
    """Remove a control group in which nothing runs, with those that a program has made in it."""
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()


def has_children() -> bool:
    """Whether any child is left, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def descendants(root: int) -> list[int]:
    """The ids of all processes that descend from one. What is born meanwhile may be missing: look again."""
    known = {} if LISTS_CHILDREN else by_parent()  # once, not anew for each of them
    below = children if LISTS_CHILDREN else lambda parent: known.pop(parent, [])
    found, looking = [], [root]
    while looking:
        looking = [child for parent in looking for child in below(parent)]
        found += looking
    return found


def children(parent: int) -> list[int]:
    """The ids of the processes that one has started, or has become the parent of; none where there is no /proc."""
    if not LISTS_CHILDREN:
        return by_parent().get(parent, [])
    found: list[int] = []
    with suppress(OSError):
        for thread in os.scandir(f"/proc/{parent}/task"):
            with suppress(OSError):
                found += map(int, (Path(thread.path) / "children").read_text().split())
    return found


def threads(process: int) -> int:
    """How many threads a process has; 0 if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{process}/task").stat().st_nlink - 2
    return 0


def by_parent() -> dict[int | None, list[int]]:
    """The ids of all processes, by their parent's; None: those that are just gone."""
    found: dict[int | None, list[int]] = {}
    with suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208 - names alone
            if name.isdigit():
                found.setdefault(parent_of(int(name)), []).append(int(name))
    return found


def parent_of(process: int) -> int | None:
    """The id of a process's parent; None if it is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return None


if __name__ == "__main__":
    main()
