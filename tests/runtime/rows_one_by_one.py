"""CSV as it is meant to be read, cell by cell and the whole file in memory: what the quick ways are compared with."""

import csv
import io
import re
from typing import Any

from mlc.runtime.harness.rows import MISSING

INTEGER = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*", re.ASCII)
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
TESTS = {"integer": INTEGER.fullmatch, "number": NUMBER.fullmatch, "boolean": TRUTHS.__contains__, "text": lambda _: 1}
MADE = {"integer": int, "number": float, "boolean": TRUTHS.__getitem__, "text": str}


def read(content: bytes, declared: dict[str, str]) -> list[Any] | str:
    """Records, place and problem of what is none; or why there are none at all."""
    rows = list(_rows(content))
    if not rows:
        return "it is empty, and its first line should name the columns"
    _, header, problem = rows.pop(0)
    if problem:
        return f"its header {problem}"
    if len(set(header)) < len(header):
        return f"its header names the column {next(name for name in header if header.count(name) > 1)!r} twice"
    checked = [(place, cells, problem or _width(cells, header)) for place, cells, problem in rows]
    whole = [cells for _, cells, problem in checked if not problem]
    kinds = {
        name: declared.get(name)
        or next(kind for kind, fits in TESTS.items() if all(c[n] in MISSING or fits(c[n]) for c in whole))
        for n, name in enumerate(header)
    }
    return [
        (place, problem)
        if problem
        else {n: _value(c, kinds[n], n in declared) for n, c in zip(header, cells, strict=True)}
        for place, cells, problem in checked
    ]


def _value(cell: str, kind: str, is_declared: bool) -> Any:
    if kind == "text" and is_declared:
        return cell or None
    return None if cell in MISSING else MADE[kind](cell) if TESTS[kind](cell) else cell


def _width(cells: list[str], header: list[str]) -> str:
    if len(cells) == len(header):
        return ""
    return f"has {len(cells)} cells, and the header names {len(header)} columns"


def _rows(content: bytes) -> Any:
    text = io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline="")
    reader, before = csv.reader(text, strict=True), 0
    while True:
        cells, problem = [], ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"can't be read as CSV: {error}"
        first, last, before = before + 1, reader.line_num, reader.line_num
        if "".join(cells).encode("utf-8", "replace") != "".join(cells).encode("utf-8", "surrogateescape"):
            problem = problem or "is not UTF-8"
        if cells or problem:
            yield (f"line {last}" if first >= last else f"lines {first} to {last}"), cells, problem
