"""Programs that try to get out of their confinement, and the small world around them that they try to get at."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mlc.runtime.isolation import Confinement, ContainedProcess, Level
from mlc.runtime.isolation.interpreter import interpreter_files

SECRET = "the-secret-of-this-test"
PRELUDE = """
import array, ctypes, errno, json, os, socket, subprocess, sys
told = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *values):
    if libc.syscall(number, *values) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def read(path):
    with open(path, "rb") as file:
        return file.read(65536).decode(errors="replace")
def by_link(path):
    os.symlink(path, "outputs/link")
    return read("outputs/link")
def reopened(path):
    return read(f"/proc/self/fd/{os.open(path, os.O_PATH)}")
def relative(path):
    os.chdir(os.path.dirname(path))
    return read(os.path.basename(path))
def linked(path):
    os.link(path, "outputs/hard")
    return read("outputs/hard")
def moved(path):
    os.rename(path, "outputs/moved")
def cut(path):
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
def by_child(path):
    return subprocess.run(["cat", path], capture_output=True, text=True, check=True).stdout
def opened_by_a_datagram():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.connect(told["datagrams"])
    one.send(b"x")
def connected(family, kind, address):
    with socket.socket(family, kind) as opened:
        opened.settimeout(5)
        opened.connect(address)
        opened.send(b"x")
here = os.getcwd()
for name, source in told["attempts"].items():
    try:
        answer = f"done: {eval(source)}"
    except Exception as error:
        answer = f"refused: {type(error).__name__} {getattr(error, 'errno', '')}"
    os.chdir(here)
    print(json.dumps([name, answer[:1500]]))
