"""Input files as data frames: what metrics and training functions take."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from .columnar import TABLES, table_frame
from .frames_of_records import EXACT, frame_of_records
from .functions import ModelFailure
from .records import read_records
from .schema import CheckedRecords
from .unreadable import Broken, Unreadable


def read_input(source: Mapping[str, Any]) -> pd.DataFrame:
    """An input of an order as a data frame, its records checked against their schema if the order says so.

    Raises:
        ModelFailure: a record is not as its schema says. A frame can't leave it out: its numbers would be of other
            data than people think.
        Unreadable: as :func:`read_frame`.
    """
    if source["check"]:
        for number, record in enumerate(CheckedRecords(source, scoring=False), start=1):
            if isinstance(record, Broken):
                raise ModelFailure(f"Record {number} of {source['name']} is bad: {record}")
    return read_frame(Path(source["path"]), source["format"], source["name"], source.get("types"))


def read_frame(path: Path, file_format: str, name: str, types: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One input file as a data frame.

    Args:
        file_format: as :func:`.records.read_records` takes it.
        name: what people call the file.
        types: of JSON's columns, if they are known: see :func:`.frames_of_records.frame_of_records`.

    Raises:
        Unreadable: the file, or one of its records, can't be parsed.
    """
    if file_format == "csv":
        try:
            return _of_csv(path)
        except (ValueError, pd.errors.ParserError) as error:
            raise Unreadable(f"The input file {name} can't be read as CSV: {error}.") from None
    if file_format in TABLES:
        try:
            table: pd.DataFrame = table_frame(path, file_format)
            return table
        except ValueError as error:
            raise Unreadable(f"The input file {name} can't be read as {TABLES[file_format]}: {error}.") from None
    rows: list[Any] = []
    for record in read_records(path, file_format, name):
        if isinstance(record, Broken):
            raise Unreadable(f"{record.place.capitalize()} of the input file {name} {record.problem}.")
        rows += record if isinstance(record, list) else [record]  # an array of records is as many rows
    if not all(isinstance(row, dict) for row in rows):
        raise Unreadable(f"The input file {name} must hold JSON objects, one a record.")
    return frame_of_records(rows, types or {})


def _of_csv(path: Path) -> pd.DataFrame:
    """As pandas reads it, but for whole numbers that would become others, since some of the column are missing."""
    frame = pd.read_csv(path, encoding="utf-8-sig")
    inexact = []
    for name, found in frame.dtypes.items():
        if found.name == "float64" and len(present := frame[name].dropna()) < len(frame):
            large = len(present) > 0 and bool((present.abs() >= EXACT).any())
            inexact += [name] if large and bool((present == present.round()).all()) else []
    for name in inexact:
        with suppress(ValueError, OverflowError):  # of those one is no whole number as it is written
            frame[name] = pd.read_csv(path, encoding="utf-8-sig", usecols=[name], dtype={name: "Int64"})[name]
    return frame
