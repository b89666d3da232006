"""CSV files row by row. A cell's type is that of its whole column, as in a data frame of the same file."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

csv.field_size_limit(16 * 1024**2)

MISSING = frozenset(
    "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null,".split(",")  # noqa: SIM905 - shorter
)
"""Cells without a value: those that pandas.read_csv takes for missing by default (its parameter ``na_values``)."""
LONGEST_INTEGER = 1000
"""Digits; what has more is a number."""
_INTEGER = re.compile(rf"\s*[+-]?[0-9]{{1,{LONGEST_INTEGER}}}\s*", re.ASCII).fullmatch
_NUMBER = re.compile(
    r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE
).fullmatch
_TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": _TRUTHS.__getitem__,
    "text": str,
}
_TESTS: dict[str, Callable[[str], object]] = {
    "integer": _INTEGER,
    "number": _NUMBER,
    "boolean": _TRUTHS.__contains__,
    "text": lambda _: True,
}
Kinds = list[str]
ORDER = tuple(_CONVERTERS)
"""The kinds in the order in which they are tried: what fits the first is read as that."""


@dataclass(frozen=True)
class Row:
    """One row. ``problem`` is empty, or says why there is no record in it."""

    place: str
    cells: list[str] = field(default_factory=list)
    problem: str = ""


def header_in(text: str) -> dict[str, None]:
    """The names of the columns, in order, in the text of a file up to the end of its first row.

    Raises:
        ValueError: there is none, or it names a column twice.
    """
    for row in cells_of(io.StringIO(text, newline=""), None):
        if row.problem:
            raise ValueError(f"its header {row.problem}")
        header = dict.fromkeys(row.cells)
        if len(header) < len(row.cells):
            twice = next(cell for cell in row.cells if row.cells.count(cell) > 1)
            raise ValueError(f"its header names the column {twice!r} twice")
        return header
    raise ValueError("it is empty, and its first line should name the columns")


def cells_of(file: IO[str], width: int | None, *, lines: int = 0) -> Iterator[Row]:
    """The rows in a text that was opened with ``newline=""``.

    Args:
        width: how many cells they must have; None if that is not known.
        lines: how many come before it.
    """
    reader = csv.reader(file, strict=True)
    begins = 1
    while True:
        problem = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], f"can't be read as CSV: {error}"
        place, begins = _lines(lines + begins, lines + reader.line_num), reader.line_num + 1
        if not cells and not problem:  # an empty line
            continue
        if not problem and not _is_text(cells):
            problem = "is not UTF-8"
        if not problem and width is not None and len(cells) != width:
            problem = f"has {len(cells)} cells, and the header names {width} columns"
        yield Row(place, cells, problem)


def plain_rows(content: bytes, width: int) -> list[list[str]] | None:
    """The cells of all rows, none of which has a problem; None if one may have."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    widths = set(map(len, rows))
    if 0 in widths:  # empty lines
        widths.remove(0)
        rows = [row for row in rows if row]
    return rows if widths <= {width} else None


def is_of_kind(kind: str) -> Callable[[str], object]:
    """What tells of a cell whether it is of a kind."""
    return _TESTS[kind]


def converter_of(kind: str, *, declared: bool) -> Callable[[str], Any]:
    """What makes a value of a cell. A cell without a value is None.

    Args:
        declared: a schema says what the column holds.
    """
    if kind == "text" and declared:  # then NA is a text too, such as a country's code
        return lambda cell: cell or None
    convert, fits = _CONVERTERS[kind], _TESTS[kind]
    # What is not of the declared kind stays as it is: the schema's check, or the model, shall say so.
    return lambda cell: None if cell in MISSING else convert(cell) if fits(cell) else cell


def _lines(first: int, last: int) -> str:
    return f"line {last}" if first >= last else f"lines {first} to {last}"


def _is_text(cells: Iterable[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # a byte that UTF-8 has not, as a surrogate
        return False
    return True
