"""The level ``container``: a program in a container of podman without root, from its start to its removal."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from breaking_out import CONTROLLING, MEANT_WELL, REACHING, READING, SECRET, WRITING, World, done, refused, tried, world
from container_image import container, image
from online_deployments import answered, answers, deploy, is_now
from outcomes import result
from servers import eventually
from small_models import embedded, needing, python_model, tiny_library

from mlc.center.modelop.client import ModelManage
from mlc.model.job import JobKind
from mlc.runtime.isolation import Confinement, ContainedProcess
from mlc.runtime.isolation.container import Container
from mlc.runtime.isolation.engine import Engine, environment, installed
from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.levels import CannotIsolate, level_for
from mlc.settings import RuntimeSettings

CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
ITS_OWN = {
    "a signal to its supervisor",
    "shared memory",
    "shared memory that stays",
    "the file that says when it is to die for lack of memory",
    "the names in the runtime's folder",
}
"""Attempts that meet only what the container has of its own."""


@pytest.fixture(scope="session")
def level() -> Container:
    made, problem = container()
    if problem:
        pytest.skip(f"No container here: {problem}.")
    return made


@pytest.fixture
def engine(level: Container) -> Engine:
    found = installed()
    assert found is not None
    return found


def confined(folder: Path, **changed: Any) -> Confinement:
    for name in ("out", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    given: dict[str, Any] = {
        "directory": folder,
        "writable": [folder / "out", folder / "tmp"],
        "readable": interpreter_files(sys.executable),
        "environment": {"PATH": os.environ["PATH"], "TMPDIR": str(folder / "tmp")},
        "memory": 2**29,
        "disk": 2**24,
    }
    return Confinement(**{**given, **changed})


def process(level: Container, source: str, folder: Path, **changed: Any) -> ContainedProcess:
    return ContainedProcess(level, [sys.executable, "-I", "-u", "-c", source], confined(folder, **changed))


async def ran(level: Container, source: str, folder: Path, **changed: Any) -> ContainedProcess:
    """A program that has ended, and of which nothing is left."""
    started = process(level, source, folder, **changed)
    await started.start()
    try:
        await asyncio.wait_for(started.ended(), 120)
    finally:
        await started.end()
    return started


async def said(level: Container, source: str, folder: Path, **changed: Any) -> Any:
    """What a program prints as JSON in its last line."""
    ended = await ran(level, source, folder, **changed)
    assert ended.code == 0, (ended.verdict, ended.cause_of_death, ended.log.lines())
    return json.loads(ended.log.lines()[-1])


def containers(engine: Engine) -> set[str]:
    return {name for name in engine.ask("ps", "--all", "--format", "{{.Names}}").split() if name.startswith("mlc-")}


def lives_with(mark: str) -> list[int]:
    """The processes of the machine that have a mark among their arguments."""
    found = []
    for each in psutil.process_iter(["pid", "cmdline", "status"]):
        if any(mark in word for word in each.info["cmdline"] or ()) and each.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(each.info["pid"])
    return found


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    with world(tmp_path) as made:
        yield made


async def test_nothing_of_the_machine_is_read_written_reached_or_controlled(level: Container, around: World) -> None:
    answers_ = await tried(level, around, {**READING, **WRITING, **REACHING, **CONTROLLING})
    assert done(answers_).keys() <= ITS_OWN
    assert answers_["the names in the runtime's folder"] == "done: ['runtimes']", "but the way to its own"
    assert SECRET not in json.dumps(answers_)
    assert not Path("/dev/shm/left-by-a-test").exists()
    assert around.runtime.poll() is None


async def test_what_honest_programs_do_works(level: Container, around: World) -> None:
    assert refused(await tried(level, around, MEANT_WELL)) == {}


async def test_only_its_own_folders_can_be_written(level: Container, tmp_path: Path) -> None:
    source = """
