"""The rows of a data frame as text, made a column at a time: the same text as row by row, in a fraction of the time.

Where pyarrow is there, it makes most of the texts. It writes some numbers otherwise than Python does, such as 1.0 as
``1``: those are written again.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from .encoding import json_text
from .plain import NAMED_PLACES, Nulled
from .writing import Formatter

SMALLEST, LARGEST = 1e-4, 1e9
"""Between them pyarrow writes a number as Python does, but for one without a fraction."""
_DTYPES: dict[type, Any] = {float: "float64", np.float64: "float64", int: "int64", bool: "bool", str: "str"}
_WITH_MISSING = frozenset(f"{sign}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64))
_TRIED = (0.1, -2.5, 1.0, 100.0, -0.0, 1e-4, 123456789.12345679, 0.30000000000000004)


@dataclass(frozen=True)
class Format:
    """How values are written: the texts of truths, of what is missing, and of texts.

    ``special`` are the bytes in whose absence a text is written as it is, but for ``quotes`` around it.
    """

    truths: tuple[str, str]
    missing: str
    quotes: str
    special: bytes
    text: Callable[[str], str | None]


def _csv_cell(text: str) -> str | None:
    if "\r" in text:  # the whole row is written otherwise
        return None
    return '"' + text.replace('"', '""') + '"' if _CSV_SPECIAL(text) else text


_CSV_SPECIAL = re.compile('[,"\n]').search
JSON = Format(("true", "false"), "null", '"', bytes(range(32)) + b'"\\', json_text)
CSV = Format(("True", "False"), "", "", b',"\r\n', _csv_cell)


Made = tuple[str, list[Any]]
"""The rows' text, and for each column where it held NaN or infinity: positions, or None."""


def frame_text(frame: pd.DataFrame, first: int, formatter: Formatter, nulled: Nulled) -> str | None:
    """The rows of a frame as JSON lines, or as CSV; ``first`` is the number of the first.

    None if a column's name is no text, or there is something in it that takes a longer look: then nothing is changed.
    """
    names = list(frame.columns)
    if not names or len(set(names)) < len(names) or not all(type(name) is str for name in names):
        return None
    columns = [frame.iloc[:, position] for position in range(len(names))]
    return _text_of(names, columns, first, formatter, nulled) if len(frame) else ""


def list_text(answers: Sequence[Any], first: int, formatter: Formatter, nulled: Nulled) -> str | None:
    """The same of dicts that all have the same keys, and under each of them values of one type."""
    if not answers or type(answers[0]) is not dict or not _arrow_writes_as_python():
        return None
    names = list(answers[0])
    if not names or not all(type(name) is str for name in names):
        return None
    if set(map(type, answers)) != {dict} or not all(map(names.__eq__, map(list, answers))):
        return None
    columns = [_of_one_type([*map(itemgetter(name), answers)]) for name in names]
    if any(column is None for column in columns):
        return None
    return _text_of(names, columns, first, formatter, nulled)


def _of_one_type(values: list[Any]) -> Any:
    """As a column; None if they aren't, or whole numbers are too large for one."""
    kinds = set(map(type, values))
    kind = kinds.pop()
    if kinds or kind not in _DTYPES:
        return None
    try:
        return pd.Series(values, dtype=_DTYPES[kind])
    except (OverflowError, ValueError):
        return None


def _text_of(
    names: list[str], columns: Sequence[pd.Series], first: int, formatter: Formatter, nulled: Nulled
) -> str | None:
    form = CSV if formatter.is_csv else JSON
    if formatter.is_csv and (len(names) == 1 or formatter.header not in (None, names)):
        return None  # a row of one empty cell is no empty line
    made = (_rows_by_arrow if _arrow_writes_as_python() else _rows)(names, columns, form)
    if made is None:
        return None
    text, missing = made
    if formatter.is_csv and formatter.header is None:
        try:
            text = formatter.begun(names) + text
        except UnicodeEncodeError:
            return None
    _note(missing, names, first, nulled)
    return text


def _rows(names: list[str], columns: Sequence[pd.Series], form: Format) -> Made | None:
    texts = []
    for column in columns:
        cells = _cells(column, form)
        if cells is None:
            return None
        texts.append(cells)
    between = _between(names, form)
    if between is None:
        return None
    row = "%s".join(part.replace("%", "%%") for part in between)
    return "".join(map(row.__mod__, zip(*texts, strict=True))), []


def _between(names: list[str], form: Format) -> list[str] | None:
    """What stands before, between and behind the cells of each row."""
    if form is CSV:
        return ["", *([","] * (len(names) - 1)), "\n"]
    keys = [json_text(name) for name in names]
    if None in keys:
        return None
    return [f"{'{' if not number else ', '}{key}: " for number, key in enumerate(keys)] + ["}\n"]


