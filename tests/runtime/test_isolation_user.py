"""The level ``user``: all that ``landlock`` keeps from programs, and an account that isn't the runtime's."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from breaking_out import (
    CONTROLLING,
    LEAVING,
    MEANT_WELL,
    REACHING,
    READING,
    SECRET,
    WRITING,
    World,
    done,
    ends_with_its_supervisor,
    left,
    refused,
    tried,
    world,
)

from mlc.runtime.isolation.interpreter import interpreter_files
from mlc.runtime.isolation.levels import CannotIsolate, level_for
from mlc.runtime.isolation.trial import trial
from mlc.runtime.isolation.user import User
from mlc.settings import RuntimeSettings

ACCOUNT = "nobody"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every account can pass through, unlike those of pytest."""
    made = Path(tempfile.mkdtemp(prefix="level-user-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def around(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("MLC_HOME", str(folder / "home"))
    with world(folder) as made:
        yield made


def user(account: str = ACCOUNT) -> User:
    return User(RuntimeSettings(account=account))


@pytest.fixture
def python(around: World) -> str:
    """An interpreter that the account can run: this one, else the system's."""
    level = user()
    problem = level.problem()
    if problem is None:
        return sys.executable
    system = shutil.which("python3", path="/usr/bin:/bin")
    if "can't enter" in problem and system and (problem := trial(level, level_folder(), system)) is None:
        return system
    pytest.skip(f"no level user: {problem}")


def level_folder() -> Path:
    return RuntimeSettings().folder


def readable(python: str) -> list[Path]:
    return interpreter_files(python) if python == sys.executable else []


async def test_nothing_of_the_runtimes_or_of_other_jobs_is_read(around: World, python: str) -> None:
    answers = await tried(user(), around, READING, python=python, readable=readable(python))
    assert done(answers) == {}
    assert SECRET not in json.dumps(answers)


async def test_nothing_is_written_but_its_outputs_and_nothing_reached_or_controlled(around: World, python: str) -> None:
    attempts = {**WRITING, **REACHING, **CONTROLLING}
    assert done(await tried(user(), around, attempts, python=python, readable=readable(python))) == {}
    assert SECRET in Path(around.told["settings"]).read_text()
    assert Path(around.told["settings"]).stat().st_mode & 0o777 == 0o600
    assert SECRET in Path(around.told["environment"]).read_text()
    assert around.runtime.poll() is None


async def test_what_honest_programs_do_works(around: World, python: str) -> None:
    assert refused(await tried(user(), around, MEANT_WELL, python=python, readable=readable(python))) == {}


async def test_it_is_the_account_and_no_group_else_and_has_no_capability(around: World, python: str) -> None:
    attempts = {"ids": "[*os.getresuid(), *os.getresgid(), *os.getgroups()]", "status": "read('/proc/self/status')"}
    answers = await tried(user(), around, attempts, python=python, readable=readable(python))
    entry = pwd.getpwnam(ACCOUNT)
    assert answers["ids"] == f"done: {[entry.pw_uid] * 3 + [entry.pw_gid] * 4}"
    lines = [line.split(":\t") for line in answers["status"].splitlines() if line.startswith("Cap")]
    assert {value.strip("0") for _, value in lines} == {""}


async def test_its_folders_are_its_own_and_the_rest_is_the_runtimes(around: World, python: str) -> None:
    (around.job / "outputs" / "weights.bin").write_text("laid out before")
    (around.job / "outputs" / "weights.bin").chmod(0o600)
    attempts = {
        "rewrite": "open('outputs/weights.bin', 'a').write('x')",
        "make": "open('outputs/made', 'w').write('x')",
    }
    assert refused(await tried(user(), around, attempts, python=python, readable=readable(python))) == {}
    entry = pwd.getpwnam(ACCOUNT)
    owners = {p.name: p.stat().st_uid for p in (around.job, *around.job.rglob("*"))}
    own = {"outputs", "weights.bin", "made"}
    assert owners == {name: entry.pw_uid if name in own else os.geteuid() for name in owners}
    assert (around.job / "order.json").stat().st_mode & 0o777 == 0o640
    assert (around.job / "outputs" / "made").read_text() == "x"
    shutil.rmtree(around.job)  # as the runtime does in the end


async def test_the_way_to_a_job_shows_nothing_and_other_jobs_and_the_settings_stay_closed(
    around: World, python: str
) -> None:
    await tried(user(), around, {"order": "read('order.json')"}, python=python, readable=readable(python))
    home = around.folder / "home"
    for passed in (home, home / "runtimes", home / "runtimes" / "local", around.job.parent):
        assert passed.stat().st_mode & 0o070 == 0o010
    assert Path(around.told["settings"]).stat().st_gid != pwd.getpwnam(ACCOUNT).pw_gid
    assert Path(around.told["other job"], "order.json").stat().st_mode & 0o777 == 0o600
    assert around.folder.stat().st_gid != pwd.getpwnam(ACCOUNT).pw_gid


async def test_an_environment_that_was_made_for_the_account_is_the_runtimes_once_it_is_only_read(
    around: World, python: str
) -> None:
    kept = Path(around.told["environment"]).parent
    entry = pwd.getpwnam(ACCOUNT)
    for path in (kept, *kept.iterdir()):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    attempts = {"read": f"read({os.fspath(kept / 'library.py')!r})", "mode": f"os.chmod({os.fspath(kept)!r}, 0)"}
    answers = await tried(user(), around, attempts, python=python, readable=[*readable(python), kept])
    assert SECRET in answers["read"]
    assert {path.stat().st_uid for path in (kept, *kept.iterdir())} == {os.geteuid()}
    assert kept.stat().st_mode & 0o700 == 0o700


async def test_links_that_lie_in_its_folders_are_given_away_and_not_what_they_lead_to(
    around: World, python: str
) -> None:
    (around.job / "outputs" / "link").symlink_to(around.told["settings"])
    (around.job / "link").symlink_to(around.told["settings"])
    await tried(user(), around, {"x": "1"}, python=python, readable=readable(python))
    state = Path(around.told["settings"]).stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (os.geteuid(), os.getegid(), 0o600)


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("", "MLC_RUNTIME_ACCOUNT names no account for it: make one for models alone"),
        ("no-such-account-here", "there is no account no-such-account-here"),
        ("root", "is root's"),
    ],
)
def test_an_account_that_will_not_do_is_a_reason_and_never_replaced(account: str, said: str) -> None:
    assert said in str(user(account).problem())
    with pytest.raises(CannotIsolate, match="MLC_RUNTIME_ISOLATION=user can't be had here"):
        level_for(RuntimeSettings(isolation="user", account=account))


