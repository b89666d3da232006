"""After a job no process of it is alive, whatever it did, and no descriptor or file of it is left."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mlc.runtime.isolation import Confinement, ContainedProcess, cgroup, supervisor
from mlc.runtime.isolation import contained as contained_module
from mlc.runtime.isolation.confinement import Launch
from mlc.runtime.isolation.identity import identity, lives
from mlc.runtime.isolation.levels import Process

DAEMON = """
import os, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"],
    start_new_session=True, env={}, close_fds=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL)
while not (os.path.exists("pid") and open("pid").read()):
    time.sleep(0.01)
"""


looks_into_maps = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees which files others have mapped")


def contained(folder: Path, source: str, *, memory: int = 2**29, disk: int = 2**24) -> ContainedProcess:
    confinement = Confinement(
        directory=folder,
        writable=[folder],
        readable=[],
        environment={"PATH": os.environ["PATH"]},
        memory=memory,
        disk=disk,
        processes=50,
    )
    return ContainedProcess(Process(), [sys.executable, "-I", "-S", "-c", source], confinement)


async def run(process: ContainedProcess, limit: float = 30) -> None:
    await process.start()
    try:
        await asyncio.wait_for(process.ended(), limit)
    finally:
        await process.end()


def pid_in(folder: Path) -> int:
    return int((folder / "pid").read_text())


async def test_a_child_with_a_session_and_an_environment_of_its_own_does_not_outlive_its_program(
    tmp_path: Path,
) -> None:
    process = contained(tmp_path, DAEMON)
    await run(process)
    assert process.code == 0
    assert not psutil.pid_exists(pid_in(tmp_path))


async def test_what_forks_twice_and_closes_everything_does_not_outlive_its_program(tmp_path: Path) -> None:
    source = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 1024)
        open("pid", "w").write(str(os.getpid()))
        os.execve("/bin/sleep", ["innocent", "600"], {})
    os._exit(0)
while not (os.path.exists("pid") and open("pid").read()):
    time.sleep(0.01)
"""
    await run(contained(tmp_path, source))
    assert not psutil.pid_exists(pid_in(tmp_path))


async def test_a_program_is_ended_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    process = contained(tmp_path, "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(600)")
    await run(process)
    assert process.cause_of_death == "was ended from outside"


async def test_a_program_that_has_stopped_its_supervisor_keeps_nobody_waiting(tmp_path: Path) -> None:
    process = contained(
        tmp_path, "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\nprint('stopped', flush=True)"
    )
    await process.start()
    began = time.monotonic()
    while not process.log.lines():
        await asyncio.sleep(0.01)
    await process.end()
    assert time.monotonic() - began < contained_module.PATIENCE / 2


async def test_its_end_is_told_with_its_code(tmp_path: Path) -> None:
    process = contained(tmp_path, "print('said'); raise SystemExit(7)")
    await run(process)
    assert (process.code, process.cause_of_death, process.log.lines()) == (7, "ended with exit code 7", ["said"])


async def test_a_program_that_a_signal_ended_says_so(tmp_path: Path) -> None:
    process = contained(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    await run(process)
    assert process.cause_of_death == "was killed by SIGKILL"


async def test_a_program_that_is_not_there_is_an_end_with_a_reason(tmp_path: Path) -> None:
    confinement = Confinement(tmp_path, [tmp_path], [], {}, memory=2**29, disk=2**20)
    process = ContainedProcess(Process(), ["/no/such/program"], confinement)
    await run(process)
    assert process.log.lines() == ["/no/such/program can't be run: No such file or directory."]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("for n in range(100): open(f'f{n}', 'wb').write(bytes(2**20))", id="many files"),
        pytest.param(
            "import os\nkept = []\nfor name in 'fg':\n    kept.append(open(name, 'wb'))\n    os.unlink(name)\n"
            "    for n in range(15): kept[-1].write(bytes(2**20))",
            id="nameless files",
        ),
        pytest.param(
            "import os\nos.mkdir('d')\nfor n in range(99): open(f'd/f{n}', 'wb').write(bytes(2**20))\nos.chmod('d', 0)",
            id="a folder that nobody may look into",
        ),
        pytest.param(
            "import ctypes, os\nc = ctypes.CDLL(None)\nfor name in 'fg':\n"
            "    fd = os.open(name, os.O_RDWR | os.O_CREAT)\n    os.write(fd, bytes(15 * 2**20))\n"
            "    os.unlink(name)\n    c.mmap(None, 4096, 1, 1, fd, 0)\n    os.close(fd)",
            id="nameless files that are mapped only",
            marks=looks_into_maps,
        ),
    ],
)
async def test_what_a_program_writes_is_limited_in_all(tmp_path: Path, source: str) -> None:
    process = contained(tmp_path, f"{source}\nimport time\ntime.sleep(600)")
    await run(process)
    assert process.verdict == "The model wrote more than the 16 MB to disk that the runtime allows."


