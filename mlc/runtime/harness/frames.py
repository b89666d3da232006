"""Input files as data frames: what metrics and training functions take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .columnar import TABLES, table_frame
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
    return read_frame(Path(source["path"]), source["format"], source["name"])


def read_frame(path: Path, file_format: str, name: str) -> pd.DataFrame:
    """One input file as a data frame.

    Args:
        file_format: as :func:`.records.read_records` takes it.
        name: what people call the file.

    Raises:
        Unreadable: the file, or one of its records, can't be parsed.
    """
    if file_format == "csv":
        try:
            return pd.read_csv(path, encoding="utf-8-sig")
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
    return pd.DataFrame(rows)
