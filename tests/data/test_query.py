"""Queries by a named connection: they read, one statement at a time, in its order, and their types are kept."""

import io
import sqlite3
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from postgres_server import OWNER, PASSWORD, PostgresServer
from sqlalchemy.engine import make_url

from mlc.data.matching import BadData
from mlc.data.query import ROWS, Batch, Query, batches
from mlc.data.tables import write
from mlc.model.connection import SqlConnection
from mlc.model.failure import Refused, Unavailable

LIMIT = {"sqlite": "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"}
LIMIT["postgresql"] = "SELECT pg_sleep(600)"


@pytest.fixture(scope="module")
def postgres(postgres_server: PostgresServer) -> Any:
    name = postgres_server.create()
    postgres_server.run("CREATE TABLE rates (id bigint, rate numeric(10, 4), made timestamptz)", name)
    postgres_server.run(
        "INSERT INTO rates SELECT x, x / 4.0, timestamptz '2026-01-01 00:00+00' + x * interval '1 s' "
        f"FROM generate_series(1, {2 * ROWS + 1}) x",
        name,
    )
    yield postgres_server, name
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SqlConnection:
    if request.param == "postgresql":
        server, name = request.getfixturevalue("postgres")
        url = make_url(server.url(name)).set(password=None)
        return SqlConnection(kind="sql", url=str(url), password=PASSWORD, tls="off")
    file = tmp_path / "risk%20#.db"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE rates (id integer, rate numeric, made text)")
        made.executemany("INSERT INTO rates VALUES (?, ?, '')", ((x, x / 4) for x in range(1, 2 * ROWS + 2)))
    return SqlConnection(kind="sql", url=f"sqlite:///{quote(str(file))}")


def answered(database: SqlConnection, text: str, **parameters: Any) -> list[tuple[Any, ...]]:
    found = list(batches("warehouse", database, Query(text, parameters)))
    return [row for batch in found for row in zip(*batch.columns, strict=True)]


def as_parquet(database: SqlConnection, text: str) -> pa.Table:
    target = io.BytesIO()
    write(batches("warehouse", database, Query(text)), target)
    return pq.read_table(io.BytesIO(target.getvalue()))


def test_rows_come_in_the_query_s_order_a_batch_at_a_time(database: SqlConnection) -> None:
    found = list(batches("warehouse", database, Query("SELECT id FROM rates ORDER BY id DESC")))
    assert [len(batch.columns[0]) for batch in found] == [ROWS, ROWS, 1]  # they are small
    assert [value for batch in found for value in batch.columns[0]] == list(range(2 * ROWS + 1, 0, -1))


def test_values_are_given_by_name_and_never_become_part_of_the_query(database: SqlConnection) -> None:
    text = "SELECT id FROM rates WHERE id = :wanted AND :note = 'x''; DROP TABLE rates; --'"
    assert answered(database, text, wanted=7, note="x'; DROP TABLE rates; --") == [(7,)]
    for wrong in ({}, {"wanted": 7}):
        with pytest.raises(Refused, match="the parameters don't fit"):
            answered(database, text, **wrong)


def test_a_query_without_rows_still_has_its_columns(database: SqlConnection) -> None:
    (batch,) = batches("warehouse", database, Query("SELECT id, rate FROM rates WHERE id < 0"))
    assert batch == Batch(["id", "rate"], [[], []])
    table = as_parquet(database, "SELECT id, rate FROM rates WHERE id < 0")
    assert (table.num_rows, table.column_names) == (0, ["id", "rate"])


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO rates (id) VALUES (0)",
        "UPDATE rates SET id = 0 RETURNING id",
        "DELETE FROM rates",
        "DROP TABLE rates",
        "CREATE TABLE other (x integer)",
        "WITH gone AS (DELETE FROM rates RETURNING id) SELECT id FROM gone",
        "SELECT 1; DELETE FROM rates",
        "SELECT 1; COMMIT; DELETE FROM rates",
        "SELECT 1; SET default_transaction_read_only = off; COMMIT; DELETE FROM rates",
        "COMMIT",
        "PRAGMA query_only = OFF",
        "PRAGMA database_list",
        "ATTACH DATABASE '/tmp/mlc-other.db' AS other",
        "VACUUM INTO '/tmp/mlc-other.db'",
        "COPY rates TO '/tmp/mlc-other.csv'",
        "SELECT set_config('transaction_read_only', 'off', false), lo_create(0)",
        "SELECT nextval('no')",
        "",
        "-- nothing",
        ";",
    ],
)
def test_what_would_do_more_than_read_is_refused(database: SqlConnection, text: str) -> None:
    with pytest.raises(Refused):
        answered(database, text)
    assert answered(database, "SELECT count(*), min(id) FROM rates") == [(2 * ROWS + 1, 1)]
    assert not Path("/tmp/mlc-other.db").exists()
    assert not Path("/tmp/mlc-other.csv").exists()


def test_a_function_that_writes_can_not(postgres: tuple[PostgresServer, str]) -> None:
    server, name = postgres
    server.run("CREATE OR REPLACE FUNCTION spoil() RETURNS int LANGUAGE sql AS 'DELETE FROM rates; SELECT 1'", name)
    url = str(make_url(server.url(name)).set(password=None))
    with pytest.raises(Refused, match="more than read"):
        answered(SqlConnection(kind="sql", url=url, password=PASSWORD, tls="off"), "SELECT spoil()")


