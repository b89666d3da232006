"""Files read in pieces, columns at a time: what comes of it is what comes of reading them whole, cell by cell."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rows_one_by_one import read

from mlc.runtime.harness import counting, kinds
from mlc.runtime.harness.columns import Columns, find
from mlc.runtime.harness.cutting import Piece, header_of, pieces
from mlc.runtime.harness.encoding import json_text
from mlc.runtime.harness.frames_of_csv import frame_of
from mlc.runtime.harness.plain import NotPlain, Nulled, plain
from mlc.runtime.harness.records import json_records
from mlc.runtime.harness.unreadable import Broken

CELLS = (
    *("1", "-2", "+3", " 4", "5 ", "1_0", "1.5", "1e3", "inf", "NaN", "NA", "", "null", "x", "a b", '"q"', '"a,b"'),
    *('"a\nb"', '"a""b"', 'a"b', '"x"y', '"', "true", "True", "tRUE", "é", "\x1c5", "٣", "1" * 30, "1" * 1001, "\0"),
    *("0x1", "-", "nan", " ", '"\r"', '"l\r\nm"', "\u2028", "#N/A", "9" * 19, "1.", ".5", "1e", "Infinity", "+nan"),
)
SIZES = (1, 3, 7, 16, 50, 1000)


def odd_files(seed: int, count: int) -> Iterator[bytes]:
    """Files with everything that one shouldn't write."""
    chance = random.Random(seed)
    for _ in range(count):
        width = chance.randint(1, 3)
        end = chance.choice(["\n", "\n", "\n", "\r\n", "\r"])
        cells = chance.sample(CELLS, chance.randint(1, 6))
        lines = [",".join(chance.sample(["a", "b", "c", "d", '"e"', "a"], width))]
        for _ in range(chance.randint(0, 12)):
            kind = chance.random()
            many = width if kind < 0.9 else chance.randint(1, 4)
            lines.append("" if kind < 0.1 else "  " if kind < 0.13 else ",".join(chance.choices(cells, k=many)))
        text = chance.choice(["", "", "", end]) + end.join(lines) + chance.choice(["", end, end * 2])
        content = text.encode()
        if chance.random() < 0.1:
            content = b"\xef\xbb\xbf" + content
        yield content.replace(b"x", b"\xff") if chance.random() < 0.05 else content


def in_pieces(path: Path, declared: dict[str, str], size: int) -> list[Any] | str:
    try:
        columns = Columns(path, declared)
        found: list[Any] = []
        last = columns.start
        for piece in pieces(path, "csv", columns.start, size):
            assert (piece.offset, piece.lines, piece.records) == (last.after.offset, last.after.lines, len(found))
            records = columns.records(path, piece)
            assert len(records) == piece.count
            found += records
            last = piece
        assert last.after.offset == path.stat().st_size or not path.read_bytes()[last.after.offset :].strip(b"\r\n")
    except ValueError as error:
        return str(error)
    return [(each.place, each.problem) if isinstance(each, Broken) else each for each in found]


@pytest.mark.parametrize("seed", range(4))
def test_csv_in_pieces_is_what_it_is_cell_by_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "in.csv"
    for content in odd_files(seed, 500):
        path.write_bytes(content)
        declared = {name: chance.choice(kinds.ORDER) for name in "abcde" if chance.random() < 0.3}
        monkeypatch.setattr(kinds, "LOOKED_AT", chance.choice(SIZES))
        expected = read(content, declared)
        assert repr(in_pieces(path, declared, chance.choice(SIZES))) == repr(expected), content
        counted = len(expected) if isinstance(expected, list) else expected
        try:
            assert counting.count_rows(path) == counted, content
        except ValueError as error:
            assert str(error) == counted  # noqa: PT017 - either is right