import json
found = []
for path in ("out/x", "tmp/x", "x", "/x", "/run/x", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/usr/x",
             "/sys/x", "/run/.containerenv", "/proc/sys/kernel/hostname",
             "/tmp/y", "/var/tmp/z", "/home/x", "container.json"):
    try:
        open(path, "w").write("x")
        found.append(path)
    except OSError:
        pass
print(json.dumps(found))"""
    assert await said(level, source, tmp_path) == ["out/x", "tmp/x", "/tmp/y", "/var/tmp/z"]
    assert {path.name for path in (tmp_path / "tmp").iterdir()} >= {"x", "y", "z"}


async def test_where_it_may_reach_the_network_it_has_one_of_its_own(level: Container, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"""
import json, socket
names = sorted(line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line)
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 5)
    names.append("the machine's own")
except OSError:
    pass
print(json.dumps(names))"""
        assert await said(level, source, tmp_path) == ["lo"]
        found = await said(level, source, tmp_path, network=True)
    assert len(found) > 1
    assert "the machine's own" not in found


async def test_what_it_leaves_is_the_runtimes_to_read_and_remove(level: Container, tmp_path: Path) -> None:
    source = """
import os
os.makedirs("out/a/b", mode=0o700)
open("out/a/b/c", "w").write("x")
os.chmod("out/a/b/c", 0o600)"""
    assert (await ran(level, source, tmp_path)).code == 0
    left = tmp_path / "out" / "a" / "b" / "c"
    assert (left.read_text(), left.stat().st_uid) == ("x", os.geteuid())
    shutil.rmtree(tmp_path / "out")


async def test_its_environment_is_what_it_was_given_and_the_images_paths(
    level: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_CENTER_TOKEN", SECRET)
    monkeypatch.setenv("https_proxy", f"http://user:{SECRET}@127.0.0.1:1")
    given = {"LINES": "one\ntwo\n", "QUOTED": "\"'$HOME # \\n", "EMPTY": "", "PATTERN*": "x", "UMLAUT": "ä", "#": "c"}
    found = await said(
        level, "import json, os; print(json.dumps(dict(os.environ)))", tmp_path, environment={**given, "PATH": "/none"}
    )
    assert {name: found[name] for name in given} == given
    assert set(found) - set(given) <= {"PATH", "LD_LIBRARY_PATH", "LC_CTYPE"}
    assert found["PATH"] != "/none"


def test_an_engine_gets_none_of_the_runtimes_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"HOME": "/h", "XDG_RUNTIME_DIR": "/r", "DOCKER_HOST": "unix:///s"}
    dropped = {"MLC_CENTER_TOKEN": SECRET, "https_proxy": SECRET, "TEMPORAL_API_KEY": SECRET, "PODMAN_USERNS": "auto"}
    for name, value in {**kept, **dropped}.items():
        monkeypatch.setenv(name, value)
    assert kept.items() <= environment().items()
    assert not dropped.keys() & environment().keys()


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 11)", "was killed by SIGSEGV"),
        ("import os; os.abort()", "was killed by SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
        ("import os; print('Error: no space'); os._exit(125)", "ended with exit code 1"),
        ("import os; os._exit(126)", "ended with exit code 1"),
        ("import os; os._exit(127)", "ended with exit code 1"),
        ("import os; os.kill(1, 9); os.kill(1, 2); os.kill(1, 15); os._exit(4)", "ended with exit code 4"),
    ],
)
async def test_how_a_program_ends_is_told_and_never_taken_for_the_engines_failure(
    level: Container, tmp_path: Path, source: str, cause: str
) -> None:
    assert (await ran(level, source, tmp_path)).cause_of_death.startswith(cause)


async def test_a_program_that_is_not_there_is_told(level: Container, tmp_path: Path) -> None:
    started = ContainedProcess(level, ["/no/such/program"], confined(tmp_path))
    await started.start()
    await asyncio.wait_for(started.ended(), 60)
    await started.end()
    assert "/no/such/program can't be run: No such file or directory" in started.cause_of_death


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("bytearray(2**28); x = bytearray(2**28); import time; time.sleep(600)", "more than the 256 MB of memory"),
        (
            "for n in range(300): open(f'/dev/shm/{n}', 'wb').write(bytes(2**20))\nimport time; time.sleep(600)",
            "more than the 256 MB of memory",
        ),
        (
            "import os, time\nfor n in range(200):\n  if not os.fork(): time.sleep(600)\ntime.sleep(600)",
            "started more than 64 processes",
        ),
        (
            "import time\nfor n in range(40): open(f'out/{n}', 'wb').write(bytes(2**20))\ntime.sleep(600)",
            "wrote more than the 16 MB to disk",
        ),
    ],
)
async def test_what_it_may_use_is_limited(
    level: Container, engine: Engine, tmp_path: Path, source: str, verdict: str
) -> None:
    ended = await ran(level, source, tmp_path, memory=2**28, processes=64)
    # A folder in memory may be full before it is seen how full it is.
    assert verdict in (ended.verdict or "") or "No space left on device" in " ".join(ended.log.lines())
    assert containers(engine) == set()


async def test_folders_in_memory_are_of_a_size(level: Container, tmp_path: Path) -> None:
    source = """