def test_a_query_has_a_limit_of_time(database: SqlConnection, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["database"]
    with pytest.raises(Refused, match="took longer than") as caught:
        answered(database.model_copy(update={"time_limit": 0.3}), LIMIT[kind])
    assert caught.value.status == 408


def test_a_query_ends_when_its_job_does(database: SqlConnection) -> None:
    asked = 0

    def stopped_at_the_second() -> None:
        nonlocal asked
        if (asked := asked + 1) > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(batches("warehouse", database, Query("SELECT id FROM rates", going=stopped_at_the_second)))


@pytest.mark.parametrize(
    ("text", "said"),
    [("SELECT nothing FROM rates", "nothing"), ("SELECT 1 FROM nowhere", "nowhere"), ("SELECT id FRO rates", "rates")],
)
def test_what_is_wrong_with_a_query_is_said(database: SqlConnection, text: str, said: str) -> None:
    with pytest.raises(Refused, match=f"can't be run: .*{said}"):
        answered(database, text)


def test_a_column_that_is_there_twice_is_refused(database: SqlConnection) -> None:
    with pytest.raises(Refused, match="two columns 'id': name them with AS"):
        answered(database, "SELECT id, id FROM rates")


def test_types_of_postgresql_are_kept(postgres: tuple[PostgresServer, str]) -> None:
    server, name = postgres
    url = str(make_url(server.url(name)).set(password=None))
    connection = SqlConnection(kind="sql", url=url, password=PASSWORD, tls="off")
    table = as_parquet(
        connection,
        "SELECT 9007199254740993::bigint AS big, 1.10::numeric AS price, 'NaN'::float8 AS odd, NULL::int AS none, "
        "true AS yes, 'ä' AS text, date '2026-02-03' AS day, timestamp '2026-02-03 04:05:06.789' AS local, "
        "timestamptz '2026-02-03 04:05:06+02' AS at, time '01:02:03' AS clock, '\\x00ff'::bytea AS raw, "
        "'{\"a\": [1]}'::jsonb AS doc, ARRAY[1, 2] AS list, "
        "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid AS id",
    )
    (row,) = table.to_pylist()
    odd = row.pop("odd")
    assert odd != odd
    assert row == {
        "big": 9007199254740993,
        "price": Decimal("1.10"),
        "none": None,
        "yes": True,
        "text": "ä",
        "day": date(2026, 2, 3),
        "local": datetime(2026, 2, 3, 4, 5, 6, 789000),  # noqa: DTZ001 - that is what it is
        "at": datetime(2026, 2, 3, 2, 5, 6, tzinfo=UTC),
        "clock": time(1, 2, 3),
        "raw": b"\x00\xff",
        "doc": '{"a": [1]}',
        "list": [1, 2],
        "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    }


def test_decimals_grow_with_their_values_and_none_is_no_nan() -> None:
    target = io.BytesIO()
    write(
        [
            Batch(["price", "part"], [[None, Decimal("1.5")], [None, 1]]),
            Batch(["price", "part"], [[Decimal("123456.25")], [float("nan")]]),
        ],
        target,
    )
    table = pq.read_table(io.BytesIO(target.getvalue()))
    assert table.column("price").to_pylist() == [None, Decimal("1.50"), Decimal("123456.25")]
    assert table.column("part").null_count == 1
    assert str(table.column("part").to_pylist()[2]) == "nan"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([1], ["A7"], "'x' is int64 in some rows, and string in others"),
        ([1, "A7"], [], r"values of several kinds \(int, str\)"),
        ([2**70], [], "too large"),
        ([2**60 + 1], [0.5], "numbers that double can't"),
    ],
)
def test_a_column_of_no_one_type_is_named(first: list[Any], second: list[Any], said: str) -> None:
    with pytest.raises(BadData, match=f"column 'x' .*{said}|column {said}"):
        write([Batch(["x"], [first]), Batch(["x"], [second])], io.BytesIO())


def test_nothing_of_a_database_s_secrets_is_said(postgres_server: PostgresServer) -> None:
    wrong = SqlConnection(
        kind="sql", url=f"postgresql+pg8000://{OWNER}:s3cr3t@127.0.0.1:{postgres_server.port}/postgres", tls="off"
    )
    with pytest.raises(Refused, match="lets nobody in") as refused:
        answered(wrong, "SELECT 1")
    gone = SqlConnection(kind="sql", url="postgresql+pg8000://me:s3cr3t@127.0.0.1:1/postgres", tls="off")
    with pytest.raises(Unavailable, match="can't be reached") as unavailable:
        answered(gone, "SELECT 1")
    untrusted = SqlConnection(
        kind="sql", url=f"postgresql+pg8000://{OWNER}:s3cr3t@127.0.0.1:{postgres_server.port}/postgres"
    )
    with pytest.raises(Refused, match="no TLS"):
        answered(untrusted, "SELECT 1")
    for error in (refused.value, unavailable.value):
        assert "s3cr3t" not in str(error)
        assert error.__suppress_context__


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://me:s3cr3t@db/risk", "neither SQLite nor PostgreSQL"),
        ("no url of s3cr3t", "no url that can be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////nowhere/s3cr3t.db", "can't be opened"),
    ],
)
def test_another_database_or_none_is_refused(url: str, said: str) -> None:
    with pytest.raises((Refused, Unavailable), match=said) as caught:
        answered(SqlConnection(kind="sql", url=url), "SELECT 1")
    assert "s3cr3t" not in str(caught.value)
