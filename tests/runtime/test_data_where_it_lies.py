"""Jobs whose data lie in folders of Parquet, object stores and databases: read there, and written there whole."""

import gzip
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import KEY, SECRET, S3Server, cutting
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.runtime import external
from mlc.settings import FileSettings

Run = Callable[..., Any]
ECHO = python_model("# modelop.score\ndef s(r): yield {'a': r['a']}")
KINDS = python_model("# modelop.score\ndef s(r): yield {name: type(value).__name__ for name, value in r.items()}")
COLUMNS = python_model("""
    # modelop.metrics
    def m(frame):
        yield {"types": {name: str(kind) for name, kind in frame.dtypes.items()}, "a": frame["a"].astype(str).tolist()}
    """)
TYPED = pa.table(
    {
        "a": pa.array([9007199254740993, None], pa.int64()),
        "at": pa.array([datetime(2026, 1, 2, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "price": pa.array([Decimal("1.10"), Decimal("2.25")], pa.decimal128(20, 2)),
        "part": pa.array([float("nan"), None], pa.float64()),
        "nested": pa.array([{"x": [1, 2]}, None]),
        "day": pa.array([date(2026, 1, 2), None], pa.date32()),
    }
)


@pytest.fixture(autouse=True)
def quick_second_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "PAUSES", (0.01, 0.01))


def at(url: str | None, name: str = "in.csv", **more: Any) -> wire.Asset:
    return wire.Asset(name=name, filename=name, asset_type=more.pop("kind", "EXTERNAL_FILE"), file_url=url, **more)


def parquet(table: pa.Table, target: Any = None) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


class Bucket:
    """A bucket, and the settings by which a runtime has it as the connection ``lake``."""

    def __init__(self, s3: S3Server, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s3, self.name, self.files = s3, name, s3.store().files
        self._monkeypatch = monkeypatch
        self.connect()

    def connect(self, **other: Any) -> None:
        lake = {"kind": "s3", "endpoint": self.s3.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
        self._monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": lake | other}))

    def url(self, key: str) -> str:
        return f"s3+lake://{self.name}/{key}"

    @property
    def settings(self) -> FileSettings:
        return FileSettings(read=[self.url("in")], write=[self.url("out")])

    def keys(self) -> list[str]:
        return sorted(name.removeprefix(f"{self.name}/") for name in self.files.find(self.name))

    def uploads(self) -> list[Any]:
        found: list[Any] = self.files.call_s3("list_multipart_uploads", Bucket=self.name).get("Uploads", [])
        return found


@pytest.fixture
def lake(s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return Bucket(s3_server, bucket, monkeypatch)


def lines(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


async def test_a_job_reads_from_a_bucket_and_writes_into_it(call: Run, lake: Bucket) -> None:
    lake.files.pipe_file(f"{lake.name}/in/x.csv", b"a\n7\n8\n")
    outcome = await call(
        JobKind.SCORING,
        ECHO,
        at(lake.url("in/x.csv"), "x.csv"),
        outputs=[at(lake.url("out/y.jsonl"), "y.jsonl")],
        files=lake.settings,
    )
    assert outcome.problem is None
    assert lines(lake.files.cat_file(f"{lake.name}/out/y.jsonl")) == [{"a": 7}, {"a": 8}]
    assert lake.keys() == ["in/x.csv", "out/y.jsonl"]
    assert lake.uploads() == []
    assert not any(secret in repr(outcome) for secret in (KEY, SECRET))


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("out/y.jsonl", "out/z.jsonl", "MLC_FILE_READ"),
        ("in/x.csv", "in/z.jsonl", "MLC_FILE_WRITE"),
        ("in/%2e%2e/out/x.csv", "out/z.jsonl", "'..'"),
        ("inside/x.csv", "out/z.jsonl", "MLC_FILE_READ"),
    ],
)
async def test_what_may_not_be_read_or_written_is_not(
    call: Run, lake: Bucket, source: str, target: str, said: str
) -> None:
    for key in ("in/x.csv", "out/x.csv", "out/y.jsonl", "inside/x.csv"):
        lake.files.pipe_file(f"{lake.name}/{key}", b"a\n7\n")
    before = lake.keys()
    outcome = await call(
        JobKind.SCORING, ECHO, at(lake.url(source)), outputs=[at(lake.url(target), "z.jsonl")], files=lake.settings
    )
    assert said in str(outcome.problem)
    assert lake.keys() == before


@pytest.mark.parametrize(
    ("other", "key", "said"),
    [
        ({}, "in/none.csv", "has not what is asked for"),
        ({"kind": "gcs"}, "in/x.csv", "lake.gcs.key: Extra inputs"),
        ({"endpoint": "http://127.0.0.1:1"}, "in/x.csv", "can't be reached"),
    ],
)
async def test_what_can_not_be_read_is_said(
    call: Run, lake: Bucket, other: dict[str, str], key: str, said: str
) -> None:
    lake.files.pipe_file(f"{lake.name}/in/x.csv", b"a\n7\n")
    lake.connect(**other)
    outcome = await call(JobKind.SCORING, ECHO, at(lake.url(key)), files=lake.settings)
    assert said in str(outcome.problem)
    assert not any(secret in repr(outcome) for secret in (KEY, SECRET))


async def test_a_connection_that_nobody_has_set_up_is_named(
    call: Run, lake: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLC_CONNECTIONS")
    outcome = await call(JobKind.SCORING, ECHO, at(lake.url("in/x.csv")), files=lake.settings)
    assert "has no connection lake" in str(outcome.problem)


async def test_an_output_is_whole_or_not_there_when_the_store_is_lost(
    call: Run, lake: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cutting(lake.s3.endpoint, *[0] * 100) as way:
        lake.connect(endpoint=way.endpoint)
        outcome = await call(
            JobKind.SCORING,
            ECHO,
            embedded("in.csv", b"a\n7\n"),
            outputs=[at(lake.url("out/y.jsonl"), "y.jsonl")],
            files=lake.settings,
        )
    assert "can't be written" in str(outcome.problem)
    assert lake.keys() == []


async def test_a_folder_of_parquet_is_one_input(call: Run, lake: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "lake" / "t"
    folder.mkdir(parents=True)
    for number in (2, 1):
        content = parquet(pa.table({"a": [number * 10, number * 10 + 1]}))
        (folder / f"{number}.parquet").write_bytes(content)
        lake.files.pipe_file(f"{lake.name}/in/t/{number}.parquet", content)
    files = FileSettings(read=[lake.url("in"), f"file://{tmp_path}/lake"])
    for number, url in enumerate((f"file://{folder}/", f"file://{folder}/*.parquet", lake.url("in/t/"))):
        outcome = await call(JobKind.SCORING, ECHO, at(url, "t.parquet"), files=files)
        assert outcome.problem is None
        (output,) = outcome.outputs
        assert [record["a"] for record in lines(output.content())] == [10, 11, 20, 21]
        assert outcome.records.read == 4
        (tmp_path / "job").rename(tmp_path / f"job {number}")


async def test_a_link_in_a_folder_leads_nowhere_else(call: Run, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "secret.parquet").write_bytes(parquet(pa.table({"a": [1]})))
    (tmp_path / "lake" / "1.parquet").symlink_to(tmp_path / "secret.parquet")
    files = FileSettings(read=[f"file://{tmp_path}/lake"])
    outcome = await call(JobKind.SCORING, ECHO, at(f"file://{tmp_path}/lake/", "t.parquet"), files=files)
    assert "leads to where nothing may be read" in str(outcome.problem)


async def test_types_of_parquet_and_arrow_are_kept(call: Run, tmp_path: Path) -> None:
    pq.write_table(TYPED, tmp_path / "t.parquet")
    with pa.OSFile(str(tmp_path / "f.arrow"), "wb") as file, pa.ipc.new_file(file, TYPED.schema) as writer:
        writer.write_table(TYPED)
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as file, pa.ipc.new_stream(file, TYPED.schema) as writer:
        writer.write_table(TYPED)
    files = FileSettings(read=[f"file://{tmp_path}"])
    for name in ("t.parquet", "f.arrow", "s.arrow"):
        outcome = await call(JobKind.SCORING, KINDS, at(f"file://{tmp_path}/{name}", name), files=files)
        assert outcome.problem is None
        first, second = lines(outcome.outputs[0].content())
        assert first == {
            "a": "int",
            "at": "datetime",
            "price": "Decimal",
            "part": "float",
            "nested": "dict",
            "day": "date",
        }
        assert second["part"] == second["a"] == "NoneType"
        (tmp_path / "job").rename(tmp_path / f"job {name}")


async def test_a_frame_of_parquet_keeps_large_integers_beside_missing_ones(call: Run, tmp_path: Path) -> None:
    pq.write_table(TYPED, tmp_path / "t.parquet")
    files = FileSettings(read=[f"file://{tmp_path}"])
    outcome = await call(JobKind.METRICS, COLUMNS, at(f"file://{tmp_path}/t.parquet", "t.parquet"), files=files)
    assert outcome.problem is None
    found = json.loads(outcome.outputs[0].content())
    assert found["a"] == ["9007199254740993", None]
    assert found["types"] == {
        "a": "Int64",
        "at": "datetime64[us, UTC]",
        "price": "object",
        "part": "float64",
        "nested": "object",
        "day": "object",
    }


async def test_a_model_without_pyarrow_gets_json_lines(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlc.runtime.execution.versions", lambda _: {"python": "3", "libraries": {"pandas": "3"}})
    pq.write_table(TYPED, tmp_path / "t.parquet")
    files = FileSettings(read=[f"file://{tmp_path}"])
    echo = python_model("# modelop.score\ndef s(r): yield {name: repr(value) for name, value in r.items()}")
    outcome = await call(JobKind.SCORING, echo, at(f"file://{tmp_path}/t.parquet", "t.parquet"), files=files)
    assert outcome.problem is None
    first, second = lines(outcome.outputs[0].content())
    assert first == {
        "a": "9007199254740993",
        "at": "'2026-01-02T00:00:00+00:00'",
        "price": "'1.10'",
        "part": "nan",
        "nested": "{'x': [1, 2]}",
        "day": "'2026-01-02'",
    }
    assert second["part"] == second["a"] == "None"
    assert any("has no pyarrow: the model gets JSON lines" in line for line in outcome.messages)


@pytest.mark.parametrize("unit", ["us", "ms", "s"])
@pytest.mark.parametrize("with_pyarrow", [True, False])
@pytest.mark.parametrize("marker", ["", "# modelop.batch: frame"])
@pytest.mark.parametrize("year", [10_000, -5, 200_000])
async def test_a_time_that_python_does_not_know_is_a_sentence_with_its_column(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, with_pyarrow: bool, marker: str, year: int
) -> None:
    libraries = {"pandas": "3", **({"pyarrow": "1"} if with_pyarrow else {})}
    monkeypatch.setattr("mlc.runtime.execution.versions", lambda _: {"python": "3", "libraries": libraries})
    at_ = int((year - 1970) * 365.2425 * 86400) * {"us": 10**6, "ms": 10**3, "s": 1}[unit]
    pq.write_table(pa.table({"fine": [1, 2], "at": pa.array([0, at_], pa.timestamp(unit))}), tmp_path / "t.parquet")
    echo = python_model(f"{marker}\n# modelop.score\ndef s(r): return r")
    files = FileSettings(read=[f"file://{tmp_path}"])
    outcome = await call(JobKind.SCORING, echo, at(f"file://{tmp_path}/t.parquet", "t.parquet"), files=files)
    assert "t.parquet can't be read as Parquet: its column 'at' (timestamp[" in outcome.problem


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv.gz", gzip.compress(b"a\n7\n8\n"), None),
        ("x.jsonl.gz", gzip.compress(b'{"a": 7}\n') + gzip.compress(b'{"a": 8}\n'), None),
        ("x.csv.gz", b"a\n7\n8\n", "is not what gzip makes"),
        ("x.csv.gz", gzip.compress(b"a\n7\n8\n" * 100)[:-9], "ends in the middle"),
        ("x.csv.gz", gzip.compress(b"a\n" + b"7\n" * 1024**2), "larger than 1 MB"),
        ("x.parquet", b"no Parquet", "can't be read as Parquet|can't be counted"),
        ("x.arrow", b"ARROW1 no", "can't be read as Arrow|can't be counted"),
    ],
    ids=["csv", "two members", "not packed", "cut", "too large", "no parquet", "no arrow"],
)
async def test_what_is_compressed_is_unpacked(
    call: Run, tmp_path: Path, name: str, content: bytes, said: str | None
) -> None:
    (tmp_path / name).write_bytes(content)
    files = FileSettings(read=[f"file://{tmp_path}"], limit_mb=1)
    outcome = await call(JobKind.SCORING, ECHO, at(f"file://{tmp_path}/{name}", name), files=files)
    if said is None:
        assert outcome.problem is None
        assert lines(outcome.outputs[0].content()) == [{"a": 7}, {"a": 8}]
    else:
        assert any(each in str(outcome.problem) for each in said.split("|"))


async def test_outputs_are_written_in_the_format_that_is_asked_for(call: Run, tmp_path: Path) -> None:
    for number, name in enumerate(("o.parquet", "o.arrow", "o.csv.gz", "o.jsonl.gz")):
        outcome = await call(
            JobKind.SCORING,
            ECHO,
            embedded("in.csv", b"a\n7\n8\n"),
            outputs=[at(f"file://{tmp_path}/{name}", name)],
            files=FileSettings(write=[f"file://{tmp_path}"]),
        )
        assert outcome.problem is None
        assert outcome.records.written == 2
        (tmp_path / "job").rename(tmp_path / f"job {number}")
    assert pq.read_table(tmp_path / "o.parquet").to_pylist() == [{"a": 7}, {"a": 8}]
    with pa.ipc.open_file(tmp_path / "o.arrow") as table:
        assert table.read_all().to_pylist() == [{"a": 7}, {"a": 8}]
    assert gzip.decompress((tmp_path / "o.csv.gz").read_bytes()) == b"a\n7\n8\n"
    assert lines(gzip.decompress((tmp_path / "o.jsonl.gz").read_bytes())) == [{"a": 7}, {"a": 8}]


async def test_an_output_whose_column_has_no_one_type_is_no_table(call: Run, tmp_path: Path) -> None:
    model = python_model("# modelop.score\ndef s(r): yield {'b': r['a'] if r['a'] == 7 else 'text'}")
    outcome = await call(
        JobKind.SCORING,
        model,
        embedded("in.csv", b"a\n7\n8\n"),
        outputs=[at(f"file://{tmp_path}/o.parquet", "o.parquet")],
        files=FileSettings(write=[f"file://{tmp_path}"]),
    )
    assert "can't be written as Parquet: its column 'b' holds values of several kinds (int, str)" in outcome.problem
    assert not (tmp_path / "o.parquet").exists()


def query(text: str, uri: str, **parameters: Any) -> wire.Asset:
    return at(
        None,
        "rows",
        kind="SQL",
        sql_statement=text,
        parameters=parameters,
        repository_info={"repositoryType": "SQL_REPOSITORY", "connectionUri": uri},
    )


@pytest.mark.parametrize("uri", ["sql+warehouse:", "jdbc:sqlite:/corp/risk.db;user=me"])
async def test_a_query_is_an_input_in_its_own_order(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    with sqlite3.connect(tmp_path / "risk.db") as database:
        database.execute("CREATE TABLE t (a integer)")
        database.executemany("INSERT INTO t VALUES (?)", [(3,), (1,), (2,)])
    connection = {"kind": "sql", "url": f"sqlite:///{tmp_path}/risk.db", "known_as": ["jdbc:sqlite:/corp/risk.db"]}
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"warehouse": connection}))
    files = FileSettings(read=["sql+warehouse:"])
    asked = query("SELECT a FROM t WHERE a < :most ORDER BY a DESC", uri, most=3)
    outcome = await call(JobKind.SCORING, ECHO, asked, files=files)
    assert outcome.problem is None
    assert lines(outcome.outputs[0].content()) == [{"a": 2}, {"a": 1}]


async def test_a_query_to_a_database_that_may_not_be_read_is_refused(
    call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"warehouse": {"kind": "sql", "url": "sqlite:////x"}}))
    for number, (uri, said) in enumerate(
        [("sql+warehouse:", "MLC_FILE_READ"), ("jdbc:other", "no connection of MLC_CONNECTIONS is the database")]
    ):
        outcome = await call(JobKind.SCORING, ECHO, query("SELECT 1 AS a", uri), files=FileSettings())
        assert said in str(outcome.problem)
        (tmp_path / "job").rename(tmp_path / f"job {number}")


async def test_an_s3_asset_of_the_centre_is_the_connection_with_its_endpoint(call: Run, lake: Bucket) -> None:
    lake.files.pipe_file(f"{lake.name}/in/x.csv", b"a\n7\n")
    host, port = lake.s3.endpoint.removeprefix("http://").split(":")
    info = {"repositoryType": "S3_REPOSITORY", "host": host, "port": int(port), "region": "us-east-1", "secure": False}
    asset = at(f"s3://{lake.name}/in/x.csv", "x.csv", repository_info=info)
    outcome = await call(JobKind.SCORING, ECHO, asset, files=lake.settings)
    assert outcome.problem is None
    assert lines(outcome.outputs[0].content()) == [{"a": 7}]
