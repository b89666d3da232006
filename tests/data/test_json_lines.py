"""Records of a model as a table: whoever wrote them is not trusted."""

import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from mlc.data import json_lines, tables
from mlc.data.matching import BadData


def table(content: bytes) -> list[dict[str, Any]]:
    source, target = io.BytesIO(content), io.BytesIO()
    tables.write(json_lines.batches(source, json_lines.columns(source)), target)
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(target.getvalue())).to_pylist()
    return rows


def test_names_that_come_later_are_columns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "CELLS", 2)
    assert table(b'{"b": 1}\n\n{"a": "x", "b": null}\n{"b": 2.5}\n') == [
        {"b": 1.0, "a": None},
        {"b": None, "a": "x"},
        {"b": 2.5, "a": None},
    ]


def test_what_is_nested_is_text_and_numbers_are_exact() -> None:
    assert table(b'{"a": {"x": [1]}, "b": 9007199254740993}\n{"a": [], "b": 1}\n') == [
        {"a": '{"x": [1]}', "b": 9007199254740993},
        {"a": "[]", "b": 1},
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no record"),
        (b"{}\n", "no record"),
        (b"[1]\n", "line 1 is no object"),
        (b'{"a": 1}\n7\n', "line 2 is no object"),
        (b'{"a": ', "line 1 can't be read as JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"\n", "line 1 can't be read as JSON"),
        (b'{"a": "\xff"}\n', "line 1 can't be read as JSON"),
        (b'{"a": "' + b"x" * 2000 + b'"}\n', "line 1 is longer"),
        (json.dumps(dict.fromkeys(map(str, range(200)), 1)).encode()[:900] + b"}", "can't be read as JSON"),
        (b"".join(b'{"%d": 1}\n' % number for number in range(60)), "more than 50 names"),
        (b'{"a": 1}\n{"a": "x"}\n', "column 'a' holds values of several kinds"),
        (b'{"a": 99999999999999999999}\n', "column 'a' holds a value that is too large"),
    ],
)
def test_what_can_not_be_a_table_is_said(monkeypatch: pytest.MonkeyPatch, content: bytes, said: str) -> None:
    monkeypatch.setattr(json_lines, "LONGEST", 1024 if b"xxx" in content else 1024**2)
    monkeypatch.setattr(json_lines, "MOST_COLUMNS", 50)
    with pytest.raises(BadData, match=said):
        table(content)
