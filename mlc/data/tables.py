"""Rows as Parquet or Arrow. A column's type is found in all of its values."""

import json
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from typing import IO, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from mlc.data.matching import BadData
from mlc.data.query import Batch

CAST = "let the query CAST it"
TOGETHER, TOGETHER_ROWS, TOGETHER_BYTES = 10, 100_000, 64 * 1024**2
"""Batches in one row group, their rows, and what they may have, of which the last one may be more."""


def write(
    batches: Iterable[Batch],
    target: IO[bytes],
    check: Callable[[int], None] = lambda _: None,
    *,
    file_format: str = "parquet",
    remedy: str = CAST,
) -> int:
    """Write rows as Parquet, or as an Arrow file, once all are there: types may change to the last row.

    Args:
        batches: closed in the end, in this thread, if they are a generator: what they come from may need that.
        check: told how many bytes there are by now; what it raises ends it.
        remedy: what somebody can do where a column has no one type.

    Returns:
        How many rows there are.

    Raises:
        BadData: a column has no one type; the text names it.
    """
    names: Sequence[str] = ()
    types: list[Any] = []
    rows = 0
    whole = closing(batches) if isinstance(batches, Generator) else nullcontext()
    with whole, tempfile.TemporaryFile(prefix="mlc-rows-") as kept:
        for batch in batches:
            names = batch.names
            arrays = [_array(values, name, remedy) for name, values in zip(names, batch.columns, strict=True)]
            types = [
                array.type if not types else _both(types[number], array.type, names[number], remedy)
                for number, array in enumerate(arrays)
            ]
            table = pa.table(arrays, names=list(names))
            with pa.ipc.new_stream(kept, table.schema) as stream:
                stream.write_table(table)
            rows += table.num_rows
            check(kept.tell())
        kept.seek(0)
        # A column without any value has no type: text is what everybody can read.
        schema = pa.schema([(n, pa.string() if pa.types.is_null(t) else t) for n, t in zip(names, types, strict=True)])
        with _writer(target, schema, file_format) as writer:
            for table in _together(_kept(kept, schema, remedy)):
                writer.write_table(table)
    return rows


def write_empty(columns: Mapping[str, str], target: IO[bytes], file_format: str) -> None:
    """Write a table without rows.

    Args:
        columns: what they hold: ``integer``, ``number``, ``boolean`` or ``text``.
    """
    types = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with _writer(target, schema, file_format) as writer:
        writer.write_table(schema.empty_table())


def _writer(target: IO[bytes], schema: Any, file_format: str) -> Any:
    if file_format == "arrow":
        return pa.ipc.new_file(target, schema)
    return pq.ParquetWriter(target, schema, compression="zstd")


def _kept(file: IO[bytes], schema: Any, remedy: str) -> Iterator[Any]:
    while True:
        try:
            with pa.ipc.open_stream(file) as stream:
                table = stream.read_all()
        except pa.ArrowInvalid:  # the end
            return
        yield pa.table([_cast(table.column(n), field, remedy) for n, field in enumerate(schema)], schema=schema)


def _together(tables: Iterator[Any]) -> Iterator[Any]:
    some: list[Any] = []
    for table in tables:
        some.append(table)
        rows, size = sum(each.num_rows for each in some), sum(each.nbytes for each in some)
        if len(some) == TOGETHER or rows >= TOGETHER_ROWS or size >= TOGETHER_BYTES:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)


def _array(values: Sequence[Any], name: str, remedy: str) -> Any:
    try:
        return pa.array(list(map(_plain, values)))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        kinds = sorted({type(value).__name__ for value in values if value is not None})
        what = f"values of several kinds ({', '.join(kinds[:4])})" if len(kinds) > 1 else "a value that is too large"
        raise BadData(f"its column {name[:60]!r} holds {what}: {remedy}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, UUID):
        return str(value)
    return value


def _both(one: Any, other: Any, name: str, remedy: str) -> Any:
    """The type that holds the values of both."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    kinds = {one, other}
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_decimal(one) and pa.types.is_decimal(other):
        scale = max(one.scale, other.scale)
        digits = max(one.precision - one.scale, other.precision - other.scale) + scale
        if digits <= 76:
            return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
    raise BadData(f"its column {name[:60]!r} is {one} in some rows, and {other} in others: {remedy}")


def _cast(column: Any, field: Any, remedy: str) -> Any:
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid:  # an integer that no floating-point number is
        raise BadData(f"its column {field.name[:60]!r} holds numbers that {field.type} can't: {remedy}") from None
