"""What a model answers as a frame, or as a list of like records, is written a column at a time: the text is that of the
rows one by one, whatever is in them.
"""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc.runtime.harness import frame_text as made_by_columns
from mlc.runtime.harness.frame_text import frame_text, list_text
from mlc.runtime.harness.plain import Nulled, plain
from mlc.runtime.harness.writing import Formatter

FORMATS = ["jsonl", "csv"]
ODD_NUMBERS = [0.0, -0.0, 1.0, -3.0, 0.1, 1e-4, 9.9e-5, 1e-5, 1e9, 999_999_999.5, 1e10, 1e15, 1e16, 1.5e300, 5e-324]
ODD_TEXTS = ["", "a", "é 😀", 'say "so"', "a,b", "back\\slash", "two\nlines", "tab\t", "nul\0", "100%", "{%s}", "\x7f"]


def by_rows(records: list[dict[str, Any]], formatter: Formatter, first: int = 1) -> tuple[str, int, list[str]]:
    nulled = Nulled()
    text = formatter.text([plain(record, nulled, f"record {n}") for n, record in enumerate(records, start=first)])
    return text, nulled.count, nulled.places


def by_columns(answers: Any, formatter: Formatter, first: int = 1) -> tuple[str | None, int, list[str]]:
    nulled = Nulled()
    make = frame_text if isinstance(answers, pd.DataFrame) else list_text
    text = make(answers, first, formatter, nulled)
    return text, nulled.count, nulled.places


def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_by_columns, "_arrow_writes_as_python", lambda: False)


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("arrow", [True, False])
def test_a_frame_has_the_text_of_its_rows(monkeypatch: pytest.MonkeyPatch, file_format: str, arrow: bool) -> None:
    if not arrow:
        without_pyarrow(monkeypatch)
    count = len(ODD_NUMBERS)
    frame = pd.DataFrame(
        {
            "number": ODD_NUMBERS,
            "narrow": np.clip(ODD_NUMBERS, -1e30, 1e30).astype("float32"),
            "whole": np.arange(count) - 2**62,
            "unsigned": np.arange(count, dtype="uint64") + np.uint64(2**63),
            "small": np.arange(count, dtype="int8"),
            "truth": [n % 2 == 0 for n in range(count)],
            "text %": (ODD_TEXTS * 2)[:count],
            "as objects": pd.Series([f"t{n}" for n in range(count)], dtype=object),
        }
    )
    if arrow:
        frame["with missing"] = pd.array([None, 2**63 - 1, *range(count - 2)], dtype="Int64")
        frame["without missing"] = pd.array([2**64 - 1, *range(count - 1)], dtype="UInt64")
    assert by_columns(frame, Formatter(file_format, "out")) == by_rows(
        frame.to_dict("records"), Formatter(file_format, "out")
    )


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_is_missing_becomes_null_and_its_places_are_named_in_the_order_of_the_records(file_format: str) -> None:
    frame = pd.DataFrame(
        {
            "a": [math.nan if n % 3 == 0 else 1.5 for n in range(50)],
            "b": pd.Series([None if n % 2 else f"t{n}" for n in range(50)], dtype="str"),
            "c": [math.inf if n == 1 else 2.0 for n in range(50)],
        }
    )
    found = by_columns(frame, Formatter(file_format, "out"), first=101)
    assert found == by_rows(frame.to_dict("records"), Formatter(file_format, "out"), first=101)
    assert found[1] == 17 + 25 + 1
    assert found[2][:4] == ["record 101.a", "record 102.b", "record 102.c", "record 104.a"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_list_of_like_records_has_the_text_of_its_records(file_format: str) -> None:
    pairs = list(zip(ODD_NUMBERS, (ODD_TEXTS * 2)[: len(ODD_NUMBERS)], strict=True))
    records = [{"n": n, "x": number, "t": text, "b": n > 3} for n, (number, text) in enumerate(pairs)]
    found = by_columns(records, Formatter(file_format, "out"))
    assert found == by_rows(records, Formatter(file_format, "out"))


@pytest.mark.parametrize(
    "records",
    [
        [{"a": 1}, {"b": 1}],
        [{"a": 1, "b": 2}, {"b": 2, "a": 1}],
        [{"a": 1}, {"a": 1.5}],
        [{"a": True}, {"a": 1}],
        [{"a": 2**70}],
        [{"a": None}],
        [{"a": [1]}],
        [{"a": "\ud800"}],
        [{1: 2}],
        [{}],
        [],
        [1, 2],
    ],
    ids=repr,
)
def test_a_list_that_takes_a_longer_look_is_left_to_it(records: list[Any]) -> None:
    nulled = Nulled()
    assert list_text(records, 1, Formatter("jsonl", "out"), nulled) is None
    assert nulled.count == 0


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=["a", 2]),
        pd.DataFrame({"a": [pd.Timestamp(0)], "b": 1}),
        pd.DataFrame({"a": [{1, 2}], "b": 1}),
        pd.DataFrame({"a": ["\ud800"], "b": 1}, dtype=object),
        pd.DataFrame([[1, 2]], columns=pd.Index(["\ud800", "b"], dtype=object)),
        pd.DataFrame(index=range(3)),
    ],
    ids=["twice", "number", "time", "set", "surrogate", "surrogate name", "no columns"],
)
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("arrow", [True, False])
def test_a_frame_that_takes_a_longer_look_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, file_format: str, arrow: bool
) -> None:
    if not arrow:
        without_pyarrow(monkeypatch)
    formatter = Formatter(file_format, "out")
    assert by_columns(frame, formatter) == (None, 0, [])
    assert formatter.header is None


def test_the_header_of_a_csv_output_is_that_of_the_first_frame() -> None:
    formatter = Formatter("csv", "out")
    first, again = pd.DataFrame({"a": [1], "b,": ["x"]}), pd.DataFrame({"a": [2], "b,": ["y"]})
    assert by_columns(first, formatter)[0] == 'a,"b,"\n1,x\n'
    assert by_columns(again, formatter)[0] == "2,y\n"
    assert by_columns(again[["b,", "a"]], formatter)[0] is None  # in the order of the header, row by row


def test_a_row_that_would_be_an_empty_line_is_written_row_by_row() -> None:
    assert by_columns(pd.DataFrame({"a": ["", "x"]}), Formatter("csv", "out"))[0] is None
    assert by_columns(pd.DataFrame({"a": ["", "x"]}), Formatter("jsonl", "out"))[0] == '{"a": ""}\n{"a": "x"}\n'


def test_an_empty_frame_is_no_text() -> None:
    assert by_columns(pd.DataFrame({"a": []}), Formatter("csv", "out"))[0] == ""


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(max_size=6)), min_size=1),
    st.sampled_from(FORMATS),
)
def test_any_frame_has_the_text_of_its_rows_or_is_left_to_them(rows: list[tuple[Any, ...]], file_format: str) -> None:
    frame = pd.DataFrame(rows, columns=list("abcd"))
    found = by_columns(frame, Formatter(file_format, "out"))
    if found[0] is not None:
        assert found == by_rows(frame.to_dict("records"), Formatter(file_format, "out"))
    else:
        assert any("\r" in text for *_, text in rows)


@settings(deadline=None, max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_as_python_writes_it(value: float) -> None:
    frame = pd.DataFrame({"a": [value, -value, value * 2**-30]})
    lines = (by_columns(frame, Formatter("jsonl", "out"))[0] or "").splitlines()
    assert lines == [json.dumps({"a": each}) for each in frame["a"].tolist()]
