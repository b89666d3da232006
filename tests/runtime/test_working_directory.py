"""A model's working directory is entered without following any link, and only regular files are opened."""

import os
from pathlib import Path, PurePosixPath

import pytest

from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import shown
from mlc.runtime.working_directory import DEEPEST, WorkingDirectory

FILE = PurePosixPath("sub/file")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "job"
    (made / "sub").mkdir(parents=True)
    (made / "sub" / "file").write_text("content")
    return made


@pytest.fixture
def directory(root: Path) -> WorkingDirectory:
    return WorkingDirectory(root)


def test_a_file_is_opened_by_its_name(directory: WorkingDirectory) -> None:
    with directory.open(FILE, "file") as file:
        assert file.read() == b"content"
        assert not os.get_inheritable(file.fileno())


@pytest.mark.parametrize(
    "name", ["../outside", "sub/../../outside", "sub/nowhere", "sub/file/x", "/etc/passwd", "", "sub"]
)
def test_names_that_lead_nowhere_or_out_are_refused(directory: WorkingDirectory, root: Path, name: str) -> None:
    (root.parent / "outside").write_text("secret")
    with pytest.raises(ModelFailure, match=r"^The result can't be read: "):
        directory.open(PurePosixPath(name), "result")
    if name.startswith(("..", "/", "sub/..")):
        with pytest.raises(OSError):  # noqa: PT011 - of any kind
            directory.create(PurePosixPath(name))
        assert (root.parent / "outside").read_text() == "secret"


def test_a_new_file_replaces_a_link_or_a_pipe_and_is_written_through_none(
    directory: WorkingDirectory, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_text("outside")
    (root / "a").symlink_to(tmp_path / "outside")
    os.mkfifo(root / "b")
    os.link(tmp_path / "outside", root / "c")
    for name in ("a", "b", "c", "new/folders/d"):
        with directory.create(PurePosixPath(name)) as file:
            file.write(b"written")
        assert (root / name).read_text() == "written"
        assert not (root / name).is_symlink()
    assert (tmp_path / "outside").read_text() == "outside"


def test_a_new_file_is_written_through_no_folder_that_is_a_link(directory: WorkingDirectory, root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(NotADirectoryError):
        directory.create(PurePosixPath("link/file"))
    with pytest.raises(NotADirectoryError):
        directory.move(FILE, PurePosixPath("link/file"))
    with pytest.raises(NotADirectoryError):
        directory.make(PurePosixPath("link/inner"))
    assert list(outside.iterdir()) == []


def test_moving_replaces_a_link_and_not_what_it_leads_to(directory: WorkingDirectory, root: Path) -> None:
    outside = root.parent / "outside"
    outside.write_text("outside")
    (root / "name").symlink_to(outside)
    directory.move(FILE, PurePosixPath("name"))
    assert (root / "name").read_text() == "content"
    assert outside.read_text() == "outside"


def test_entries_are_what_they_are_and_no_link_is_entered(directory: WorkingDirectory, root: Path) -> None:
    (root / "link").symlink_to(root.parent)
    os.mkfifo(root / "sub" / "pipe")
    (root / "left" / "out").mkdir(parents=True)
    checked: list[None] = []
    found = directory.entries(PurePosixPath(), lambda: checked.append(None), without={"left"})
    assert {str(entry.name): entry.kind for entry in found} == {
        "sub": "folder",
        "sub/file": "file",
        "sub/pipe": "pipe",
        "link": "link",
        "left": "folder",
    }
    assert len(checked) == 5


def test_folders_within_one_another_are_entered_so_far_and_no_farther(directory: WorkingDirectory, root: Path) -> None:
    (root / "/".join("d" * (DEEPEST + 20))).mkdir(parents=True)
    found = list(directory.entries(PurePosixPath(), lambda: None))
    assert max(len(entry.name.parts) for entry in found) == DEEPEST


def test_no_descriptor_is_left_whatever_goes_wrong(directory: WorkingDirectory, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("sub")
    before = set(Path("/proc/self/fd").iterdir())
    for name in ("pipe", "link", "link/file", "nowhere/x", "sub/file/x", "../x"):
        with pytest.raises(ModelFailure):
            directory.open(PurePosixPath(name), "file")
        directory.kind(PurePosixPath(name))
    next(iter(directory.entries(PurePosixPath(), lambda: None)))
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_names_are_shown_so_that_they_print(tmp_path: Path) -> None:
    assert shown("a/b c.txt") == "a/b c.txt"
    assert shown("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert shown(os.fsdecode(b"caf\xe9")) == "caf\\udce9"
    assert shown("x" * 5_000) == "x" * 60 + "..." + "x" * 60
    assert shown("\u202e" * 5_000).isprintable()
    assert len(shown("\u202e" * 5_000)) < 130
