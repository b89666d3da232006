"""A job's inputs as its model's process can read them, and its outputs as they were asked for."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mlc.data.matching import BadData
from mlc.model.asset import Asset
from mlc.runtime.external import ExternalFiles
from mlc.runtime.formats import is_compressed
from mlc.runtime.harness import columnar
from mlc.runtime.harness.columnar import TABLES
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.schema import columns_of
from mlc.runtime.layout import Layout
from mlc.runtime.order import DataFile
from mlc.runtime.transfer import CHUNK

REMEDY = "let the model answer values of one kind that fit, or text"
LIBRARY = "pyarrow"
"""What reads Parquet and Arrow."""


def readable(
    layout: Layout, files: list[DataFile], assets: list[Asset], libraries: Mapping[str, str], limit: ExternalFiles
) -> Iterator[str]:
    """Unpack what is compressed, and make JSON lines of tables where the model's interpreter can't read those.

    Args:
        libraries: of the model's interpreter.
        limit: tells what is too large once it is unpacked.

    Yields:
        What people should know of an input.

    Raises:
        ModelFailure: one isn't what its name or format says, or is too large.
    """
    for file, asset in zip(files, assets, strict=True):
        what = f"input {file.name}"
        if is_compressed(asset):
            _replace(layout, file, _unpacked(layout, file, what, limit))
        if file.format in TABLES and LIBRARY not in {name.lower() for name in libraries}:
            kind = TABLES[file.format]
            file.types = _make_lines(layout, file, what, limit)
            file.format = "jsonl"
            yield (
                f"The {what} is {kind}, and the model's interpreter has no {LIBRARY}: the model gets JSON lines, in "
                "which times and exact decimals are text. Add it to requirements.txt for the types as they are."
            )


def as_it_is(layout: Layout, file: DataFile, _: Asset) -> PurePosixPath:
    """Where an output lies as the model wrote it."""
    return layout.name_of(file)


def encoded(layout: Layout, file: DataFile, asset: Asset, going: Callable[[], None]) -> PurePosixPath:
    """Where an output lies in the format that was asked for, once the model's process is gone.

    A model's records are JSON lines, or rows of CSV. Parquet and Arrow are made of them; a column's type is found in
    all of its values, and what is nested is text. Without any record they have the columns of the output schema.

    Args:
        going: called now and then; what it raises ends it.

    Raises:
        ModelFailure: they can't be a table.
    """
    made = layout.name_of(file)
    what = f"output {file.name}"
    if file.format in TABLES:
        made = _as_table(layout, made, file.format, what, schema=file.schema_, going=going)
    if is_compressed(asset):
        packed = made.with_name(f"{made.name}.gz")
        with layout.directory.open(made, what) as source, layout.directory.create(packed) as target:
            # Without name and time: the same records are the same bytes.
            pack = gzip.GzipFile("", "wb", fileobj=target, mtime=0)
            while piece := source.read(CHUNK):
                going()
                pack.write(piece)
            pack.close()
        made = packed
    return made


def _as_table(
    layout: Layout,
    name: PurePosixPath,
    file_format: str,
    what: str,
    *,
    schema: dict[str, Any] | None,
    going: Callable[[], None],
) -> PurePosixPath:
    from mlc.data import json_lines, tables

    made = name.with_name(f"{name.name}.{file_format}")
    try:
        with layout.directory.open(name, what) as source, layout.directory.create(made) as target:
            empty = columns_of(schema)
            if empty and not source.read(1):
                tables.write_empty(empty, target, file_format)
                return made
            names = json_lines.columns(source)
            some = json_lines.batches(source, names)
            tables.write(some, target, lambda _: going(), file_format=file_format, remedy=REMEDY)
    except (BadData, ValueError) as error:
        raise ModelFailure(f"The {what} can't be written as {TABLES[file_format]}: {error}.") from None
    return made


def _replace(layout: Layout, file: DataFile, pieces: Iterator[bytes]) -> None:
    own = layout.name_of(file)
    other = own.with_name(f"{own.name}.made")
    with layout.directory.create(other) as target:
        for piece in pieces:
            target.write(piece)
    layout.directory.move(other, own)


def _unpacked(layout: Layout, file: DataFile, what: str, limit: ExternalFiles) -> Iterator[bytes]:
    size = 0
    try:
        with layout.directory.open(layout.name_of(file), what) as packed, gzip.GzipFile(fileobj=packed) as content:
            while piece := content.read(CHUNK):
                size += len(piece)
                limit.check_size(size, f"{what}, unpacked,")
                yield piece
    except EOFError:
        raise ModelFailure(f"The {what} ends in the middle of what gzip made.") from None
    except (OSError, zlib.error):
        raise ModelFailure(f"The {what} is not what gzip makes, though its name ends in .gz.") from None


def _make_lines(layout: Layout, file: DataFile, what: str, limit: ExternalFiles) -> dict[str, str]:
    from mlc.data import apart

    own = layout.name_of(file)
    other = own.with_name(f"{own.name}.made")
    kind = TABLES[file.format]
    try:
        with layout.directory.open(own, what) as source, layout.directory.create(other) as target:
            types = apart.lines(
                source,
                target,
                lambda size: limit.check_size(size, f"{what}, as JSON lines,"),
                file_format=file.format,
                reads=Path(columnar.__file__),
            )
    except BadData as error:
        raise ModelFailure(f"The {what} can't be read as {kind}: {error}.") from None
    layout.directory.move(other, own)
    return types
