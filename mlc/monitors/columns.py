"""Columns of data frames as what the statistics are computed from: numbers, or categories by their text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .errors import MonitorError, NotComparable

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LONGEST_TEXT = 500
"""Characters of a category's text: whatever is longer is prose."""
WHOLE = 1e15
"""Whole floats below it are written as whole numbers, so that 1 and 1.0 are one category."""


@dataclass(frozen=True)
class Coded:
    """A column of categories.

    Attributes:
        codes: (n,) for each record the place of its category in ``names``, -1 where it is null.
        names: text of each category, each once, in the order in which they are met.
    """

    codes: Integers
    names: Sequence[str]


def column_of(frame: pd.DataFrame, name: str, which: str) -> pd.Series[Any]:
    """A column by its name.

    Args:
        which: ``"baseline"`` or ``"sample"``, for the reason.

    Raises:
        NotComparable: there is none, or several of the name.
    """
    found = frame[name] if name in frame.columns else None
    if found is None:
        raise NotComparable(f"the {which} has no such column")
    if isinstance(found, pd.DataFrame):
        raise NotComparable(f"the {which} has {found.shape[1]} columns of this name")
    return found


def numbers(column: pd.Series[Any]) -> Floats:
    """A column as numbers, (n,), not a number where it is null.

    Booleans count as 0 and 1, text counts if all of it is numbers. Whole numbers beyond 2**53 lose their last digits.

    Raises:
        NotComparable: it holds anything else, or infinity.
    """
    kind = column.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype):
        raise NotComparable("it holds dates, and is to be compared as numbers")
    if pd.api.types.is_timedelta64_dtype(kind):
        raise NotComparable("it holds spans of time, and is to be compared as numbers")
    if pd.api.types.is_complex_dtype(kind):
        raise NotComparable("it holds complex numbers")
    if isinstance(kind, np.dtype) and kind.kind in "fiub":
        found = column.to_numpy(dtype=np.float64)  # of floats a view: with na_value it would be a copy
    elif pd.api.types.is_numeric_dtype(kind):
        found = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        found = _parsed(column)
    if infinite := int(np.isinf(found).sum()):
        raise NotComparable(f"{_of(infinite, len(found))} are infinite")
    return found


def _parsed(column: pd.Series[Any]) -> Floats:
    """Numbers of a column of objects or texts."""
    objects = column.astype(object)
    null = objects.isna().to_numpy()
    try:
        found = pd.to_numeric(objects, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    except (OverflowError, TypeError, ValueError):
        found = np.fromiter((_number(value) for value in objects), np.float64, len(objects))
    lost = np.isnan(found) & ~null
    if lost.any():
        first = objects.iloc[int(lost.argmax())]
        raise NotComparable(f"{_of(int(lost.sum()), len(found))} are no numbers, the first of them {_kind(first)}")
    return found


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # whatever it is
    except (OverflowError, TypeError, ValueError):
        return np.nan


def coded(column: pd.Series[Any], limit: int) -> Coded:
    """A column as categories.

    Values of one text are one category, whatever their types: 1, 1.0 and "1", as CSV, JSON and Parquet have them.

    Args:
        limit: more categories than this are not compared.

    Raises:
        NotComparable: dates, lists, prose, or too many categories.
    """
    kind = column.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype):
        raise NotComparable("it holds dates, and is to be compared by category")
    try:
        codes, uniques = pd.factorize(column)
    except TypeError as error:
        raise NotComparable("it holds lists or other objects that are no categories") from error
    if len(uniques) > limit:
        raise NotComparable(f"it has {len(uniques):,} different values, and up to {limit:,} are compared")
    try:
        texts = [text_of(value) for value in uniques]
    except ValueError as error:  # Python writes whole numbers of up to 4,300 digits
        raise NotComparable("it holds whole numbers of thousands of digits, which are no categories") from error
    if longest := max((len(text) for text in texts if len(text) > LONGEST_TEXT), default=0):
        raise NotComparable(f"it holds texts of up to {longest:,} characters, which are no categories")
    names = list(dict.fromkeys(texts))
    if len(names) < len(texts):
        place = {name: number for number, name in enumerate(names)}
        same = np.array([place[text] for text in texts] + [-1], dtype=np.int64)
        codes = same[codes]  # the last one is for null, whose code is -1
    return Coded(codes.astype(np.int64, copy=False), names)


def text_of(value: object) -> str:
    """The text of a category."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating) and abs(float(value)) < WHOLE and float(value).is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair can't be stored


def in_order(names: Iterable[str]) -> list[str]:
    """Names of categories as a person orders them: by number where all are numbers, else by text."""
    listed = list(names)
    values = [_number(name) for name in listed]
    if any(np.isnan(value) for value in values):
        return sorted(listed)
    return [name for _, name in sorted(zip(values, listed, strict=True))]


def nothing_in(frames: dict[str, pd.DataFrame]) -> None:
    """Look at frames as a whole.

    Args:
        frames: by what they are called: ``"baseline"``, ``"sample"``.

    Raises:
        MonitorError: one is no data frame, or has no rows.
    """
    problems = []
    for which, frame in frames.items():
        if not isinstance(frame, pd.DataFrame):
            problems.append(f"The {which} must be a data frame, and is of the type {type(frame).__name__}.")
        elif not len(frame):
            problems.append(f"The {which} has no rows.")
    if problems:
        raise MonitorError(problems)


def _of(count: int, all_of_them: int) -> str:
    return f"{count:,} of its {all_of_them:,} values"


def _kind(value: object) -> str:
    """What a value is, never the value itself: it may be somebody's name."""
    if isinstance(value, str):
        return "text"
    return "a number beyond what a float holds" if isinstance(value, int) else f"of the type {type(value).__name__}"
