"""Reading input files as data frames or records, and writing output records."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd


class Unreadable(Exception):
    """An input file that is not what its format says; the text says what and where."""


def read_frame(path: Path, file_format: str, name: str) -> pd.DataFrame:
    """One input file as a data frame: what metrics and training functions take.

    Args:
        file_format: ``csv``, ``json`` (an array of records, one record, or columns ``{"a": [1, 2]}``) or ``jsonl``.
        name: what people call the file.

    Raises:
        Unreadable: the file can't be parsed.
    """
    if file_format == "csv":
        try:
            return pd.read_csv(path, encoding="utf-8-sig")
        except (ValueError, pd.errors.ParserError) as error:
            raise Unreadable(f"The input file {name} can't be read as CSV: {error}.") from None
    records = list(read_records(path, file_format, name))
    if not all(isinstance(record, dict) for record in records):
        raise Unreadable(f"The input file {name} must hold JSON objects, one a record.")
    return pd.DataFrame(records)


def read_records(path: Path, file_format: str, name: str) -> Iterator[Any]:
    """One input file record by record: what score functions take. A CSV row becomes a dict, an empty cell None.

    Raises:
        Unreadable: the file, or one of its lines, can't be parsed.
    """
    if file_format == "csv":
        frame = read_frame(path, "csv", name)
        for row in frame.itertuples(index=False, name=None):
            yield dict(zip(frame.columns, (None if pd.isna(cell) else cell for cell in row), strict=True))
    elif file_format == "jsonl":
        yield from _json_lines(path, name)
    else:
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Extra data"):
                raise Unreadable(f"The input file {name} can't be read as JSON: {error}.") from None
            yield from _json_lines(path, name)  # ModelOp calls JSON lines JSON as well
        except ValueError as error:
            raise Unreadable(f"The input file {name} can't be read as JSON: {error}.") from None
        else:
            yield from _json_document(document)


def _json_document(document: Any) -> Iterator[Any]:
    if isinstance(document, list):
        yield from document
        return
    columns = list(document.values()) if isinstance(document, dict) else []
    if columns and all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        for cells in zip(*columns, strict=True):
            yield dict(zip(document, cells, strict=True))
    else:
        yield document


def _json_lines(path: Path, name: str) -> Iterator[Any]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig"))
            except ValueError as error:
                raise Unreadable(f"Line {number} of the input file {name} can't be read as JSON: {error}.") from None
            yield record


class RecordWriter:
    """Writes plain records to a file as they come: a JSON array, JSON lines, or CSV with the first record's keys."""

    def __init__(self, path: Path, file_format: str, name: str) -> None:
        self.count = 0
        self._format = file_format
        self._name = name
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv: csv.DictWriter[str] | None = None

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None and self._format == "json":
            self._file.write("\n]\n" if self.count else "[]\n")
        self._file.close()

    def write(self, record: Any) -> None:
        """Add one record.

        Raises:
            ValueError: CSV can't hold it: it is no dict, or has keys that the first one had not.
        """
        if self._format == "csv":
            self._write_csv(record)
        else:
            text = json.dumps(record, ensure_ascii=False, allow_nan=False)
            before = ("[\n" if self.count == 0 else ",\n") if self._format == "json" else ""
            self._file.write(before + text + ("\n" if self._format == "jsonl" else ""))
        self.count += 1

    def _write_csv(self, record: Any) -> None:
        if not isinstance(record, dict):
            raise ValueError(f"a row of the CSV file {self._name} must be a dict, not a {type(record).__name__}")
        if self._csv is None:
            self._csv = csv.DictWriter(self._file, list(record), lineterminator="\n")
            self._csv.writeheader()
        self._csv.writerow(
            {key: json.dumps(cell) if isinstance(cell, dict | list) else cell for key, cell in record.items()}
        )
