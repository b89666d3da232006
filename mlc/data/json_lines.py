"""Tables as JSON lines and back, for whoever can read or write nothing else."""

import base64
import json
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

from mlc.data.matching import BadData
from mlc.data.query import Batch

CELLS = 200_000
"""Values that are in memory at once."""
LONGEST = 16 * 1024**2
"""Bytes of a line, and about as many of the lines that are in memory at once."""
MOST_COLUMNS = 5_000
EXACT_DIGITS = 15
"""Decimal digits that every floating-point number keeps."""


def written(rows: Iterable[dict[str, Any]], exact: Callable[[str], bool]) -> Iterator[bytes]:
    """Rows as JSON lines. Times are ISO 8601, bytes base64, NaN and infinities as Python's JSON has them.

    Args:
        exact: whether a column's decimals are exact as JSON's numbers; of the others they are text.
    """
    for row in rows:
        record = {name: _plain(value, number=exact(name)) for name, value in row.items()}
        yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _plain(value: Any, *, number: bool) -> Any:  # noqa: PLR0911 - one return a type
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return float(value) if number and math.isfinite(value) else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {str(name): _plain(each, number=number) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each, number=number) for each in value]
    return str(value)


def columns(file: IO[bytes]) -> list[str]:
    """The names in all records of a file of JSON lines, in the order in which they first come.

    Raises:
        BadData: a record is no object or too long, or there are no names, or too many.
    """
    names: dict[str, None] = {}
    for record, _ in _records(file):
        names |= dict.fromkeys(record)
        if len(names) > MOST_COLUMNS:
            raise BadData(f"its records have more than {MOST_COLUMNS:,} names together, which would be its columns")
    if not names:
        raise BadData("there is no record from which its columns could be known")
    return list(names)


def batches(file: IO[bytes], names: list[str]) -> Iterator[Batch]:
    """The records of such a file as rows of these columns; what a record lacks is missing.

    Raises:
        BadData: as :func:`columns`.
    """
    some: list[dict[str, Any]] = []
    size = 0
    for record, length in _records(file):
        some.append(record)
        size += length
        if len(some) * len(names) >= CELLS or size >= LONGEST:
            yield _batch(some, names)
            some, size = [], 0
    yield _batch(some, names)


def _batch(some: list[dict[str, Any]], names: list[str]) -> Batch:
    return Batch(names, [[_flat(record.get(name)) for record in some] for name in names])


def _flat(value: Any) -> Any:
    """What is nested has another shape in the next record, and is text: a column has one type."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _records(file: IO[bytes]) -> Iterator[tuple[dict[str, Any], int]]:
    """Each record, and how many bytes it has. Whoever wrote them is not trusted."""
    file.seek(0)
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise BadData(f"its line {number} is longer than {LONGEST // 1024**2} MB")
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise BadData(f"its line {number} can't be read as JSON") from None
        if not isinstance(record, dict):
            raise BadData(f"its record in line {number} is no object, and a table has columns")
        yield record, len(line)
