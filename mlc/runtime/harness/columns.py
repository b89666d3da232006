"""The columns of CSV rows, converted a column at a time: what :mod:`.rows` does cell by cell, and the same values.

A whole column is converted at once where a few looks at all of its text show that every cell is what its kind says;
else it is done cell by cell.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

from .cutting import Piece, header_of
from .kinds import Column, is_numeric, look
from .rows import LONGEST_INTEGER, MISSING, cells_of, converter_of, header_in, plain_rows
from .unreadable import Broken

MOST_COMPILED = 500
"""Columns of which records are made by compiled code."""


class Columns:
    """The columns of one CSV file: their names, and how their cells become values.

    Args:
        declared: what columns hold, where a schema says so: see :func:`.rows.converter_of`. Of the others the file is
            read once before, so that one column never holds ``7`` in one record and ``"A7"`` in the next.
        found: what columns hold, if the whole file was looked at already: see :func:`find`.

    Raises:
        ValueError: there is no header, or it names a column twice.
    """

    def __init__(
        self, path: Path, declared: Mapping[str, str], found: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        text, self.start = header_of(path)
        self.names = list(header_in(text))
        self.found = found if found is not None else find(path, self.names, self.start, declared)
        self.declared = declared
        self.kinds = {name: declared[name] if name in declared else self.found[name]["kind"] for name in self.names}
        self.of_cell = [converter_of(self.kinds[name], declared=name in declared) for name in self.names]
        self.as_records = _maker(self.names)
        """Makes the records of the values of all columns."""
        self._of_column = [_whole(self.kinds[name], declared=name in declared) for name in self.names]

    def records(self, path: Path, piece: Piece) -> list[Any]:
        """The rows of a piece as dicts, a :class:`.unreadable.Broken` in the place of each that can't be used.

        Raises:
            ValueError: a cell can't be converted.
        """
        content = piece.read(path)
        rows = plain_rows(content, len(self.names))
        if rows is not None:
            return self._records(rows)
        found: list[Any] = []
        text = io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")
        for row in cells_of(text, len(self.names), lines=piece.lines):
            found.append(Broken(row.place, row.problem) if row.problem else self._record(row.cells))
        return found

    def _records(self, rows: list[list[str]]) -> list[Any]:
        if not rows:
            return []
        values = [
            of_column(cells, of_cell)
            for of_column, of_cell, cells in zip(self._of_column, self.of_cell, zip(*rows, strict=True), strict=True)
        ]
        return self.as_records(values)

    def _record(self, cells: Sequence[str]) -> dict[str, Any]:
        return {n: convert(cell) for n, convert, cell in zip(self.names, self.of_cell, cells, strict=True)}


def find(
    path: Path, names: Sequence[str], start: Piece, declared: Mapping[str, str], *, whole: bool = False
) -> dict[str, dict[str, Any]]:
    """What the columns hold that no schema declares, or all of them: ``kind``, ``missing``, ``wide`` and ``large``.

    Args:
        whole: see :func:`.kinds.look`.
    """
    if not whole and declared.keys() >= set(names):
        return {}
    return {name: _told(column) for name, column in look(path, names, start, whole=whole).items()}


def _told(column: Column) -> dict[str, Any]:
    return {"kind": column.kinds[0], "missing": column.missing, "wide": column.wide, "large": column.large}


def _maker(names: Sequence[str]) -> Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]:
    """What makes dicts of columns; the compiled display takes a third of the time that ``dict(zip(...))`` does."""
    if not 1 < len(names) <= MOST_COMPILED:
        return lambda columns: list(map(dict, map(zip, repeat(names), zip(*columns, strict=True))))
    cells = [f"c{number}" for number in range(len(names))]
    items = ", ".join(f"{name!r}: {cell}" for name, cell in zip(names, cells, strict=True))
    made: Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]] = eval(  # noqa: S307 - of literals
        f"lambda columns: [{{{items}}} for {', '.join(cells)} in zip(*columns, strict=True)]", {"zip": zip}
    )
    return made


OfCell = Callable[[str], Any]
OfColumn = Callable[[Sequence[str], OfCell], Sequence[Any]]


def _whole(kind: str, *, declared: bool) -> OfColumn:
    match kind:
        case "integer":
            return _integers
        case "number":
            return _numbers
        case "text" if not declared:
            return _texts
    return _cell_by_cell


def _cell_by_cell(cells: Sequence[str], of_cell: OfCell) -> Sequence[Any]:
    return list(map(of_cell, cells))


def _integers(cells: Sequence[str], of_cell: OfCell) -> Sequence[Any]:
    text = "".join(cells)
    if "" not in cells and text.isascii() and text.isdigit() and len(max(cells, key=len)) <= LONGEST_INTEGER:
        return list(map(int, cells))
    return _cell_by_cell(cells, of_cell)


def _numbers(cells: Sequence[str], of_cell: OfCell) -> Sequence[Any]:
    if MISSING.isdisjoint(cells) and is_numeric("".join(cells)):
        try:
            return list(map(float, cells))
        except ValueError:
            pass
    return _cell_by_cell(cells, of_cell)


def _texts(cells: Sequence[str], of_cell: OfCell) -> Sequence[Any]:
    return cells if MISSING.isdisjoint(cells) else _cell_by_cell(cells, of_cell)
