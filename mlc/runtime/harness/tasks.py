"""What an input is scored in: pieces of its file where its records can be cut apart, else lists of them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from .block import Task
from .columnar import TABLES, table_types
from .columns import find
from .cutting import PIECE, Piece, header_of, pieces
from .records import is_lines
from .rows import header_in
from .schema import CheckedRecords, array_depth, column_kinds
from .unreadable import Unreadable

FIRST = 1024
BATCH_PIECE = 4 * 1024**2
"""Bytes of a piece where a function takes many records together: it decides which those are, so it never differs."""
BYTES_OF_RECORD = 128
"""Of a record in a list, about."""
FASTEST_GROWTH = 4
WANTED = 0.5
"""Seconds that a task should take, so that it is heard often enough how far a slow function is."""


class Size:
    """How large the next task is, in bytes: small at first, and more, or less, as the function is quick or slow."""

    def __init__(self, fixed: int | None = None) -> None:
        self._fixed = fixed
        self.value = fixed or FIRST

    def took(self, seconds: float, task: Task) -> None:
        """A task took so long. By its own size, since those behind it may have been handed out before."""
        if self._fixed is None:
            length = task.piece.length if task.piece else len(task.given) * BYTES_OF_RECORD
            self.value = max(1, min(PIECE, int(length * min(FASTEST_GROWTH, WANTED / max(seconds, 1e-6)))))


class Input:
    """An input of an order as tasks.

    Args:
        whole_frames: its columns are looked at for all that a data frame's types depend on.

    Raises:
        Unreadable: nothing can be read.
        ModelFailure: its schema can't be used.
    """

    def __init__(self, source: dict[str, Any], *, whole_frames: bool) -> None:
        self._source = source
        self._path = Path(source["path"])
        self._is_csv = source["format"] == "csv"
        self.found: Mapping[str, Any] | None = None
        self.types: Mapping[str, str] = source.get("types") or {}
        self._start = Piece(0, 0)
        try:
            in_arrays = array_depth(source["schema"]) > 0
            lines = source["format"] == "jsonl" or (source["format"] == "json" and is_lines(self._path))
            self.in_pieces = not in_arrays and (self._is_csv or lines)
            if self._is_csv and not in_arrays:
                text, self._start = header_of(self._path)
                names = list(header_in(text))
                self.found = find(self._path, names, self._start, column_kinds(source["schema"]), whole=whole_frames)
            if whole_frames and source["format"] in TABLES:
                self.types = table_types(self._path, source["format"])
        except ValueError as error:
            kind = {"csv": "CSV", **TABLES}.get(source["format"], "JSON")
            raise Unreadable(f"The input file {source['name']} can't be read as {kind}: {error}.") from None

    def tasks(self, size: Size, after: Piece | None = None) -> Iterator[Task]:
        """What there is to be done, lazily, so that each is as large as ``size`` says then.

        Args:
            after: begin behind this piece. Of an input that isn't ``in_pieces`` its records are counted, and what comes
                before is read once more.
        """
        if self.in_pieces:
            start = after.after if after else self._start
            for piece in pieces(self._path, "csv" if self._is_csv else "jsonl", start, lambda: size.value):
                yield Task(piece.records, piece)
            return
        first = after.after.records if after else 0
        records = islice(CheckedRecords(self._source, scoring=True), first, None)
        while given := list(islice(records, max(1, size.value // BYTES_OF_RECORD))):
            yield Task(first, given=given)
            first += len(given)
