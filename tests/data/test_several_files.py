"""Folders and patterns of Parquet: all files in the order of their names, or a sentence that says what is wrong."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import S3Server

from mlc.data.gathering import gather
from mlc.data.matching import BadData, LocalTree, Match, StoreTree, Tree, matches

Put = Callable[[str, bytes], None]


def parquet(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


class Lake:
    """Files in a folder, or in a bucket."""

    def __init__(self, kind: str, tmp_path: Path, s3: S3Server, bucket: str) -> None:
        self._root, self._store, self._bucket, self._kind = tmp_path / "lake", s3.store(), bucket, kind
        self.tree: Tree = LocalTree() if kind == "folder" else StoreTree(self._store)
        self.beginning = str(self._root) if kind == "folder" else bucket

    def put(self, name: str, content: bytes) -> None:
        if self._kind == "bucket":
            self._store.files.pipe_file(f"{self._bucket}/{name}", content)
            return
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        (self._root / name).write_bytes(content)

    def opened(self, match: Match) -> AbstractContextManager[IO[bytes]]:
        if self._kind == "folder":
            return closing(Path(match.path).open("rb"))
        return closing(io.BytesIO(self._store.read(match.path, 0, match.size)))

    def gathered(self, *segments: str, folder: bool = False) -> list[dict[str, Any]]:
        target = io.BytesIO()
        found = matches(self.tree, self.beginning, segments, folder=folder)
        rows = gather(found, self.opened, target, lambda: None)
        table = pq.read_table(io.BytesIO(target.getvalue()))
        assert table.num_rows == rows
        listed: list[dict[str, Any]] = table.to_pylist()
        return listed


@pytest.fixture(params=["folder", "bucket"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server, bucket: str) -> Lake:
    return Lake(request.param, tmp_path, s3_server, bucket)


def test_a_folder_s_files_are_read_in_the_order_of_their_names(lake: Lake) -> None:
    for name in ("t/10.parquet", "t/2.parquet", "t/1.PARQUET"):
        lake.put(name, parquet(a=[name]))
    for mark in ("t/_SUCCESS", "t/.2.parquet.crc", "table/x.parquet"):
        lake.put(mark, b"")
    assert [row["a"] for row in lake.gathered("t", folder=True)] == ["t/1.PARQUET", "t/10.parquet", "t/2.parquet"]


def test_a_star_stands_for_what_is_in_one_name(lake: Lake) -> None:
    for name in ("a/x-1.parquet", "a/x-2.parquet", "a/y-3.parquet", "a/b/x-4.parquet", "c/x-5.parquet"):
        lake.put(name, parquet(a=[name]))
    assert [row["a"] for row in lake.gathered("a", "x-*.parquet")] == ["a/x-1.parquet", "a/x-2.parquet"]
    assert [row["a"] for row in lake.gathered("*", "x-*.parquet")] == [
        "a/x-1.parquet",
        "a/x-2.parquet",
        "c/x-5.parquet",
    ]
    with pytest.raises(BadData, match="no Parquet file"):
        lake.gathered("a", "x-.*parquet")


@pytest.mark.parametrize("name", ["a*b.parquet", "a[1]b.parquet", "a?b.parquet"])
def test_what_other_patterns_know_is_a_character_here(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(parquet(a=[1]))
    (tmp_path / "a1b.parquet").write_bytes(parquet(a=[2]))
    from urllib.parse import quote

    (found,) = matches(LocalTree(), str(tmp_path), [quote(name).replace("b.", "*.")], folder=False)
    assert found.name == name


def test_what_folders_names_say_are_columns(lake: Lake) -> None:
    lake.put("t/year=2025/m=1/x.parquet", parquet(a=[1]))
    lake.put("t/year=2026/m=%2F/x.parquet", parquet(a=[2, 3]))
    lake.put("t/year=__HIVE_DEFAULT_PARTITION__/m=x/x.parquet", parquet(a=[4]))
    expected = [
        {"a": 1, "year": "2025", "m": "1"},
        {"a": 2, "year": "2026", "m": "/"},
        {"a": 3, "year": "2026", "m": "/"},
        {"a": 4, "year": None, "m": "x"},
    ]
    assert lake.gathered("t", folder=True) == expected
    assert lake.gathered("t", "year=*", "m=*", "*.parquet") == expected
    assert lake.gathered("t", "year=2025", folder=True) == [{"a": 1, "m": "1"}]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no Parquet file"),
        ({"t/_SUCCESS": b""}, "no Parquet file"),
        ({"t/1.parquet": b"", "t/x.csv": b"a\n1"}, "x.csv lies there too"),
        ({"t/1.parquet": b"", "t/sub/2.parquet": b""}, "sub is a folder"),
        ({"t/y=1/1.parquet": b"", "t/z=1/2.parquet": b""}, r"name different columns \(y; z\)"),
        ({"t/1.parquet": b"", "t/z=1/2.parquet": b""}, r"name different columns \(none; z\)"),
        ({"t/1.parquet": b"PAR1 but no more"}, "1.parquet can't be read as Parquet"),
        ({"t/1.parquet": b""}, "1.parquet can't be read as Parquet"),
        ({"t/a=1/1.parquet": parquet(a=[1])}, "1.parquet has a column 'a', and so have the names of its folders"),
        ({"t/1.parquet": parquet(a=[1], b=[1]), "t/2.parquet": parquet(a=[1])}, "2.parquet has no column 'b'"),
        ({"t/1.parquet": parquet(a=[1]), "t/2.parquet": parquet(a=[1], c=[1])}, "2.parquet has a column 'c'"),
        (
            {"t/1.parquet": parquet(a=[1]), "t/2.parquet": parquet(a=["1"])},
            "the column 'a' is string in 2.parquet, and int64 in 1.parquet",
        ),
    ],
)
def test_what_can_not_be_one_table_is_said_by_file_and_column(lake: Lake, files: dict[str, bytes], said: str) -> None:
    for name, content in files.items():
        lake.put(name, content)
    with pytest.raises(BadData, match=said):
        lake.gathered("t", folder=True)


def test_another_order_of_the_columns_is_no_difference(lake: Lake) -> None:
    lake.put("t/1.parquet", parquet(a=[1], b=["x"]))
    lake.put("t/2.parquet", parquet(b=["y"], a=[2]))
    assert lake.gathered("t", folder=True) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_a_page_that_is_spoilt_is_said_and_no_row_of_it_read(tmp_path: Path) -> None:
    content = bytearray(parquet(a=list(range(100_000))))
    content[len(content) // 3 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 3)
    (tmp_path / "1.parquet").write_bytes(content)
    found = matches(LocalTree(), str(tmp_path), ["*.parquet"], folder=False)
    with pytest.raises(BadData, match=r"1\.parquet can't be read as Parquet"):
        gather(found, lambda match: closing(io.BytesIO(Path(match.path).read_bytes())), io.BytesIO(), lambda: None)


def test_a_folder_that_a_pattern_is_like_is_said(lake: Lake) -> None:
    lake.put("t/x/1.parquet", parquet(a=[1]))
    with pytest.raises(BadData, match="x is a folder: write / behind"):
        lake.gathered("t", "*")
    assert lake.gathered("t", "*", folder=True) == [{"a": 1}]
