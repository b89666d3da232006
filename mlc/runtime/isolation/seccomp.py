"""The filter of system calls, as the kernel takes it: a program of classic BPF, put together here.

Of the standard library alone: the confining script loads it as well, before anything else.
"""

import errno
import platform
import struct
from collections.abc import Iterable, Sequence

from .system_calls import ATTRIBUTES, NEVER, NEWEST, NUMBERS, OWNERSHIP, SHARED, X32

Instruction = tuple[int, int, int, int]
"""Code, instructions to jump over if true and if false, constant: a ``struct sock_filter``."""

LOAD, EQUALS, ANY_BIT, AT_LEAST, AND, RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06  # linux/bpf_common.h
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
KILL, FAIL, ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000  # linux/seccomp.h
AUDIT = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}  # linux/audit.h
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_STREAM, SOCK_SEQPACKET, TYPE_BITS = 1, 5, 0xF
CLONE_NEW = 0x7E02_0000
"""The flags of clone(2) that make namespaces."""
TERMINALS = (0x5412, 0x541C)
"""Requests of ioctl(2) that put input into a terminal: TIOCSTI, TIOCLINUX."""
FILE_FLAGS = (0x4008_6602, 0x4004_6602, 0x401C_5820, 0x4008_7602, 0x4080_6685, 0x800C_6613)
"""And such as change a file that is open for reading only: its flags, project, version, verity, encryption."""
OWNERS = (0x8901, 0x8902)
"""And such as name whom a file's signals go to, which kernels have sent past Landlock: FIOSETOWN, SIOCSPGRP."""
FILE_COMMANDS = (8, 15, 1024, 1026)
"""The same as commands of fcntl(2) (F_SETOWN, F_SETOWN_EX); and leases, by which whoever owns a file that it reads can
keep others waiting for it (F_SETLEASE), and notes of what happens in a folder (F_NOTIFY)."""
O_ACCMODE, O_TRUNC = 3, 0x200


class UnknownArchitecture(ValueError):
    """There is no table of system calls for this machine's kind of processor. The text names it."""


def bpf_program(
    *,
    network: bool,
    unix_sockets: bool = False,
    own_namespaces: bool = False,
    truncation: bool = False,
    signals_only_to: int | None = None,
    machine: str | None = None,
) -> bytes:
    """The filter for a contained program: an array of ``struct sock_filter``.

    What is refused fails with EPERM, what is newer than the tables here or has its arguments in memory with ENOSYS, so
    that callers use older calls. Calls of another architecture than the machine's own kill the process.

    Args:
        network: sockets of the Internet's protocols may be made.
        unix_sockets: as well as such that are bound to paths or abstract names, and connect to others'.
        own_namespaces: it has mount and IPC namespaces of its own. Without them nothing outlives its processes, and no
            attribute of any file is changed: changes of modes and times have no effect, of owners are refused.
        truncation: refuse what truncates files by other means than opening them for writing. For kernels whose
            Landlock doesn't look at that.
        signals_only_to: refuse signals but to this process and to process groups of its session. For kernels whose
            Landlock doesn't look at that.
        machine: as ``uname -m`` says it; this machine's if None.

    Raises:
        UnknownArchitecture: see its text.
    """
    machine = machine or platform.machine()
    if machine not in NUMBERS:
        raise UnknownArchitecture(f"system calls of {machine} processors aren't known here, only of {_list(NUMBERS)}")
    rules: dict[str, list[Instruction]] = {name: refused() for name in NEVER}
    rules["clone3"] = refused(errno.ENOSYS)  # its flags lie in memory, where a filter can't look
    rules["clone"] = without_bits(0, CLONE_NEW)
    rules["ioctl"] = without(1, [*TERMINALS, *FILE_FLAGS, *OWNERS])
    rules["fcntl"] = without(1, FILE_COMMANDS)
    rules |= _sockets(network=network, unix_sockets=unix_sockets)
    rules |= _other_processes()
    if not own_namespaces:
        rules |= {name: refused() for name in (*SHARED, *OWNERSHIP)} | {name: refused(0) for name in ATTRIBUTES}
    if truncation:
        rules |= {
            "truncate": refused(),
            "open": _truncating(1),
            "openat": _truncating(2),
            "openat2": refused(errno.ENOSYS),
        }
    if signals_only_to is not None:
        rules |= _signals(signals_only_to)
    return _assembled(machine, rules)


