"""Labels that came later, in a monitor's job: put into the records that they are about, and counted."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Ran, result
from small_models import embedded
from test_production_data import BASELINE, MONITOR, hashed, job, production, scores

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.model.scored import Batch, Production, TruthColumns
from mlc.model.truth import COLUMNS, NoTruth, as_csv, identifier_of, label_of
from mlc.runtime.harness.truth import joined, keys_of

Run = Callable[..., Any]
LONG_AGO = "2026-01-01T00:00:00.000000Z"


def truth(labels: Mapping[Any, Any]) -> wire.Asset:
    rows = [(identifier_of(key), label_of(label), LONG_AGO) for key, label in labels.items()]
    return embedded("truth.csv", as_csv([COLUMNS, *rows]), asset_role="TRUTH_DATA", file_format="CSV")


def of(*batches: str, place: int = 1, rows: int | None = None) -> dict[str, Any]:
    listed = [Batch(job_id=each, inputs=1, outputs=1) for each in batches]
    columns = TruthColumns(identifier="id", label="bad")
    return job(Production(place=place, batches=listed, rows=rows, truth=columns).parameters())


def column(ran: Ran, name: str) -> list[Any]:
    columns, rows = production(ran)
    return [row[columns.index(name)] for row in rows]


async def test_labels_fill_the_column_that_the_schema_names_and_are_counted(call: Run) -> None:
    known = truth({3: "yes", "1": "no", 99: "no", "98": "yes"})
    data = [BASELINE, known, embedded("n.csv", "id\n3\n4\n"), scores("n.jsonl", 0.3, 0.4)]
    data += [embedded("o.jsonl", '{"id": 1}\n'), scores("o.jsonl", 0.1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j2", "j1"))
    assert column(ran, "id") == [1, 3, 4]
    assert column(ran, "bad") == ["no", "yes", None]
    assert column(ran, "score") == [0.1, 0.3, 0.4]
    told = ran.runtime_info["production"]
    assert told["truth"] == {"known": 4, "matched": 2, "unmatchedRecords": 1, "unmatchedTruth": 2}
    assert (told["records"], told["leftOut"]) == (3, {})
    hashes = {each["name"]: each["sha256"] for each in ran.runtime_info["sha256"]["inputs"]}
    assert hashes["truth.csv"] == hashlib.sha256(known.content() or b"").hexdigest()


async def test_what_came_later_is_right_and_a_label_without_truth_stays(call: Run) -> None:
    records = embedded("n.csv", "id,bad\n1,0\n2,0\n3,\n")
    data = [truth({1: 1, 3: 1}), records, scores("n.jsonl", 1, 1, 1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j", place=0))
    assert result(ran)["0"]["data"] == [[1, 1.0, 1], [2, 0.0, 1], [3, 1.0, 1]]


async def test_a_batch_without_a_label_costs_the_others_none_of_theirs(call: Run) -> None:
    data = [BASELINE, truth({1: 5}), embedded("n.csv", "id\n1\n"), scores("n.jsonl", 1)]
    data += [embedded("o.csv", "id,bad\n2,7\n"), scores("o.jsonl", 1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j2", "j1"))
    assert column(ran, "bad") == [7, 5]
    assert not any("left out" in line for line in ran.told)


async def test_records_of_one_identifier_get_the_label_each_and_the_window_counts(call: Run) -> None:
    data = [BASELINE, truth({1: True, 2: False}), embedded("n.csv", "id\n2\n1\n1\n1\n"), scores("n.jsonl", 1, 2, 3, 4)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j", rows=3))
    assert column(ran, "bad") == [True] * 3
    counted = ran.runtime_info["production"]["truth"]
    assert counted == {"known": 2, "matched": 3, "unmatchedRecords": 0, "unmatchedTruth": 1}


async def test_in_csv_and_json_a_text_is_not_the_number_that_it_looks_like(call: Run) -> None:
    known = truth({"007": "text", 7: "number", "9007199254740993": "exact"})
    data = [
        BASELINE,
        known,
        embedded("n.csv", "id,a\n007,1\n7,1\n7.0,1\n9007199254740993,1\n,1\n"),
        scores("n.jsonl", *range(5)),
    ]
    data += [
        embedded("o.jsonl", '{"id": "007"}\n{"id": 7.0}\n{"id": 7.5}\n{"id": null}\n'),
        scores("o.jsonl", *range(4)),
    ]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j2", "j1"))
    assert column(ran, "bad") == ["text", "number", None, None, "text", "number", "number", "exact", None]


async def test_records_without_the_identifier_are_of_no_truth(call: Run) -> None:
    data = [BASELINE, truth({1: 5}), embedded("n.csv", "a\n1\n"), scores("n.jsonl", 1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j"))
    assert column(ran, "bad") == [None]
    assert ran.runtime_info["production"]["truth"]["unmatchedTruth"] == 1


async def test_truth_that_is_not_what_it_was_or_cannot_be_had_fails_the_job(call: Run) -> None:
    records = [embedded("n.csv", "id\n1\n"), scores("n.jsonl", 1)]
    changed = hashed(truth({1: 5}), b"another")
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, changed, *records, job=of("j"))
    assert "truth.csv" in ran.problem
    gone = wire.Asset(name="truth.csv", filename="truth.csv", asset_type="EXTERNAL_FILE", file_url="file:///no/t.csv")
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, gone, *records, job=of("j"))
    assert "truth.csv" in ran.problem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("id,label\n1,\n", "has a label that is no JSON"),
        ("id\n1\n", "can't be read"),
        ("id,label\n1,1\n1,2\n", "has two labels of one identifier"),
        ('id,label\n"1,1\n', "can't be read"),
        ("", "can't be read"),
    ],
)
async def test_a_file_that_is_no_truth_fails_the_job(call: Run, content: str, why: str) -> None:
    broken = embedded("truth.csv", content, file_format="CSV")
    data = [BASELINE, broken, embedded("n.csv", "id\n1\n"), scores("n.jsonl", 1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j"))
    assert f"The truth in truth.csv {why}" in ran.problem


async def test_a_job_of_truth_that_has_no_input_for_it_says_so(call: Run) -> None:
    data = [embedded("n.csv", "id\n1\n"), scores("n.jsonl", 1)]
    ran = await call(JobKind.METRICS, MONITOR, *data, job=of("j", place=0))
    assert ran.problem.startswith("What the job says of its production data can't be")


IDENTIFIERS = st.one_of(
    st.text(max_size=6),
    st.text("-.0127 ", max_size=6),
    st.integers(-(2**54), 2**54),
    st.floats(allow_subnormal=False),
    st.floats(-1e3, 1e3).map(round).map(float),
    st.booleans(),
    st.none(),
)


@given(st.lists(IDENTIFIERS, max_size=5))
def test_records_and_truth_make_the_same_of_an_identifier(values: list[Any]) -> None:
    def expected(value: Any) -> str | None:
        try:
            return identifier_of(value)
        except NoTruth:
            return value if isinstance(value, str) and value else None  # none that truth could have

    found = keys_of(pd.Series(values, dtype=object))
    assert [None if pd.isna(key) else key for key in found] == [expected(value) for value in values]


@pytest.mark.parametrize(
    ("column", "keys"),
    [
        (pd.Series([1, -2, 10**18]), ["1", "-2", "1000000000000000000"]),
        (pd.Series([1, 2**63], dtype="uint64"), ["1", "9223372036854775808"]),
        (pd.Series([1.0, np.nan, 1.5, np.inf, 2.0**53]), ["1", None, None, None, None]),
        (pd.Series([1, None, 2**60], dtype="Int64"), ["1", None, "1152921504606846976"]),
        (pd.Series(["a", None, "1.0"], dtype="string"), ["a", None, "1"]),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
        (pd.Series([True, False]), [None, None]),
        (pd.Series(pd.to_datetime(["2026-01-01"])), [None]),
        (pd.Series([[1], {}], dtype=object), [None, None]),
        (pd.Series([], dtype=float), []),
    ],
)
def test_a_column_of_any_type_has_identifiers_or_none(column: pd.Series, keys: list[str | None]) -> None:
    assert [None if pd.isna(key) else key for key in keys_of(column)] == keys


@pytest.mark.parametrize(
    ("own", "labels", "filled"),
    [
        (None, {"0": 1, "1": 0}, "int64"),
        (None, {"0": 1}, "float64"),
        (None, {"0": 1, "1": 0.5}, "float64"),
        (None, {"0": True, "1": False}, "bool"),
        (None, {"0": True}, "object"),
        (None, {"0": 2**53, "1": 1}, "int64"),
        (None, {}, "object"),
        ([1, 2], {"0": 7}, "int64"),
        ([1.5, np.nan], {"1": 7}, "float64"),
        (["a", "b"], {"1": 7}, "object"),
    ],
)
def test_the_column_of_labels_has_a_type_for_what_it_holds(
    tmp_path: Path, own: list[Any] | None, labels: dict[str, Any], filled: str
) -> None:
    frame = pd.DataFrame({"id": [0, 1]}) if own is None else pd.DataFrame({"id": [0, 1], "bad": own})
    (tmp_path / "t.csv").write_bytes(truth(labels).content() or b"")
    made, _ = joined(frame, keys_of(frame["id"]), asked(tmp_path / "t.csv"))
    expected = [labels.get(str(place), own[place] if own else None) for place in range(2)]
    assert made["bad"].dtype == filled
    assert [None if pd.isna(value) else value for value in made["bad"]] == [
        None if pd.isna(value) else value for value in expected
    ]
    assert list(frame.columns) == ["id"] if own is None else ["id", "bad"], "what was given stays"


def asked(path: Path) -> dict[str, Any]:
    return {"file": {"path": str(path), "name": "t.csv"}, "identifier": "id", "label": "bad"}
