"""Rows of any size: what is in memory at once has a limit, and so has the time; and the session always ends."""

import io
import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PASSWORD, PostgresServer
from sqlalchemy.engine import make_url

from mlc.data.query import BYTES, ROWS, Query, batches
from mlc.data.tables import write
from mlc.model.connection import SqlConnection
from mlc.model.failure import Refused

MEGABYTE = 1024**2
RISING = "CASE WHEN x < 1000 THEN 1 ELSE 1000000 END"
"""Bytes of a row's value: what came first tells nothing of what follows."""
LARGE = {
    "sqlite": "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t WHERE x < {rows}) "
    f"SELECT x, zeroblob({RISING}) AS doc FROM t",
    "postgresql": f"SELECT x, repeat('a', {RISING}) AS doc FROM generate_series(1, {{rows}}) x",
}
CHILD = """
import pathlib, re, sys, tempfile
from mlc.data.query import Query, batches
from mlc.data.tables import write
from mlc.model.connection import SqlConnection

database = SqlConnection.model_validate_json(sys.argv[1])
with tempfile.TemporaryFile() as target:
    rows = write(batches("warehouse", database, Query(sys.argv[2])), target)
# Not by getrusage, which begins with what the process had that started this one.
print(rows, int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> SqlConnection:
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = str(make_url(server.url()).set(password=None))
        return SqlConnection(kind="sql", url=url, password=PASSWORD, tls="off")
    sqlite3.connect(tmp_path / "risk.db").close()
    return SqlConnection(kind="sql", url=f"sqlite:///{tmp_path}/risk.db")


def test_of_large_rows_a_few_megabytes_are_in_memory(kind: str, database: SqlConnection) -> None:
    said = {**database.model_dump(mode="json"), "url": database.url.get_secret_value()}
    said["password"] = PASSWORD if database.password else None
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(said), LARGE[kind].format(rows=1700)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    rows, peak = map(int, ran.stdout.split())
    assert rows == 1700
    assert peak < 450, "of 700 MB in one fetch of 5,000 rows"


def test_batches_are_cut_by_what_they_take(kind: str, database: SqlConnection) -> None:
    counts = []
    for batch in batches("warehouse", database, Query(LARGE[kind].format(rows=1040))):
        counts.append(len(batch.columns[0]))
        assert sum(map(len, batch.columns[1])) <= BYTES + MEGABYTE
    assert sum(counts) == 1040
    assert max(counts) <= ROWS
    assert len(counts) > 4


def test_a_value_that_is_larger_than_a_file_may_be_is_refused(kind: str, database: SqlConnection) -> None:
    value = {"sqlite": "zeroblob(4000000)", "postgresql": "repeat('a', 4000000)"}[kind]
    with pytest.raises(Refused, match="answers more than 3 MB: let it leave out") as caught:
        list(batches("warehouse", database, Query(f"SELECT {value} AS doc", largest=3 * MEGABYTE)))
    assert caught.value.status == 413


def test_time_counts_while_rows_come(kind: str, database: SqlConnection) -> None:
    """Few steps of the database make many rows' bytes, which must not stop the clock."""
    late = database.model_copy(update={"time_limit": 0.3})
    with pytest.raises(Refused, match="took longer than"):
        for _ in batches("warehouse", late, Query(LARGE[kind].format(rows=100_000_000))):
            pass


def test_a_job_that_is_stopped_reads_no_further_row(kind: str, database: SqlConnection) -> None:
    stopped = False

    def going() -> None:
        if stopped:
            raise KeyboardInterrupt

    found = batches("warehouse", database, Query(LARGE[kind].format(rows=1200), going=going))
    next(found)
    stopped = True
    with pytest.raises(KeyboardInterrupt):
        list(found)


class Full(Exception):
    """There is too much."""


def full(_: int) -> None:
    raise Full


def test_where_writing_fails_the_session_ends_in_the_same_thread(
    kind: str, database: SqlConnection, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    closed: list[int] = []

    class Noted(sqlite3.Connection):
        def close(self) -> None:
            closed.append(threading.get_ident())
            super().close()

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **more, factory=Noted))
    kept: list[Any] = []

    def work() -> None:
        try:
            write(batches("warehouse", database, Query(LARGE[kind].format(rows=1700))), io.BytesIO(), full)
        except Full as error:
            kept.extend((error, threading.get_ident()))  # its traceback holds all that was in use

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    error, worker = kept
    assert isinstance(error, Full)
    if kind == "sqlite":
        assert closed == [worker]
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mlc'"
    while server.run(sessions) != [[0]]:  # the server needs a moment
        pass
