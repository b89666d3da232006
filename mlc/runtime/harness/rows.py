"""CSV files row by row. A cell's type is that of its whole column, as in a data frame of the same file."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

csv.field_size_limit(16 * 1024**2)

MISSING = frozenset(
    "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null,".split(",")  # noqa: SIM905 - shorter
)
"""Cells without a value: those that pandas.read_csv takes for missing by default (its parameter ``na_values``)."""
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*").fullmatch
_NUMBER = re.compile(
    r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE
).fullmatch
_TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
# In the order in which they are tried: what fits the first is read as that.
_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": _TRUTHS.__getitem__,
    "text": str,
}


@dataclass(frozen=True)
class Row:
    """One row. ``problem`` is empty, or says why there is no record in it."""

    place: str
    record: dict[str, Any]
    problem: str = ""


def read_rows(path: Path, kinds: dict[str, str]) -> Iterator[Row]:
    """The rows below the header, as dicts. A cell without a value is None.

    Args:
        kinds: what columns hold, where that is known: ``integer``, ``number``, ``boolean`` or ``text``. Of the others
            the file is read once before, so that one column never holds ``7`` in one record and ``"A7"`` in the next.

    Raises:
        ValueError: there is no header, or it names a column twice.
    """
    header = _header(path)
    found = kinds if header.keys() <= kinds.keys() else {**_kinds_found(path, list(header)), **kinds}
    converters = [_converter(found[column], declared=column in kinds) for column in header]
    names = list(header)
    for place, cells, problem in _cells(path, len(names)):
        record = {n: convert(c) for n, convert, c in zip(names, converters, cells, strict=True)} if not problem else {}
        yield Row(place, record, problem)


def count_rows(path: Path) -> int:
    """How many rows :func:`read_rows` finds, those with a problem among them.

    Raises:
        ValueError: as there.
    """
    _header(path)
    found = -1  # the header
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, strict=True)
        while True:
            try:
                for cells in reader:
                    if cells:
                        found += 1
                return found
            except csv.Error:
                found += 1


def _header(path: Path) -> dict[str, None]:
    for _, cells, problem in _cells(path, None):
        if problem:
            raise ValueError(f"its header {problem}")
        header = dict.fromkeys(cells)
        if len(header) < len(cells):
            twice = next(cell for cell in cells if cells.count(cell) > 1)
            raise ValueError(f"its header names the column {twice!r} twice")
        return header
    raise ValueError("it is empty, and its first line should name the columns")


def _cells(path: Path, width: int | None) -> Iterator[tuple[str, list[str], str]]:
    """Place, cells and problem of each row: of the header with the ``width`` None, else of those below it."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, strict=True)
        begins = 1
        first = True
        while True:
            problem = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                cells, problem = [], f"can't be read as CSV: {error}"
            place, begins = _lines(begins, reader.line_num), reader.line_num + 1
            if not cells and not problem:  # an empty line
                continue
            if not problem and not _is_text(cells):
                problem = "is not UTF-8"
            if width is None or not first:
                if not problem and width is not None and len(cells) != width:
                    problem = f"has {len(cells)} cells, and the header names {width} columns"
                yield place, cells, problem
            first = False


def _lines(first: int, last: int) -> str:
    return f"line {last}" if first >= last else f"lines {first} to {last}"


def _is_text(cells: Iterable[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # a byte that UTF-8 has not, as a surrogate
        return False
    return True


def _kinds_found(path: Path, names: list[str]) -> dict[str, str]:
    possible = [list(_CONVERTERS) for _ in names]
    for _, cells, problem in _cells(path, len(names)):
        if problem:
            continue
        for kinds, cell in zip(possible, cells, strict=True):
            while len(kinds) > 1 and cell not in MISSING and not _is(kinds[0], cell):
                del kinds[0]
    return {name: kinds[0] for name, kinds in zip(names, possible, strict=True)}


def _is(kind: str, cell: str) -> bool:
    match kind:
        case "integer":
            return bool(_INTEGER(cell))
        case "number":
            return bool(_NUMBER(cell))
        case "boolean":
            return cell in _TRUTHS
    return True


def _converter(kind: str, *, declared: bool) -> Callable[[str], Any]:
    if kind == "text" and declared:  # then NA is a text too, such as a country's code
        return lambda cell: cell or None
    convert = _CONVERTERS[kind]
    # What is not of the declared kind stays as it is: the schema's check, or the model, shall say so.
    return lambda cell: None if cell in MISSING else convert(cell) if _is(kind, cell) else cell