def refused(error: int = errno.EPERM) -> list[Instruction]:
    """Don't do it, and say this. With 0 the caller believes that it is done."""
    return [(RETURN, 0, 0, FAIL | error)]


def only(argument: int, values: Iterable[int], bits: int = 0xFFFF_FFFF) -> list[Instruction]:
    """Allow values of an argument of 32 bits; those bits of it are looked at."""
    allowed = [step for value in values for step in ((EQUALS, 0, 1, value), (RETURN, 0, 0, ALLOW))]
    return [_argument(argument), (AND, 0, 0, bits), *allowed, *refused()]


def without(argument: int, values: Iterable[int]) -> list[Instruction]:
    """Refuse values of an argument of 32 bits."""
    denied = [step for value in values for step in ((EQUALS, 0, 1, value), *refused())]
    return [_argument(argument), *denied, (RETURN, 0, 0, ALLOW)]


def without_bits(argument: int, bits: int) -> list[Instruction]:
    """Refuse an argument of 32 bits that has any of these."""
    return [_argument(argument), (ANY_BIT, 0, 1, bits), *refused(), (RETURN, 0, 0, ALLOW)]


def _argument(number: int) -> Instruction:
    # The lower half, on these little-endian machines; the kernel cuts off the other of what is an int.
    return (LOAD, 0, 0, ARGUMENTS + 8 * number)


def _sockets(*, network: bool, unix_sockets: bool) -> dict[str, list[Instruction]]:
    families = [AF_UNIX] * unix_sockets + [AF_INET, AF_INET6] * network
    rules = {"socket": only(0, families)}
    if network:  # the C library asks the kernel's routing for this machine's addresses
        routing = [(EQUALS, 0, 4, AF_NETLINK), _argument(2), (EQUALS, 0, 1, 0), (RETURN, 0, 0, ALLOW), *refused()]
        rules["socket"] = [_argument(0), *routing, *rules["socket"]]
    if not unix_sockets:  # one for datagrams could be connected to any path, although it was born in a pair
        rules["socketpair"] = only(1, [SOCK_STREAM, SOCK_SEQPACKET], TYPE_BITS)
    if not families:
        rules |= {"connect": refused(), "bind": refused()}
    return rules


def _other_processes() -> dict[str, list[Instruction]]:
    """What the kernel lets each account do to all its processes: each may do it to itself (0) only."""
    itself = only(0, [0])
    who = [_argument(0), (EQUALS, 1, 0, 0), *refused()]  # PRIO_PROCESS
    io_who = [_argument(0), (EQUALS, 1, 0, 1), *refused()]  # IOPRIO_WHO_PROCESS
    names = ("prlimit64", "sched_setparam", "sched_setscheduler", "sched_setaffinity", "sched_setattr")
    return {
        **dict.fromkeys(names, itself),
        "setpriority": [*who, *only(1, [0])],
        "ioprio_set": [*io_who, *only(1, [0])],
    }


def _truncating(flags: int) -> list[Instruction]:
    """Refuse O_TRUNC but where the file is opened for writing."""
    allow = (RETURN, 0, 0, ALLOW)
    return [_argument(flags), (ANY_BIT, 1, 0, O_TRUNC), allow, *only(flags, [1, 2], O_ACCMODE)]


def _signals(process: int) -> dict[str, list[Instruction]]:
    group = only(0, [0, process, -process & 0xFFFF_FFFF])
    itself = only(0, [process])
    return {
        "kill": group,
        **dict.fromkeys(("tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"), itself),
        **dict.fromkeys(("tkill", "pidfd_send_signal"), refused()),
    }


def _assembled(machine: str, rules: dict[str, list[Instruction]]) -> bytes:
    numbers = NUMBERS[machine]
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUALS, 1, 0, AUDIT[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, KILL),
        (AT_LEAST, 0, 1, NEWEST + 1),
        *refused(errno.ENOSYS),
    ]
    assert set(rules) <= set(NUMBERS["x86_64"]), "a rule for a call that isn't in the tables would be none"
    for name, steps in rules.items():  # each ends in an answer
        if name in numbers:
            program += [(EQUALS, 0, len(steps), numbers[name]), *steps]
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _list(names: Iterable[str]) -> str:
    return " and ".join(names)


def instructions(program: bytes) -> Sequence[Instruction]:
    """The instructions of a program, for whoever looks into it."""
    return list(struct.iter_unpack("=HBBI", program))
