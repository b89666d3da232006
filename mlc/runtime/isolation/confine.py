"""Restricts itself, and then becomes a program: ``python -I -S confine.py <specification>``.

A script of the standard library alone, which the supervisor starts in front of a program. The specification is JSON, or
the path of a file of it:

* ``command``: the program;
* ``account``: user and group id to become, or null;
* ``abi``: the version of Landlock's interface that this kernel has; null to do without it, in a container;
* ``read``: files and folders that may be read and executed, where they exist;
* ``write``: folders below which everything but devices and sockets may be made, and ``devices`` that may be written;
* ``filter``: the arguments of :func:`seccomp.bpf_program`;
* in a container besides: ``limits`` (resource limits, by their names without ``RLIMIT_``), the program's whole
  ``environment``, with the variables of this process that are ``kept``, and ``first``: whether to stay as the first
  process, which takes in what loses its parent, with the program as its child.

A step that fails ends it with a sentence: the program never runs with less than all of them.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import stat
import struct
import sys
import types
from pathlib import Path
from typing import Any, NoReturn

NOT_CONFINED, COULD_NOT_RUN = 126, 127
OF_ENGINES = (125, NOT_CONFINED, COULD_NOT_RUN)
"""Codes by which an engine, and this script, say that a program in a container was not run."""
PR_SET_DUMPABLE = 4
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 23, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER = 47, 4, 2  # linux/prctl.h
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION = 0x2008_0522  # linux/capability.h
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
# linux/landlock.h: what can be done to a file, and to a folder
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REFER, TRUNCATE, IOCTL_DEV = 1, 2, 4, 8, 1 << 13, 1 << 14, 1 << 15
MAKE_CHAR, MAKE_SOCK, MAKE_BLOCK, ALL_OF_FIRST = 1 << 6, 1 << 9, 1 << 11, (1 << 13) - 1
BIND_TCP, CONNECT_TCP, SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1, 2, 1, 2
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = (ALL_OF_FIRST | REFER | TRUNCATE) & ~(MAKE_CHAR | MAKE_BLOCK | MAKE_SOCK)


class Failed(Exception):
    """A step that can't be done. The text is the end of a sentence."""


libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def main() -> NoReturn:
    """Restrict this process step by step, and become the program."""
    given = sys.argv[1]
    specification: dict[str, Any] = json.loads(Path(given).read_text() if given.startswith("/") else given)
    program = filter_of(specification["filter"])
    os.get_exec_path()  # whatever is imported is imported before files can't be read
    rules = [] if specification["abi"] is None else rules_of(specification)
    supervisor = os.getppid()
    try:
        become(specification["account"], supervisor)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        if specification["abi"] is not None:
            restrict(specification["abi"], rules, network=specification["filter"]["network"])
        limit(specification.get("limits", {}))
        install(program)
    except Failed as failure:
        refuse(f"This program can't be confined: {failure}.", NOT_CONFINED)
    not_run = be_first() if specification.get("first") else None
    command = specification["command"]
    try:
        os.execvpe(command[0], command, environment_of(specification))  # noqa: S606 - the runtime's own command
    except OSError as error:
        if not_run is not None:
            os.write(not_run, b"1")
        refuse(f"{command[0]} can't be run: {error.strerror}.", COULD_NOT_RUN)


def filter_of(options: dict[str, Any]) -> bytes:
    """The filter of system calls, made by the module beside this one, which is in no package here."""
    package = types.ModuleType("isolation")
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules["isolation"] = package
    seccomp = importlib.import_module("isolation.seccomp")
    options = dict(options)
    own_only = options.pop("own_signals_only")
    program: bytes = seccomp.bpf_program(**options, signals_only_to=os.getpid() if own_only else None)
    return program


def rules_of(specification: dict[str, Any]) -> list[tuple[int, int]]:
    """Opened files and folders, and what may be done there: what isn't there is nothing that could be allowed.

    They are opened by whoever started this: a model's account needn't be able to look at each.
    """
    rules = []
    for kind, rights in (("read", READ), ("devices", READ_FILE | WRITE_FILE), ("write", WRITE)):
        for path in specification[kind]:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC | (os.O_NOFOLLOW if kind == "write" else 0))
            except FileNotFoundError:
                if kind == "write":
                    refuse(f"This program can't be confined: there is no {path}, where it is to write.", NOT_CONFINED)
                continue
            except OSError as error:
                refuse(f"This program can't be confined: {path}: {error.strerror}.", NOT_CONFINED)
            folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            if kind == "write" and not folder:  # a link that somebody has put there
                refuse(f"This program can't be confined: {path}, where it is to write, is no folder.", NOT_CONFINED)
            rules.append((descriptor, rights if folder else rights & OF_FILES))
    return rules


