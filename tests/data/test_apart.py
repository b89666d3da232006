"""Tables that stand for more than there is memory: whoever reads them dies of it, and the runtime says so."""

import io
import json
import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from mlc.data import apart
from mlc.data.local import opened
from mlc.data.matching import BadData, Match
from mlc.runtime.harness import columnar

MEGABYTE = 1024**2
TOO_MUCH = "it takes more memory to read"
READS = Path(columnar.__file__)


def reading() -> list[psutil.Process]:
    """The processes that read, of this one's: other tests' may be there, too, and one that ends has no command line."""
    found = list[psutil.Process]()
    for each in psutil.Process().children():
        with suppress(psutil.Error):
            if apart.PROGRAM in each.cmdline():
                found.append(each)
    return found


def resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def one_value_many_times(path: Path) -> None:
    """8 GB in a megabyte: one value of a megabyte in the dictionary of a column, 8,192 times."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 8192, pa.int32()), pa.array(["x" * MEGABYTE]))
    pq.write_table(pa.table({"a": column}), path, store_schema=False)  # so that it is read as text


def one_large_page(path: Path) -> None:
    """Zeros that are packed to nothing, in one page of one row group."""
    column = pa.array([b"\0" * (300 * MEGABYTE)], pa.large_binary())
    pq.write_table(pa.table({"a": column}), path, compression="zstd", use_dictionary=False, store_schema=False)


def one_large_batch(path: Path) -> None:
    """The same in Arrow's own format."""
    column = pa.array([b"\0" * (300 * MEGABYTE)], pa.large_binary())
    table = pa.table({"a": column})
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as file:
        file.write_table(table)


def gathered(path: Path, *more: Path, memory: int = apart.MEMORY, going: Any = lambda _: None) -> pa.Table:
    target = io.FileIO(path.with_name("gathered"), "wb+")
    found = [Match(str(each), each.stat().st_size) for each in (path, *more)]
    with target:
        rows = apart.gathered(found, lambda match: closing(opened(Path(match.path))), target, going, memory)
    table = pq.read_table(path.with_name("gathered"))
    assert table.num_rows == rows
    return table


def lines(path: Path, file_format: str, *, memory: int = apart.MEMORY, going: Any = lambda _: None) -> list[Any]:
    with path.open("rb") as file, path.with_name("lines").open("wb") as target:
        apart.lines(file, target, going, file_format=file_format, reads=READS, memory=memory)
    return [json.loads(line) for line in path.with_name("lines").read_text().splitlines()]


@pytest.mark.parametrize(
    ("bomb", "file_format", "memory"),
    [
        (one_value_many_times, "parquet", apart.MEMORY),
        (one_large_page, "parquet", 256 * MEGABYTE),
        (one_large_batch, "arrow", 256 * MEGABYTE),
    ],
)
def test_what_unpacks_to_more_than_there_is_memory_is_a_sentence(
    tmp_path: Path, bomb: Callable[[Path], None], file_format: str, memory: int
) -> None:
    path = tmp_path / "bomb"
    bomb(path)
    assert path.stat().st_size < 2 * MEGABYTE
    peak = list[int]()

    def watched(_: int) -> None:
        peak.append(sum(resident(each) for each in reading()))

    with pytest.raises(BadData, match=TOO_MUCH):
        lines(path, file_format, memory=memory, going=watched)
    if file_format == "parquet":
        with pytest.raises(BadData, match=TOO_MUCH):
            gathered(path, memory=memory, going=watched)
    assert max(peak, default=0) < memory + 200 * MEGABYTE
    assert not reading(), "nothing is left that reads"


def test_one_row_group_of_many_rows_is_read_a_batch_at_a_time(tmp_path: Path) -> None:
    """It has more bytes than reading may take memory."""
    path, rows, row = tmp_path / "large.parquet", 60_000, os.urandom(8000).hex()
    values = (row[number % 7000 :] for number in range(rows))
    pq.write_table(pa.table({"a": pa.array(values)}), path, row_group_size=rows, use_dictionary=False)
    assert pq.ParquetFile(path).metadata.num_row_groups == 1
    assert pq.ParquetFile(path).metadata.row_group(0).total_byte_size > 700 * MEGABYTE
    read = lines(path, "parquet", memory=512 * MEGABYTE)
    assert len(read) == rows
    assert read[1] == {"a": row[1:]}


def test_tables_come_as_they_are_read_beside_the_runtime(tmp_path: Path) -> None:
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    pq.write_table(pa.table({"a": [2**60, None], "b": ["x", "y"]}), one)
    pq.write_table(pa.table({"b": ["z"], "a": [1]}), two)
    assert gathered(one, two).to_pylist() == [{"a": 2**60, "b": "x"}, {"a": None, "b": "y"}, {"a": 1, "b": "z"}]
    assert lines(one, "parquet") == [{"a": 2**60, "b": "x"}, {"a": None, "b": "y"}]


@pytest.mark.parametrize("content", [b"", b"no table", b"PAR1" + b"\xff" * 64 + b"PAR1", b"ARROW1\0\0" + b"\xff" * 64])
def test_what_is_no_table_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(BadData, match=r"x can't be read as Parquet"):
        gathered(path)
    for file_format in columnar.TABLES:
        with pytest.raises(BadData):
            lines(path, file_format)


def test_whoever_reads_too_long_or_writes_too_much_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 8192]))
    pq.write_table(pa.table({"a": column}), path, store_schema=False)

    class TooMuch(Exception):
        pass

    def going(size: int) -> None:
        if size > 50 * MEGABYTE:
            raise TooMuch

    with pytest.raises(TooMuch):
        lines(path, "parquet", going=going)
    assert not reading()


def test_one_that_is_killed_is_told_from_one_that_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    monkeypatch.setattr(apart, "PROGRAM", "import time; time.sleep(1000)")

    def going(_: int) -> None:
        for child in reading():
            child.kill()

    began = time.monotonic()
    with pytest.raises(BadData, match=TOO_MUCH):
        lines(path, "parquet", going=going)
    assert time.monotonic() - began < 100
