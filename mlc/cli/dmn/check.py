"""``mlc dmn check``: which files are meant, and what is said of them."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import typer

from mlc.dmn.analysis import Severity, analyse
from mlc.dmn.analysis.report import Checked, document, lines, passes, plain, summary
from mlc.dmn.model import MAX_BYTES
from mlc.terminal import printable

STDIN = "-"
MOST_FILES = 1_000
"""Files of one folder, with those in its folders. A folder of more is most likely not the one that was meant."""
PASSED, FOUND, UNREAD = 0, 1, 2
"""Exit codes."""
COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}


def check_files(
    named: Sequence[str],
    *,
    fail_on: str,
    as_json: bool,
    quiet: bool,
    dialect: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> int:
    """Look at the files, write what was found to stdout, and return the exit code. `dialect` is as for `load`.

    Raises:
        typer.BadParameter: a folder holds no decision table, or too many files.
    """
    severity = Severity(fail_on)
    all_checked = [_checked(name, dialect, max_bytes) for name in _each_once(named)]
    if as_json:
        typer.echo(json.dumps(document(all_checked, severity), indent=2))
    else:
        _tell(all_checked, quiet=quiet)
    if any(checked.analysis is None for checked in all_checked):
        return UNREAD
    return PASSED if passes(all_checked, severity) else FOUND


def _each_once(named: Sequence[str]) -> list[str]:
    """The files that are meant, in the order of the command: a folder's by name, and none twice."""
    found: dict[str, str] = {}
    for name in named:
        for file in _files(name):
            found.setdefault(_meant(file), file)
    return list(found.values())


def _meant(file: str) -> str:
    """The same for all names of one file."""
    with suppress(OSError, ValueError):  # a name that no file can have is told when the file is opened
        return file if file == STDIN else str(Path(file).resolve())
    return file


def _files(name: str) -> Iterator[str]:
    """The file, or those of a folder and of the folders in it, but for hidden ones."""
    folder = Path(name)
    is_folder = False
    with suppress(OSError, ValueError):
        is_folder = name != STDIN and folder.is_dir()
    if not is_folder:
        yield name
        return
    files: list[Path] = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        files += sorted(Path(top, each) for each in names if each.lower().endswith(".dmn"))
        if len(files) > MOST_FILES:
            raise typer.BadParameter(f"{printable(name)} holds more than {MOST_FILES:,} .dmn files: name a part of it.")
    if not files:
        raise typer.BadParameter(f"{printable(name)} holds no .dmn file.")
    yield from map(str, files)


def _checked(name: str, dialect: str | None, max_bytes: int) -> Checked:
    shown = "<stdin>" if name == STDIN else name
    try:
        if name == STDIN or not Path(name).is_file():  # what can be read once, and has nothing beside it
            content = _read(name, max_bytes)
            return Checked(shown, analyse(content, name=shown, max_bytes=max_bytes, dialect=dialect))
        return Checked(shown, analyse(name, max_bytes=max_bytes, dialect=dialect))
    except OSError as error:
        return Checked(shown, unread=error.strerror or str(error))
    except ValueError as error:  # a name with a null in it
        return Checked(shown, unread=str(error))


def _read(name: str, max_bytes: int) -> bytes:
    """One byte more than may be read, of a file that has so many."""
    if name == STDIN:
        return sys.stdin.buffer.read(max_bytes + 1)
    with Path(name).open("rb") as file:
        return file.read(max_bytes + 1)


def _tell(all_checked: Sequence[Checked], *, quiet: bool) -> None:
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for checked in all_checked:
        if checked.analysis is None:
            _say(f"{checked.name}: {checked.unread}", err=True)
            continue
        shown = list(lines(checked, quiet=quiet, paint=_painted if coloured else plain))
        for line in [*shown, ""] if shown else []:
            _say(line)
    _say(summary(all_checked))


def _painted(text: str, severity: Severity) -> str:
    return typer.style(text, fg=COLOURS[severity], bold=True)


def _say(line: str, *, err: bool = False) -> None:
    """Print a line, also where its letters can't be: names come from outside."""
    encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
    typer.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)
