"""The columns of a file by its beginning or its end: whatever the bytes are, an answer or none."""

import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlc.data.headers import HEAD, TAIL, csv_columns, file_columns, parquet_columns


def parquet(**columns: list[float]) -> bytes:
    made = io.BytesIO()
    pq.write_table(pa.table(columns), made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        (b"a,b\n1,2\n", ["a", "b"]),
        (b"\xef\xbb\xbfa,b", ["a", "b"]),
        (b'"a\nb",c\r\n', ["a\nb", "c"]),
        (b"\n\na\n", ["a"]),
        (b"\xff\n", ["\udcff"]),
        (b"a,b\n" + b"1" * HEAD, ["a", "b"]),
        (b"a" * HEAD, None),
        (b'a,"b', None),
        (b'"a"b\n', None),
        (b"", None),
    ],
)
def test_the_first_row_of_csv_that_is_whole_are_its_columns(head: bytes, columns: list[str] | None) -> None:
    assert csv_columns(head[:HEAD]) == columns


def test_the_end_of_parquet_tells_its_columns() -> None:
    large = parquet(a=[float(number) for number in range(200_000)], b=[1.0] * 200_000)
    assert len(large) > TAIL
    assert parquet_columns(large[-TAIL:]) == ["a", "b"]
    assert parquet_columns(parquet(a=[])) == ["a"]


def test_whatever_stands_in_the_end_of_parquet_is_an_answer_or_none() -> None:
    whole, chance = parquet(a=[1.0], b=[2.0]), random.Random(7)
    for cut in range(0, len(whole), 7):
        assert parquet_columns(whole[:cut]) is None
        assert parquet_columns(whole[cut:]) in (None, ["a", "b"])
    for _ in range(500):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        assert isinstance(parquet_columns(bytes(broken)), list | None)


def test_a_file_is_read_by_its_name_and_one_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_bytes(b"a,b\n")
    (tmp_path / "a.parquet").write_bytes(parquet(c=[1.0]))
    (tmp_path / "a.json").write_bytes(b'{"a": 1}')
    found = [file_columns(tmp_path / name) for name in ("a.CSV", "a.parquet", "a.json", "gone.csv", ".")]
    assert found == [["a", "b"], ["c"], None, None, None]
