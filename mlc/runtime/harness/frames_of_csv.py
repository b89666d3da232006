"""Pieces of a CSV file as data frames, with the types that pandas finds in the whole file: they never differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .columns import Columns
from .cutting import Piece
from .frames_of_records import series_of
from .kinds_by_pandas import is_plain, parsed
from .unreadable import Broken

FEWEST = 500
"""Rows of a piece from which on pandas is the faster way: each column costs it as much as hundreds of cells."""
_EXACT = {"integer": "int64", "number": "float64", "boolean": "bool", "text": "str"}
"""The types of columns of which every value is read as it is in a record."""


def frame_of(columns: Columns, path: Path, piece: Piece) -> pd.DataFrame | None:
    """The rows of a piece as a data frame, with the types that pandas finds in the whole file; None if one of its
    rows can't be used, or a cell is not what a schema says.
    """
    content, width = piece.read(path), len(columns.names)
    if is_plain(content, width, piece.count) and not any(name in columns.declared for name in columns.names):
        dtypes = [_dtype(columns.found[name]) for name in columns.names]
        parsed_as = {n: str if dtype is object else dtype for n, dtype in enumerate(dtypes)}
        frame = parsed(content, width, parsed_as)
        if frame is not None and len(frame) == piece.count and not frame[width - 1].isna().any():
            frame.columns = pd.Index(columns.names)
            for name, dtype, of_cell in zip(columns.names, dtypes, columns.of_cell, strict=True):
                if dtype is object:
                    texts = frame[name].astype(object).where(frame[name].notna(), "")
                    frame[name] = pd.Series([of_cell(cell) for cell in texts], dtype=object)
            return frame
    records = columns.records(path, piece)
    if any(type(record) is Broken for record in records):
        return None
    return framed(columns, records)


def records_of(columns: Columns, path: Path, piece: Piece) -> list[Any]:
    """What :meth:`.columns.Columns.records` gives, and several times as fast where pandas can read the piece.

    Raises:
        ValueError: a cell can't be converted.
    """
    if piece.count < FEWEST or any(name in columns.declared for name in columns.names):
        return columns.records(path, piece)
    dtypes = [_EXACT.get(columns.found[name]["kind"], object) for name in columns.names]
    wide = any(columns.found[name]["kind"] == "integer" and columns.found[name]["wide"] for name in columns.names)
    content, width = piece.read(path), len(columns.names)
    if wide or object in dtypes or not is_plain(content, width, piece.count):
        return columns.records(path, piece)
    frame = parsed(content, width, dict(enumerate(dtypes)))  # None where a whole number or a truth is missing
    if frame is None or len(frame) != piece.count or frame[width - 1].isna().any():
        return columns.records(path, piece)
    return columns.as_records([_values(frame[position]) for position in range(width)])


def _values(column: pd.Series) -> list[Any]:
    values: list[Any] = column.tolist()
    if column.dtype.kind in "iub" or not column.isna().any():
        return values
    return [None if missing else value for value, missing in zip(values, column.isna(), strict=True)]


def framed(columns: Columns, records: Sequence[Any]) -> pd.DataFrame:
    """Records of this file as a data frame, with the same types as :func:`frame_of`."""
    made = {}
    for name in columns.names:
        values = [record[name] for record in records]
        dtype = _dtype(columns.found[name])
        if name in columns.declared and columns.declared[name] != columns.found[name]["kind"]:
            dtype = {"text": str, "number": float}.get(columns.declared[name], object)
        try:
            made[name] = series_of(values, dtype) if dtype == "Int64" else pd.Series(values, dtype=dtype)
        except (ValueError, TypeError, OverflowError):  # a cell is not of the kind that the schema declares
            made[name] = pd.Series(values, dtype=object)
    return pd.DataFrame(made)


def _dtype(found: Mapping[str, Any]) -> Any:
    """The type of a column by the whole file: that which pandas gives it, unless that changes its numbers."""
    match found["kind"]:
        case "integer" if not found["wide"]:
            # As floating-point numbers, large ones would be others.
            return ("Int64" if found["large"] else "float64") if found["missing"] else "int64"
        case "number":
            return "float64"
        case "boolean" if not found["missing"]:
            return "bool"
        case "text":
            return str
    return object
