"""Cases in CSV: a head row with the names of inputs and of expected outputs, and a case in each further row."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, DecimalException
from itertools import chain
from typing import Any, TextIO, TypeAlias

from .case import KEYS, Case, CasesError, case_of, nearest
from .interface import Interface

#: Characters of a line, and of a cell.
MOST = 1024 * 1024
#: Names with dots between them in the head.
MOST_PARTS = 50
ABSENT: Any = object()
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d[\d.]*,\d+|[+-]?,\d+", re.ASCII)
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)|#(?:N/A|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!)", re.IGNORECASE)
_WORDS = {"true": True, "false": False, "null": None}
_TEXT = ("name", "decision", "now")
Path: TypeAlias = tuple[str, ...]


def csv_cases(stream: TextIO, file: str, interface: Interface, begun: str = "") -> Iterator[Case]:
    """The cases of a file, of which `begun` has been read. Raises CasesError when its head is wrong, or where it can be
    read no further.
    """
    reader, rows = _rows(stream, file, begun)
    head = next(rows, None)
    if head is None:
        return
    columns = _columns([cell.strip() for cell in head], file, reader.line_num, interface)
    number, line = 0, reader.line_num
    for row in rows:
        begins, line = line + 1, reader.line_num
        if not any(cell.strip() for cell in row):
            continue
        number += 1
        defects: list[str] = []
        raw: dict[str, Any] = {}
        if len(row) < len(columns) or any(cell.strip() for cell in row[len(columns) :]):
            defects.append(f"it has {len(row)} cells, and the head {len(columns)}")
        for (name, path), cell in zip(columns, row, strict=False):
            value = cell.strip() or ABSENT if name in _TEXT else value_of(cell, name, defects)
            if value is not ABSENT:
                _put(raw, path, value)
        yield case_of(raw, (file, begins, number), defects)


def value_of(cell: str, column: str, defects: list[str]) -> Any:
    """The value that a cell stands for; ABSENT for an empty one.

    JSON, numbers as people write them, and TRUE and FALSE as spreadsheets do, are what they say; all else is text. Text
    that looks like one of them stands in quotation marks of its own, as in JSON.
    """
    text = cell.strip()
    if not text:
        return ABSENT
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return _digits(text, column, defects)
    told = ""
    if _COMMA.fullmatch(text):
        told = f"has a decimal comma: write {text.replace('.', '').replace(',', '.')}"
    elif _NO_NUMBER.fullmatch(text):
        told = "is no number that can be compared: leave a missing input empty, or write null"
    if told:
        quoted = '""'.join(("", text, ""))
        defects.append(f'column "{column}": {text} {told} (if it is text, "{quoted}")')
        return ABSENT
    return _json(text, column, defects) if text[0] in '"[{' else text


def _json(text: str, column: str, defects: list[str]) -> Any:
    """JSON, with what is wrong in it told."""

    def constant(name: str) -> None:
        defects.append(f'column "{column}": {name} is no number that can be compared')

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        times = Counter(name for name, _ in pairs)
        defects.extend(f'column "{column}": "{name}" is there twice' for name, count in times.items() if count > 1)
        return dict(pairs)

    def digits(number: str) -> Any:
        return _digits(number, column, defects)

    try:
        return json.loads(
            text, parse_float=digits, parse_int=digits, parse_constant=constant, object_pairs_hook=members
        )
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
        defects.append(
            f'column "{column}": {text[:40]} begins as JSON does and is none: {reason} (text that begins so stands in '
            "quotation marks of its own)"
        )
        return ABSENT


def _digits(text: str, column: str, defects: list[str]) -> Any:
    try:
        return Decimal(text)
    except DecimalException:
        defects.append(f'column "{column}": the number {text[:40]} is out of range')
        return ABSENT


def _rows(stream: TextIO, file: str, begun: str) -> tuple[Any, Iterator[list[str]]]:
    """The reader, whose `line_num` counts lines, and its rows. The cells are apart by what the head has most of."""
    skipped = begun.count("\n")
    first = begun.rpartition("\n")[2] + stream.readline(MOST + 1)
    while first and not first.strip():
        first, skipped = stream.readline(MOST + 1), skipped + 1
    if len(told := first.strip()) == 5 and told.startswith("sep="):
        delimiter, first, skipped = told[4], stream.readline(MOST + 1), skipped + 1
    else:
        bare = re.sub(r'"[^"]*"', "", first)
        delimiter = max(",;\t", key=bare.count)
    place = _Place(file, skipped)

    def lines() -> Iterator[str]:
        for line in chain(filter(None, [first]), iter(lambda: stream.readline(MOST + 1), "")):
            if len(line) > MOST:
                raise place.error(f"the line has more than {MOST:,} characters")
            yield line

    csv.field_size_limit(MOST)
    reader = csv.reader(lines(), delimiter=delimiter, strict=True, skipinitialspace=True)
    place.reader = reader
    return place, _read(reader, place)


class _Place:
    """Counts the lines of a reader that was not given the first ones."""

    def __init__(self, file: str, skipped: int) -> None:
        self.file, self.skipped = file, skipped
        self.reader: Any = None

    @property
    def line_num(self) -> int:
        return self.skipped + int(self.reader.line_num)

    def error(self, message: str) -> CasesError:
        return CasesError(f"{self.file}, line {self.line_num}: {message}")


def _read(reader: Any, place: _Place) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise place.error(f"it is not CSV: {error} (a quotation mark in a quoted cell is written twice)") from None


def _columns(head: list[str], file: str, line: int, interface: Interface) -> list[tuple[str, Path]]:
    """Where the cells of each column go in a case. Raises CasesError."""
    place = f"{file}, line {line}"
    while head and not head[-1]:
        head.pop()
    if "" in head:
        raise CasesError(f"{place}: a column of the head has no name")
    known = interface.inputs
    paths: dict[Path, str] = {}
    above: dict[Path, str] = {}
    for name in head:
        path = _column(name, head, place, interface, known)
        ways = [path[:end] for end in range(1, len(path) + 1)]
        its = next(filter(None, map(paths.get, ways)), above.get(path))
        if its is not None:
            raise CasesError(f'{place}: the columns "{its}" and "{name}" say the same: leave one of them out')
        paths[path] = name
        above.update(dict.fromkeys(ways[:-1], name))
    if not any(path[0] in ("expected", "problems") for path in paths):
        raise CasesError(
            f"{place}: no column says what is expected: name one expected, or by an output, expected.passes"
        )
    return [(name, path) for path, name in paths.items()]


def _column(name: str, head: list[str], place: str, interface: Interface, known: set[str]) -> Path:
    first, _, rest = name.partition(".")
    if first == "expected" and rest:
        return ("expected", *_path(rest, interface.outputs, f'{place}, column "{name}": there is no output'))
    if first == "inputs" and rest:
        return ("inputs", *_path(rest, known, f'{place}, column "{name}": there is no input'))
    if name in KEYS and name != "inputs":
        if name in known and f"inputs.{name}" not in head:
            raise CasesError(f'{place}: the model has an input "{name}": is it meant? Write inputs.{name}')
        return (name,)
    if name not in known and name in interface.columns:
        return ("expected", name)
    return ("inputs", *_path(name, known, f"{place}: there is no input", KEYS))


def _path(name: str, known: set[str] | None, unknown: str, others: Iterable[str] = ()) -> Path:
    """A name, or the way through contexts that it is; the longest known name wins. All names are known of None."""
    parts = name.split(".")
    if len(parts) > MOST_PARTS:
        raise CasesError(f'{unknown} "{name[:40]}...": it has more than {MOST_PARTS} parts')
    if known is None:
        return tuple(parts)
    for end in range(len(parts), 0, -1):
        first = ".".join(parts[:end])
        if first in known:
            return (first, *parts[end:])
    raise CasesError(f'{unknown} "{name}"{nearest(name, [*known, *others])}')


def _put(raw: dict[str, Any], path: Path, value: Any) -> None:
    """Give a case one more value. Problems are kinds with spaces or commas between them, or a list in JSON."""
    if path == ("problems",) and isinstance(value, str):
        value = value.replace(",", " ").split()
    for name in path[:-1]:
        raw = raw.setdefault(name, {})
    raw[path[-1]] = value
