"""Records become data frames without a number becoming another: large whole numbers of which one is missing."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from outcomes import Ran, lines, result
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.data import apart
from mlc.model.job import JobKind
from mlc.runtime.harness import columnar
from mlc.runtime.harness.frames_of_records import frame_of_records

Run = Callable[..., Any]
LARGE = 2**53 + 1
IDS = [LARGE, LARGE + 2, None, LARGE + 6, LARGE + 8, LARGE + 10]
FLAGS = [True, False, True, None, False, True]
TABLE = pa.table(
    {
        "id": IDS,
        "n": pa.array(range(6), pa.int32()),
        "x": [0.5, None, 1.5, 2.5, 3.5, 4.5],
        "f": FLAGS,
        "none": pa.array([None] * 6, pa.int64()),
    }
)
ECHO = python_model(
    """
    # modelop.batch: frame 2
    # modelop.score
    def s(frame):
        return frame.assign(types=str({name: str(frame[name].dtype) for name in frame}))
    """
)


def parquet(table: pa.Table = TABLE) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def arrow(table: pa.Table = TABLE) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def records() -> list[dict[str, Any]]:
    return [{"id": id_, "n": n} for n, id_ in enumerate(IDS)]


def ids(ran: Ran) -> list[Any]:
    assert ran.problem is None, ran.messages
    return [record["id"] for record in lines(ran)]


@pytest.mark.parametrize("with_pyarrow", [True, False])
@pytest.mark.parametrize("form", ["parquet", "arrow"])
async def test_batches_of_a_table_have_the_types_of_the_whole_file(
    call: Run, monkeypatch: pytest.MonkeyPatch, form: str, with_pyarrow: bool
) -> None:
    libraries = {"pandas": "3", **({"pyarrow": "1"} if with_pyarrow else {})}
    monkeypatch.setattr("mlc.runtime.execution.versions", lambda _: {"python": "3", "libraries": libraries})
    data = embedded(f"in.{form}", {"parquet": parquet, "arrow": arrow}[form]())
    ran = await call(JobKind.SCORING, ECHO, data)
    assert ids(ran) == IDS
    assert [record["f"] for record in lines(ran)] == FLAGS
    types = "{'id': 'Int64', 'n': 'int32', 'x': 'float64', 'f': 'boolean', 'none': 'Int64'}"
    assert {record["types"] for record in lines(ran)} == {types}
    metrics = python_model("# modelop.metrics\ndef m(frame): yield {'ids': frame['id'].dropna().map(str).tolist()}")
    assert result(await call(JobKind.METRICS, metrics, data))["ids"] == [str(id_) for id_ in IDS if id_]


@pytest.mark.parametrize(
    "data",
    [
        embedded("in.jsonl", "".join(json.dumps(record) + "\n" for record in records())),
        embedded(
            "in.jsonl", "".join(json.dumps({k: v for k, v in r.items() if v is not None}) + "\n" for r in records())
        ),
        embedded("in.json", json.dumps(records())),
        embedded("in.csv", "id,n\n" + "".join(f"{r['id'] or ''},{r['n']}\n" for r in records())),
        embedded("in.csv", 'id,n\n"' + "".join(f'{r["id"] or ""}",{r["n"]}\n"' for r in records())[:-1]),
    ],
    ids=["lines", "lines that lack it", "array", "csv", "csv with quotes"],
)
async def test_no_number_becomes_another_because_one_is_missing(call: Run, data: wire.Asset) -> None:
    assert ids(await call(JobKind.SCORING, ECHO, data)) == IDS
    exact = [str(id_) for id_ in IDS if id_]
    for source, kind in {
        "# modelop.metrics\ndef m(f): yield {'id': f['id'].dropna().map(str).tolist()}": JobKind.METRICS,
        "# modelop.recordsets.0: true\n# modelop.score\ndef s(f): yield {'id': f['id'].dropna().map(str).tolist()}": (
            JobKind.SCORING
        ),
    }.items():
        ran = await call(kind, python_model(source), data)
        assert (result(ran) if kind is JobKind.METRICS else lines(ran)[0])["id"] == exact


async def test_a_csv_column_has_one_type_wherever_a_number_is_large_or_missing(call: Run) -> None:
    many = [*range(600), None, LARGE, *range(600)]
    data = embedded("in.csv", "id,n\n" + "".join(f"{'' if id_ is None else id_},{n}\n" for n, id_ in enumerate(many)))
    model = python_model(
        "# modelop.batch: frame 500\n# modelop.score\ndef s(f):\n    return f.assign(type=str(f['id'].dtype))"
    )
    ran = await call(JobKind.SCORING, model, data)
    assert ids(ran) == many
    assert {record["type"] for record in lines(ran)} == {"Int64"}


@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([LARGE, None], "Int64"),
        ([-LARGE, None, 5], "Int64"),
        ([2**64 - 1, None], "UInt64"),
        ([2**63, None, -1], "object"),
        ([2**64, None], "object"),
        ([LARGE, 1.5], "object"),
        ([LARGE, 1.5, None], "object"),
        ([2**53, 1.5], "float64"),
        ([2.0**60, None], "float64"),
        ([1.5, None], "float64"),
        ([1.0, None], "float64"),
        ([1, float("nan")], "float64"),
        ([LARGE, 3], "int64"),
    ],
)
def test_a_frame_holds_the_numbers_that_the_records_held(values: list[Any], dtype: str, nullable: bool) -> None:
    for rows in ([{"a": value} for value in values], [[value] for value in values], values):
        column = frame_of_records(rows, {}, nullable=nullable).iloc[:, 0]
        assert column.dtype == dtype
        for value, found in zip(values, column, strict=True):
            assert pd.isna(found) if value is None or value != value else found == value
    small = frame_of_records([{"a": 1}, {"a": None}], {}, nullable=nullable)
    assert small["a"].dtype == ("Int64" if nullable else "float64")


@pytest.mark.parametrize("dtype", ["Int8", "int64", "boolean", "float32", "object", "category", "os.system", ""])
@pytest.mark.parametrize("value", [None, "text", 2**70, 300, -1, 1.5, True, [1], {}])
def test_types_that_do_not_fit_are_left_alone(value: Any, dtype: str) -> None:
    column = frame_of_records([{"a": value}, {"a": value}], {"a": dtype, "b": "Int64"})["a"]
    assert len(column) == 2
    if isinstance(value, int) and not isinstance(value, bool) and dtype != "float32":
        assert column[0] == value


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_the_types_of_thousands_of_columns_come_from_whoever_reads_them(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"x.{form}"
    names = [f"ü{n} {'x' * 60}" for n in range(2500)]
    table = pa.table({**{name: [1, None] for name in names}, "x" * 5000: [1, 2], "text": ["a", "b"]})
    path.write_bytes(parquet(table) if form == "parquet" else arrow(table))
    with path.open("rb") as file, (tmp_path / "made").open("wb+") as made:
        types = apart.lines(file, made, lambda _: None, file_format=form, reads=Path(columnar.__file__))
    assert types == dict.fromkeys(names, "Int64")