import json, os
sizes = {}
for line in open("/proc/self/mountinfo"):
    mount, _, kind = line.partition(" - ")
    fields = mount.split()
    if kind.split()[0] == "tmpfs" and "rw" in fields[5].split(","):
        state = os.statvfs(fields[4])
        sizes[fields[4]] = state.f_blocks * state.f_frsize
print(json.dumps(sizes))"""
    sizes = await said(level, source, tmp_path, memory=2**28)
    assert set(sizes) <= {"/dev", "/dev/shm"}
    assert max(sizes.values()) <= 2**28


async def test_a_file_is_no_larger_than_the_disk_that_is_allowed(level: Container, tmp_path: Path) -> None:
    source = "import signal; signal.signal(25, signal.SIG_IGN); open('out/x', 'wb').write(bytes(2**25))"
    ended = await ran(level, source, tmp_path)
    assert "File too large" in ended.log.lines()[-1]


async def test_nothing_is_left_after_a_program_that_detached_others(
    level: Container, engine: Engine, tmp_path: Path
) -> None:
    mark = f"left-{os.getpid()}-{time.monotonic_ns()}"
    source = f"""
import os, subprocess, sys
for n in range(5):
    command = [sys.executable, "-I", "-c", "import time; time.sleep(600)", {mark!r}]
    subprocess.Popen(command, start_new_session=True, env={{}})
"""
    assert (await ran(level, source, tmp_path)).code == 0
    assert lives_with(mark) == []
    assert containers(engine) == set()


async def test_it_ends_when_it_is_told_to(level: Container, engine: Engine, tmp_path: Path) -> None:
    source = """
import signal, time
for n in range(1, 32):
    try: signal.signal(n, signal.SIG_IGN)
    except OSError: pass
open("out/began", "w").close()
time.sleep(600)"""
    started = process(level, source, tmp_path)
    await started.start()
    await eventually(lambda: answer((tmp_path / "out" / "began").exists()), seconds=90)
    await started.end("It was enough.")
    assert (started.running, started.verdict) == (False, "It was enough.")
    assert containers(engine) == set()


async def answer(value: Any) -> Any:
    return value


RUNTIME = """
import asyncio, json, sys
from pathlib import Path
from mlc.runtime.isolation import Confinement, ContainedProcess
from mlc.runtime.isolation.container import Container
from mlc.settings import RuntimeSettings
folder = Path(sys.argv[1])
async def run():
    confinement = Confinement(
        directory=folder, writable=[folder / "out"], readable=[], environment={}, memory=2**29, disk=2**24)
    source = "import time; open('out/began', 'w').close(); time.sleep(600)"
    process = ContainedProcess(Container(RuntimeSettings()), [sys.executable, "-I", "-c", source], confinement)
    await process.start()
    await process.ended()
