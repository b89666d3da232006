"""A model centre full of jobs, and the pages of them that are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import text

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.listings import Page
from mlc.standalone.center.store import Store

JOBS = KINDS["jobs"]
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
    """As many jobs, each of one snapshot, half of them with either status."""
    body = json.dumps({"id": "job", "jobType": "MODEL_BATCH_JOB", "jobParameters": {}, "filling": "x" * 1900})
    kind = store.engine.dialect.name
    with store.engine.begin() as connection:
        connection.execute(text(FILL[kind]), {"jobs": jobs, "snapshot": SNAPSHOT, "body": body})
        for statement in COUNT:
            connection.execute(text(statement))
    if kind == "postgresql":
        _vacuum(store)


def _vacuum(store: Store) -> None:
    """What autovacuum does within a minute. Before the log is on disk it would find nothing that all can see."""
    raw = store.engine.raw_connection()
    raw.rollback()  # it is done outside of transactions only
    raw.dbapi_connection.autocommit = True
    for statement in ("CHECKPOINT", "VACUUM ANALYZE entity"):
        raw.cursor().execute(statement)
    raw.dbapi_connection.autocommit = False
    raw.close()


@dataclass(frozen=True)
class Asked:
    """A page of jobs, as a client asks for it: of the store, or by an address."""

    where: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    number: int = 0
    size: int = 20

    def __call__(self, store: Store) -> Page:
        return store.page(JOBS, self.where, **self._how())

    def path(self) -> str:
        said = {"page": self.number, "size": self.size, "sort": f"{self.sort or 'createdDate'},{self._direction()}"}
        if not self.where:
            return f"jobs?{urlencode(said)}"
        for finder, parameters in JOBS.finders.items():
            if set(parameters.values()) == set(self.where):
                found = {name: self.where[column] for name, column in parameters.items()}
                return f"jobs/search/{finder}?{urlencode(found | said)}"
        raise ValueError(f"No finder compares {', '.join(self.where)}.")

    def _how(self) -> dict[str, Any]:
        return {"sort": self.sort, "descending": self.descending, "number": self.number, "size": self.size}

    def _direction(self) -> str:
        return "desc" if self.descending else "asc"


def pages(jobs: int) -> dict[str, Asked]:
    """The pages that are asked for."""
    last, middle = jobs // 20 - 1, jobs // 40
    of_snapshot, complete, changed = {"snapshot_id": SNAPSHOT}, {"status": "COMPLETE"}, "lastModifiedDate"
    return {
        "first": Asked(),
        "newest": Asked(sort="createdDate", descending=True),
        "last": Asked(number=last),
        "middle": Asked(number=middle),
        "oldest_of_newest_first": Asked(sort="createdDate", descending=True, number=last),
        "last_changed": Asked(sort=changed, descending=True),
        "last_changed_middle": Asked(sort=changed, descending=True, number=middle),
        "found_by_snapshot": Asked(of_snapshot),
        "found_by_snapshot_middle": Asked(of_snapshot, number=middle),
        "found_by_snapshot_changed_middle": Asked(of_snapshot, sort=changed, descending=True, number=middle),
        "found_by_status_last": Asked(complete, number=last // 2),
        "found_by_status_newest": Asked(complete, sort="createdDate", descending=True),
        "web_page_of_200": Asked(descending=True, size=200),
    }
