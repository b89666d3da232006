"""Input files read record by record, however large they are: what score functions take."""

import io
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .columnar import TABLES, table_records
from .columns import Columns
from .cutting import Piece, pieces
from .unreadable import Broken, Unreadable

FIRST_LINE = 256 * 1024
"""A first line longer than this, in bytes, is not looked at as a record: the file is taken for one document."""
LARGEST_DOCUMENT = 64 * 1024**2
"""A JSON file that is neither an array nor JSON lines is read whole, and may have so many bytes."""
CHUNK = 256 * 1024
_scan: Callable[[str, int], tuple[Any, int]] = getattr(json.JSONDecoder(), "scan_once")  # noqa: B009 - no type stub has it
_BETWEEN = secrets.randbits(60)
_SEAM = f",{_BETWEEN},"
NEAR_THE_END = 16
"""No token of JSON but a string is longer: an error so far from a chunk's end does not come from the cut."""


def read_records(path: Path, file_format: str, name: str, kinds: dict[str, str] | None = None) -> Iterator[Any]:
    """One input file record by record, a :class:`Broken` in the place of each that can't be read.

    Args:
        file_format: ``csv`` (a row becomes a dict), ``jsonl``, or ``json``: an array, JSON lines, one object, or
            columns (``{"a": [1, 2]}``); or ``parquet`` or ``arrow``, where pyarrow is (a row becomes a dict).
        name: what people call the file.
        kinds: of CSV columns, as :class:`.columns.Columns` takes them.

    Raises:
        Unreadable: nothing more can be read.
    """
    try:
        if file_format in TABLES:
            yield from table_records(path, file_format)
        elif file_format == "csv":
            columns = Columns(path, kinds or {})
            for piece in pieces(path, "csv", columns.start):
                yield from columns.records(path, piece)
        elif file_format == "jsonl" or is_lines(path):
            for piece in pieces(path, "jsonl", Piece(0, 0)):
                yield from json_records(path, piece)
        elif _first_character(path) == "[":
            yield from _json_array(path)
        else:
            yield from _json_document(path)
    except ValueError as error:  # also text that is not UTF-8
        kind = {"csv": "CSV", **TABLES}.get(file_format, "JSON")
        raise Unreadable(f"The input file {name} can't be read as {kind}: {error}.") from None


def json_records(path: Path, piece: Piece) -> list[Any]:
    """The lines of a piece as values, a :class:`Broken` in the place of each that can't be read."""
    content = piece.read(path)
    records: list[Any] = []
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        for number, raw in enumerate(io.BytesIO(content), start=piece.lines + 1):
            records += _record_of(raw, number)
        return records
    if (together := _together(lines)) is not None:
        return together
    for number, line in enumerate(lines, start=1):
        try:
            record, end = _scan(line, 0)
            if end == len(line) or line[end:] == "\r":
                records.append(record)
                continue
        except (StopIteration, ValueError, RecursionError):
            pass  # an empty line, one that begins with a space, or none that is JSON
        records += _record_of((line + "\n" * (number < len(lines))).encode(), piece.lines + number)
    return records


def _together(lines: list[str]) -> list[Any] | None:
    """The values of lines that each hold one, parsed as one array in half of the time; None if one may not.

    Between two lines stands a number that nobody can have written there: so what opens in one line and closes in
    another, or is more than one value, is seen.
    """
    whole = lines if lines[-1] else lines[:-1]
    try:
        found = json.loads(f"[{_SEAM.join(whole)}]")
    except (ValueError, RecursionError):
        return None
    seams = found[1::2]
    if len(found) != 2 * len(whole) - 1 or seams.count(_BETWEEN) != len(seams):
        return None
    values: list[Any] = found[::2]
    return values


def _record_of(line: bytes, number: int) -> list[Any]:
    if not line.strip():
        return []
    try:
        return [json.loads(line.decode("utf-8-sig"))]
    except (ValueError, RecursionError) as error:
        return [Broken(f"line {number}", f"can't be read as JSON: {error}")]


def is_lines(path: Path) -> bool:
    """Whether a JSON file holds JSON lines, which ModelOp calls JSON as well: its first line tells."""
    with path.open("rb") as lines:
        first = b""
        while not first.strip() and (first := lines.readline(FIRST_LINE)):
            pass
        if not any(more.strip() for more in iter(lambda: lines.readline(CHUNK), b"")):
            return False
    text = first.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith(b"{"):
        return text.endswith(b"}")
    if len(first) == FIRST_LINE:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _first_character(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as file:
        while text := file.read(CHUNK):
            if text := text.lstrip():
                return text[0]
    return ""


def _json_array(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as file:
        text = _Window(file)
        text.skip("[")
        if text.next_character() != "]":
            yield text.value()
            while text.next_character() == ",":
                text.skip(",")
                yield text.value()
        text.skip("]")
        if text.next_character():
            raise ValueError("something follows the end of the array")


class _Window:
    """The part of a JSON text that is being parsed: values are taken from its front, the file is read at its end."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def next_character(self) -> str:
        """The next one that is no white space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_on():
                return ""

    def skip(self, character: str) -> None:
        if self.next_character() != character:
            raise ValueError(f"a {character!r} is missing after what could be read")
        self._at += 1

    def value(self) -> Any:
        self.next_character()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos > len(self._text) - NEAR_THE_END
                if not cut or not self._read_on():
                    raise
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            else:
                if end < len(self._text) or not self._read_on():  # else a number may go on
                    self._at = end
                    return value

    def _read_on(self) -> bool:
        rest = self._text[self._at :]
        more = self._file.read(max(CHUNK, len(rest)))
        self._text, self._at = rest + more, 0
        return bool(more)


def _json_document(path: Path) -> Iterator[Any]:
    if (size := path.stat().st_size) > LARGEST_DOCUMENT:
        limit = LARGEST_DOCUMENT // 1024**2
        raise ValueError(
            f"it is one document of {size // 1024**2} MB, and {limit} MB is the most: write an array or JSON lines"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
        for piece in pieces(path, "jsonl", Piece(0, 0)):
            yield from json_records(path, piece)
        return
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    columns = list(document.values()) if isinstance(document, dict) else []
    if columns and all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        for cells in zip(*columns, strict=True):
            yield dict(zip(document, cells, strict=True))
    else:
        yield document
