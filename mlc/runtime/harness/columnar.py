"""Parquet and Arrow: their rows as records, and as a data frame. Needs pyarrow, which not every interpreter has.

Types keep their meaning: integers are exact, a missing value is None and not NaN, dates and times are Python's,
decimals are Decimal, lists and structures are lists and dicts.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

TABLES = {"parquet": "Parquet", "arrow": "Arrow"}
"""Formats that are read here, and what people call them."""
BATCH = 4_096
"""Rows that are in memory at once."""
BUFFER = 1024**2
"""Bytes of a column that are read at once: a file may be one row group."""


def table_records(path: Path, file_format: str) -> Iterator[dict[str, Any]]:
    """The rows as dicts.

    Raises:
        ValueError: it is not what its format says, pyarrow is missing, or a value is none of Python's, such as a time
            in the year 10000.
    """
    for batch in _batches(path, file_format):
        try:
            rows = batch.to_pylist()
        except (OverflowError, ValueError):
            raise ValueError(_out_of_range(batch)) from None
        yield from rows


def count_table(path: Path, file_format: str) -> int:
    """How many rows there are.

    Raises:
        ValueError: as :func:`table_records`.
    """
    return sum(batch.num_rows for batch in _batches(path, file_format))


def table_frame(path: Path, file_format: str) -> Any:
    """All rows as a data frame of pandas.

    Integers and truths of which some are missing are of pandas' types that can miss one (``Int64``, ``boolean``): as
    floating-point numbers, large ones would be others.

    Raises:
        ValueError: as :func:`table_records`.
    """
    pa = _pyarrow()
    batches = list(_batches(path, file_format))
    table = pa.Table.from_batches(batches) if batches else schema_of(path, file_format).empty_table()
    frame = table.to_pandas(ignore_metadata=True)
    for number, column in enumerate(table.columns):
        if kind := _with_missing(pa, column):
            frame.isetitem(number, column.to_pandas(types_mapper=lambda _, kind=kind: kind))
    return frame


def table_types(path: Path, file_format: str) -> dict[str, str]:
    """The types of pandas that :func:`table_frame` gives columns of numbers and truths, by their names.

    Raises:
        ValueError: as :func:`table_records`.
    """
    pa = _pyarrow()
    schema = schema_of(path, file_format)
    of = {field.name: field.type for field in schema}
    whole = [name for name, kind in of.items() if _nullable(pa, kind)]
    missing = set[str]()
    for batch in _batches(path, file_format, whole) if whole else ():
        missing |= {name for name in whole if name not in missing and batch.column(name).null_count}
    found = {}
    for name, kind in of.items():
        if nullable := _nullable(pa, kind):
            numpy = "bool" if pa.types.is_boolean(kind) else str(kind)
            found[name] = nullable if name in missing else numpy
        elif pa.types.is_floating(kind):
            found[name] = f"float{kind.bit_width}"
    return found


def schema_of(path: Path, file_format: str) -> Any:
    """Its columns and their types, as pyarrow has them.

    Raises:
        ValueError: as :func:`table_records`.
    """
    pa = _pyarrow()
    try:
        with closing(path.open("rb")) as file:
            if file_format == "parquet":
                import pyarrow.parquet as pq

                return pq.ParquetFile(file).schema_arrow
            with _arrow(file) as batches:
                return batches.schema
    except MemoryError:  # Arrow's is one of its own errors, too
        raise
    except (pa.ArrowException, OSError) as error:
        raise ValueError(_first_line(error)) from None


def _with_missing(pa: Any, column: Any) -> Any:
    """The type of pandas for a column of which values are missing, if the usual one would change the others."""
    import pandas as pd

    name = _nullable(pa, column.type) if column.null_count else None
    return pd.api.types.pandas_dtype(name) if name else None


def _nullable(pa: Any, kind: Any) -> str | None:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return f"{'UInt' if pa.types.is_unsigned_integer(kind) else 'Int'}{kind.bit_width}"
    return None


def _batches(path: Path, file_format: str, columns: list[str] | None = None) -> Iterator[Any]:
    """Some rows at a time; of Parquet, only these ``columns``."""
    pa = _pyarrow()
    try:
        with closing(path.open("rb")) as file:
            if file_format == "parquet":
                import pyarrow.parquet as pq

                table = pq.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER)
                _check_names(table.schema_arrow.names)
                yield from table.iter_batches(batch_size=BATCH, columns=columns, use_threads=False)
            else:
                with _arrow(file) as batches:
                    _check_names(batches.schema.names)
                    yield from _of_arrow(batches)
    except MemoryError:  # Arrow's is one of its own errors, too
        raise
    except (pa.ArrowException, OSError) as error:
        raise ValueError(_first_line(error)) from None


def _of_arrow(batches: Any) -> Iterator[Any]:
    if hasattr(batches, "num_record_batches"):
        for number in range(batches.num_record_batches):
            yield batches.get_batch(number)
    else:
        yield from batches


def _arrow(file: Any) -> Any:
    """An Arrow file, or a stream: the file begins with its name."""
    import pyarrow.ipc

    beginning = file.read(6)
    file.seek(0)
    return pyarrow.ipc.open_file(file) if beginning == b"ARROW1" else pyarrow.ipc.open_stream(file)


def _check_names(names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"it has the column {twice!r} twice")


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.types
    except ImportError:
        raise ValueError("the model's interpreter has no pyarrow: add it to requirements.txt") from None
    return pyarrow


def _out_of_range(batch: Any) -> str:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.to_pylist()
        except (OverflowError, ValueError):
            return (
                f"its column {name[:60]!r} ({column.type}) holds a value that Python can't, such as a time outside of "
                "the years 1 to 9999"
            )
    return "it holds a value that Python can't"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
