"""Environments are kept as they were made, or made anew; each user has what nobody else can change."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from installing import ReadsOnly

from mlc.runtime.environments import kept as room
from mlc.runtime.environments.kept import Environments
from mlc.runtime.environments.manifest import MOST_ENTRIES, NotPlain, copy, describe, difference
from mlc.runtime.removal import remove

KEY = "0123456789abcdef01234567"
OTHER = "f" * 24


class Kept:
    """A folder of environments of one small library, and what was said of them."""

    def __init__(self, tmp_path: Path, kept: int = 2**30) -> None:
        self.folder = tmp_path / "environments"
        self.private = tmp_path / "job" / "environment"
        self.private.parent.mkdir(exist_ok=True)
        self.environments = Environments(self.folder, kept)
        self.made = 0
        self.told: list[str] = []
        self.fails: Callable[[Path], None] = lambda _: None

    async def make(self, environment: Path, work: Path) -> None:
        self.made += 1
        site = environment / "lib" / "python3" / "site-packages"
        site.mkdir(parents=True)
        (environment / "bin").mkdir()
        (environment / "bin" / "python").symlink_to(Path(sys.executable).resolve())
        (environment / "lib64").symlink_to("lib")
        (site / "library.py").write_text("VALUE = 1\n")
        (site / "empty.py").touch()
        (site / "large.bin").write_bytes(os.urandom(3 * 2**20))
        (site / "runtime_libraries.pth").write_text("/somewhere\n")
        (work / "log").write_text("x")
        self.fails(environment)

    async def use(self, stack: AsyncExitStack, *, private: bool = False, key: str = KEY) -> tuple[Path, Path]:
        async def waiting() -> None:
            self.told.append("waiting")

        return await stack.enter_async_context(
            self.environments.environment(
                key, self.make, private=self.private if private else None, waiting=waiting, tell=self.told.append
            )
        )

    async def once(self, **options: object) -> tuple[Path, Path]:
        async with AsyncExitStack() as stack:
            return await self.use(stack, **options)  # type: ignore[arg-type]

    @property
    def names(self) -> list[str]:
        """What lies there but for locks."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix != ".lock")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def site(environment: Path) -> Path:
    return environment / "lib" / "python3" / "site-packages"


async def test_it_is_made_once_and_nothing_of_its_making_stays(kept: Kept) -> None:
    first = await kept.once()
    assert await kept.once() == first
    assert (kept.made, kept.told) == (1, [])
    assert kept.names == [first[0].name, f"{KEY}.json"]


TAMPERING: dict[str, tuple[Callable[[Path], object], str]] = {
    "another content": (lambda e: (site(e) / "library.py").write_text("VALUE = 2\n"), "library.py differs"),
    "another content in the middle": (
        lambda e: os.pwrite(os.open(site(e) / "large.bin", os.O_WRONLY), b"x" * 8, 2**20),
        "large.bin differs",
    ),
    "a file that was added": (lambda e: (site(e) / "more.pth").write_text("import os"), "more.pth was added"),
    "an empty folder that was added": (lambda e: (site(e) / "more").mkdir(), "more was added"),
    "a file that was removed": (lambda e: (site(e) / "empty.py").unlink(), "empty.py is missing"),
    "permissions": (lambda e: (site(e) / "library.py").chmod(0o755), "library.py differs"),
    "permissions of a folder": (lambda e: site(e).chmod(0o777), "site-packages differs"),
    "nobody's permissions": (lambda e: (site(e) / "library.py").chmod(0), "library.py"),
    "a link with another end": (lambda e: relink(e / "bin" / "python", "/bin/sh"), "bin/python differs"),
    "a link in the place of a file": (lambda e: relink(site(e) / "empty.py", "/etc/passwd"), "empty.py differs"),
    "a link in the place of a folder": (lambda e: relink_folder(site(e), e.parent.parent), "differs|missing|added"),
    "a file in the place of a link": (lambda e: rewrite(e / "lib64"), "lib64 differs"),
    "a pipe in the place of a file": (lambda e: repipe(site(e) / "empty.py"), "empty.py is neither a file"),
    "a pipe that was added": (lambda e: os.mkfifo(site(e) / "pipe"), "pipe is neither a file"),
    "a second name": (lambda e: os.link(site(e) / "library.py", e.parent.parent / "mine"), "has a second name"),
    "the libraries that it stands on": (
        lambda e: (site(e) / "runtime_libraries.pth").write_text("/elsewhere\n"),
        "runtime_libraries.pth differs",
    ),
    "everything": (remove, "missing|No such file"),
    "a file instead of it": (lambda e: (remove(e), e.write_text("x")), "its folder is a link"),
    "permissions of all": (lambda e: e.chmod(0o777), "its folder is a link, a file or somebody else's"),
    "a link instead of it": (
        lambda e: (shutil.move(e, e.parent.parent / "x"), e.symlink_to("../x")),
        "its folder is a link",
    ),
}


def relink(path: Path, end: str) -> None:
    path.unlink()
    path.symlink_to(end)