asyncio.run(run())
"""


@pytest.mark.parametrize("with_its_supervisor", [False, True])
async def test_a_container_whose_runtime_was_killed_is_removed(
    level: Container, engine: Engine, tmp_path: Path, with_its_supervisor: bool
) -> None:
    (tmp_path / "out").mkdir()
    settings = {"MLC_HOME": str(tmp_path / "home"), "MLC_RUNTIME_CONTAINER_IMAGE": image()[0]}
    runtime = subprocess.Popen([sys.executable, "-c", RUNTIME, str(tmp_path)], env={**os.environ, **settings})
    try:
        await eventually(lambda: answer((tmp_path / "out" / "began").exists()), seconds=60)
        another = Container(RuntimeSettings(name="another"))
        same = Container(RuntimeSettings(work_dir=tmp_path / "home" / "runtimes" / "local"))
        await asyncio.to_thread(another.remove_left)
        await asyncio.to_thread(same.remove_left)
        assert len(containers(engine)) == 1, "it is none of another's, and its runtime lives"
        supervisors = psutil.Process(runtime.pid).children()
        for each in [psutil.Process(runtime.pid), *(supervisors if with_its_supervisor else ())]:
            each.kill()
    finally:
        runtime.kill()
        runtime.wait()
    if with_its_supervisor:
        await asyncio.to_thread(same.remove_left)
    await eventually(lambda: answer(not containers(engine)), seconds=90)


def test_what_is_lacking_is_said_and_no_weaker_level_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "names no image" in str(Container(RuntimeSettings()).problem())
    with pytest.raises(CannotIsolate, match="MLC_RUNTIME_ISOLATION=container can't be had here"):
        level_for(RuntimeSettings(isolation="container"))
    monkeypatch.setenv("PATH", str(tmp_path))
    problem = Container(RuntimeSettings(container_image="x")).problem()
    assert problem == "there is neither podman nor docker on the PATH: install one of them"


async def test_an_image_that_is_not_there_is_said_and_never_fetched(level: Container, tmp_path: Path) -> None:
    lacking = Container(RuntimeSettings(container_image="localhost/no-such-image:1"))
    assert "load or build localhost/no-such-image:1 first" in str(lacking.problem())
    ended = await ran(lacking, "print(1)", tmp_path)
    assert ended.cause_of_death.startswith("could not be started by podman: Error: ")
    assert "no-such-image" in ended.cause_of_death


def test_an_image_is_a_name_and_no_option(level: Container) -> None:
    assert "is no name of an image" in str(Container(RuntimeSettings(container_image="--privileged")).problem())


def pretending(folder: Path, name: str, answers_: dict[str, str]) -> None:
    """An engine on the PATH that answers what it is asked."""
    program = folder / name
    told = "".join(f"  {question}) printf '%s' '{text}';;\n" for question, text in answers_.items())
    program.write_text(
        f'#!/bin/sh\ncase "$1" in\n{told}  *) echo "Error: it does not know $1." >&2; exit 125;;\nesac\n'
    )
    program.chmod(0o755)


PODMAN_AS_ROOT = json.dumps({"host": {"security": {"rootless": False}}})
ROOTLESS_DOCKER = {
    "SecurityOptions": ["name=rootless"],
    "MemoryLimit": True,
    "PidsLimit": True,
    "CgroupDriver": "systemd",
}


@pytest.mark.parametrize(
    ("name", "told", "problem"),
    [
        ("podman", {"info": PODMAN_AS_ROOT}, "podman runs as root"),
        ("podman", {"info": "nonsense"}, "podman info says what can't be understood: nonsense"),
        ("podman", {"info": "{}"}, "podman info says what can't be understood"),
        ("podman", {}, "podman info: Error: it does not know info"),
        ("docker", {"info": json.dumps({"ServerErrors": ["Cannot connect"]})}, "docker info: Cannot connect"),
        ("docker", {"info": json.dumps({"SecurityOptions": ["name=seccomp"]})}, "docker runs as root"),
        ("docker", {"info": json.dumps({**ROOTLESS_DOCKER, "MemoryLimit": False})}, "limits neither memory"),
        ("docker", {"info": json.dumps({**ROOTLESS_DOCKER, "CgroupDriver": "none"})}, "limits neither memory"),
        ("docker", {"info": json.dumps(ROOTLESS_DOCKER), "image": '{"/data":{}}'}, "declares volumes"),
        ("docker", {"info": json.dumps(ROOTLESS_DOCKER)}, "load or build an-image first"),
    ],
)
def test_an_engine_that_will_not_do_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: dict[str, str], problem: str
) -> None:
    pretending(tmp_path, name, told)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    assert problem in str(Container(RuntimeSettings(container_image="an-image")).problem())


def test_dockers_client_understands_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("There is no docker here.")
    own = tmp_path / "bin"
    own.mkdir()
    own.joinpath("docker").symlink_to(docker)
    monkeypatch.setenv("PATH", str(own))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    level = Container(RuntimeSettings(container_image="an-image"))
    level._engine.__dict__["_info"] = ROOTLESS_DOCKER
    launch = level.launch(["true"], confined(tmp_path))
    assert {"--memory", "--pids-limit", "--shm-size"} <= {*launch.command}
    for command in (launch.command, launch.afterwards):
        asked = subprocess.run(command, env=launch.environment, capture_output=True, text=True, check=False)
        assert "annot connect to the Docker daemon" in asked.stderr, asked.stderr


@pytest.fixture
async def docker(
    level: Container, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Container]:
    """The level by docker's own client, which asks podman: its containers are no descendants of the runtime."""
    client = shutil.which("docker")
    if client is None or engine.program != "podman":
        pytest.skip("There are not both podman and docker here.")
    address = f"unix://{tmp_path}/engine.sock"
    service = subprocess.Popen(["podman", "system", "service", "--time", "0", address], stderr=subprocess.DEVNULL)
    own = tmp_path / "bin"
    own.mkdir()
    own.joinpath("docker").symlink_to(client)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(own))
    monkeypatch.setenv("DOCKER_HOST", address)
    made = Container(RuntimeSettings(container_image=image()[0], work_dir=tmp_path / "work"))
    try:
        await eventually(lambda: answer((tmp_path / "engine.sock").exists()), seconds=90)
        yield made
    finally:
        monkeypatch.setenv("PATH", path)
        service.terminate()
        service.wait()


