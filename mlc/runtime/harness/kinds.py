"""What the columns of a CSV file hold, by all of its rows: a cell's type is that of its whole column.

Where pandas is there, it reads most of the file: see :mod:`.kinds_by_pandas`.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .cutting import Piece, pieces
from .rows import LONGEST_INTEGER, MISSING, ORDER, cells_of, is_of_kind, plain_rows

SAFE_DIGITS = 18
"""Of a whole number that fits into 64 bits."""
EXACT_DIGITS = 15
"""Of a whole number that is a floating-point number."""
LOOKED_AT = 1024**2
"""Bytes that are looked at together."""


@dataclass
class Column:
    """What a column may hold by the cells that were seen: ``kinds``, of which the first is tried first.

    ``missing``: it has cells without a value. ``wide``: it has whole numbers of more than 64 bits, or nearly;
    ``large``: such that floating-point numbers may not hold.
    """

    kinds: list[str] = field(default_factory=lambda: list(ORDER))
    missing: bool = False
    wide: bool = False
    large: bool = False

    @property
    def decided(self) -> bool:
        """Whether what it holds can't change."""
        return len(self.kinds) == 1

    def see(self, cells: Sequence[str]) -> None:
        """Drop what it can't hold by some of its cells."""
        present: Sequence[str] = cells
        if not MISSING.isdisjoint(cells):
            self.missing = True
            present = [cell for cell in cells if cell not in MISSING]
        while len(self.kinds) > 1 and not _all_are(self.kinds[0], present):
            del self.kinds[0]
        if present:
            self._see_numbers()
            if self.kinds[0] == "integer":
                digits = len(max(present, key=len))
                self.wide, self.large = self.wide or digits > SAFE_DIGITS, self.large or digits > EXACT_DIGITS

    def see_integers(self, values: Any) -> None:
        """Drop what it can't hold, where pandas read whole numbers."""
        if self.kinds[0] == "boolean":
            del self.kinds[0]
        self._see_numbers()
        most = max(int(values.max()), -int(values.min()))
        self.wide, self.large = self.wide or most >= 10**SAFE_DIGITS, self.large or most >= 10**EXACT_DIGITS

    def see_numbers(self) -> None:
        """Drop what it can't hold, where pandas read numbers of which one isn't whole."""
        while self.kinds[0] in {"integer", "boolean"}:
            del self.kinds[0]
        self._see_numbers()

    def _see_numbers(self) -> None:
        # A number is no truth, also where truths follow in other pieces.
        if self.kinds[0] in {"integer", "number"} and "boolean" in self.kinds:
            self.kinds.remove("boolean")


def look(path: Path, names: Sequence[str], start: Piece, *, whole: bool = False) -> dict[str, Column]:
    """Look at the columns of a file.

    Args:
        start: the end of its header.
        whole: also at columns that are known to hold text, for whether they miss values.
    """
    look_with_pandas = _quick_look()
    columns = [Column() for _ in names]
    for piece in pieces(path, "csv", start, LOOKED_AT):
        if not whole and all(column.decided for column in columns):
            break
        content = piece.read(path)
        if not (look_with_pandas and look_with_pandas(columns, content, piece.count, whole=whole)):
            _look_at_cells(columns, content)
    return dict(zip(names, columns, strict=True))


def _quick_look() -> Callable[..., bool] | None:
    try:
        from .kinds_by_pandas import look_with_pandas
    except ModuleNotFoundError:  # whoever counts records has no library
        return None
    return look_with_pandas


def _look_at_cells(columns: Sequence[Column], content: bytes) -> None:
    rows = plain_rows(content, len(columns))
    if rows is None:
        text = io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")
        rows = [row.cells for row in cells_of(text, len(columns)) if not row.problem]
    for column, cells in zip(columns, zip(*rows, strict=True), strict=False):
        column.see(cells)


def _all_are(kind: str, cells: Sequence[str]) -> bool:
    text = "".join(cells)
    if kind == "integer" and text.isascii() and text.isdigit() and len(max(cells, key=len)) <= LONGEST_INTEGER:
        return True
    if kind == "number" and is_numeric(text):
        return converts(float, cells)
    return all(map(is_of_kind(kind), cells))


def is_numeric(text: str) -> bool:
    """Whether in a column's text Python reads as numbers just what :mod:`.rows` does."""
    return text.isascii() and "_" not in text and "n" not in text and "N" not in text


def converts(convert: Callable[[str], Any], cells: Sequence[str]) -> bool:
    """Whether all cells can be converted."""
    try:
        list(map(convert, cells))
    except ValueError:
        return False
    return True