@pytest.mark.parametrize("named", ["user", "usr"])
def test_a_runtime_with_a_level_that_can_not_be_had_ends_with_a_sentence(tmp_path: Path, named: str) -> None:
    environment = {"PATH": os.environ["PATH"], "MLC_HOME": str(tmp_path / "home"), "MLC_RUNTIME_ISOLATION": named}
    command = [sys.executable, "-m", "mlc.cli", "runtime"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 1
    assert "MLC_RUNTIME_ISOLATION" in ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout


@pytest.mark.parametrize(
    ("uid", "gid", "said"),
    [(77, 54321, "the runtime's own"), (54321, 78, "group that the runtime is of"), (54321, 0, "of root's group")],
)
def test_an_account_that_shares_what_the_runtime_may_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, uid: int, gid: int, said: str
) -> None:
    monkeypatch.setattr("pwd.getpwnam", lambda _: SimpleNamespace(pw_uid=uid, pw_gid=gid))
    monkeypatch.setattr("os.getresuid", lambda: (77, 77, 77))
    monkeypatch.setattr("os.getgroups", lambda: [78])
    assert said in str(user().problem())


def test_a_runtime_that_may_not_take_an_account_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pwd.getpwnam", lambda _: SimpleNamespace(pw_uid=54321, pw_gid=54321))
    monkeypatch.setattr("os.geteuid", lambda: 77)
    monkeypatch.setattr("mlc.runtime.isolation.user.STATUS", Path(os.devnull))
    assert "neither root nor has the capabilities" in str(user().problem())


def test_a_folder_that_the_account_can_not_enter_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("MLC_HOME", str(closed / "home"))
    assert f"the account {ACCOUNT} can't enter {closed}" in str(user().problem())


async def test_a_program_is_gone_with_all_that_it_left_and_when_its_supervisor_is_killed(
    around: World, python: str
) -> None:
    answers = await tried(user(), around, LEAVING, python=python, readable=readable(python))
    assert refused(answers) == {}
    assert left(around) == []
    assert await ends_with_its_supervisor(user(), around, python=python)