def _cells(column: pd.Series, form: Format) -> list[str] | None:
    """The texts of a column; None if it isn't of numbers, truths or texts, or has something that JSON can't hold."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
    if kind == "f":
        values = column.to_numpy()
        return [*map(repr, values.tolist())] if bool(np.isfinite(values).all()) else None
    if kind and kind in "iu":
        return [*map(str, column.tolist())]
    if kind == "b":
        yes, no = form.truths
        return [yes if value else no for value in column.tolist()]
    cells = column.tolist()
    if form is CSV and not all(type(cell) is str for cell in cells):
        return None
    texts = [text for cell in cells if (text := form.text(cell)) is not None]
    return texts if len(texts) == len(cells) else None


@cache
def _arrow_writes_as_python() -> bool:
    """Whether pyarrow is there, and writes numbers as this file expects."""
    try:
        import pyarrow  # noqa: F401

        found: list[str] = _float_texts(np.array(_TRIED)).to_pylist()
        return found == [repr(value) for value in _TRIED]
    except Exception:  # another release, whatever is different there
        return False


def _rows_by_arrow(names: list[str], columns: Sequence[pd.Series], form: Format) -> Made | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    between = _between(names, form)
    if between is None:
        return None
    parts: list[Any] = []
    missing = []
    try:
        for before, column in zip(between, columns, strict=False):
            made = _array(column, form)
            if made is None:
                return None
            parts += [_text(before), made[0]]
            missing.append(made[1])
        rows = pc.binary_join_element_wise(*parts, _text(between[-1]), _text(""))
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    return str(rows.buffers()[2], "utf-8"), missing


def _array(column: pd.Series, form: Format) -> tuple[Any, Any] | None:
    """The texts of a column, and the positions of what JSON can't hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
    if kind == "f":
        values = column.to_numpy().astype(np.float64)
        finite = np.isfinite(values)
        if finite.all():
            return _float_texts(values), None
        texts = _float_texts(np.where(finite, values, 0.0))
        return pc.if_else(pa.array(finite), texts, _text(form.missing)), np.flatnonzero(~finite)
    if (kind and kind in "iu") or column.dtype.name in _WITH_MISSING:
        return pc.fill_null(pc.cast(pa.array(column), pa.large_string()), _text(form.missing)), None
    if kind == "b":
        return pc.if_else(pa.array(column.to_numpy()), *map(_text, form.truths)), None
    if isinstance(column.dtype, pd.StringDtype) and (column.dtype.na_value is not pd.NA or not column.isna().any()):
        return _string_texts(column, form)
    cells = _cells(column, form)
    return None if cells is None else (pa.array(cells, pa.large_string()), None)


def _string_texts(column: pd.Series, form: Format) -> tuple[Any, Any] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(column, pa.large_string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    missing = np.flatnonzero(column.isna().to_numpy()) if array.null_count else None
    if _has_special(array, form.special):
        texts = [None if cell is None else form.text(cell) for cell in array.to_pylist()]
        if texts.count(None) > array.null_count:
            return None
        array = pa.array(texts, pa.large_string())
    elif form.quotes:
        array = pc.binary_join_element_wise(_text(form.quotes), array, _text(form.quotes), _text(""))
    return (pc.fill_null(array, _text(form.missing)) if missing is not None else array), missing


def _has_special(array: Any, special: bytes) -> bool:
    """Whether one of these bytes is in any of the texts."""
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    content = array.buffers()[2]
    if content is None:
        return False
    text = bytes(memoryview(content)[offsets[0] : offsets[-1]])
    return len(text.translate(None, special)) < len(text)


def _float_texts(values: Any) -> Any:
    """Finite numbers as Python writes them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.cast(pa.array(values), pa.large_string())
    whole = values == np.floor(values)
    if whole.any():
        texts = pc.if_else(pa.array(whole), pc.binary_join_element_wise(texts, _text(".0"), _text("")), texts)
    size = np.abs(values)
    odd = ((size < SMALLEST) & (size > 0)) | (size >= LARGEST)
    if odd.any():
        again = pa.array([repr(value) for value in values[odd].tolist()], pa.large_string())
        texts = pc.replace_with_mask(texts, pa.array(odd), again)
    return texts


def _text(text: str) -> Any:
    import pyarrow as pa

    return pa.scalar(text, pa.large_string())


def _note(missing: list[Any], names: list[str], first: int, nulled: Nulled) -> None:
    """Note where null stands for NaN or infinity, in the order of the records."""
    found = [(positions, name) for positions, name in zip(missing, names, strict=False) if positions is not None]
    rows = sorted(
        (row, number) for number, (positions, _) in enumerate(found) for row in positions[:NAMED_PLACES].tolist()
    )
    places = [f"record {first + row}.{found[number][1]}" for row, number in rows[:NAMED_PLACES]]
    nulled.add(Nulled(sum(len(positions) for positions, _ in found), places))
