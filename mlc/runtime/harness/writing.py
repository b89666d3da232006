"""Output records as text: JSON lines, or CSV with the first record's keys as its header."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .plain import Places


class Formatter:
    """Makes the text of plain records.

    Args:
        file_format: ``csv``; anything else is JSON lines.
        name: what people call the file.
        header: of a CSV file, if it has one already.
    """

    def __init__(self, file_format: str, name: str, header: Sequence[str] | None = None) -> None:
        self.is_csv = file_format == "csv"
        self.header = list(header) if header is not None else None
        self._name = name

    def text(
        self,
        records: Sequence[Any],
        emptied: Places | None = None,
        place: Callable[[int], str] = lambda index: f"record {index + 1}",
    ) -> str:
        """Some records, all or none of them.

        Args:
            emptied: where cells of CSV are empty since a record lacks the column; ``place`` says which record it is.

        Raises:
            ValueError: one can't be written. In CSV it must be a dict, and have no keys that the first one had not.
        """
        header = self.header
        lacking = Places()
        if self.is_csv:
            text, header = self._rows(records, lacking, place)
        else:
            text = "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)
        if not text.isascii():
            text.encode()  # a lone surrogate is refused before anything of the text is written
        self.header = header
        if emptied is not None:
            emptied.add(lacking)
        return text

    def begun(self, header: Sequence[str]) -> str:
        """The first line of a CSV file that has none yet.

        Raises:
            UnicodeEncodeError: a name can't be written.
        """
        text = io.StringIO(newline="")
        _write(text, list(header))
        text.getvalue().encode()
        self.header = list(header)
        return text.getvalue()

    def _rows(
        self, records: Sequence[Any], lacking: Places, place: Callable[[int], str]
    ) -> tuple[str, list[str] | None]:
        header = self.header
        text = io.StringIO(newline="")
        for index, record in enumerate(records):
            if not isinstance(record, dict):
                raise ValueError(f"a row of the CSV file {self._name} must be a dict, not a {type(record).__name__}")
            if header is None:
                if not record:  # its row would be an empty line, and no record to whoever reads the file
                    raise ValueError(f"the first row of the CSV file {self._name} has no columns")
                header = list(record)
                _write(text, header)
            if list(record) != header and (unknown := sorted(record.keys() - set(header))):
                raise ValueError(
                    f"the CSV file {self._name} has no column {unknown[0]!r}, since its first row had none"
                )
            if len(record) < len(header):
                for column in header:
                    if column not in record:
                        lacking.append(f"{place(index)}.{column}")
            cells = [record.get(column, "") for column in header]
            _write(text, [json.dumps(cell) if isinstance(cell, dict | list) else cell for cell in cells])
        return text.getvalue(), header


def _write(text: io.StringIO, cells: list[Any]) -> None:
    # Readers take a carriage return for the end of a row; Python's writer quotes for it from 3.13 on only.
    ends_rows = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if ends_rows else csv.QUOTE_MINIMAL).writerow(cells)


class RecordWriter:
    """Writes plain records to a file as they come.

    Args:
        file_format: as :class:`Formatter` takes it.
        name: what people call the file.
    """

    def __init__(self, path: Path, file_format: str, name: str) -> None:
        self.count = self.bytes = 0
        self.formatter = Formatter(file_format, name)
        self._file = path.open("wb")

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, records: Sequence[Any], emptied: Places, place: str) -> None:
        """Add the answers to the record at ``place``, all or none of them; ``emptied`` as :meth:`Formatter.text`.

        Raises:
            ValueError: as :meth:`Formatter.text`.
        """
        self.write(self.formatter.text(records, emptied, lambda _: place).encode(), len(records))

    def write(self, text: bytes, records: int) -> None:
        """Add the text of so many records."""
        self._file.write(text)
        self.count += records
        self.bytes += len(text)

    def flush(self) -> None:
        """Let others see what was written."""
        self._file.flush()
