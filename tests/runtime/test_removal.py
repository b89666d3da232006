"""Whatever a model made of its working directory, it can be removed."""

import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mlc.runtime import removal
from mlc.runtime.removal import remove


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "job"
    made.mkdir()
    return made


def deep(folder: Path, levels: int) -> None:
    """Folders within one another, deeper than any path may be long."""
    current = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=current)
        inner = os.open("d", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=current))
    os.close(current)


def test_folders_that_are_ten_thousand_deep_are_removed(folder: Path) -> None:
    deep(folder, 10_000)
    began = time.process_time()
    assert remove(folder)
    assert not folder.exists()
    assert time.process_time() - began < 10  # 1 s: not for each folder as long as it is deep


def test_a_folder_of_many_files_is_removed_a_part_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 7)
    for number in range(100):
        (folder / f"d{number}" / "e").mkdir(parents=True)
        (folder / f"d{number}" / "e" / "f").touch()
        (folder / str(number)).touch()
    assert remove(folder)
    assert not folder.exists()


def test_links_pipes_sockets_and_odd_names_are_removed_and_nothing_that_links_lead_to(
    folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    (kept / "file").chmod(0o400)
    (folder / "link").symlink_to(kept)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    os.link(kept / "file", folder / "hard")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / "socket"))
    for name in (b"caf\xe9", b"a\nb", b"-rf", b"x" * 255, b"\xff\xfe"):
        (folder / os.fsdecode(name)).mkdir()
        (folder / os.fsdecode(name) / os.fsdecode(name)).touch()
    assert remove(folder)
    assert not os.path.lexists(folder)
    assert (kept / "file").read_text() == "kept"
    assert (kept / "file").stat().st_mode & 0o777 == 0o400


def test_a_link_in_place_of_the_folder_is_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    (tmp_path / "job").symlink_to(kept)
    assert remove(tmp_path / "job")
    assert not os.path.lexists(tmp_path / "job")
    assert (kept / "file").exists()


def test_a_file_in_place_of_the_folder_and_no_folder_at_all_are_fine(tmp_path: Path) -> None:
    (tmp_path / "job").touch()
    assert remove(tmp_path / "job")
    assert not (tmp_path / "job").exists()
    assert remove(tmp_path / "job")
    assert remove(tmp_path / "nowhere" / "job")


LOCKED = """
import os, sys
from pathlib import Path
from mlc.runtime.removal import remove
os.setuid(65534)
folder = Path(sys.argv[1]) / "job"
(folder / "a" / "b").mkdir(parents=True)
(folder / "a" / "b" / "file").touch()
(folder / "c").mkdir()
(folder / "c" / "file").touch()
for path, mode in (("a/b/file", 0), ("a/b", 0), ("a", 0), ("c", 0o500), (".", 0o500)):
    (folder / path).chmod(mode)
assert remove(folder) and not folder.exists()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_folders_that_nobody_may_enter_are_removed_by_their_owner() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        Path(folder).chmod(0o777)
        command = [sys.executable, "-c", LOCKED, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lock files")
def test_files_and_folders_that_are_locked_by_flags_are_removed(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    for path, flag in ((folder / "a" / "file", 0x10), (folder / "a" / "b" / "log", 0x20)):
        path.touch()
        _set_flag(path, flag)
    _set_flag(folder / "a" / "b", 0x10)
    _set_flag(folder / "a", 0x20)
    assert remove(folder)
    assert not folder.exists()


def _set_flag(path: Path, flag: int) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, 0x40086602, flag.to_bytes(8, "little"))
    except OSError as error:
        pytest.skip(f"this file system has no such flags: {error}")
    finally:
        os.close(descriptor)


def test_what_cannot_be_removed_is_logged_once_and_everything_else_is_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
        (folder / name / "file").touch()
    (folder / "b" / "busy").touch()
    unlink = os.unlink

    def busy(path: str, **options: int) -> None:
        if path == "busy":
            raise OSError(16, "Device or resource busy", path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", busy)
    assert not remove(folder)
    monkeypatch.undo()
    assert [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))] == ["b", "b/busy"]
    assert len(caplog.records) == 1
    assert "Device or resource busy" in caplog.text


def test_a_name_that_is_listed_and_is_not_there_is_not_tried_without_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ghost").touch()
    unlink = os.unlink

    def nowhere(path: str, **options: int) -> None:
        if path == "ghost":
            raise FileNotFoundError(2, "No such file or directory", path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", nowhere)
    assert not remove(folder)


def test_no_descriptor_is_left(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    before = set(Path("/proc/self/fd").iterdir())
    remove(folder)
    assert set(Path("/proc/self/fd").iterdir()) == before