async def test_a_program_runs_by_dockers_client_and_its_container_is_removed(docker: Container, tmp_path: Path) -> None:
    assert "docker runs as root" in str(docker.problem()), "podman doesn't tell docker's client that it has no root"
    source = "import json, sys; print(json.dumps([sys.stdin.read(), open('/proc/self/status').read()]))"
    got, status = await said(docker, source, tmp_path)
    assert got == ""
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    started = process(docker, "open('out/began', 'w').close(); import time; time.sleep(600)", tmp_path)
    await started.start()
    await eventually(lambda: answer((tmp_path / "out" / "began").exists()), seconds=90)
    await started.end("It was enough.")
    assert containers(Engine("docker")) == set()


async def test_an_image_that_docker_does_not_have_is_said(docker: Container, tmp_path: Path) -> None:
    lacking = Container(RuntimeSettings(container_image="localhost/no-such-image:1"))
    ended = await ran(lacking, "print(1)", tmp_path)
    assert ended.cause_of_death.startswith("could not be started by docker: ")


def test_limits_of_the_kernel_are_set_where_it_has_them(tmp_path: Path) -> None:
    engine = Engine("podman")
    host = {"security": {"rootless": True}, "ociRuntime": {"name": "crun"}}
    engine.__dict__["_info"] = {"host": {**host, "cgroupControllers": ["cpu", "memory", "pids"]}}
    options = engine.options(confined(tmp_path))
    limit = str(2**29 + 2**26)
    assert options[: options.index("--read-only-tmpfs=false")] == [
        *("--memory", limit, "--memory-swap", limit, "--pids-limit", "1024")
    ]
    engine.__dict__["_info"] = {"host": {**host, "cgroupControllers": None}}
    assert engine.options(confined(tmp_path))[:2] == ["--cgroups", "disabled"]


