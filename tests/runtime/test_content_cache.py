"""Files fetched from the centre are kept by their hash: fetched once, resumed, bounded, and never trusted."""

import asyncio
import errno
import hashlib
import logging
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from stored_by_hash import PIECE, CutOnce, StoredByHash

from mlc.model.asset import Asset
from mlc.model.failure import Refused
from mlc.runtime import outages
from mlc.runtime.contents import content as content_room
from mlc.runtime.contents import download
from mlc.runtime.contents.cache import TIDIED_EVERY, UNFINISHED, ContentCache
from mlc.runtime.contents.content import DiskFull, TakesTooLong, Unfetched, WrongContent
from mlc.runtime.contents.fetching import SMALL, Fetching
from mlc.runtime.working_directory import WorkingDirectory

WEIGHTS = os.urandom(3 * 2**20 + 17)
NAME = PurePosixPath("weights.bin")
ALWAYS = 2**40


class Machine:
    """One account's cache on a machine, runtimes that use it, and what they were told."""

    def __init__(self, tmp_path: Path, limit: int = ALWAYS) -> None:
        self.folder = tmp_path / "contents"
        self.center = StoredByHash()
        self.weights = self.center.asset("weights.bin", WEIGHTS)
        self.told: list[str] = []
        self.limit = limit
        self._jobs = tmp_path / "jobs"
        self._number = 0

    async def tell(self, doing: str) -> None:
        self.told.append(doing)

    def fetching(self, *, linked: bool = False, time: float = 60) -> Fetching:
        """Of a runtime of its own."""
        return Fetching(self.center, ContentCache(self.folder, self.limit), linked=linked, time=time, doing=self.tell)

    def job(self) -> WorkingDirectory:
        self._number += 1
        folder = self._jobs / str(self._number)
        folder.mkdir(parents=True)
        return WorkingDirectory(folder)

    async def use(self, asset: Asset | None = None, **options: Any) -> Path:
        """Where the weights lie in a new job's folder."""
        directory, wanted = self.job(), asset or self.weights
        assert await self.fetching(**options).fetch(wanted, directory, NAME, fixed=True) == wanted.sha256
        return directory.root / NAME

    @property
    def kept(self) -> Path:
        return self.folder / str(self.weights.sha256)

    @property
    def part(self) -> Path:
        return self.folder / f"{self.weights.sha256}.part"

    @property
    def names(self) -> set[str]:
        """What lies in the cache, but for locks."""
        return {path.name for path in self.folder.iterdir() if path.suffix != ".lock"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(download, "PAUSE", 0.01)


@pytest.fixture(params=[False, True], ids=["copied", "linked"])
def linked(request: pytest.FixtureRequest) -> bool:
    """Whether the level keeps models from what they only read."""
    value: bool = request.param
    return value


async def test_a_file_is_fetched_once_by_all_runtimes_of_a_machine(machine: Machine, linked: bool) -> None:
    for _ in range(3):
        assert (await machine.use(linked=linked)).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0]
    assert machine.names == {machine.weights.sha256}
    assert stat.S_IMODE(machine.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(machine.kept.stat().st_mode) == 0o400


async def test_small_files_are_fetched_for_each_use_and_checked(machine: Machine) -> None:
    small = machine.center.asset("weights.bin", b"x" * SMALL)
    for _ in range(2):
        assert (await machine.use(small)).stat().st_size == SMALL
    assert machine.center.weights_asked == [0, 0]
    assert not machine.folder.exists()
    machine.center.files["weights.bin"] = b"y" * SMALL
    directory = machine.job()
    with pytest.raises(WrongContent):
        await machine.fetching().fetch(small, directory, NAME, fixed=True)
    assert not (directory.root / NAME).exists()


async def test_a_file_whose_hash_nobody_vouches_for_is_written_as_it_comes(machine: Machine) -> None:
    machine.center.keeps_by_hash = lambda _: False  # type: ignore[method-assign]
    directory = machine.job()
    wrong = machine.weights.model_copy(update={"sha256": "0" * 64})
    assert await machine.fetching().fetch(wrong, directory, NAME, fixed=True) is None
    assert (directory.root / NAME).read_bytes() == WEIGHTS
    assert not machine.folder.exists()


async def test_a_copy_shares_nothing_with_what_is_kept(machine: Machine) -> None:
    used = await machine.use()
    assert used.stat().st_nlink == 1
    used.write_bytes(b"changed")
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0]


