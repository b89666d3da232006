"""How many records are in files, by the rules by which they are read. Runs in a process of the runtime's own.

That needs no library, can be ended at any time, and takes neither the runtime's memory nor its turn.
"""

import json
import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .columnar import TABLES, count_table
from .cutting import count_blank, header_of, pieces
from .records import CHUNK, is_lines, read_records
from .rows import header_in
from .schema import array_depth, as_arrays
from .unreadable import Broken, Unreadable


def main() -> None:
    """Read what to count from standard input, and write the counts: null for a file that can't be read."""
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory"], asked["memory"]))
    json.dump([_count_or_none(source) for source in asked["files"]], sys.stdout)


def _count_or_none(source: Mapping[str, Any]) -> int | None:
    try:
        return count(source)
    except (MemoryError, OSError, Unreadable, ValueError):
        return None


def count(source: Mapping[str, Any]) -> int:
    """How many records a file has, those that can't be used among them.

    Args:
        source: ``path``, ``format`` and ``schema`` as in an order; ``written`` if it is an output; ``whole`` if its
            records are given to the model as one set: where one of them is broken, the set counts as 1.

    Raises:
        Unreadable, ValueError: nothing more can be read.
        OSError: it can't be opened.
    """
    path, file_format = Path(source["path"]), source["format"]
    if source["written"]:  # by the harness, see writing.py
        return count_written(path, file_format)
    if source["whole"] or array_depth(source["schema"]):
        records = as_arrays(read_records(path, file_format, path.name), source)
        return _rows_of_set(records) if source["whole"] else sum(1 for _ in records)
    if file_format == "csv":
        return count_rows(path)
    if file_format in TABLES:
        return count_table(path, file_format)
    if file_format == "jsonl" or is_lines(path):
        return count_lines(path)
    return sum(1 for _ in read_records(path, file_format, path.name))


def count_written(path: Path, file_format: str) -> int:
    """How many records an output has, as :class:`.writing.RecordWriter` writes it.

    Raises:
        ValueError: it didn't write that.
    """
    if file_format != "csv":
        return count_lines(path, without=b"\0")
    return count_rows(path) if path.stat().st_size else 0


def count_rows(path: Path) -> int:
    """How many rows a CSV file has below its header, those with a problem among them.

    Raises:
        ValueError: there is no header, or it names a column twice.
    """
    text, start = header_of(path)
    header_in(text)
    return sum(piece.count for piece in pieces(path, "csv", start))


def count_lines(path: Path, without: bytes | None = None) -> int:
    """How many lines are not blank.

    Raises:
        ValueError: there is something in it that it must be ``without``.
    """
    found, blank = 0, True
    with path.open("rb") as file:
        while content := file.read(CHUNK):
            if without is not None and without in content:  # such as a file of a terabyte that holds nothing
                raise ValueError("a zero byte")
            head, ended, rest = content.partition(b"\n")
            if blank and head.strip():
                blank = False
                found += 1
            if ended:
                whole, ended, tail = rest.rpartition(b"\n")
                found += (whole.count(b"\n") + 1 - count_blank(whole + ended)) if ended else 0
                blank = not tail.strip()
                found += not blank
    return found


def _rows_of_set(records: Iterator[Any]) -> int:
    found = 0
    for record in records:
        if isinstance(record, Broken):
            return 1
        found += len(record) if isinstance(record, list) and all(isinstance(row, dict) for row in record) else 1
    return found
