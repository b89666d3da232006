"""Labels that came later, put into the records that they are about: each is found by the record's identifier."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .unreadable import Unreadable

EXACT = 2**53
"""From here on a floating-point number is not sure to be the whole number that it was made of."""
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float"})


def keys_of(column: pd.Series) -> pd.Series:
    """The identifiers in a column as texts, null where a record has none.

    A whole number has one form, as in :func:`mlc.model.truth.identifier_of`; a test holds the two together.
    """
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind):
        return pd.Series(None, index=column.index, dtype=object)
    if isinstance(kind, np.dtype) and kind.kind in "iu":
        return column.astype(str).astype(object)
    texts = [_text(value) for value in column.astype(object).to_numpy()]
    return pd.Series(texts, index=column.index, dtype=object)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value[-1:] not in {"0", ""} else _whole(value)
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < EXACT else None
    return None


def _whole(text: str) -> str | None:
    """Of a text that ends with 0: "7.0" is 7, and "-0" is 0."""
    head, point, tail = text.partition(".")
    digits = head.removeprefix("-")
    if not text or (point and tail.strip("0")) or not (digits.isascii() and digits.isdigit()):
        return text or None
    if digits != "0" and digits.startswith("0"):
        return text
    return "0" if digits == "0" else head


def joined(frame: pd.DataFrame, keys: pd.Series, truth: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, int]]:
    """The records with the labels that are known by now.

    A record without truth keeps its label, if it has one; one with truth has that, whatever it had. Records of one
    identifier get the same label each.

    Args:
        keys: the records' identifiers, in their order.
        truth: of the order (:class:`mlc.runtime.order.ReadTruth`).

    Returns:
        The frame, and how many labels are known, how many records got one and how many got none, and how many labels
        are of no record.

    Raises:
        Unreadable: the file of truth can't be read.
    """
    known, labels = _read(truth["file"])
    asked = keys.notna().to_numpy()
    places = np.full(len(frame), -1, dtype=np.intp)
    places[asked] = known.get_indexer(pd.Index(keys[asked], dtype=object))
    found = places >= 0
    name = truth["label"]
    values = frame[name].astype(object).to_numpy(copy=True) if name in frame.columns else np.full(len(frame), None)
    try:
        values[found] = _decoded(labels[places[found]])
    except ValueError:
        raise Unreadable(f"The truth in {truth['file']['name']} has a label that is no JSON.") from None
    of_records = np.zeros(len(known), dtype=bool)
    of_records[places[found]] = True
    told = {
        "known": len(known),
        "matched": int(found.sum()),
        "unmatched_records": int((~found).sum()),
        "unmatched_truth": int((~of_records).sum()),
    }
    return frame.assign(**{name: _typed(pd.Series(values, index=frame.index, dtype=object))}), told


def _read(file: Mapping[str, Any]) -> tuple[pd.Index, np.ndarray]:
    """Identifiers, each once, and their labels as JSON."""
    how: dict[str, Any] = {"dtype": object, "keep_default_na": False, "encoding": "utf-8"}
    try:
        read = pd.read_csv(Path(file["path"]), usecols=["id", "label"], **how)
    except (ValueError, pd.errors.ParserError) as error:
        raise Unreadable(f"The truth in {file['name']} can't be read: {error}.") from None
    identifiers = pd.Index(read["id"], dtype=object)
    if not identifiers.is_unique:
        raise Unreadable(f"The truth in {file['name']} has two labels of one identifier.")
    return identifiers, read["label"].to_numpy(dtype=object)


def _decoded(labels: np.ndarray) -> np.ndarray:
    """Labels of their JSON, at once: one by one it takes ten times as long."""
    values = json.loads(f"[{','.join(labels)}]")
    made = np.empty(len(labels), dtype=object)
    made[:] = values
    return made


def _typed(column: pd.Series) -> pd.Series:
    """A column of one type, if that is what it holds; numbers with gaps are floating-point ones, if they stay exact."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in _NUMBERS and (kind != "integer" or column.hasnans):
        try:
            numbers = column.astype("float64")
        except OverflowError:  # beyond what such a number holds
            return column
        if kind == "floating" or not (numbers.abs() >= EXACT).any():
            return numbers
    return column.infer_objects()