async def test_where_models_can_not_write_a_file_is_the_kept_one_and_costs_no_disk(machine: Machine) -> None:
    used = await machine.use(linked=True)
    if used.stat().st_nlink == 1:
        pytest.skip("This file system shares blocks, so nothing is linked.")
    assert used.samefile(machine.kept)
    data = machine.job()  # a job's data is never linked: others may open it
    await machine.fetching(linked=True).fetch(machine.weights, data, NAME, fixed=False)
    assert (data.root / NAME).stat().st_nlink == 1


async def test_blocks_are_shared_where_the_file_system_can(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def shares(source: int, target: int) -> bool:
        os.copy_file_range(source, target, len(WEIGHTS), 0, 0)  # as the file system would, of no cost
        return True

    monkeypatch.setattr("mlc.runtime.contents.laying.shares_blocks", shares)
    used = await machine.use(linked=True)
    assert used.stat().st_nlink == 1
    assert used.read_bytes() == WEIGHTS
    machine.kept.chmod(0o600)
    machine.kept.write_bytes(b"x" * len(WEIGHTS))
    machine.kept.chmod(0o400)
    assert (await machine.use(linked=True)).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, 0]


async def test_where_no_further_name_can_be_given_a_file_is_copied(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", link)
    used = await machine.use(linked=True)
    assert (used.read_bytes(), used.stat().st_nlink) == (WEIGHTS, 1)


# Hostile or damaged


def rewritten(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "another content": (lambda p: rewritten(p, b"x" * len(WEIGHTS)), "its content is another"),
    "a flipped bit": (lambda p: rewritten(p, bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:]), "its content is another"),
    "cut": (lambda p: rewritten(p, WEIGHTS[:-1]), "bytes instead of"),
    "longer": (lambda p: rewritten(p, WEIGHTS + b"x"), "bytes instead of"),
    "empty": (lambda p: rewritten(p, b""), "bytes instead of"),
    "writable": (lambda p: p.chmod(0o600), "its permissions are 600"),
    "writable by others": (lambda p: p.chmod(0o422), "its permissions are 422"),
    "unreadable": (lambda p: p.chmod(0), "its permissions are 0"),
    "a link": (lambda p: replaced(p, lambda p: p.symlink_to("/etc/passwd")), "no regular file"),
    "a link to itself": (lambda p: replaced(p, lambda p: p.symlink_to(p)), "no regular file"),
    "a pipe": (lambda p: replaced(p, os.mkfifo), "no regular file"),
    "a folder": (lambda p: replaced(p, lambda p: (p / "x").mkdir(parents=True)), "no regular file"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE.keys())
async def test_what_is_not_as_it_was_kept_is_dropped_and_fetched_again(
    machine: Machine, caplog: pytest.LogCaptureFixture, linked: bool, damage: Callable[[Path], object], said: str
) -> None:
    await machine.use(linked=linked)
    damage(machine.kept)
    assert (await machine.use(linked=linked)).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, 0]
    assert said in caplog.text
    assert machine.names == {machine.weights.sha256}
    assert (await machine.use(linked=linked)).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_what_is_anothers_is_dropped_and_fetched_again(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    await machine.use()
    os.chown(machine.kept, 65534, 65534)
    assert (await machine.use()).stat().st_uid == 0
    assert "it is another account's" in caplog.text


async def test_one_that_is_changed_each_time_is_an_error_and_not_tried_for_ever(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch = "mlc.runtime.contents.cache._touch"
    monkeypatch.setattr(touch, lambda _: rewritten(machine.kept, b"x" * len(WEIGHTS)))
    with pytest.raises(OSError, match="was changed each time"):
        await machine.use()
    assert len(machine.center.weights_asked) == 3


LOCKS: dict[str, Callable[[Path], object]] = {
    "a link": lambda p: p.symlink_to("/etc/passwd"),
    "a pipe": os.mkfifo,
    "a folder": lambda p: (p / "x").mkdir(parents=True),
    "nobody's": lambda p: p.touch(0),
}


@pytest.mark.parametrize("make", LOCKS.values(), ids=LOCKS.keys())
async def test_what_is_in_the_place_of_a_lock_keeps_nobody_waiting(
    machine: Machine, make: Callable[[Path], object]
) -> None:
    machine.folder.mkdir()
    make(machine.kept.with_suffix(".lock"))
    assert (await machine.use()).read_bytes() == WEIGHTS


@pytest.mark.parametrize("make", [*LOCKS.values(), Path.touch], ids=[*LOCKS.keys(), "a file"])
async def test_what_is_in_the_place_of_a_part_is_no_part(machine: Machine, make: Callable[[Path], object]) -> None:
    machine.folder.mkdir()
    make(machine.part)
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.names == {machine.weights.sha256}


async def test_a_part_with_a_second_name_could_be_written_to_and_is_no_part(machine: Machine, tmp_path: Path) -> None:
    machine.folder.mkdir()
    (tmp_path / "mine").write_bytes(WEIGHTS[:PIECE])
    os.link(tmp_path / "mine", machine.part)
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0]
    assert (tmp_path / "mine").read_bytes() == WEIGHTS[:PIECE]


async def test_one_that_was_killed_when_it_was_whole_is_not_fetched_again(machine: Machine) -> None:
    machine.folder.mkdir()
    machine.part.write_bytes(WEIGHTS)
    machine.part.chmod(0o400)
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.asked == []


async def test_a_cache_that_is_removed_while_one_waits_keeps_nobody_waiting(machine: Machine) -> None:
    machine.center.gate, machine.center.gate_at = asyncio.Event(), PIECE
    first = asyncio.create_task(machine.use())
    await until(lambda: machine.part.exists() and machine.part.stat().st_size >= PIECE)
    second = asyncio.create_task(machine.use())
    await until(lambda: len(machine.told) == 1)
    shutil.rmtree(machine.folder)
    machine.center.gate.set()
    assert (await second).read_bytes() == WEIGHTS
    await asyncio.gather(first, return_exceptions=True)


async def test_a_jobs_folder_that_is_gone_is_no_damage_of_what_is_kept(machine: Machine) -> None:
    await machine.use()
    directory = machine.job()
    shutil.rmtree(directory.root)
    with pytest.raises(FileNotFoundError):
        await machine.fetching().fetch(machine.weights, directory, NAME, fixed=True)
    assert machine.kept.exists()


async def test_what_is_in_the_place_of_the_folder_goes(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    machine.folder.symlink_to(tmp_path / "elsewhere")
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert not machine.folder.is_symlink()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    machine.folder.chmod(0o777)
    await machine.use()
    assert stat.S_IMODE(machine.folder.stat().st_mode) == 0o700


# On the way


async def test_a_connection_lost_in_the_middle_is_made_again_from_where_it_stood(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.center.before = CutOnce(PIECE, 3 * PIECE, 3 * PIECE)
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, PIECE, 3 * PIECE, 3 * PIECE]
    assert "The connection was lost. It goes on from" in caplog.text


async def test_a_stream_that_just_ends_too_early_goes_on(machine: Machine) -> None:
    whole = machine.center.stream

    async def ends_early(asset: Asset, *, start: int = 0) -> AsyncIterator[bytes]:
        async for piece in whole(asset, start=start):
            yield piece
            if start == 0:
                return

    machine.center.stream = ends_early  # type: ignore[method-assign]
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, PIECE]


async def test_a_killed_runtimes_download_is_gone_on_with(machine: Machine) -> None:
    machine.folder.mkdir()
    machine.part.write_bytes(WEIGHTS[: 2 * PIECE])
    holder = f"""
import fcntl, sys, time
lock = open({str(machine.kept.with_suffix(".lock"))!r}, "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""
    killed = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    try:
        assert await asyncio.to_thread(killed.stdout.readline) == "held\n"
        using = asyncio.create_task(machine.use())
        await until(lambda: machine.told == ["waiting until another has fetched weights.bin"])
        assert machine.center.asked == []
    finally:
        killed.kill()
        killed.wait()
        killed.stdout.close()
    assert (await using).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [2 * PIECE]


async def test_two_that_want_the_same_fetch_it_once_and_the_second_says_what_it_waits_for(machine: Machine) -> None:
    machine.center.gate, machine.center.gate_at = asyncio.Event(), PIECE
    first = asyncio.create_task(machine.use())
    await until(lambda: machine.part.exists() and machine.part.stat().st_size >= PIECE)
    second = asyncio.create_task(machine.use())
    await until(lambda: machine.told == ["waiting until another has fetched weights.bin"])
    machine.center.gate.set()
    assert {(await using).read_bytes() for using in (first, second)} == {WEIGHTS}
    assert machine.center.weights_asked == [0]


async def test_when_the_first_is_cancelled_the_second_goes_on_from_its_part(machine: Machine) -> None:
    machine.center.gate, machine.center.gate_at = asyncio.Event(), PIECE
    first = asyncio.create_task(machine.use())
    await until(lambda: machine.part.exists() and machine.part.stat().st_size >= PIECE)
    second = asyncio.create_task(machine.use())
    await until(lambda: len(machine.told) == 1)
    first.cancel()
    machine.center.gate.set()
    assert (await second).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, PIECE]
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize("part", [b"x" * PIECE, WEIGHTS[:-1] + b"x", WEIGHTS + b"x"], ids=["start", "end", "longer"])
async def test_a_part_that_was_changed_costs_a_second_download_and_no_more(machine: Machine, part: bytes) -> None:
    machine.folder.mkdir()
    machine.part.write_bytes(part)
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.weights_asked[-1] == 0


@pytest.mark.parametrize(
    "wrong", [b"x" * len(WEIGHTS), WEIGHTS[:-1], WEIGHTS + b"x", b""], ids=["other", "shorter", "longer", "empty"]
)
async def test_a_wrong_content_is_an_error_and_nothing_of_it_is_kept(machine: Machine, wrong: bytes) -> None:
    machine.center.files["weights.bin"] = wrong
    directory = machine.job()
    with pytest.raises(WrongContent) as raised:
        await machine.fetching().fetch(machine.weights, directory, NAME, fixed=True)
    assert f"its SHA-256 should be {machine.weights.sha256}" in str(raised.value)
    assert machine.names == set()
    assert list(directory.root.iterdir()) == []


async def test_without_a_size_the_hash_decides(machine: Machine) -> None:
    unknown = machine.weights.model_copy(update={"size": None})
    assert (await machine.use(unknown)).read_bytes() == WEIGHTS
    shutil.rmtree(machine.folder)
    machine.center.files["weights.bin"] = WEIGHTS[:-1]
    with pytest.raises(WrongContent, match="its SHA-256 is"):
        await machine.use(unknown)


@pytest.mark.parametrize("size", [len(WEIGHTS), 5], ids=["large", "small"])
async def test_what_the_centre_refuses_is_an_error_with_its_words_and_nothing_is_kept(
    machine: Machine, size: int
) -> None:
    asset = machine.center.asset("weights.bin", WEIGHTS[:size])
    machine.center.before = CutOnce(0, error=Refused("model centre", "It may not be read.", status=403))
    directory = machine.job()
    with pytest.raises(
        Unfetched, match=r"The file weights\.bin of the model centre can't be had: It may not be read\."
    ):
        await machine.fetching().fetch(asset, directory, NAME, fixed=True)
    assert list(directory.root.iterdir()) == []
    assert not machine.folder.exists() or machine.names == set()


async def test_one_that_takes_too_long_is_given_up_and_gone_on_with_later(machine: Machine) -> None:
    machine.center.gate, machine.center.gate_at = asyncio.Event(), PIECE
    with pytest.raises(TakesTooLong, match=r"longer than 0.2 seconds.*MLC_RUNTIME_FETCH_TIME_LIMIT"):
        await machine.use(time=0.2)
    machine.center.gate.set()
    assert (await machine.use()).read_bytes() == WEIGHTS
    assert machine.center.weights_asked == [0, PIECE]


async def test_what_takes_long_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(download, "FIRST_TOLD", 0.0)
    monkeypatch.setattr(download, "TOLD", 0.01)
    caplog.set_level(logging.INFO)
    machine.center.gate, machine.center.gate_at = asyncio.Event(), 2 * 2**20
    using = asyncio.create_task(machine.use())
    await until(lambda: "fetching weights.bin: 2 MB of 3 MB" in machine.told)
    machine.center.gate.set()
    await using
    assert "fetching weights.bin: 2 MB of 3 MB" in caplog.text


def test_sizes_are_shown_as_people_say_them() -> None:
    assert [content_room.shown_size(size) for size in (0, 512 * 2**20, 2 * 2**30)] == ["0 MB", "512 MB", "2.0 GB"]


# Bounds


async def test_those_that_were_not_used_for_longest_go_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path, limit=8 * 2**20)  # two of them, and a bit
    others = [machine.center.asset(f"{n}.bin", os.urandom(3 * 2**20)) for n in range(3)]
    for age, asset in zip((300, 200), others[:2], strict=True):
        await machine.use(asset)
        os.utime(machine.folder / f"{asset.sha256}.lock", (time.time() - age,) * 2)
    await machine.use(others[0])  # is the newer one now
    await machine.use(others[2])
    assert machine.names == {others[0].sha256, others[2].sha256}


async def test_what_is_in_use_stays_however_little_may_be_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path, limit=0)
    used = await machine.use(linked=True)
    other = machine.center.asset("other.bin", os.urandom(2 * 2**20))
    await machine.use(other)
    if used.stat().st_nlink > 1:
        assert machine.names == {machine.weights.sha256, other.sha256}
    used.unlink()
    third = machine.center.asset("third.bin", os.urandom(2 * 2**20))
    await machine.use(third)
    assert machine.names == {third.sha256}
    assert {path.stem for path in machine.folder.iterdir()} == {third.sha256}


async def test_what_is_being_laid_out_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, limit=0)
    await machine.use()
    other = machine.center.asset("other.bin", os.urandom(2 * 2**20))
    reading, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    copied = content_room.copied

    def slowly(*arguments: Any) -> str:
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        return copied(*arguments)

    monkeypatch.setattr("mlc.runtime.contents.laying.copied", slowly)
    using = asyncio.create_task(machine.use())
    await reading.wait()
    monkeypatch.setattr("mlc.runtime.contents.laying.copied", copied)
    await machine.use(other)
    assert machine.names == {machine.weights.sha256, other.sha256}
    go_on.set()
    assert (await using).read_bytes() == WEIGHTS


async def test_what_nobody_goes_on_with_goes_after_a_day(machine: Machine) -> None:
    machine.folder.mkdir()
    for age, name in ((UNFINISHED + 60, "a" * 64), (UNFINISHED - 3600, "b" * 64)):
        (machine.folder / f"{name}.part").write_bytes(b"x")
        os.utime(machine.folder / f"{name}.part", (time.time() - age,) * 2)
    await machine.use()
    assert machine.names == {machine.weights.sha256, "b" * 64 + ".part"}


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_disk_that_gets_full_is_a_clear_error_and_keeps_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    pwrite = os.pwrite

    def fills(descriptor: int, data: bytes, at: int) -> int:
        nonlocal writes
        writes += 1
        return pwrite(descriptor, data, at) if writes < 3 else full()

    monkeypatch.setattr(os, "pwrite", fills)
    with pytest.raises(DiskFull, match=r"no room on the runtime's disk for weights.bin \(3 MB\)"):
        await machine.use()
    assert machine.names == set()


async def test_a_disk_without_room_is_said_before_anything_is_fetched_and_what_is_unused_goes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    unused = machine.center.asset("unused.bin", os.urandom(2 * 2**20))
    await machine.use(unused)
    monkeypatch.setattr(ContentCache, "_free", lambda _: 2**20)
    with pytest.raises(DiskFull):
        await machine.use()
    assert machine.center.weights_asked == []
    assert machine.names == set()


async def test_when_cancelled_while_it_is_laid_out_nothing_goes_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await machine.use()
    started, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(_: object, __: object, check: Callable[[], None]) -> str:
        loop.call_soon_threadsafe(started.set)
        try:
            while True:
                check()
                time.sleep(0.01)
        finally:
            loop.call_soon_threadsafe(ended.set)

    monkeypatch.setattr("mlc.runtime.contents.laying.copied", endless)
    directory = machine.job()
    using = asyncio.create_task(machine.fetching().fetch(machine.weights, directory, NAME, fixed=True))
    await started.wait()
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert ended.is_set()
    assert list(directory.root.iterdir()) == []


async def test_many_at_once_all_get_it_and_one_fetches_it(machine: Machine, linked: bool) -> None:
    used = await asyncio.gather(*(machine.use(linked=linked) for _ in range(8)))
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in used} == {machine.weights.sha256}
    assert machine.center.weights_asked == [0]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():
            await asyncio.sleep(0.01)


async def tidied(machine: Machine, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """Look so many times at what is too much."""
    looked = asyncio.Queue[float]()

    async def sleep(seconds: float) -> None:
        await looked.put(seconds)
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr("mlc.runtime.contents.cache.asyncio.sleep", sleep)
        for _ in range(times):
            keeping = asyncio.create_task(ContentCache(machine.folder, machine.limit).keep_tidy())
            assert await looked.get() == TIDIED_EVERY
            keeping.cancel()


async def test_what_nobody_goes_on_with_goes_though_nothing_else_is_fetched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tidied(machine, monkeypatch)
    assert not machine.folder.exists(), "nothing is made where nothing was fetched"
    machine.folder.mkdir()
    for age, name in ((UNFINISHED + 60, "a" * 64), (UNFINISHED - 3600, "b" * 64)):
        (machine.folder / f"{name}.part").write_bytes(b"x")
        os.utime(machine.folder / f"{name}.part", (time.time() - age,) * 2)
    await tidied(machine, monkeypatch, 2)
    assert machine.names == {"b" * 64 + ".part"}


async def test_a_lower_limit_counts_though_nothing_else_is_fetched_and_unfinished_ones_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path)
    await machine.use()
    (machine.folder / f"{'b' * 64}.part").write_bytes(WEIGHTS)
    (machine.folder / "not ours").write_bytes(WEIGHTS)
    os.utime(machine.folder / f"{machine.weights.sha256}.lock", (time.time() - 300,) * 2)
    machine.limit = 5 * 2**20
    await tidied(machine, monkeypatch)
    assert {path.name for path in machine.folder.iterdir()} == {"not ours", "b" * 64 + ".part"}


async def test_what_is_fetched_just_now_is_not_tidied_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, limit=0)
    begun, go_on = asyncio.Event(), asyncio.Event()
    stream = machine.center.stream

    async def slowly(asset: Asset, *, start: int = 0) -> AsyncIterator[bytes]:
        async for piece in stream(asset, start=start):
            yield piece
            begun.set()
            await go_on.wait()

    monkeypatch.setattr(machine.center, "stream", slowly)
    using = asyncio.create_task(machine.use())
    await begun.wait()
    await tidied(machine, monkeypatch)
    assert machine.names == {f"{machine.weights.sha256}.part"}
    go_on.set()
    assert (await using).read_bytes() == WEIGHTS


async def test_a_folder_that_cannot_be_looked_through_is_said_and_ends_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: ContentCache) -> list[Any]:
        raise OSError(errno.EIO, "Input/output error")

    await machine.use()
    with monkeypatch.context() as patch:
        patch.setattr(ContentCache, "_kept", broken)
        await tidied(machine, monkeypatch)
    assert "can't be looked through (Input/output error)" in caplog.text


async def test_a_small_file_that_has_no_room_leaves_no_half(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    small = machine.center.asset("small.bin", os.urandom(SMALL // 2))
    directory, create = machine.job(), WorkingDirectory.create

    class Full:
        """A file of which the first bytes had room."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, _: bytes) -> int:
            self.file.write(b"half of it")
            return full()

    monkeypatch.setattr(WorkingDirectory, "create", lambda here, name: Full(create(here, name)))
    with pytest.raises(OSError, match="No space left"):
        await machine.fetching().fetch(small, directory, NAME, fixed=True)
    assert directory.kind(NAME) is None
