"""The names of a file's columns, from its first or last bytes: the rest of it is not read."""

import csv
import io
import os
from pathlib import Path, PurePosixPath

HEAD, TAIL = 64 * 1024, 256 * 1024
"""Bytes at the beginning and at the end of a file in which its columns are looked for."""
CSV, PARQUET = ".csv", ".parquet"
_MAGIC = b"PAR1"


def kind_of(name: str) -> str:
    """The ending of a file's name if its columns can be known from a part of it, else nothing."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in {CSV, PARQUET} else ""


def file_columns(path: Path) -> list[str] | None:
    """The columns of a file on this machine; None if a part of it doesn't tell, or it can't be read."""
    kind = kind_of(path.name)
    try:
        with path.open("rb") as file:
            if kind == CSV:
                return csv_columns(file.read(HEAD))
            if kind == PARQUET:
                file.seek(max(file.seek(0, os.SEEK_END) - TAIL, 0))
                return parquet_columns(file.read(TAIL))
    except OSError:
        pass
    return None


def csv_columns(head: bytes) -> list[str] | None:
    """The columns of a CSV file by its first ``HEAD`` bytes, or all that it has; None if they don't tell."""
    if len(head) >= HEAD:
        head = head[: head.rfind(b"\n") + 1]
    text = head.decode("utf-8-sig", "surrogateescape")
    try:
        return next(filter(None, csv.reader(io.StringIO(text, newline=""), strict=True)), None)
    except csv.Error:
        return None


def parquet_columns(tail: bytes) -> list[str] | None:
    """The columns of a Parquet file by its last ``TAIL`` bytes, or all that it has; None if they don't tell.

    Nor is anything told where there is no pyarrow.
    """
    footer = int.from_bytes(tail[-8:-4], "little") + 8
    if not tail.endswith(_MAGIC) or footer > len(tail) - (len(_MAGIC) if len(tail) < TAIL else 0):
        return None
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        return None
    try:
        with pa.BufferReader(_MAGIC + tail[-footer:]) as file:
            read = pq.ParquetFile(file, thrift_string_size_limit=TAIL, thrift_container_size_limit=TAIL)
            return list(read.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError):
        return None
