"""Several files of Parquet written into one, batch by batch; they must have the same columns."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from mlc.data.matching import BadData, Match

BATCH, CELLS = 65_536, 2_000_000
"""Rows, and values, that are in memory at once."""
BUFFER = 1024**2
"""Bytes of a column that are read at once: a file may be one row group."""
Open = Callable[[Match], AbstractContextManager[IO[bytes]]]


def gather(found: Iterable[Match], opened: Open, target: IO[bytes], going: Callable[[], None]) -> int:
    """Write the rows of some files into one, in the order of the files.

    Args:
        opened: gives a file's content, in which one can seek.
        going: called now and then; what it raises ends it.

    Returns:
        How many rows there are.

    Raises:
        BadData: one is no Parquet, or has other columns than the first one; the text names file and column.
    """
    writer: Any = None
    first, rows = "", 0
    try:
        for match in found:
            with opened(match) as content:
                file = _parquet(content, match.name)
                schema = _with_columns(file.schema_arrow.remove_metadata(), match)
                if writer is None:
                    first, common = match.name, schema
                    writer = pq.ParquetWriter(target, common, compression="zstd")
                elif problem := difference(common, schema, first, match.name):
                    raise BadData(problem)
                for batch in _batches(file, match.name):
                    going()
                    writer.write_batch(_complete(batch, match, common))
                    rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def difference(one: Any, other: Any, one_name: str, other_name: str) -> str | None:
    """What is different about the columns of two files, in the end of a sentence; their order may be."""
    for name in one.names:
        if name not in other.names:
            return f"{other_name} has no column {name!r}, which {one_name} has"
    for name in other.names:
        if name not in one.names:
            return f"{other_name} has a column {name!r}, which {one_name} has not"
        if (here := one.field(name).type) != (there := other.field(name).type):
            return f"the column {name!r} is {there} in {other_name}, and {here} in {one_name}"
    return None


def _parquet(content: IO[bytes], name: str) -> Any:
    try:
        file = pq.ParquetFile(content, pre_buffer=False, buffer_size=BUFFER)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError):
        raise BadData(f"{name} can't be read as Parquet") from None
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        raise BadData(f"{name} has a column twice")
    return file


def _batches(file: Any, name: str) -> Iterable[Any]:
    try:
        rows = max(1, min(BATCH, CELLS // max(1, len(file.schema_arrow.names))))
        yield from file.iter_batches(batch_size=rows, use_threads=False)
    except MemoryError:  # Arrow's is one of its own errors, too
        raise
    except (pa.ArrowException, OSError):
        raise BadData(f"{name} can't be read as Parquet to its end") from None


def _with_columns(schema: Any, match: Match) -> Any:
    for name in match.columns:
        if name in schema.names:
            raise BadData(f"{match.name} has a column {name!r}, and so have the names of its folders")
        schema = schema.append(pa.field(name, pa.string()))
    return schema


def _complete(batch: Any, match: Match, schema: Any) -> Any:
    """A batch with the columns of the folders' names, in the order of the first file's columns."""
    said = {name: pa.array([value] * batch.num_rows, pa.string()) for name, value in match.columns.items()}
    arrays = [said[name] if name in said else batch.column(name) for name in schema.names]
    return pa.record_batch(arrays, schema=schema)