"""
READING = {
    "the settings file": "read(told['settings'])",
    "the settings file by a link": "by_link(told['settings'])",
    "the settings file by a descriptor that reads nothing": "reopened(told['settings'])",
    "the settings file from its own folder": "relative(told['settings'])",
    "the settings file by a second name": "linked(told['settings'])",
    "the settings file through the process's own root": "read('/proc/self/root' + told['settings'])",
    "the settings file by a child": "by_child(told['settings'])",
    "the names in the runtime's folder": "os.listdir(told['home'])",
    "another job's folder": "os.listdir(told['other job'])",
    "another job's file": "read(told['other job'] + '/order.json')",
    "the runtime's environment": "read(f\"/proc/{told['runtime']}/environ\")",
    "the environment of its supervisor": "read(f'/proc/{os.getppid()}/environ')",
    "the runtime's memory": "read(f\"/proc/{told['runtime']}/maps\")",
    "the runtime's files by its descriptors": "os.listdir(f\"/proc/{told['runtime']}/fd\")",
    "the runtime's root": "read(f\"/proc/{told['runtime']}/root{told['settings']}\")",
    "the list of processes": "[name for name in os.listdir('/proc') if name == str(told['runtime'])][0]",
    "the first process's environment": "read('/proc/1/environ')",
    "the machine's passwords": "read('/etc/shadow')",
    "the temporary folder": "read(told['elsewhere'])",
}
WRITING = {
    "its order": "open('order.json', 'w')",
    "its order, appended": "open('order.json', 'a')",
    "a new file beside its order": "open('new', 'w')",
    "a new folder beside its order": "os.mkdir('folder')",
    "its order, removed": "os.unlink('order.json')",
    "its order, moved": "moved(os.path.abspath('order.json'))",
    "its order, cut by who only reads it": "cut('order.json')",
    "its order, cut by its name": "os.truncate('order.json', 0)",
    "its outputs, moved": "os.rename('outputs', 'elsewhere')",
    "an environment": "open(told['environment'], 'a')",
    "an environment, cut by who only reads it": "cut(told['environment'])",
    "an environment, linked": "linked(told['environment'])",
    "the settings file": "open(told['settings'], 'a')",
    "the settings file, cut by its name": "os.truncate(told['settings'], 0)",
    "the settings file, cut by who only reads it": "cut(told['settings'])",
    "the settings file, moved": "moved(told['settings'])",
    "the settings file, removed": "os.unlink(told['settings'])",
    "another job's file": "open(told['other job'] + '/order.json', 'a')",
    "a new file of another job's": "open(told['other job'] + '/new', 'w')",
    "a device of its own": "os.mknod('outputs/null', 0o20666, os.makedev(1, 3))",
    "the file that says when it is to die for lack of memory": "open('/proc/self/oom_score_adj', 'w').write('-1')",
    "the temporary folder": "open(os.path.dirname(told['elsewhere']) + '/new', 'w')",
    "shared memory": "open('/dev/shm/left-by-a-test', 'w')",
}
REACHING = {
    "a port of this machine": "connected(2, 1, ('127.0.0.1', told['port']))",
    "a port of this machine, IPv6": "connected(10, 1, ('::1', told['port']))",
    "a port of this machine, without a connection": "connected(2, 2, ('127.0.0.1', told['port']))",
    "a port of its own": "socket.create_server(('127.0.0.1', 0))",
    "a socket's path": "connected(1, 1, told['path'])",
    "a socket's abstract name": "connected(1, 1, told['name'])",
    "a path by datagrams": "opened_by_a_datagram()",
    "the kernel's routing": "socket.socket(16, 3, 0)",
    "packets": "socket.socket(17, 3, 0)",
}
CONTROLLING = {
    "a signal to the runtime": "os.kill(told['runtime'], 10)",
    "a signal to its supervisor": "os.kill(os.getppid(), 10)",
    "a queued signal to the runtime": "call(told['rt_sigqueueinfo'], told['runtime'], 10, bytes(128))",
    "a signal by a descriptor of the runtime": "call(424, os.pidfd_open(told['runtime']), 10, None, 0)",
    "a limit of the runtime's": "__import__('resource').prlimit(told['runtime'], 7, (1, 1))",
    "the runtime's processors": "os.sched_setaffinity(told['runtime'], {0})",
    "a lease of an environment's file": "__import__('fcntl').fcntl(os.open(told['environment'], 0), 1024, 0)",
    "the runtime's priority": "os.setpriority(os.PRIO_PROCESS, told['runtime'], 19)",
    "the priority of its whole account": "os.setpriority(os.PRIO_USER, 0, 19)",
    "tracing the runtime": "call(told['ptrace'], 16, told['runtime'], 0, 0)",
    "a descriptor of the runtime's": "call(438, os.pidfd_open(told['runtime']), 0, 0)",
    "a new namespace": "call(told['unshare'], 0x10000000)",
    "a mount": "call(told['mount'], b'none', os.path.abspath('outputs').encode(), b'tmpfs', 0, None)",
    "keys": "call(told['keyctl'], 0, -3, 1)",
    "io_uring": "call(425, 1, bytes(120))",
    "shared memory that stays": "call(told['shmget'], 0, 4096, 0o1600)",
    "another account": "os.setuid(12345)",
}
MEANT_WELL = {
    "its order": "read('order.json')",
    "a file in its outputs": "open('outputs/file', 'w').write('x')",
    "a folder in its outputs": "os.makedirs('outputs/a/b')",
    "the names of its outputs": "os.listdir('outputs')",
    "a mode": "os.chmod('outputs/a', 0o700)",
    "a child": "subprocess.run(['true'], check=True)",
    "an interpreter": "subprocess.run([sys.executable, '-c', 'print(1)'], check=True, capture_output=True).stdout",
    "a child with a pipe": "__import__('concurrent.futures') and os.waitpid(os.fork() or os._exit(0), 0)[1]",
    "a temporary file": "__import__('tempfile').TemporaryFile(dir='outputs').write(b'x')",
    "chance": "len(open('/dev/urandom', 'rb').read(8))",
    "nothing": "open('/dev/null', 'w').write('x')",
    "the time zone": "__import__('time').tzset()",
    "the own process": "read('/proc/self/status')[:4]",
    "the memory": "read('/proc/meminfo')[:8]",
    "its account's name": "__import__('getpass').getuser()",
    "a signal to itself": "os.kill(os.getpid(), 0)",
    "a limit": "__import__('resource').setrlimit(4, (0, 0))",
    "a priority": "os.nice(1)",
    "a pair of sockets": "[s.close() for s in socket.socketpair()]",
}
CALLS = {
    "x86_64": {"rt_sigqueueinfo": 129, "ptrace": 101, "unshare": 272, "mount": 165, "keyctl": 250, "shmget": 29},
    "aarch64": {"rt_sigqueueinfo": 138, "ptrace": 117, "unshare": 97, "mount": 40, "keyctl": 219, "shmget": 194},
}


@dataclass
class World:
    """What is around one contained program; ``told`` is what the program knows of it, which is everything."""

    folder: Path
    told: dict[str, Any]
    runtime: subprocess.Popen[bytes]

    @property
    def job(self) -> Path:
        return Path(self.told["job"])

    def untouched(self) -> bool:
        """Whether all that isn't the program's is as it was."""
        files = [self.told[name] for name in ("settings", "environment", "elsewhere")]
        files += [f"{self.told[name]}/order.json" for name in ("job", "other job")]
        content = all(SECRET in Path(file).read_text() and Path(file).stat().st_mode & 0o777 == 0o600 for file in files)
        as_begun = os.getpriority(os.PRIO_PROCESS, self.runtime.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        return content and self.runtime.poll() is None and as_begun


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A runtime's folders, with the file of its settings, two jobs and an environment, and a process with its secret.

    ``MLC_HOME`` must be ``folder / "home"`` when a level is made.
    """
    home = folder / "home"
    runtime = home / "runtimes" / "local"
    files = {
        "settings": home / "mlc.env",
        "environment": runtime / "environments" / "one" / "library.py",
        "elsewhere": folder / "elsewhere" / "file",
    }
    jobs = {"job": runtime / "process-1" / "job-1", "other job": runtime / "process-1" / "job-2"}
    for path in (*files.values(), *(job / "order.json" for job in jobs.values())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"secret = {SECRET!r}\n")
        path.chmod(0o600)
    for job in jobs.values():
        (job / "outputs").mkdir()
    waits = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE, env={"S": SECRET})
    listeners: list[socket.socket] = []

    def listening(family: int, kind: int, address: Any) -> Any:
        listeners.append(socket.socket(family, kind))
        listeners[-1].bind(address)
        if kind == socket.SOCK_STREAM:
            listeners[-1].listen()
        return listeners[-1].getsockname()

    try:
        paths = {name: os.fspath(path) for name, path in {**files, **jobs, "home": home}.items()}
        told = {
            **paths,
            **CALLS[os.uname().machine],
            "runtime": waits.pid,
            "mark": f"600.{random.randrange(10**9)}",
            "port": listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))[1],
            "path": listening(socket.AF_UNIX, socket.SOCK_STREAM, os.fspath(folder / "s")),
            "name": listening(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + folder.as_posix()),
            "datagrams": listening(socket.AF_UNIX, socket.SOCK_DGRAM, os.fspath(folder / "d")),
        }
        told["name"] = told["name"].decode()
        listening(socket.AF_INET6, socket.SOCK_STREAM, ("::1", told["port"]))
        listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", told["port"]))
        yield World(folder, told, waits)
    finally:
        for listener in listeners:
            listener.close()
        waits.communicate(b"\n")