def test_a_folder_that_can_not_be_mounted_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    with pytest.raises(OSError, match="a folder with a colon in its name"):
        Container(RuntimeSettings(container_image="x")).launch(["true"], confined(folder))


def test_a_link_where_the_specification_is_to_be_is_replaced_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path.parent / f"{tmp_path.name}-kept"
    kept.write_text("kept")
    (tmp_path / "container.json").symlink_to(kept)
    engine_less = Container(RuntimeSettings(container_image="x"))
    engine_less._engine = Engine("docker")
    engine_less._engine.__dict__["_info"] = ROOTLESS_DOCKER
    for _ in range(2):
        engine_less.launch(["true"], confined(tmp_path, environment={"TOKEN": SECRET}))
    assert kept.read_text() == "kept"
    assert (tmp_path / "container.json").stat().st_mode & 0o777 == 0o600
    with suppress(FileNotFoundError):
        kept.unlink()


async def test_a_metrics_job_runs_and_says_how_it_was_isolated(level: Container, run: Any) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {'rows': len(df), 'sum': int(df['a'].sum())}")
    outcome = await run(JobKind.METRICS, model, CSV, level=level)
    assert outcome.problem is None, outcome.messages
    assert outcome.runtime_info["isolation"] == "container"
    assert result(outcome) == {"rows": 1, "sum": 1}


async def test_a_training_job_leaves_its_artefacts_and_nothing_else(level: Container, engine: Engine, run: Any) -> None:
    model = python_model("# modelop.train\ndef t(df): open('outputDir/weights.bin', 'wb').write(b'123')")
    outcome = await run(JobKind.TRAINING, model, CSV, level=level)
    assert outcome.problem is None, outcome.messages
    assert "weights.bin" in {asset.name for asset in outcome.outputs}
    assert "container.json" not in str(outcome.outputs)
    assert containers(engine) == set()


async def test_a_model_finds_what_it_requires(
    level: Container, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    tiny_library(wheels, "1.5")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    outcome = await run(JobKind.METRICS, needing("tiny-library==1.5"), CSV, level=level)
    assert result(outcome)["v"] == "1.5"
    assert result(outcome)["p"].startswith(str(tmp_path / "environments"))


async def test_a_job_of_which_the_image_is_gone_says_so(level: Container, run: Any) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {}")
    outcome = await run(
        JobKind.METRICS, model, CSV, level=Container(RuntimeSettings(container_image="localhost/no-such-image"))
    )
    assert "The model process could not be started by podman: " in outcome.problem
    assert "no-such-image" in outcome.problem


@pytest.mark.usefixtures("short_pauses")
async def test_an_online_model_serves_from_its_container_and_a_new_one_after_a_crash(
    level: Container,
    engine: Engine,
    center: ModelManage,
    start_runtime: Callable[..., Awaitable[Any]],
    http: httpx.AsyncClient,
) -> None:
    runtime = await start_runtime(online=True, isolation="container", container_image=image()[0])
    await is_now(center, await deploy(center, runtime, answers(1)), "DEPLOYED")
    answer_ = await eventually(lambda: answered(http, runtime.url, {"a": 1}), seconds=60)
    assert (answer_["answer"], answer_["got"]) == (1, {"a": 1})
    before = containers(engine)
    assert len(before) == 1
    state = json.loads(engine.ask("inspect", *before))[0]["State"]
    os.kill(state["Pid"], signal.SIGKILL)
    await eventually(lambda: answer(len(containers(engine)) == 1 and containers(engine) != before), seconds=60)
    assert (await eventually(lambda: answered(http, runtime.url, {"a": 2}), seconds=60))["got"] == {"a": 2}
    await runtime.stop()
    assert containers(engine) == set()
