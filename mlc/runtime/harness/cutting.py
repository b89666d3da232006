"""Where a file's records can be cut apart: pieces of some size that hold whole records, and can be read by themselves.

A piece is known by its place in the file, how many lines and records come before it, and how many records are in it:
so that pieces can be read in another process, or later, and still tell the numbers that people count by.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 128 * 1024
"""Bytes of a piece: large enough that handing it over costs nothing, small enough that its records fit into a cache."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAY_BE_BLANK = re.compile(rb"\n\s").search
"""How a line begins that may be blank."""
_EMPTY = re.compile(rb"\n\n").search  # in half the time of `in`


@dataclass(frozen=True)
class Piece:
    """A part of a file: ``length`` bytes from ``offset`` on, after so many ``lines`` and ``records``.

    In it are ``count`` records, those that can't be used among them, and ``ends`` ends of lines.
    """

    offset: int
    length: int
    lines: int = 0
    records: int = 0
    count: int = 0
    ends: int = 0

    @property
    def after(self) -> "Piece":
        """The empty piece that follows."""
        return Piece(self.offset + self.length, 0, self.lines + self.ends, self.records + self.count)

    def read(self, path: Path) -> bytes:
        """Its bytes.

        Raises:
            ValueError: the file is shorter than it was.
        """
        with path.open("rb") as file:
            file.seek(self.offset)
            content = file.read(self.length)
        if len(content) < self.length:
            raise ValueError("the file became shorter while it was read")
        return content


def pieces(path: Path, file_format: str, start: Piece, size: int | Callable[[], int] = PIECE) -> Iterator[Piece]:
    """The pieces of a file from ``start`` on, which is the end of its header or of another piece.

    Args:
        file_format: ``csv`` or ``jsonl``.
        size: bytes of a piece, about, or what tells it; a record that is larger has a piece of its own.
    """
    at, lines, records = start.offset, start.lines, start.records
    wanted = size if isinstance(size, int) else size()
    whole = _whole_rows if file_format == "csv" else _whole_lines
    with path.open("rb") as file:
        while True:
            file.seek(at)
            content = file.read(wanted)
            if not content:
                return
            last = len(content) < wanted or not file.read(1)
            found = whole(content, last)
            if found is None:  # a record that is larger than this
                wanted *= 2
                continue
            length, count, ends = found
            piece = Piece(at, length, lines, records, count, ends)
            yield piece
            at, lines, records = piece.after.offset, piece.after.lines, piece.after.records
            wanted = size if isinstance(size, int) else size()


def header_of(path: Path) -> tuple[str, Piece]:
    """The text of a CSV file up to the end of its first row, and the empty piece that follows it."""
    size = PIECE
    while True:
        with path.open("rb") as file:
            content = file.read(size)
        last = len(content) < size
        if not last:
            content = content[: content.rfind(b"\n") + 1]
        text = content.decode("utf-8-sig", "surrogateescape")
        lines = Lines(text)
        try:
            found = any(csv.reader(lines, strict=True))
        except csv.Error:
            found = True
        if last or (found and not lines.ended):
            break
        size *= 2
    taken = text[: lines.characters]
    mark = len(BYTE_ORDER_MARK) if content.startswith(BYTE_ORDER_MARK) else 0
    return taken, Piece(mark + len(taken.encode("utf-8", "surrogateescape")), 0, lines.taken)


def whole_records(content: bytes, file_format: str, *, last: bool) -> tuple[int, int] | None:
    """Bytes of the whole records, and how many there are, at the beginning of a content that begins with one.

    None if there are none.

    Args:
        last: nothing follows it.
    """
    found = (_whole_rows if file_format == "csv" else _whole_lines)(content, last)
    return found[:2] if found else None


def count_blank(content: bytes) -> int:
    """How many of the lines in a content are blank."""
    if not content[:1].isspace() and not _MAY_BE_BLANK(content):
        return 0
    return sum(not line.strip() for line in content.removesuffix(b"\n").split(b"\n"))


def _whole_lines(content: bytes, last: bool) -> tuple[int, int, int] | None:
    """Bytes, records and lines of the whole lines in a content; None if there are none."""
    if not last:
        content = content[: content.rfind(b"\n") + 1]
        if not content:
            return None
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    return len(content), lines - count_blank(content), lines


def _whole_rows(content: bytes, last: bool) -> tuple[int, int, int] | None:
    """Bytes, rows and lines of the whole rows in a content; None if there are none."""
    if not last:
        # Of "\r\n" the second may be missing yet.
        end = content.rfind(b"\n") + 1 or content.rfind(b"\r", 0, -1) + 1
        content = content[:end]
        if not content:
            return None
    if b'"' in content:
        return _whole_quoted_rows(content, last)
    length = len(content)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    has_empty = content.startswith(b"\n") or _EMPTY(content)
    empty = content.removesuffix(b"\n").split(b"\n").count(b"") if has_empty else 0
    return length, lines - empty, lines


def _whole_quoted_rows(content: bytes, last: bool) -> tuple[int, int, int] | None:
    text = content.decode("utf-8", "surrogateescape")
    lines = Lines(text)
    reader = csv.reader(lines, strict=True)
    count = characters = taken = 0
    while True:
        try:
            for cells in reader:
                count += bool(cells)
                characters, taken = lines.characters, lines.taken
            break
        except csv.Error:
            if lines.ended and not last:  # the end of a quoted cell is not there yet
                break
            count += 1
            characters, taken = lines.characters, lines.taken
    if not characters:
        return None
    return len(text[:characters].encode("utf-8", "surrogateescape")), count, taken


class Lines:
    """The lines of a text as :mod:`csv` reads them, counted as they are taken."""

    def __init__(self, text: str) -> None:
        self.taken = self.characters = 0
        self.ended = False
        self._lines = io.StringIO(text, newline="")

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken += 1
            self.characters += len(line)
            yield line
        self.ended = True
