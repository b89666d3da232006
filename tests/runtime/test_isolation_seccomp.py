"""The filter of system calls, asked of the kernel: each call is tried in a child that is under the filter."""

import errno
import json
import os
import platform
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlc.runtime.isolation import seccomp
from mlc.runtime.isolation.system_calls import ATTRIBUTES, NEVER, NEWEST, NUMBERS, OWNERSHIP, SHARED

OURS = 199
"""What the filter says here instead of EPERM, so that no kernel's own refusal is taken for it."""
CHILD = """
import ctypes, json, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
program, source = bytes.fromhex(sys.argv[1]), sys.argv[2]
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
kept = ctypes.create_string_buffer(program, len(program))
def call(number, *values):
    ctypes.set_errno(0)
    values = [v if isinstance(v, bytes) else ctypes.c_ulong(v) for v in values]
    return libc.syscall(ctypes.c_long(number), *values), ctypes.get_errno()
def confine():
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    filled = Program(len(program) // 8, ctypes.cast(kept, ctypes.c_void_p))
    assert libc.prctl(22, 2, ctypes.byref(filled), 0, 0) == 0, os.strerror(ctypes.get_errno())
exec(source)
"""
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in NUMBERS, reason="no filters of system calls here"
)


def filtered(source: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program that calls ``confine()`` when it likes; ``own=True`` puts its process id into the filter."""
    program = seccomp.bpf_program(**{"network": False, **options})
    return run(program, source)


def run(program: bytes, source: str) -> subprocess.CompletedProcess[str]:
    steps = seccomp.instructions(program)
    told = [(c, t, f, seccomp.FAIL | OURS if (c, k) == (6, seccomp.FAIL | errno.EPERM) else k) for c, t, f, k in steps]
    text = b"".join(struct.pack("=HBBI", *step) for step in told).hex()
    command = [sys.executable, "-I", "-S", "-c", CHILD, text, source]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def answers(source: str, **options: Any) -> Any:
    ran = filtered(f"confine()\nprint(json.dumps({source}))", **options)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def numbers(*names: str) -> dict[str, int]:
    known = NUMBERS[platform.machine()]
    return {name: known[name] for name in names if name in known}


def errors(names: tuple[str, ...], **options: Any) -> dict[str, Any]:
    """What each call answers whose arguments are all -1, which no kernel takes for anything sensible."""
    tried = numbers(*names)
    told: dict[str, Any] = answers(f"{{n: call(c, *[2**64 - 1] * 6) for n, c in {tried}.items()}}", **options)
    return {name: error if result == -1 else "done" for name, (result, error) in told.items()}


def test_the_filter_is_on() -> None:
    told = filtered("confine()\nprint(open('/proc/self/status').read())").stdout
    assert "Seccomp:\t2" in told


def test_what_is_never_allowed_is_refused_with_a_network_and_without_in_namespaces_and_without() -> None:
    for options in ({}, {"network": True}, {"own_namespaces": True, "unix_sockets": True}, {"truncation": True}):
        assert set(errors(NEVER, **options).values()) == {OURS}


def test_what_outlives_processes_or_belongs_to_others_needs_namespaces() -> None:
    assert set(errors((*SHARED, *OWNERSHIP)).values()) == {OURS}
    assert OURS not in errors((*SHARED, *OWNERSHIP), own_namespaces=True).values()


def test_modes_and_times_of_files_stay_as_they_are_without_namespaces(tmp_path: Path) -> None:
    (tmp_path / "f").touch(0o600)
    os.utime(tmp_path / "f", (1, 1))
    source = f"[os.chmod({str(tmp_path / 'f')!r}, 0o777), os.utime({str(tmp_path / 'f')!r})]"
    assert answers(source) == [None, None]
    state = (tmp_path / "f").stat()
    assert (state.st_mode & 0o777, state.st_mtime) == (0o600, 1)
    assert set(errors(ATTRIBUTES).values()) == {"done"}
    answers(source, own_namespaces=True)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({}, set()),
        ({"unix_sockets": True}, {"AF_UNIX"}),
        ({"network": True}, {"AF_INET", "AF_INET6", "AF_NETLINK"}),
        ({"network": True, "unix_sockets": True}, {"AF_INET", "AF_INET6", "AF_NETLINK", "AF_UNIX"}),
    ],
)
def test_sockets_are_made_of_the_families_that_are_allowed_only(options: dict[str, bool], allowed: set[str]) -> None:
    families = {f"AF_{n}": f for n, f in {"UNIX": 1, "INET": 2, "INET6": 10, "NETLINK": 16}.items()}
    families |= {str(number): number for number in range(60) if number not in families.values()}
    kinds = (1, 2, 3, 5, 1 | 0o2000000)
    socket = numbers("socket")["socket"]
    told = answers(f"{{n: [call({socket}, f, k, 0)[1] for k in {kinds}] for n, f in {families}.items()}}", **options)
    assert {name for name, found in told.items() if OURS not in found} == allowed
    assert all(set(told[name]) == {OURS} for name in set(told) - allowed)


def test_of_netlink_only_routing_is_there_with_a_network() -> None:
    socket = numbers("socket")["socket"]
    told = answers(f"[call({socket}, 16, 3, p)[1] for p in range(25)]", network=True)
    assert told[0] == 0
    assert set(told[1:]) == {OURS}


def test_the_upper_half_of_an_argument_deceives_nobody() -> None:
    known = numbers("socket", "clone", "ioctl")
    source = (
        f"[call({known['socket']}, 2 | 1 << 32, 1, 0), call({known['clone']}, 0x10000000 | 1 << 32, 0, 0, 0, 0), "
        f"call({known['ioctl']}, 0, 0x5412 | 1 << 32, b'x')]"
    )
    assert answers(source) == [[-1, OURS]] * 3


def test_a_pair_of_sockets_for_datagrams_which_could_reach_any_path_is_refused() -> None:
    pair = numbers("socketpair")["socketpair"]
    source = f"[call({pair}, 1, kind, 0, bytes(8))[1] for kind in (1, 1 | 0o2004000, 5, 2, 3, 2 | 0o2004000)]"
    assert answers(source) == [0, 0, 0, OURS, OURS, OURS]
    assert answers(source, unix_sockets=True) == [0] * 6


def test_nothing_connects_or_listens_without_a_network() -> None:
    assert set(errors(("connect", "bind")).values()) == {OURS}
    assert set(errors(("connect", "bind"), network=True).values()) == {errno.EBADF}


def test_a_process_makes_no_namespace_and_can_still_fork_and_start_threads() -> None:
    clone = numbers("clone")["clone"]
    new = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
    assert answers(f"[call({clone}, flag | 17, 0, 0, 0, 0)[1] for flag in {new}]") == [OURS] * len(new)
    assert errors(("clone3",)) == {"clone3": errno.ENOSYS}
    source = """
import subprocess, threading
confine()
thread = threading.Thread(target=print, args=["thread"], kwargs={"flush": True})
thread.start()
thread.join()
subprocess.run([sys.executable, "-I", "-S", "-c", "print('child')"], check=True)
if os.fork() == 0:
    os._exit(0)
os.wait()
"""
    ran = filtered(source)
    assert (ran.stdout, ran.returncode) == ("thread\nchild\n", 0), ran.stderr


def test_no_terminal_is_typed_into_no_file_is_flagged_and_no_file_signals_others() -> None:
    ioctl = numbers("ioctl")["ioctl"]
    requests = [*seccomp.TERMINALS, *seccomp.FILE_FLAGS, *seccomp.OWNERS]
    assert answers(f"[call({ioctl}, 0, r, 0)[1] for r in {requests}]") == [OURS] * len(requests)
    fcntl = numbers("fcntl")["fcntl"]
    assert answers(f"[call({fcntl}, 0, c, {os.getpid()})[1] for c in (8, 15, 1024, 1026)]") == [OURS] * 4
    assert answers(f"call({ioctl}, 0, 0x5401, bytes(64))[1]") != OURS  # whether it is one may be asked


def test_limits_and_priorities_of_other_processes_of_the_account_are_out_of_reach() -> None:
    known = numbers(
        "prlimit64", "setpriority", "ioprio_set", "sched_setaffinity", "sched_setscheduler", "sched_setattr"
    )
    other = os.getpid()
    first = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setattr")
    source = f"[call({known}[n], {other}, 0, 0, 0)[1] for n in {first}]"
    assert answers(source) == [OURS] * len(first)
    assert answers(f"[call({known['setpriority']}, w, {other}, 0)[1] for w in range(3)]") == [OURS] * 3
    assert answers(f"[call({known['ioprio_set']}, w, {other}, 0)[1] for w in range(4)]") == [OURS] * 4
    # 0 is everybody of the own group or account here, and not only this process
    assert answers(f"[call({known['setpriority']}, w, 0, 0)[1] for w in range(3)]") == [0, OURS, OURS]
    assert answers(f"call({known['ioprio_set']}, 3, 0, 0)[1]") == OURS
    source = "import resource\nconfine()\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nos.nice(1)\n"
    assert filtered(source + "os.sched_setaffinity(0, os.sched_getaffinity(0))").returncode == 0


def test_what_is_newer_than_the_tables_is_not_implemented() -> None:
    assert answers(f"[call(n, 0, 0, 0)[1] for n in ({NEWEST + 1}, {NEWEST + 100})]") == [errno.ENOSYS] * 2


@pytest.mark.skipif(platform.machine() != "x86_64", reason="an x86_64 processor has two more sets of calls")
def test_calls_of_another_architecture_kill() -> None:
    assert filtered("confine()\ncall(39 | 0x40000000)\nprint('alive')").returncode == -signal.SIGSYS
    # mov eax, 20 (getpid of i386); int 0x80; ret
    code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])
    source = f"""
import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes({list(code)}))
function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
confine()
function()
print("alive")
"""
    ran = filtered(source)
    assert ran.returncode in {-signal.SIGSYS, -signal.SIGSEGV}  # a kernel without i386's calls raises the second
    assert not ran.stdout


def test_files_are_truncated_by_writers_only_where_landlock_does_not_look(tmp_path: Path) -> None:
    victim = str(tmp_path / "f")
    flags = {"read": os.O_RDONLY, "neither": 3, "write": os.O_WRONLY, "both": os.O_RDWR}
    openat, here = numbers("openat")["openat"], -100 & (2**64 - 1)
    source = f"{{n: call({openat}, {here}, {victim!r}.encode(), f | 0x200)[1] for n, f in {flags}.items()}}"
    (tmp_path / "f").write_text("kept")
    assert answers(source, truncation=True) == {"read": OURS, "neither": OURS, "write": 0, "both": 0}
    (tmp_path / "f").write_text("kept")
    truncate, openat2 = numbers("truncate")["truncate"], numbers("openat2")["openat2"]
    source = f"[call({truncate}, {victim!r}.encode(), 0)[1], call({openat2}, 0, 0, 0)[1], len(open({victim!r}).read())]"
    assert answers(source, truncation=True) == [OURS, errno.ENOSYS, 4]


def test_signals_go_to_oneself_only_where_landlock_does_not_look() -> None:
    program = seccomp.bpf_program(network=False, signals_only_to=2**22 + 1)
    known = numbers("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
    others = [os.getpid(), 1, -1 & (2**64 - 1), -os.getpid() & (2**64 - 1)]
    source = f"confine()\nprint(json.dumps([call(c, p, 0, 0, 0)[1] for c in {known}.values() for p in {others}]))"
    assert set(json.loads(run(program, source).stdout)) == {OURS}
    source = f"confine()\nprint(json.dumps([call({known['kill']}, p, 0)[1] for p in (2**22 + 1, 0)]))"
    assert json.loads(run(program, source).stdout) == [errno.ESRCH, 0]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_programs_are_as_the_kernel_checks_them_for_each_architecture(machine: str) -> None:
    options = {"network": True, "truncation": True, "signals_only_to": 7, "machine": machine}
    steps = seccomp.instructions(seccomp.bpf_program(**options))  # type: ignore[arg-type]
    assert len(steps) <= 4096
    assert steps[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
    for place, (code, true, false, _) in enumerate(steps):
        if code in {seccomp.EQUALS, seccomp.ANY_BIT, seccomp.AT_LEAST}:
            assert place + 1 + max(true, false) < len(steps)


def test_a_name_without_a_number_would_be_no_refusal_and_is_a_fault() -> None:
    everything = {*NEVER, *SHARED, *ATTRIBUTES, *OWNERSHIP}
    assert everything - set(NUMBERS["x86_64"]) == set()
    assert everything - set(NUMBERS["aarch64"]) == {"modify_ldt", "iopl", "ioperm", *OLD}
    for table in NUMBERS.values():
        assert len(set(table.values())) == len(table)


OLD = {"chmod", "chown", "lchown", "utime", "utimes", "futimesat"}


def test_another_architecture_is_an_error_that_names_it() -> None:
    with pytest.raises(seccomp.UnknownArchitecture, match="riscv64"):
        seccomp.bpf_program(network=False, machine="riscv64")
