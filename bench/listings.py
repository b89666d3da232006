"""How long a page of the standalone centre's jobs takes, on SQLite and, where there is one, on PostgreSQL.

python bench/listings.py [--quick]       prints JSON; status 1 when a page takes longer than its limit

100,000 jobs (--quick: 20,000) of 2 KB, with 20 items a page. Each page is asked of the store in turn, in three rounds
of eleven; told are the median of each round's medians, and how far apart those are, in milliseconds. `bare` is the time
of the cheapest statement (SELECT 1) in the same run: what a round trip costs there. PostgreSQL is MLC_BENCH_POSTGRESQL
(an empty database's address), or else the tests' own, which the extra `test` installs; null where there is neither.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.store import Store

JOBS = KINDS["jobs"]
LIMIT_MS = 20
SNAPSHOT = "5b0b2ad4-0000-4000-8000-000000000001"
FILL = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :jobs) "
        "INSERT INTO entity (id, kind, created, modified, version, name, snapshot_id, status, body) "
        "SELECT lower(hex(randomblob(16))), 'jobs', printf('2026-01-01T00:00:00.%06dZ', i), "
        "printf('2026-01-01T00:00:00.%06dZ', i), 1, 'MODEL_BATCH_JOB', :snapshot, "
        "CASE i % 2 WHEN 0 THEN 'COMPLETE' ELSE 'ERROR' END, :body FROM n"
    ),
    "postgresql": (
        "INSERT INTO entity (id, kind, created, modified, version, name, snapshot_id, status, body) "
        "SELECT gen_random_uuid()::text, 'jobs', '2026-01-01T00:00:00.' || lpad(i::text, 6, '0') || 'Z', "
        "'2026-01-01T00:00:00.' || lpad(i::text, 6, '0') || 'Z', 1, 'MODEL_BATCH_JOB', :snapshot, "
        "CASE mod(i, 2) WHEN 0 THEN 'COMPLETE' ELSE 'ERROR' END, CAST(:body AS json) FROM generate_series(1, :jobs) i"
    ),
}
COUNT = (
    "INSERT INTO entity_count SELECT 'jobs', '', '', count(*) FROM entity WHERE kind = 'jobs'",
    *(
        f"INSERT INTO entity_count SELECT 'jobs', '{column}', {column}, count(*) FROM entity "
        f"WHERE kind = 'jobs' GROUP BY {column}"
        for column in ("name", "snapshot_id", "status")
    ),
)


def fill(store: Store, jobs: int) -> None:
    """As many jobs, each of one snapshot, half of them with either status; the database has looked at them."""
    body = json.dumps({"id": "job", "jobType": "MODEL_BATCH_JOB", "jobParameters": {}, "filling": "x" * 1900})
    kind = store.engine.dialect.name
    with store.engine.begin() as connection:
        connection.execute(text(FILL[kind]), {"jobs": jobs, "snapshot": SNAPSHOT, "body": body})
        for statement in COUNT:
            connection.execute(text(statement))
    if kind == "sqlite":
        with store.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        return
    raw = store.engine.raw_connection()
    raw.rollback()  # VACUUM is done outside of transactions only
    raw.dbapi_connection.autocommit = True
    raw.cursor().execute("VACUUM ANALYZE entity")
    raw.dbapi_connection.autocommit = False
    raw.close()


def pages(jobs: int) -> dict[str, Callable[[Store], Any]]:
    """The pages that are asked for."""
    last, middle = jobs // 20 - 1, jobs // 40
    return {
        "first": lambda store: store.page(JOBS),
        "newest": lambda store: store.page(JOBS, sort="createdDate", descending=True),
        "last": lambda store: store.page(JOBS, number=last),
        "middle": lambda store: store.page(JOBS, number=middle),
        "oldest_of_newest_first": lambda store: store.page(JOBS, sort="createdDate", descending=True, number=last),
        "last_changed": lambda store: store.page(JOBS, sort="lastModifiedDate", descending=True),
        "found_by_snapshot": lambda store: store.page(JOBS, {"snapshot_id": SNAPSHOT}),
        "found_by_snapshot_middle": lambda store: store.page(JOBS, {"snapshot_id": SNAPSHOT}, number=middle),
        "found_by_status_last": lambda store: store.page(JOBS, {"status": "COMPLETE"}, number=last // 2),
        "found_by_status_newest": lambda store: store.page(
            JOBS, {"status": "COMPLETE"}, sort="createdDate", descending=True
        ),
        "web_page_of_200": lambda store: store.page(JOBS, descending=True, size=200),
    }


def bare(store: Store) -> None:
    with store.engine.execution_options(reads_only=True).connect() as connection:
        connection.execute(text("SELECT 1"))


def measured(ask: Callable[[Store], Any], store: Store) -> dict[str, float]:
    medians = []
    for _ in range(3):
        times = []
        for _ in range(11):
            start = time.perf_counter()
            ask(store)
            times.append((time.perf_counter() - start) * 1000)
        medians.append(statistics.median(times))
    return {"ms": round(statistics.median(medians), 2), "spread_ms": round(max(medians) - min(medians), 2)}


def figures(store: Store, jobs: int) -> dict[str, Any]:
    fill(store, jobs)
    whole = store.page(JOBS, number=jobs // 20 - 1)
    assert (whole.total, len(whole.items)) == (jobs, 20)
    return {name: measured(ask, store) for name, ask in {"bare": bare, **pages(jobs)}.items()}


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The address of an empty database; None if there is no server."""
    if given := os.environ.get("MLC_BENCH_POSTGRESQL"):
        yield given
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    try:
        from tests import postgres_server
    except ImportError:
        yield None
        return
    if postgres_server.unavailable():
        yield None
        return
    with postgres_server.running_postgres() as server:
        yield server.url(server.create())


def main(arguments: list[str]) -> int:
    jobs = 20_000 if "--quick" in arguments else 100_000
    found: dict[str, Any] = {"jobs": jobs, "limit_ms": LIMIT_MS}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "center.db")
        found["sqlite"] = figures(store, jobs)
        store.close()
    with postgresql() as url:
        found["postgresql"] = None
        if url is not None:
            store = Store(url)
            found["postgresql"] = figures(store, jobs)
            store.close()
    print(json.dumps(found, indent=2))
    taken = [page["ms"] for kind in ("sqlite", "postgresql") for page in (found[kind] or {}).values()]
    return int(max(taken) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