@pytest.mark.parametrize("seed", range(2))
def test_a_column_has_one_type_in_all_frames_and_the_records_values(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "in.csv"
    for content in odd_files(seed, 300):
        path.write_bytes(content)
        try:
            _, start = header_of(path)
            columns = Columns(path, {}, find(path, Columns(path, {}).names, start, {}, whole=True))
        except ValueError:
            continue
        types: set[tuple[str, ...]] = set()
        for piece in pieces(path, "csv", columns.start, chance.choice(SIZES)):
            frame, records = frame_of(columns, path, piece), columns.records(path, piece)
            if frame is None:
                assert any(isinstance(each, Broken) for each in records)
                continue
            types.add(tuple(str(each) for each in frame.dtypes))
            for row, record in zip(frame.to_dict("records"), records, strict=True):
                assert {n: None if pd.isna(v) else v for n, v in row.items()} == record, content
        assert len(types) < 2, content


LINES = (
    *(
        '{"a": 1}',
        '{"a": 1} ',
        ' {"a": 1}',
        '{"a": 1}\r',
        "",
        "  ",
        "3",
        '"x"',
        "[1, 2]",
        '{"a": 1',
        '{"a": 1},{"b": 2}',
    ),
    *(
        '{"a": [{"x": 1}',
        '{"y": 2}]}',
        "NaN",
        "\ufeff{}",
        "1" * 30,
        '{"a": 1, "a": 2}',
        "null",
        '"\\ud800"',
        '"é\u2028"',
        "\x0b",
    ),
)


def test_json_lines_in_pieces_are_what_they_are_line_by_line(tmp_path: Path) -> None:
    chance = random.Random(0)
    path = tmp_path / "in.jsonl"
    for _ in range(1500):
        text = "\n".join(chance.choices(LINES, k=chance.randint(0, 8))) + chance.choice(["", "\n"])
        content = text.encode().replace(b"x", chance.choice([b"x", b"x", b"\xff"]))
        path.write_bytes(content)
        found: list[Any] = []
        for piece in pieces(path, "jsonl", Piece(0, 0), chance.choice(SIZES)):
            records = json_records(path, piece)
            assert (len(records), len(found)) == (piece.count, piece.records)
            found += records
        assert repr(found) == repr(list(one_by_one(path))), content
        assert counting.count_lines(path) == len(found)


def one_by_one(path: Path) -> Iterator[Any]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield json.loads(line.decode("utf-8-sig"))
                except ValueError as error:
                    yield Broken(f"line {number}", f"can't be read as JSON: {error}")


ANSWERS: list[Any] = [
    *(1, -0.0, 1e16, 1.5, True, None, "é\n\u2028", "\ud800", float("nan"), float("inf"), 10**400, 10**5000, (1, (2,))),
    *({"a": 1}, {1: 2}, {True: 1}, {None: 1}, {"a": {"b": [1, {"c": None}]}}, {"a": float("nan")}, {"a": {1}}, {}, []),
    *(np.float64(1.5), np.float32(0.1), np.int64(3), np.bool_(True), np.datetime64("2026-01-01"), np.array([1, 2])),
    *({"a": np.float64("nan")}, {"a": np.int64(1)}, {"a": np.float32("inf")}, {"a": [np.float64(1)]}, b"x", object()),
    *({"a": {"b": np.int8(1)}}, [[[[]]]], {"a\ud800": 1}, {"a": pd.Timestamp("2026-01-01")}, {"a": pd.NA}),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_what_is_written_at_once_is_what_is_written_of_a_plain_copy(answer: Any) -> None:
    text = json_text(answer)
    nulled = Nulled()
    try:
        expected = json.dumps(plain(answer, nulled), ensure_ascii=False, allow_nan=False)
        expected.encode()
    except (NotPlain, ValueError):
        assert text is None
        return
    assert text in ({None} if nulled.count else {None, expected})


@pytest.mark.parametrize("between", ["", ",null,", ",0,"])
def test_lines_that_are_values_only_together_are_broken_each(tmp_path: Path, between: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"a": 1}\n{},' + (between or ",").strip(",") + '{}\n{"b": [{}\n{}]}\n')
    found = json_records(path, Piece(0, path.stat().st_size))
    assert [type(record) for record in found] == [dict, Broken, Broken, Broken]