@pytest.mark.parametrize("nested", [False, True], ids=["many", "in a socket that is one itself"])
async def test_files_are_not_kept_where_nobody_can_measure_them(
    tmp_path: Path, nested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if nested:
        monkeypatch.setattr(contained_module, "LONGEST_IN_FLIGHT", 3.0)
    source = f"""
import os, socket, time
one, other = socket.socketpair()
for n in range(70):
    fd = os.memfd_create("m")
    os.write(fd, bytes(2**20))
    socket.send_fds(one, [b"x"], [fd])
    os.close(fd)
if {nested}:
    outer = socket.socketpair()
    socket.send_fds(outer[0], [b"x"], [other.fileno()])
    other.close()
time.sleep(600)
"""
    process = contained(tmp_path, source)
    await run(process)
    assert process.verdict == "The model sent open files over a socket that nobody received, and was stopped."


async def test_files_that_are_received_may_be_sent(tmp_path: Path) -> None:
    source = """
import os, socket, time
one, other = socket.socketpair()
end = time.monotonic() + 3
while time.monotonic() < end:
    socket.send_fds(one, [b"x"], [0] * 20)
    for fd in socket.recv_fds(other, 1, 20)[1]: os.close(fd)
"""
    process = contained(tmp_path, source)
    await run(process)
    assert (process.verdict, process.code) == (None, 0), process.log.lines()


async def test_the_largest_file_is_refused_by_the_kernel(tmp_path: Path) -> None:
    process = contained(tmp_path, "open('f', 'wb').write(bytes(2**25))")
    await run(process)
    assert "File too large" in process.log.lines()[-1]
    assert (tmp_path / "f").stat().st_size <= 2**24


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("kept = bytearray(200 * 2**20)", id="of its own"),
        pytest.param("import mmap\nm = mmap.mmap(-1, 200 * 2**20)\nm.write(bytes(200 * 2**20))", id="shared"),
        pytest.param(
            "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\nkept = bytearray(200 * 2**20)",
            id="of its own, looked into by nobody",
        ),
        pytest.param(
            "import os\nchildren = [os.fork() or bytearray(60 * 2**20) for _ in range(2)]",
            id="of all processes together",
        ),
        pytest.param(
            "import os\nfd = os.memfd_create('m')\nfor n in range(10): os.write(fd, bytes(2**20))\n"
            "fd2 = os.memfd_create('n')\nfor n in range(10): os.write(fd2, bytes(2**20))",
            id="in files of memory",
        ),
        pytest.param(
            "import mmap\nkept = []\nfor n in range(10):\n    kept.append(mmap.mmap(-1, 20 * 2**20))\n"
            "    kept[-1].write(bytes(20 * 2**20))\n    kept[-1].madvise(mmap.MADV_DONTNEED)",
            id="shared, which it has turned away from",
            marks=looks_into_maps,
        ),
    ],
)
async def test_what_a_program_has_in_memory_is_limited_in_all(tmp_path: Path, source: str) -> None:
    process = contained(tmp_path, f"{source}\nimport time\ntime.sleep(600)", memory=100 * 2**20)
    await run(process)
    assert process.verdict in {
        "The model used more than the 100 MB of memory that the runtime allows.",
        "The model wrote more than the 16 MB to disk that the runtime allows.",
    }