def relink_folder(path: Path, aside: Path) -> None:
    shutil.move(path, aside / "moved")
    path.symlink_to(aside / "moved")


def rewrite(path: Path) -> None:
    path.unlink()
    path.write_text("lib")


def repipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("private", [False, True], ids=["read-only", "copied"])
@pytest.mark.parametrize(("change", "said"), TAMPERING.values(), ids=TAMPERING.keys())
async def test_one_that_was_changed_is_told_and_made_anew(
    kept: Kept, caplog: pytest.LogCaptureFixture, private: bool, change: Callable[[Path], object], said: str
) -> None:
    _, first = await kept.once(private=private)
    change(first)
    async with AsyncExitStack() as stack:
        used, second = await kept.use(stack, private=private)
        assert (site(used) / "library.py").read_text() == "VALUE = 1\n"
    assert kept.made == 2
    assert second != first
    (told,) = kept.told
    assert any(part in told for part in said.split("|")), told
    assert told.endswith("it is made anew.")
    assert told in caplog.text
    assert kept.names == [second.name, f"{KEY}.json"]


def forged(manifest: Path, _: Path) -> None:
    signature, _, text = manifest.read_bytes().partition(b"\n")
    manifest.write_bytes(signature + b"\n" + text.replace(b"library.py", b"hostile.py"))


def another_place(manifest: Path, environment: Path) -> None:
    signature, _, text = manifest.read_bytes().partition(b"\n")
    manifest.write_bytes(signature + b"\n" + text.replace(environment.name.encode(), b"../elsewhere"))


