"""Records as data frames: pandas' types, but none by which a number would become another one.

Of ``[9007199254740993, None]`` pandas makes floating-point numbers, and of the first the one beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

EXACT = 2**53
"""Up to here each whole number is a floating-point number."""
_NULLABLE = {
    "boolean": (pd.arrays.BooleanArray, "bool", False),
    **{
        f"{sign}{bits}": (pd.arrays.IntegerArray, f"{sign}{bits}".lower(), 0)
        for sign in ("Int", "UInt")
        for bits in (8, 16, 32, 64)
    },
}
_OF_NUMPY = {numpy: name for name, (_, numpy, _) in _NULLABLE.items()}
_TYPES = {*_NULLABLE, *_OF_NUMPY, "float16", "float32", "float64"}


def frame_of_records(records: Sequence[Any], types: Mapping[str, str], *, nullable: bool = False) -> pd.DataFrame:
    """Records as a data frame.

    Args:
        types: those of columns, where the whole file says so: see :func:`.columnar.table_types`.
        nullable: any other column of whole numbers of which some are missing is ``Int64``; else it is ``float64`` as
            long as that changes no number.
    """
    frame = pd.DataFrame(records)
    for position, (name, found) in enumerate(frame.dtypes.items()):
        made: Any
        wanted = types.get(name) if isinstance(name, str) else None
        if wanted in _TYPES and wanted != found.name:
            made = _typed(_values(records, name), wanted)
        elif found.name == "float64" and not wanted:
            made = _exact(frame.iloc[:, position].to_numpy(), records, name, nullable=nullable)
        else:
            continue
        if made is not None:
            frame.isetitem(position, made)
    return frame


def series_of(values: Sequence[Any], dtype: str) -> pd.Series:
    """Values, or None, as a series of a type of pandas that can miss one; none goes through a floating-point number.

    Raises:
        ValueError, TypeError, OverflowError: one is no such value.
    """
    array, kind, nothing = _NULLABLE[dtype]
    if not {type(nothing), type(None)}.issuperset(map(type, values)):
        raise TypeError(f"a value is of another kind than {dtype}")
    missing = np.array([value is None for value in values], dtype=bool)
    held = np.array([nothing if value is None else value for value in values], dtype=kind)
    return pd.Series(array(held, missing))


def _typed(values: Sequence[Any], dtype: str) -> pd.Series | None:
    """None if a value is of another kind than its file says."""
    try:
        if dtype in _NULLABLE or dtype.startswith("float"):
            return series_of(values, dtype) if dtype in _NULLABLE else pd.Series(values, dtype=dtype)
        found = series_of(values, _OF_NUMPY[dtype])
        return None if found.isna().any() else pd.Series(found.to_numpy(dtype))
    except (ValueError, TypeError, OverflowError):
        return None


def _exact(column: Any, records: Sequence[Any], name: Any, *, nullable: bool) -> pd.Series | None:
    """A column for which pandas took floating-point numbers, if it shall be another; None if not."""
    missing = np.isnan(column)
    present = column[~missing]
    large = bool((np.abs(present) >= EXACT).any())
    if not large and not (nullable and missing.any() and bool((present == np.floor(present)).all())):
        return None
    values = _values(records, name)
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {int}:
        signed = min(value for value in values if value is not None) < 0
        for dtype in ("Int64",) if signed else ("Int64", "UInt64"):
            if (made := _typed(values, dtype)) is not None:
                return made
    if any(type(value) is int and float(value) != value for value in values):
        return pd.Series(values, dtype=object)
    return None


def _values(records: Sequence[Any], name: Any) -> list[Any]:
    """What the records hold in a column, None where they lack it."""
    return [_value(record, name) for record in records]


def _value(record: Any, name: Any) -> Any:
    match record:
        case dict():
            return record.get(name)
        case list():
            return record[name] if name < len(record) else None
    return record