async def test_a_program_that_forks_as_fast_as_it_can_is_ended(tmp_path: Path) -> None:
    process = contained(tmp_path, "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
    await run(process)
    assert process.verdict == "The model started more than 50 processes and was stopped."
    assert not psutil.pid_exists(process._supervisor.pid)


async def test_a_program_that_starts_threads_as_fast_as_it_can_is_ended(tmp_path: Path) -> None:
    source = (
        "import threading, time\nthreading.stack_size(32768)\n"
        "for _ in range(1500): threading.Thread(target=time.sleep, args=(600,)).start()"
    )
    process = contained(tmp_path, source)
    await run(process)
    assert process.verdict == "The model started more than 800 threads and was stopped."


async def test_control_groups_that_a_program_makes_in_its_own_are_removed(tmp_path: Path) -> None:
    if (group := cgroup.new_group()) is None:
        pytest.skip("no control group can be made here")
    cgroup.remove(group)
    source = (
        "import os\nlines = open('/proc/self/cgroup').read().splitlines()\n"
        "path = next(line[3:] for line in lines if line[:3] == '0::')\n"
        f"own = {str(group.parent)!r} + '/' + path.rpartition('/')[2]\nos.makedirs(own + '/its/own')\n"
        "open(own + '/its/own/cgroup.procs', 'w').write('0')\nprint(own)"
    )
    process = contained(tmp_path, source)
    await run(process)
    (made,) = process.log.lines()
    assert made.startswith(f"{group.parent}/contained-")
    assert not Path(made).exists()


def opened() -> set[tuple[str, str]]:
    """What this process has open, by number and name: what earlier tests left may be closed at any moment."""
    there = list(Path("/proc/self/fd").iterdir())
    return {(each.name, str(each.readlink())) for each in there if os.path.lexists(each)}


async def test_nothing_stays_open_after_many_programs(tmp_path: Path) -> None:
    await run(contained(tmp_path, "pass"))
    before = opened()
    for _ in range(5):
        await run(contained(tmp_path, DAEMON))
    assert opened() - before == set()


async def test_everything_ends_when_its_runtime_is_killed(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime.py"
    runtime.write_text(
        "import asyncio, sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_containment import DAEMON, contained\n"
        "async def main():\n"
        f"    process = contained(Path({str(tmp_path)!r}), DAEMON + 'time.sleep(600)')\n"
        "    await process.start()\n"
        "    await process.ended()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(runtime))
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert process.returncode is None
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    ends = time.monotonic() + 20
    while psutil.pid_exists(pid_in(tmp_path)):
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_a_start_that_is_cancelled_at_any_moment_leaves_nothing(tmp_path: Path, steps: int) -> None:
    process = contained(tmp_path, "import time\ntime.sleep(600)")
    starting = asyncio.create_task(process.start())
    for _ in range(steps):
        await asyncio.sleep(0.002)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await process.end()
    ends = time.monotonic() + 20
    while [child for child in psutil.Process().children(recursive=True) if "supervisor.py" in " ".join(cmdline(child))]:
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("slow", ["launch", "disk"])
async def test_a_start_that_is_cancelled_while_a_thread_works_for_it_leaves_nothing_open(
    tmp_path: Path, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def waits(*_: object) -> int:
        began.set()
        goes_on.wait()
        return 0

    class Opening(Process):
        def launch(self, program: Sequence[str], confinement: Confinement) -> Launch:
            opened = os.memfd_create("rules")
            if slow == "launch":
                waits()
            return replace(super().launch(program, confinement), descriptors=[opened])

    if slow == "disk":
        monkeypatch.setattr(contained_module, "disk", waits)
    process = contained(tmp_path, "")
    process._level = Opening()
    await asyncio.to_thread(str)  # the threads' own descriptors
    before = open_files()
    starting = asyncio.create_task(process.start())
    await asyncio.to_thread(began.wait)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    goes_on.set()
    ends = time.monotonic() + 10
    while open_files() != before:
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


ADOPTING = """
import asyncio, os, subprocess, sys, time
from mlc.runtime.isolation import adoption
from mlc.runtime.isolation.supervisor import children
adoption.adopt()
def left():
    # A process that loses its parent, as what podman keeps running does.
    source = "import os, time\\nif not os.fork(): time.sleep(60)"
    nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    subprocess.run([sys.executable, "-I", "-S", "-c", source], check=True, **nothing)
    return [child for child in children(os.getpid())]
kept = left()
adoption.keep_present()
later = [child for child in left() if child not in kept]
asyncio.run(adoption.end_adopted())
print(children(os.getpid()) == kept, len(kept), len(later))
os.kill(kept[0], 9)
while open(f"/proc/{kept[0]}/stat").read().rpartition(")")[2].split()[0] != "Z":
    time.sleep(0.01)
asyncio.run(adoption.end_adopted())
print(children(os.getpid()))
"""


def test_what_a_runtime_had_adopted_before_any_model_ran_stays_until_it_ends_by_itself() -> None:
    ran = subprocess.run([sys.executable, "-c", ADOPTING], check=True, capture_output=True, text=True, timeout=60)
    assert ran.stdout.splitlines() == ["True 1 1", "[]"]


async def test_what_a_killed_runtime_left_in_a_group_is_ended_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = await asyncio.create_subprocess_exec("/bin/true")
    await gone.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: gone.pid)
        left = cgroup.new_group()
    own = cgroup.new_group()
    if left is None or own is None:
        pytest.skip("This process can make no control group (version 2).")
    survivor = await asyncio.create_subprocess_exec("/bin/sleep", "600", start_new_session=True)
    (left / "cgroup.procs").write_text(str(survivor.pid))
    try:
        cgroup.remove_left()
        assert await asyncio.wait_for(survivor.wait(), 10) == -signal.SIGKILL
        assert (left.exists(), own.exists()) == (False, True)
    finally:
        cgroup.remove(own)


async def test_a_program_that_can_not_be_watched_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> int:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("mlc.runtime.isolation.contained.memory", fails)
    process = contained(tmp_path, "import time\ntime.sleep(600)")
    await run(process)
    assert process.verdict == "The model could not be watched by its runtime any more, whose log says why."


SUPERVISOR_KILLED = """
import asyncio, sys
from pathlib import Path
from test_containment import contained
from mlc.runtime.isolation import adoption, cgroup
cgroup.new_group = lambda: None  # what has no control group is found by its parent alone
if sys.argv[2] == "adopts":
    adoption.adopt()
SOURCE = '''
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("pid", "w").write(str(os.getpid()))
        time.sleep(20)
    os._exit(0)
while not (os.path.exists("pid") and open("pid").read()): time.sleep(0.01)
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(20)
'''
async def main():
    process = contained(Path(sys.argv[1]), SOURCE)
    await process.start()
    await process.ended()
    await process.end()
asyncio.run(main())
"""


@pytest.mark.parametrize("adopts", [True, False], ids=["adopts", "leaves it"])
def test_what_a_killed_supervisor_leaves_is_ended_by_the_runtime_that_adopts_it(tmp_path: Path, adopts: bool) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", SUPERVISOR_KILLED, str(tmp_path), "adopts" if adopts else "leaves it"]
    subprocess.run(command, env=environment, check=True, timeout=60)
    assert psutil.pid_exists(pid_in(tmp_path)) is not adopts
    if not adopts:
        os.kill(pid_in(tmp_path), signal.SIGKILL)


def test_a_group_whose_name_tells_no_maker_is_nobodys_that_lives() -> None:
    assert lives(identity(os.getpid()))
    for odd in ("", ":", "1", "x:1", f"{os.getpid()}", f"{os.getpid()}:", f"{os.getpid()}:1", "999999999:1", "-1:1"):
        assert not lives(odd)


def test_all_processes_are_asked_once_for_a_whole_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    tree = {1: [2, 3], 2: [4], 4: [5], None: [9]}
    monkeypatch.setattr(supervisor, "LISTS_CHILDREN", False)
    monkeypatch.setattr(supervisor, "by_parent", lambda: looks.append(1) or {each: [*tree[each]] for each in tree})
    assert supervisor.descendants(1) == [2, 3, 4, 5]
    assert len(looks) == 1
    tree[5] = [1]  # an id that was given again between two answers: a circle that there never was
    assert supervisor.descendants(1) == [2, 3, 4, 5, 1]


@pytest.mark.parametrize("lists", [True, False], ids=["the kernel lists children", "all processes are asked"])
async def test_descendants_are_found_whatever_the_kernel_lists(monkeypatch: pytest.MonkeyPatch, lists: bool) -> None:
    monkeypatch.setattr(supervisor, "LISTS_CHILDREN", lists)
    shell = await asyncio.create_subprocess_exec("/bin/sh", "-c", "sleep 600 & echo $!; wait", stdout=subprocess.PIPE)
    assert shell.stdout is not None
    sleeping = int(await shell.stdout.readline())
    try:
        assert {shell.pid, sleeping} <= set(supervisor.descendants(os.getpid()))
        assert supervisor.descendants(shell.pid) == [sleeping]
    finally:
        os.kill(sleeping, signal.SIGKILL)
        await shell.wait()
    assert supervisor.descendants(shell.pid) == []
    assert supervisor.parent_of(sleeping) is None