async def tried(
    level: Level,
    around: World,
    attempts: Mapping[str, str],
    *,
    network: bool = False,
    python: str = sys.executable,
    readable: list[Path] | None = None,
) -> dict[str, str]:
    """What becomes of some expressions in a contained program: ``done: ...`` or ``refused: ...``, by their names."""
    confinement = Confinement(
        directory=around.job.resolve(),
        writable=[around.job.resolve() / "outputs"],
        readable=[*(interpreter_files(python) if readable is None else readable), Path(around.told["environment"])],
        environment={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": os.fspath(around.job / "outputs")},
        memory=2**29,
        disk=2**24,
        processes=50,
        network=network,
    )
    told = json.dumps({**around.told, "attempts": dict(attempts)})
    process = ContainedProcess(level, [python, "-I", "-S", "-c", PRELUDE, told], confinement)
    await process.start()
    try:
        await process.ended()
    finally:
        await process.end()
    answers: dict[str, str] = dict(json.loads(line) for line in process.log.lines() if line.startswith("["))
    assert set(answers) == set(attempts), process.log.lines()
    return answers


async def ends_with_its_supervisor(level: Level, around: World, *, python: str = sys.executable) -> bool:
    """Whether a program that waits is gone once its supervisor was killed, which nobody else would end it for."""
    source = "import os, time\nopen('outputs/pid', 'w').write(str(os.getpid()) + '\\n')\ntime.sleep(600)"
    readable = interpreter_files(python) if python == sys.executable else []
    job = around.job.resolve()
    confinement = Confinement(job, [job / "outputs"], readable, {}, memory=2**29, disk=2**24)
    process = ContainedProcess(level, [python, "-I", "-S", "-c", source], confinement)
    await process.start()
    try:
        told = job / "outputs" / "pid"
        while not (told.exists() and told.read_text().endswith("\n")):
            assert process.running
            await asyncio.sleep(0.02)
        program = psutil.Process(int(told.read_text()))
        os.kill(process._supervisor.pid, signal.SIGKILL)
        return not psutil.wait_procs([program], timeout=60)[1]
    finally:
        await process.end()


LEAVING = {
    "a daemon": "[subprocess.Popen(['sleep', told['mark']], start_new_session=True, env={}).pid][0] > 0",
    "a grandchild": "os.fork() or os.setsid() or os.fork() or os.execve('/bin/sleep', ['sleep', told['mark']], {})",
}
"""Leaves processes behind that sleep for as many seconds as ``told['mark']`` says."""


def left(around: World) -> list[int]:
    """The processes that it left."""
    return [p.pid for p in psutil.process_iter() if around.told["mark"] in _command(p)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def done(answers: Mapping[str, str]) -> dict[str, str]:
    """Those that were not refused."""
    return {name: answer for name, answer in answers.items() if answer.startswith("done")}


def refused(answers: Mapping[str, str]) -> dict[str, str]:
    """Those that were."""
    return {name: answer for name, answer in answers.items() if not answer.startswith("done")}