def become(account: dict[str, int] | None, supervisor: int) -> None:
    """Take an account, and give away every capability, now and for good."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # who may not has none that it could give on
    if account is not None:
        try:
            os.setgroups([account["gid"]])
            os.setresgid(account["gid"], account["gid"], account["gid"])
            os.setresuid(account["uid"], account["uid"], account["uid"])
        except OSError as error:
            raise Failed(f"it can't take the account with the id {account['uid']}: {error.strerror}") from None
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)  # empty already before Linux 4.3
    number = CAPSET[os.uname().machine]
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    if call(number, header, bytes(24)) < 0:
        raise Failed(f"its capabilities can't be given away: {error_text()}")
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # another account has undone it
    if os.getppid() != supervisor:
        raise Failed("its supervisor is gone")


def restrict(abi: int, rules: list[tuple[int, int]], *, network: bool) -> None:
    """Let Landlock refuse all that it knows but what the rules allow."""
    handled = ALL_OF_FIRST | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    attributes = struct.pack("=Q", handled)
    if abi >= 4:
        attributes += struct.pack("=Q", 0 if network else BIND_TCP | CONNECT_TCP)
    if abi >= 6:
        attributes += struct.pack("=Q", SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS)
    ruleset = call(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise Failed(f"Landlock makes no set of rules: {error_text()}")
    for descriptor, rights in rules:
        rule = struct.pack("=Qi", rights & handled, descriptor)
        if call(ADD_RULE, ruleset, PATH_BENEATH, rule, 0) < 0:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            raise Failed(f"Landlock doesn't take the rule for {path}: {error_text()}")
        os.close(descriptor)
    if call(RESTRICT_SELF, ruleset, 0) < 0:
        raise Failed(f"Landlock doesn't enforce its rules: {error_text()}")
    os.close(ruleset)


def install(program: bytes) -> None:
    """Let the kernel ask a filter about each system call."""
    kept = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))  # struct sock_fprog
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(described), 0, 0):
        raise Failed(f"the kernel doesn't take the filter of system calls: {error_text()}")


def limit(limits: dict[str, int]) -> None:
    """Set resource limits, as far as they are lower than those that there are."""
    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        ceiling = resource.getrlimit(kind)[1]
        value = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
        resource.setrlimit(kind, (value, value))


def environment_of(specification: dict[str, Any]) -> dict[str, str]:
    """The program's environment: this process's own, if none is given."""
    if "environment" not in specification:
        return dict(os.environ)
    kept = {name: os.environ[name] for name in specification["kept"] if name in os.environ}
    return {**kept, **specification["environment"]}


def be_first() -> int:
    """Fork: the child goes on, while this process waits for the last of its children and ends as the child has.

    The kernel spares the first process of a namespace most signals, which a program relies on, and expects it to reap.

    Returns:
        In the child: a descriptor to write to if it can't become the program.
    """
    failed, not_run = os.pipe()  # closed when the program is run
    child = os.fork()
    if not child:
        os.close(failed)
        return not_run
    prctl(PR_SET_DUMPABLE, 0)  # no other process of the container can change what this one says in the end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.close(not_run)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # whoever listens is told of the program's end by its own copies
        os.dup2(nothing, descriptor)
    while True:
        ended, status = os.wait()
        if ended == child:
            break
    code = os.waitstatus_to_exitcode(status)
    if os.read(failed, 1):
        os._exit(COULD_NOT_RUN)
    if code in OF_ENGINES:
        os.write(2, f"The program ended with exit code {code}.\n".encode())
        code = 1
    os._exit(code if code >= 0 else 128 - code)


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process."""
    if libc.prctl(option, value, 0, 0, 0):
        raise Failed(f"prctl {option} is refused: {error_text()}")


def call(number: int, *arguments: int | bytes) -> int:
    """A system call: its result, or -1."""
    values = [a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *values)
    return result


def error_text() -> str:
    """What the last call that failed has failed by."""
    return os.strerror(ctypes.get_errno())


def refuse(sentence: str, code: int) -> NoReturn:
    """End, and say why."""
    os.write(2, f"{sentence}\n".encode())
    os._exit(code)


if __name__ == "__main__":
    main()
