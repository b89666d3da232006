"""Counting records without reading them: as many as the reader finds, whatever the file is like."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlc.model.job import RecordCounts
from mlc.runtime.channel import counting as runtime_counting
from mlc.runtime.channel.counting import Scoring, checked, count_records
from mlc.runtime.channel.messages import ToldCounts
from mlc.runtime.harness.counting import count, count_written
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.harness.plain import Places
from mlc.runtime.harness.records import CHUNK, Unreadable, read_records
from mlc.runtime.harness.schema import as_arrays
from mlc.runtime.harness.writing import RecordWriter
from mlc.runtime.order import DataFile, Order

ARRAYS = {"type": "array", "items": {"type": "array", "items": "double"}}
CONTENTS = {
    "csv": [b"", b"a\n", b"a", b"a,b\n1,2\n\n3\n", b'a\n"1\n2"\n3', b'a\n"1"x\n2\n',
            b"a\n\xff\n", b"a\r\n1\r\n2\r\n", b"a,a\n1,2\n"],
    "jsonl": [b"", b"\n \n", b"{}\n{}", b"{}\n\n[1]\nnonsense\n\xff\n",
              b"\xef\xbb\xbf{}\n", b"1" * (3 * CHUNK) + b"\n2\n"],
    "json": [b"[]", b"[1, 2,\n 3]", b" [[1], [2]] ", b"{}", b'{"a": [1, 2]}',
             b'{"a": 1}\n{"a": 2}\n', b"[1,", b"nonsense", b""],
}  # fmt: skip


def source(path: Path, file_format: str, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "format": file_format, "schema": None, "whole": False, "written": False, **more}


def read(path: Path, file_format: str, schema: Any) -> int | None:
    try:
        return sum(1 for _ in as_arrays(read_records(path, file_format, "it"), {"schema": schema}))
    except Unreadable:
        return None


@pytest.mark.parametrize("schema", [None, ARRAYS], ids=["", "arrays"])
@pytest.mark.parametrize(
    ("file_format", "content"), [(kind, each) for kind, every in CONTENTS.items() for each in every]
)
def test_as_many_records_are_counted_as_are_read(tmp_path: Path, file_format: str, content: bytes, schema: Any) -> None:
    path = tmp_path / "it"
    path.write_bytes(content)
    try:
        found = count(source(path, file_format, schema=schema))
    except (Unreadable, ValueError):
        found = None
    assert found == read(path, file_format, schema)


@given(st.sampled_from(list(CONTENTS)), st.text(st.sampled_from('a1,"\n\r[]{}: \\\ufeff'), max_size=30))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_as_many_records_are_counted_as_are_read_of_anything(tmp_path: Path, file_format: str, text: str) -> None:
    test_as_many_records_are_counted_as_are_read(tmp_path, file_format, text.encode(), None)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.text(max_size=5) | st.none() | st.integers()), max_size=8))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_what_was_written_is_counted_as_the_writer_counts_it(
    tmp_path: Path, file_format: str, records: list[dict[str, Any]]
) -> None:
    path = tmp_path / "it"
    with RecordWriter(path, file_format, "it") as writer:
        for record in records:
            try:
                writer.add([record], Places(), "")
            except ValueError:
                continue
    assert count_written(path, file_format) == writer.count


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}\n{"a": 2}\n', 2),
        (b"[[1], [2]]", 2),
        (b'[[{"a": 1}, {"a": 2}], 3]', 3),
        (b"{}\nnonsense\n{}", 1),
        (b"[]", 0),
    ],
)
def test_a_set_counts_its_rows_and_a_broken_one_is_one(tmp_path: Path, content: bytes, expected: int) -> None:
    path = tmp_path / "it"
    path.write_bytes(content)
    assert count(source(path, "json", whole=True)) == expected


async def test_files_are_counted_in_a_process_with_a_limit_of_time_and_memory(tmp_path: Path) -> None:
    good, broken = tmp_path / "good", tmp_path / "broken"
    good.write_text('{"a": 1}\n' * 1000)
    broken.write_text("[1,")
    files = [DataFile(path=path, format="json", name="it") for path in (good, broken, tmp_path / "missing")]
    assert await count_records(files, memory=2**29, limit=30) == [1000, None, None]
    with good.open("rb") as opened:
        descriptors = [opened.fileno()]
        assert await count_records(files[:1], descriptors=descriptors, memory=2**29, limit=30) == [1000]
    good.write_text(json.dumps({"a": ["x" * 100] * 500_000}))
    assert await count_records(files[:1], memory=50 * 2**20, limit=30) == [None]
    with pytest.raises(TimeoutError):
        await count_records(files, memory=2**29, limit=0.001)


PLAIN, SLOTTED, TOGETHER = "def s(r): ...", "def s(r, slot): ...", "def s(one, two): ..."
SOURCES = {
    PLAIN: (False, False),
    SLOTTED: (False, True),
    TOGETHER: (True, False),
    "def s(r, x=1): ...": (False, False),
    "import functools\n@functools.cache\ndef s(r, slot): ...": (None, None),
    "def s(r): ...\ns = print": (None, None),
    "def s(r): ...\nif 1:\n    def s(one, two): ...": (None, None),
    "def s(r): ...\nfrom os import *": (None, None),
    "def s(r): ...\ndef f():\n    global s\n    s = 1": (None, None),
    "def s(r): ...\ndef f():\n    s = 1": (False, False),
    "s = lambda r: r": (None, None),
    "def (": (None, None),
}


@pytest.mark.parametrize("text", SOURCES)
def test_how_a_function_is_called_is_read_from_a_source_that_tells(text: str) -> None:
    scoring = Scoring.of(text.encode(), {"score": "s"})
    assert (scoring.together, scoring.slotted) == SOURCES[text]


@pytest.mark.parametrize(
    ("text", "found", "outputs", "bad", "possible"),
    [
        (PLAIN, [3, 2], 1, 0, {5}),
        (PLAIN, [3, 2], 2, 0, {5}),
        (TOGETHER, [3, 2], 1, 0, {3}),
        (TOGETHER, [3], 1, 0, {3}),
        ("s = print", [3, 2], 1, 0, {3, 5}),
        ("s = print", [3, 2], 2, 0, {5}),
        ("# modelop.recordsets.$in: true\ndef s(r): ...", [3], 1, 0, {3}),
        ("# modelop.recordsets.$in: true\ndef s(r): ...", [3], 1, 1, {0, 1, 2, 3}),
        ("# modelop.recordsets.$all: true\ndef s(one, two): ...", [3, 2], 1, 0, {1}),
    ],
)
def test_how_many_can_have_been_read_depends_on_how_the_function_is_called(
    text: str, found: list[int], outputs: int, bad: int, possible: set[int]
) -> None:
    assert set(Scoring.of(text.encode(), {"score": "s"}).may_have_read(found, outputs, bad=bad)) == possible


def told(**counts: Any) -> ToldCounts:
    every = {"read": 3, "written": 3, "bad": 0, "unanswered": 0, "paired": True, "examples": []}
    return ToldCounts.model_validate({**every, **counts})


def test_counts_are_taken_if_they_are_what_was_found() -> None:
    plain = Scoring.of(PLAIN.encode(), {"score": "s"})
    assert checked(told(), plain, [3], [3]) == RecordCounts(read=3, written=3, bad=0, unanswered=0)
    for counts, read_, written in (
        (told(), [None], [3]),
        (told(), [3], [None]),
        (told(), [4], [3]),
        (told(), [3], [2, 2]),
        (told(paired=False), [3], [3]),
        (told(bad=4), [3], [3]),
        (told(written=2), [3], [2]),
    ):
        with pytest.raises(ModelFailure):
            checked(counts, plain, read_, written)
    unknown = Scoring.of(b"s = print", {"score": "s"})
    assert checked(told(paired=False, written=1), unknown, [3], [1]).written == 1
    assert runtime_counting.said(RecordCounts(read=3, written=1, bad=1, unanswered=1)) == [
        "Records in/out: 3/1",
        "Bad records: 1 of 3, skipped",
        "Records that the model answered nothing to: 1 of 3",
    ]


def test_an_order_tells_which_inputs_are_given_as_a_set() -> None:
    files = [DataFile(path=Path("x"), format="csv", name="x")] * 2
    order = Order(kind="scoring", source="model.py", functions={}, definition=Path("x"), inputs=files)
    assert Scoring.of(b"# modelop.recordsets.2: true\n", {}).whole(order) == [False, True]