MANIFESTS: dict[str, tuple[Callable[[Path, Path], object], int]] = {
    "missing": (lambda manifest, _: manifest.unlink(), 0),
    "empty": (lambda manifest, _: manifest.write_text(""), 1),
    "half": (lambda manifest, _: os.truncate(manifest, manifest.stat().st_size // 2), 1),
    "forged": (forged, 1),
    "of another place": (another_place, 1),
    "without a signature": (lambda manifest, _: manifest.write_bytes(manifest.read_bytes().partition(b"\n")[2]), 1),
    "a link": (lambda manifest, _: relink(manifest, "/etc/passwd"), 1),
    "a pipe": (lambda manifest, _: repipe(manifest), 1),
    "a folder": (lambda manifest, _: (manifest.unlink(), manifest.mkdir()), 1),
    "not text": (lambda manifest, _: manifest.write_bytes(b"\xff" * 100), 1),
}


@pytest.mark.parametrize(("change", "sentences"), MANIFESTS.values(), ids=MANIFESTS.keys())
async def test_a_manifest_that_is_not_the_runtimes_counts_for_nothing(
    kept: Kept, change: Callable[[Path, Path], object], sentences: int
) -> None:
    _, first = await kept.once()
    change(kept.folder / f"{KEY}.json", first)
    _, second = await kept.once()
    assert (kept.made, len(kept.told)) == (2, sentences)
    assert kept.names == [second.name, f"{KEY}.json"]


@pytest.mark.parametrize("content", [None, b"", b"short", b"x" * 32])
async def test_a_manifest_counts_for_nothing_without_the_key_that_signed_it(kept: Kept, content: bytes | None) -> None:
    await kept.once()
    key = kept.folder.with_name("environments.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    await kept.once()
    await kept.once()
    assert (kept.made, len(kept.told)) == (2, 1)


async def test_a_copy_is_its_users_alone_and_gone_in_the_end(kept: Kept) -> None:
    async with AsyncExitStack() as stack:
        used, original = await kept.use(stack, private=True)
        assert used == kept.private
        for name in ("library.py", "large.bin"):
            mine, theirs = (site(each) / name for each in (used, original))
            assert mine.read_bytes() == theirs.read_bytes()
            assert (mine.stat().st_ino, mine.stat().st_nlink) != (theirs.stat().st_ino, 2)
            mine.write_text("VALUE = 3\n")
        (used / "lib").chmod(0)
    assert not kept.private.exists()
    await kept.once()
    assert (kept.made, kept.told) == (1, [])


async def test_one_that_is_in_use_is_neither_changed_nor_removed_when_another_is_made(tmp_path: Path) -> None:
    kept = Kept(tmp_path, kept=0)
    async with AsyncExitStack() as stack:
        _, first = await kept.use(stack)
        (site(first) / "library.py").write_text("VALUE = 2\n")
        _, second = await kept.once()
        await kept.once(key=OTHER)
        assert second != first
        assert (site(first) / "large.bin").exists()
    _, third = await kept.once(key="a" * 24)
    assert kept.names == [third.name, f"{'a' * 24}.json"]


async def test_those_that_were_not_used_for_longest_are_removed_first(tmp_path: Path) -> None:
    kept = Kept(tmp_path, kept=7 * 2**20)  # two of them
    keys = [character * 24 for character in "abc"]
    for age, key in enumerate(keys[:2]):
        await kept.once(key=key)
        os.utime(kept.folder / f"{key}.json", (age + 1, age + 1))
    await kept.once(key=keys[0])  # used again
    await kept.once(key=keys[2])
    assert {name[0] for name in kept.names} == {"a", "c"}
    assert sorted(path.name for path in kept.folder.glob("?" * 24 + ".lock")) == [f"{k * 24}.lock" for k in "ac"]


async def test_one_that_cannot_be_made_leaves_nothing(kept: Kept) -> None:
    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    kept.fails = fail
    with pytest.raises(OSError, match="No space left"):
        await kept.once()
    assert kept.names == []
    kept.fails = lambda _: None
    await kept.once()
    assert kept.told == []


async def test_what_is_cancelled_leaves_nothing(kept: Kept) -> None:
    begun = asyncio.Event()

    async def for_ever(_environment: Path, _work: Path) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def waiting() -> None:
        pass

    async def use() -> None:
        making = kept.environments.environment(KEY, for_ever, private=None, waiting=waiting, tell=kept.told.append)
        async with making:
            pass

    task = asyncio.create_task(use())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert kept.names == []


KILLED = """
import asyncio, sys
from pathlib import Path
from mlc.runtime.environments.kept import Environments

async def make(environment, work):
    (environment / "half").write_text("x")
    print("made half", flush=True)
    await asyncio.Event().wait()

async def main():
    async def waiting(): pass
    async with Environments(Path(sys.argv[1]), 2**30).environment(
        sys.argv[2], make, private=None, waiting=waiting, tell=print
    ):
        pass

asyncio.run(main())
"""


async def test_what_a_killed_runtime_left_half_made_is_no_environment_and_is_removed(kept: Kept) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(kept.folder), KEY), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"made half\n"
    await kept.once(key=OTHER)
    assert len(kept.names) == 4  # what another makes is left alone as long as that lives
    process.send_signal(signal.SIGKILL)
    await process.wait()
    _, used = await kept.once()
    assert (site(used) / "library.py").exists()
    assert len(kept.names) == 4
    assert {name.partition("-")[0].partition(".")[0] for name in kept.names} == {KEY, OTHER}


async def test_ten_at_once_make_one(kept: Kept, tmp_path: Path) -> None:
    others = [Kept(tmp_path) for _ in range(10)]
    found = await asyncio.gather(*(each.once() for each in others))
    assert len({*found}) == 1
    assert sum(each.made for each in others) == 1


async def test_one_that_changes_whenever_it_was_made_is_an_error_and_no_loop(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_differs", lambda *_: "everything differs")
    with pytest.raises(OSError, match="was changed each time"):
        await kept.once()
    assert kept.made == 3


async def test_links_that_stay_inside_are_kept_and_others_are_not(kept: Kept) -> None:
    kept.fails = lambda environment: (site(environment) / "inside").symlink_to("../site-packages/library.py")
    await kept.once()
    for end in ("/etc/passwd", "../../../../outside", "../../../.."):
        kept.fails = lambda environment, end=end: (site(environment) / "out").symlink_to(end)  # type: ignore[misc]
        with pytest.raises(NotPlain, match=r"the link .*out leads out of it"):
            await kept.once(key=OTHER)
    assert kept.names[-1] == f"{KEY}.json"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other accounts")
async def test_what_another_account_installed_becomes_the_runtimes_for_nobody_else_to_change(kept: Kept) -> None:
    def give(environment: Path) -> None:
        for path in (environment, site(environment), site(environment) / "library.py"):
            path.chmod(0o777)
            os.chown(path, 65534, 65534)

    kept.fails = give
    _, used = await kept.once()
    for path in (used, *used.rglob("*")):
        state = path.lstat()
        assert state.st_uid == 0
        assert stat.S_ISLNK(state.st_mode) or not state.st_mode & 0o022
    await kept.once()
    for path in used.rglob("*"):  # a level lets models' group read it
        os.chown(path, 0, 65534, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o050 if path.is_dir() else path.stat().st_mode | 0o040)
    used.chmod(0o750)
    await kept.once()
    assert (kept.made, kept.told) == (1, [])


def test_names_that_are_no_text_are_described_and_survive_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "a") + b"/\xff")).write_text("x")
    entries = describe(tmp_path / "a")
    assert difference(entries, json.loads(json.dumps(entries))) is None
    assert (difference(entries, {}) or "").isascii()
    copy(tmp_path / "a", tmp_path / "b")
    assert describe(tmp_path / "b") == entries


def test_more_files_than_anybody_needs_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlc.runtime.environments.manifest.MOST_ENTRIES", 10)
    assert MOST_ENTRIES == 200_000
    for number in range(11):
        (tmp_path / str(number)).touch()
    with pytest.raises(NotPlain, match="more than 10 files"):
        describe(tmp_path)


def test_a_level_says_whether_it_keeps_what_is_read_from_being_written() -> None:
    from mlc.runtime.isolation.levels import Process, levels
    from mlc.settings import RuntimeSettings

    assert not Process().reads_only
    assert ReadsOnly().reads_only
    assert {name for name, level in levels(RuntimeSettings()).items() if not level.reads_only} == {"process"}
