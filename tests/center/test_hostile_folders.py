"""Whatever lies in a model folder: a sentence that names it, soon, and nothing of it is waited for or read whole."""

import json
import os
import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlc.center.modelop.folder import Examined, examine
from mlc.center.modelop.folder.files import FolderFiles
from mlc.center.modelop.spool import Files
from mlc.cli.validate import lines
from mlc.model.failure import Refused
from mlc.standalone.validation import validate

SCORE = "# modelop.score\ndef score(record):\n    yield record\n"
BOUND = 20.0
"""Seconds that a look at a folder may take, on a busy machine."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.py").write_text(SCORE)
    yield folder
    # A thousand folders within each other are more than Python's own removal, and so pytest's, gets through.
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def looked_at(place: Path) -> Examined:
    """What is found, and that it can be shown, as text and as JSON, within a bound."""
    began = time.monotonic()
    found = examine(place)
    report = validate(place).report
    assert time.monotonic() - began < BOUND
    shown = "\n".join([*lines(report), report.model_dump_json()])
    assert len(shown.encode()) < 200_000
    assert all(each.isprintable() and len(each) < 900 for each in [*found.problems, *found.notices, *report.warnings])
    return found


def refused(place: Path, *said: str) -> None:
    problems = looked_at(place).problems
    assert problems
    for text in said:
        assert any(text in problem for problem in problems), problems


def _link(name: str, to: str) -> Callable[[Path], None]:
    return lambda place: (place / name).symlink_to(place / to)


def _sparse(name: str) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        (place / name).touch()
        os.truncate(place / name, 2**40)

    return make


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(place)  # the address of a socket has room for 107 bytes
        try:
            listener.bind("s.csv")
        finally:
            os.chdir(before)


def _many(kind: Callable[[Path], Any], count: int) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        for number in range(count):
            kind(place / f"f{number}.csv")

    return make


def _deep(levels: int, name: str = "d") -> Callable[[Path], None]:
    def make(place: Path) -> None:
        before = Path.cwd()
        os.chdir(place)
        try:
            for _ in range(levels):
                Path(name).mkdir()
                os.chdir(name)
            Path("x.csv").touch()
        finally:
            os.chdir(before)

    return make


def _named(name: bytes) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        os.close(os.open(os.fsencode(place) + b"/" + name, os.O_CREAT | os.O_WRONLY))

    return make


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_link("a.csv", "a.csv"), "a.csv is a link that goes round in a circle; put the file itself there."),
        (_link("metadata.json", "metadata.json"), "metadata.json is a link that goes round in a circle"),
        (_link("loop", "loop/x"), "loop is a link that goes round in a circle"),
        (_link("gone.csv", "nothing"), "gone.csv is not a file; remove it."),
        (_link("up", ".."), "up is a link that leads out of the folder"),
        (lambda place: (place / "zero.csv").symlink_to("/dev/zero"), "zero.csv is a link that leads out of the folder"),
        (lambda place: os.mkfifo(place / "pipe.csv"), "pipe.csv is not a file; remove it."),
        (lambda place: os.mkfifo(place / "metadata.json"), "metadata.json is not a file; remove it."),
        (_socket, "s.csv is not a file; remove it."),
        (_sparse("big.csv"), "big.csv brings the folder over 45 MB"),
        (_sparse("big.py"), "big.py brings the folder over 45 MB"),
        (_sparse("metadata.json"), "metadata.json brings the folder over 45 MB"),
        (_sparse("in.avsc"), "in.avsc brings the folder over 45 MB"),
        (_many(Path.touch, 12_000), "holds more than 10000 files and folders"),
        (_many(lambda path: path.symlink_to("model.py"), 12_000), "holds more than 10000 files and folders"),
        (_many(Path.touch, 3_000), "holds more than 2000 files"),
        (_deep(1_000), "lies more than 30 folders deep"),
        (_deep(35, "d" * 100), "lies more than 30 folders deep"),
        (_named(b"d\xe9.csv"), "d\\xe9.csv has a name that not every system can hold; rename it."),
        (_named(b"a\nb\x1b[31m.csv"), "a?b?[31m.csv has a name"),
        (_named("a\u202eb.csv".encode()), "a?b.csv has a name"),
    ],
)  # fmt: skip
def test_what_lies_there_is_refused_by_name(place: Path, make: Callable[[Path], None], said: str) -> None:
    make(place)
    refused(place, said)


def test_100_000_files_are_not_even_listed(place: Path) -> None:
    for number in range(100_000):
        of = number // 50_000
        if number % 50_000:
            os.link(place / f"{of}.csv", place / f"f{number}.csv")
        else:
            (place / f"{of}.csv").touch()
    refused(place, "holds more than 10000 files and folders; keep large data out of the model.")


def test_one_name_in_two_unicode_forms_is_one_file_for_some_systems(place: Path) -> None:
    (place / "\u00e9.csv").touch()
    (place / "e\u0301.csv").touch()
    refused(place, "are one file for some systems; rename one of them.")


def test_a_hard_link_is_a_file_as_any_other(place: Path) -> None:
    os.link(place / "model.py", place / "copy.csv")
    assert looked_at(place).problems == []


def test_a_hidden_name_in_another_encoding_is_left_out_and_can_be_shown(place: Path) -> None:
    _named(b".d\xe9\n")(place)
    assert looked_at(place).notices == [".d\\xe9? is hidden, and is left out of the model."]


DEPTHS = (60, 900, 5_000, 100_000)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("name", "before", "one", "after"),
    [
        ("metadata.json", '{"custom":', '{"a":', "}"),
        ("metadata.json", '{"assets":{"model.py":', "[", "}}"),
        ("required_assets.json", "[", "[", "]"),
        ("external_assets.json", "[", "[", "]"),
        ("in.avsc", '{"type":"record","name":"r","fields":', "[", "}"),
        ("in.avsc", "", '{"type":"array","items":', ""),
    ],
)
def test_deep_json_is_refused(place: Path, depth: int, name: str, before: str, one: str, after: str) -> None:
    closing = "}" if one.startswith("{") else "]"
    (place / name).write_text(f"{before}{one * depth}{'1' if one.startswith('{') else ''}{closing * depth}{after}")
    large = len((place / name).read_bytes()) > 1_000_000
    refused(place, f"{name} is larger than 1 MB" if large else f"{name} is nested more than 50 levels deep")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("form", ["({}1{})", "-", "+1", ".b", "if 1:\n"])
def test_deep_source_is_read_or_refused(place: Path, depth: int, form: str) -> None:
    deep = {"({}1{})": "(" * depth + "1" + ")" * depth, "-": "-" * depth + "1", "+1": "1" + "+1" * depth}
    rest = {".b": "a" + ".b" * depth, "if 1:\n": "1\n" + "".join(f"{' ' * min(n, 99)}if 1:\n" for n in range(120))}
    (place / "model.py").write_text(f"{SCORE}x = {(deep | rest)[form]}\n")
    looked_at(place)


@pytest.mark.parametrize("digits", [400, 4_301, 900_000])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.json", '{{"name": {}}}'),
        ("metadata.json", '{{"custom": {{"x": [{}]}}}}'),
        ("metadata.json", '{{"assets": {{"model.py": {}}}}}'),
        ("required_assets.json", '[{{"assetRole": "TEST_DATA", "x": -{}}}]'),
        ("external_assets.json", '[{{"filename": "a", "fileUrl": "http://h/a", "fileSize": {}}}]'),
        ("in.avsc", '{{"type": "fixed", "name": "x", "size": {}}}'),
    ],
)
def test_a_number_of_many_digits_is_refused(place: Path, digits: int, name: str, text: str) -> None:
    (place / name).write_text(text.format("1" * digits))
    refused(place, f"{name} holds a number of ", " digits; write a shorter one, or a text.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"custom": {"x": NaN}}', "metadata.json holds NaN, which is no JSON"),
        ('{"custom": {"x": -Infinity}}', "metadata.json holds -Infinity"),
        ('{"custom": {"x": 1e400}}', "metadata.json holds the number 1e400"),
        ('{"name": "\\ud800"}', "metadata.json holds half a character"),
        ('{"\\udc80": 1}', "metadata.json holds half a character"),
        ('{"name": "a\\u0000b"}', "metadata.json: name: a?b holds characters that not every system can hold"),
        ('{"name": "a\\nb"}', "metadata.json: name: a?b holds characters"),
        (json.dumps({"name": "x" * 201}), "has more than 200 characters; shorten it."),
        (json.dumps({"tags": ["x" * 201]}), "metadata.json: tags: "),
        ('{"name": "a", "name": "b"}', "metadata.json gives 'name' twice in one object; keep one of them."),
        ('{"assets": {"model.py": "TEST_DATA", "model.py": "UNKNOWN"}}', "metadata.json gives 'model.py' twice"),
        (json.dumps({f"k{n}": 1 for n in range(3_000)}), "metadata.json holds more than 2000 entries"),
        (json.dumps({"assets": {f"k{n}": "X" for n in range(3_000)}}), "assets names more than 2000 files"),
        (json.dumps({"assets": {f"k{n}": "X" for n in range(1_000)}}), "There are "),
        (json.dumps({"x": "y" * 1_100_000}), "metadata.json is larger than 1 MB; leave data out of it."),
    ],
)
def test_metadata_that_others_could_not_read_are_refused(place: Path, text: str, said: str) -> None:
    (place / "metadata.json").write_text(text)
    refused(place, said)


WRONG = (
    [],
    {},
    1,
    1.5,
    True,
    None,
    "",
    "a/b",
    "a\0b",
    ["TEST_DATA"],
    {"assetRole": []},
    "x" * 5_000,
    "..",
    "/etc/passwd",
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:20])
def test_a_role_or_a_name_of_a_wrong_type_is_said_where_it_stands(place: Path, wrong: Any) -> None:
    def metadata(**said: Any) -> None:
        (place / "metadata.json").write_text(json.dumps(said))

    metadata(assets={"model.py": wrong})
    refused(place, "metadata.json: assets gives model.py the role ") if wrong != {} else looked_at(place)
    metadata(assets={"model.py": {"assetRole": wrong}})
    looked_at(place)
    metadata(assets={"model.py": {"primaryModelSource": wrong}})
    looked_at(place)
    if wrong is not None:
        metadata(primaryModelSource=wrong)
        refused(place, "primaryModelSource names ")
    for field in ("name", "type", "tags", "custom", "assets", "modelMethodology", "modelCategory", "inputSchema"):
        metadata(**{field: wrong})
        looked_at(place)
    metadata()
    for item in (wrong, {"assetRole": wrong}, {"assetRole": "TEST_DATA", "filename": wrong}, {wrong_key: wrong}):
        (place / "required_assets.json").write_text(json.dumps([item]))
        looked_at(place)
    (place / "required_assets.json").unlink()
    right = {"filename": "a.csv", "fileUrl": "http://h/a.csv", "assetRole": "TEST_DATA"}
    for field in ("filename", "fileUrl", "assetRole", "fileFormat", "fileSize", "contentHash"):
        (place / "external_assets.json").write_text(json.dumps([right | {field: wrong}]))
        found = looked_at(place)
        fits = (
            wrong is None
            or wrong in ("", {}, "a/b", "..", "/etc/passwd")
            or (field == "fileSize" and wrong == 1 and wrong is not True)
        )
        fits = fits or (field == "contentHash" and isinstance(wrong, dict) and "hexString" not in wrong)
        assert fits or found.problems, (field, wrong)
    (place / "external_assets.json").write_text(json.dumps([wrong]))
    refused(place, "external_assets.json: item 1 needs a filename and a fileUrl.")


wrong_key = "assetrole"


def test_a_large_source_is_not_read_as_python(place: Path) -> None:
    (place / "table.py").write_bytes(b"x=1\n" * 5_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = looked_at(place)
    assert found.problems == []
    assert found.notices[0].startswith("table.py is larger than 1 MB; move data out of the source.")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    (place / "metadata.json").write_text('{"primaryModelSource": "table.py"}')
    refused(place, "table.py is larger than 1 MB; move data out of the source.")


def test_a_file_that_vanishes_or_becomes_a_pipe_meanwhile_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = FolderFiles.__init__

    def changed(self: FolderFiles, folder: Path, largest: int | None) -> None:
        listed(self, folder, largest)
        (place / "model.py").unlink(missing_ok=True)
        if becomes == "a pipe":
            os.mkfifo(place / "model.py")

    for becomes in ("nothing", "a pipe"):  # noqa: B007 - read above
        (place / "model.py").unlink(missing_ok=True)
        (place / "model.py").write_text(SCORE)
        with monkeypatch.context() as patch:
            patch.setattr(FolderFiles, "__init__", changed)
            found = examine(place)
        assert found.folder is None
        assert "model.py can't be read (" in found.problems[0]


@pytest.mark.parametrize("text", [False, True])
def test_a_file_that_changes_while_it_is_sent_is_refused(place: Path, text: bool) -> None:
    files = Files()
    for change in (lambda path: path.write_text("longer by far"), lambda path: path.write_text(""), Path.unlink):
        (place / "x.csv").write_text("a\n")
        files.add(place / "x.csv", text=text)
        change(place / "x.csv")
        with pytest.raises(Refused, match=r"x\.csv.* was changed while it was sent"):
            list(files.pieces(len(files._files) - 1))
    os.mkfifo(place / "x.csv")
    with pytest.raises(Refused):
        list(files.pieces(0))
    with pytest.raises(Refused, match="can't be read"):
        files.add(place / "x.csv", text=True)


@pytest.mark.parametrize("kind", ["file", "loop", "device", "pipe", "missing", "empty", "link"])
def test_what_is_given_as_the_folder_is_looked_at_first(tmp_path: Path, place: Path, kind: str) -> None:
    given = tmp_path / "given"
    match kind:
        case "file":
            given.write_text("x")
        case "loop":
            given.symlink_to(given)
        case "device":
            given = Path("/dev/zero")
        case "pipe":
            os.mkfifo(given)
        case "empty":
            given.mkdir()
        case "link":
            given.symlink_to(place)
    found = looked_at(given)
    if kind == "link":
        assert found.problems == []
    else:
        assert ("holds no model" if kind == "empty" else "is not a folder") in found.problems[0]


def test_a_folder_whose_name_is_in_another_encoding_can_be_told_of(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xe9"))
    folder.mkdir()
    (folder / "model.py").write_text(SCORE)
    refused(folder, "metadata.json: name: m\\xe9 holds characters that not every system can hold; write another.")
    (folder / "metadata.json").write_text('{"name": "Model"}')
    assert looked_at(folder).problems == []


def test_a_path_that_is_longer_than_a_system_call_takes_is_said(place: Path) -> None:
    _deep(25, "d" * 200)(place)
    refused(place, " can't be read (File name too long); make it readable, or remove it.")


@pytest.mark.parametrize("tag", ["x" * 201, "a\nb", os.fsdecode(b"\xe9")])
def test_a_tag_that_no_system_holds_is_an_error(place: Path, tag: str) -> None:
    report = validate(place, [tag]).report
    report.model_dump_json()
    assert report.errors[0].startswith("The tag ")
