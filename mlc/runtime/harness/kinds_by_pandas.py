"""What the columns of a CSV file hold, as pandas reads them: several times as fast as :mod:`csv`.

Where it could read anything else than that, the piece, or the column, is looked at cell by cell.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .kinds import Column
from .rows import MISSING

NA_VALUES = sorted(MISSING)
HEAD = 20
"""Cells that show nearly always that a column holds text."""
_SPECIAL = (b'"', b"\0")
"""Bytes in whose presence pandas and :mod:`csv` may read different cells."""
_TEXT = (str, "str")


def look_with_pandas(columns: Sequence[Column], content: bytes, count: int, *, whole: bool) -> bool:
    """False if pandas may read other cells than :mod:`csv`."""
    width = len(columns)
    if not is_plain(content, width, count):
        return False
    # The last one tells whether all rows are whole.
    wanted = [n for n, column in enumerate(columns) if whole or not column.decided or n == width - 1]
    frame = parsed(content, width, usecols=wanted)
    if frame is None or len(frame) != count or frame[width - 1].isna().any():
        return False
    unclear = [n for n in wanted if not _see(columns[n], frame[n])]
    if unclear:
        texts = parsed(content, width, dict.fromkeys(unclear, str), usecols=unclear)
        if texts is None:
            return False
        for n in unclear:
            columns[n].see(texts[n].dropna().tolist())
    return True


def _see(column: Column, values: Any) -> bool:
    """False if the texts of the cells must be seen."""
    missing = bool(values.isna().any())
    column.missing = column.missing or missing
    if column.decided:
        return True
    kind = values.dtype.kind
    if kind in "iu":
        column.see_integers(values)
        return True
    if kind == "f":
        present = values[~values.isna()] if missing else values
        if not len(present):
            return True
        if column.kinds[0] != "integer" or not bool((present == np.floor(present)).all()) or np.isinf(present).any():
            column.see_numbers()
            return True
        return False
    if kind != "b" and isinstance(first := values.iloc[0], str) and first:
        column.see([cell for cell in values.head(HEAD).dropna().tolist() if isinstance(cell, str)])
    return column.decided


def is_plain(content: bytes, width: int, count: int) -> bool:
    """Whether pandas and :mod:`csv` read the same cells in a piece of ``count`` rows, as long as none is too short."""
    if width < 2 or any(mark in content for mark in _SPECIAL):  # of one column, a row of spaces is none to pandas
        return False
    if b"\r" in content and content.count(b"\r") != content.count(b"\r\n"):
        return False
    if not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError:
            return False
    # pandas may cut off what a row has too much: if none is too short, none is too long either.
    first = content.lstrip(b"\r\n").partition(b"\n")[0]
    return first.count(b",") == width - 1 and content.count(b",") == count * (width - 1)


def parsed(content: bytes, width: int, dtype: Mapping[int, Any] = {}, **options: Any) -> pd.DataFrame | None:
    """A piece that :func:`is_plain` as pandas reads it, its columns numbered; None if it can't.

    Args:
        dtype: the types of some columns; of the others, what pandas takes them for.
    """
    if pd.__version__ < "3":  # which reads numbers as Python does
        options["float_precision"] = "round_trip"
    options = {"na_values": NA_VALUES, "keep_default_na": False, "low_memory": False, **options}

    def read(types: Mapping[int, Any]) -> pd.DataFrame:
        of = {"header": None, "names": list(range(width)), "index_col": False, "dtype": dict(types), **options}
        frame: pd.DataFrame = pd.read_csv(io.BytesIO(content), **of)
        return frame

    try:
        # pandas finds out that a column is text in less time than it makes text of it when it is told so.
        found = read({n: of for n, of in dtype.items() if of not in _TEXT})
        if any(of in _TEXT and not isinstance(found[n].dtype, pd.StringDtype) for n, of in dtype.items()):
            found = read(dtype)
    except (ValueError, OverflowError, pd.errors.ParserError):  # also what is not UTF-8
        return None
    return found
