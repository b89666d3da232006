"""The home of standalone mode is for its own account alone, whatever the umask, and whatever it was before."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_process import ROOT, Dev, environment, mlc

from mlc.settings.reading import home as home_of_settings
from mlc.standalone.environment import CannotStart
from mlc.standalone.home import held, take

pytestmark = pytest.mark.timeout(300)

SOMEBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(home: Path) -> list[str]:
    """What others may look into, but for links and what is a person's own."""
    found = [home, *home.rglob("*")]
    own = home / "files"
    return [
        f"{path.relative_to(home)} {mode(path):o}"
        for path in found
        if mode(path) & 0o077 and not path.is_symlink() and own not in [path, *path.parents]
    ]


def silent(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "in" / "home"


@pytest.fixture
def old(home: Path) -> Path:
    """As an earlier release made it where the umask is 022, and worse; with a person's own files."""
    before = os.umask(0)
    try:
        for folder in ("logs", "runtimes/r/environments/e/bin", "files/in", "notes"):
            (home / folder).mkdir(parents=True)
        for name in ("mlc.env", "dev.lock", "center.db", "center.db-wal", "desk.db", "temporal.db-shm", "logs/a.log"):
            (home / name).touch()
        (home / "runtimes/r/environments/e/bin/tool").touch(0o755)
        for own in ("files/in/data.csv", "notes/mine.txt", "mine.txt"):
            (home / own).touch(0o664)
        (home / "runtimes/r/environments/e/bin/python").symlink_to(sys.executable)
    finally:
        os.umask(before)
    return home


@pytest.mark.parametrize("umask", [0, 0o022, 0o777, 0o277])
def test_a_home_is_made_for_us_alone(umask: int, home: Path) -> None:
    before = os.umask(umask)
    try:
        with held(home, silent):
            (home / "made").touch()
            (home / "folder").mkdir()
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert [mode(home), mode(home / "folder"), mode(home / "made"), mode(home / "dev.lock")] == [0o700] * 2 + [
        0o600
    ] * 2


def test_what_was_open_is_shut_at_the_next_start_but_for_a_persons_own(old: Path) -> None:
    take(old, silent)
    assert mode(old) == 0o700
    assert [path for path in open_to_others(old) if not re.match("notes|mine", path)] == []
    assert mode(old / "runtimes/r/environments/e/bin/tool") == 0o700, "what can be run still can"
    assert mode(Path(sys.executable).resolve()) & 0o055, "no link was followed"
    own = ["files", "files/in", "files/in/data.csv", "notes/mine.txt", "mine.txt"]
    assert [mode(old / name) for name in own] == [0o777, 0o777, 0o664, 0o664, 0o664]


def test_what_leads_out_of_it_is_left_alone(old: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(0o755)
    for name in ("shared.db", "linked"):
        (outside / name).touch()
        (outside / name).chmod(0o644)
    os.link(outside / "shared.db", old / "shared.db")
    (old / "logs" / "elsewhere").symlink_to(outside)
    (old / "more.db").symlink_to(outside / "linked")
    os.mkfifo(old / "logs" / "pipe")
    take(old, silent)
    assert [mode(path) for path in (outside, *sorted(outside.iterdir()))] == [0o755, 0o644, 0o644]


def test_everything_that_runs_makes_private_files(old: Path) -> None:
    """With a umask that takes no right away: what is private then, is so with every other one."""
    for name in ("center.db", "center.db-wal", "desk.db", "temporal.db-shm", "mlc.env"):
        (old / name).unlink()  # empty files are no databases
    with Dev(old, umask=0) as dev:
        dev.ready()
        submitted = mlc(old, "submit", "examples/breast_cancer", "--tag", "train", "--tag", "online", "--watch")
        assert "Outcome: deployed" in submitted.stdout, submitted.stdout + submitted.stderr
        assert [path for path in open_to_others(old) if not re.match("notes|mine", path)] == []
        assert {"center.db", "center.db-wal", "desk.db", "temporal.db", "temporal.db-wal"} <= {
            path.name for path in old.glob("*.db*")
        }
        assert dev.end(signal.SIGTERM) == 0
    assert [path for path in open_to_others(old) if not re.match("notes|mine", path)] == []


def test_a_runtime_of_its_own_makes_private_files_too(home: Path) -> None:
    """Its working files are models' data; that it can't go on without a centre comes later."""
    subprocess.run(
        [sys.executable, "-m", "mlc.cli", "runtime", "--name", "r"],
        env=environment(home, TEMPORAL_ADDRESS="127.0.0.1:1", MLC_CENTER_URL="http://127.0.0.1:1"),
        cwd=ROOT,
        umask=0,
        timeout=60,
        capture_output=True,
        check=False,
    )
    assert (home / "runtimes" / "r").is_dir()
    assert open_to_others(home) == []


def as_file(home: Path) -> None:
    home.parent.mkdir()
    home.touch()


def as_link(home: Path) -> None:
    (home.parent / "else").mkdir(parents=True)
    home.symlink_to(home.parent / "else")


def as_link_to_nothing(home: Path) -> None:
    home.parent.mkdir()
    home.symlink_to("nothing")


def below_a_file(home: Path) -> None:
    home.parent.touch()


def as_pipe(home: Path) -> None:
    home.parent.mkdir()
    os.mkfifo(home)


def for_everybody(home: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o1777)


def another_users(home: Path) -> None:
    home.mkdir(parents=True)
    os.chown(home, SOMEBODY, SOMEBODY)


def with_another_users_lock(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "dev.lock").symlink_to(home.parent / "precious")
    os.chown(home / "dev.lock", SOMEBODY, SOMEBODY, follow_symlinks=False)


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (as_file, "{home} is no folder: remove it, or choose another with MLC_HOME."),
    (as_link, "{home} is a link: name the folder itself with MLC_HOME ({parent}/else)."),
    (as_link_to_nothing, "{home} is a link: name the folder itself with MLC_HOME ({parent}/nothing)."),
    (below_a_file, "{home} can't be made (Not a directory): choose another folder with MLC_HOME."),
    (as_pipe, "{home} is no folder: remove it, or choose another with MLC_HOME."),
    (for_everybody, "{home} is for more than mlc: choose a folder in it, such as {home}/.mlc, with MLC_HOME."),
]
REFUSED_BY_OWNER: list[tuple[Callable[[Path], None], str]] = [
    (another_users, "{home} belongs to another user (nobody): choose another folder with MLC_HOME."),
    (with_another_users_lock, "{home}/dev.lock belongs to another user (nobody): take it over, or remove it."),
]


@pytest.mark.parametrize(("make", "says"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_can_not_be_the_home_is_refused_in_one_sentence(
    make: Callable[[Path], None], says: str, home: Path
) -> None:
    make(home)
    refused = mlc(home, "dev", "--free-ports")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [says.format(home=home, parent=home.parent)]


@AS_ROOT
@pytest.mark.parametrize(("make", "says"), REFUSED_BY_OWNER, ids=lambda value: getattr(value, "__name__", ""))
def test_what_another_user_owns_is_refused(make: Callable[[Path], None], says: str, home: Path) -> None:
    make(home)
    with pytest.raises(CannotStart) as refused, held(home, silent):
        pass
    assert str(refused.value) == says.format(home=home)
    assert not (home.parent / "precious").exists()


def test_a_persons_own_home_or_what_it_is_in_is_not_made_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tmp_path / "person"
    person.mkdir(0o755)
    monkeypatch.setenv("HOME", str(person))
    for folder in (person, tmp_path, Path("/")):
        before = mode(folder)
        with pytest.raises(CannotStart, match="is for more than mlc"):
            take(folder, silent)
        assert mode(folder) == before
    take(person / ".mlc", silent)


def test_an_empty_variable_names_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be the current folder, which would be shut."""
    monkeypatch.setenv("MLC_HOME", "")
    assert home_of_settings() == Path(".mlc")


@pytest.fixture
def unchangeable(old: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As on a file system that has no rights: asked to change them, it does nothing."""
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    monkeypatch.setattr(Path, "chmod", lambda *_, **__: None)
    return old


def test_what_can_not_be_shut_is_told_and_does_not_keep_from_starting(unchangeable: Path) -> None:
    said: list[str] = []
    take(unchangeable, said.append)
    (line,) = said
    assert re.match(rf"Others on this machine may look into {unchangeable} and \d+ more in it, which can't be", line)
