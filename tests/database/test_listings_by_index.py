"""Whichever page is asked for, it is found, ordered and counted by index: both databases say so themselves."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bench.jobs import JOBS, fill, pages
from mlc.standalone.center.entities import DISPATCH
from mlc.standalone.center.store import Store
from mlc.standalone.center.tables import FOUND_BY

MANY = 8000
QUESTIONS = pages(MANY) | {"pending": lambda store: store.work.pending(DISPATCH)}


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Full enough that the database itself thinks better of reading all of it."""
    name, server = None, None
    place: str | Path = tmp_path_factory.mktemp("listings") / "center.db"
    if request.param == "PostgreSQL":
        server = request.getfixturevalue("postgres_server")
        name = server.create()
        place = server.url(name)
    store = Store(place)
    fill(store, MANY)
    yield store
    store.close()
    if server is not None:
        server.drop(name)


def plans(store: Store, ask: Callable[[Store], Any]) -> list[str]:
    """How the database answers each statement on the centre's table."""
    asked: list[tuple[str, Any]] = []

    def look(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM entity" in statement:
            asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", look)
    ask(store)
    event.remove(store.engine, "before_cursor_execute", look)
    assert asked
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    with store.engine.connect() as connection:
        return [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
            for statement, parameters in asked
        ]


def reads_all(plan: str) -> bool:
    """Whether a plan goes through the whole table."""
    whole = [line for line in plan.splitlines() if "Seq Scan on entity" in line or line.startswith("SCAN entity")]
    return any("INDEX" not in line for line in whole)


def sorts(plan: str) -> int:
    """How often a plan sorts; once it may: the rows of the page itself."""
    return len(re.findall(r"TEMP B-TREE|\bSort  \(", plan))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_page_is_found_and_ordered_by_index(store: Store, question: str) -> None:
    for plan in plans(store, QUESTIONS[question]):
        assert not reads_all(plan), plan
        assert "entity_" in plan, plan
        assert sorts(plan) <= 1, plan


def test_an_order_without_an_index_is_noticed(store: Store) -> None:
    """The test above can fail."""
    all_plans = plans(store, lambda store: store.page(JOBS, sort="jobStatus", number=3))
    assert max(map(sorts, all_plans)) == 2
    with store.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} SELECT body FROM entity WHERE version > 3").all()
    assert reads_all("\n".join(str(row[-1]) for row in rows))


def test_what_sqlite_knew_of_the_tables_before_an_index_came_does_not_mislead_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "center.db")
    fill(store, MANY)
    with store.engine.begin() as connection:  # as the release before left it, and somebody who had it looked at
        for column in FOUND_BY:
            connection.exec_driver_sql(f"DROP INDEX entity_by_{column}_changed")
        for table in ("truth", "online_request", "online_batch", "online_export", "policy", "policy_put"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("UPDATE center_revision SET version_num = 'r0003_files'")
        connection.exec_driver_sql("ANALYZE")
    store.close()
    store = Store(tmp_path / "center.db")
    for question in QUESTIONS.values():
        assert max(map(sorts, plans(store, question))) <= 1
    store.close()


def test_the_pages_of_any_size_make_the_whole(tmp_path: Path) -> None:
    store, chance = Store(tmp_path / "center.db"), random.Random(4)
    keys = [str(number) for number in range(23)]
    made = [store.create(JOBS, {"jobType": "MODEL_BATCH_JOB", "jobParameters": {"mlcKey": key}})["id"] for key in keys]
    changed = chance.sample(keys, len(keys))
    for key in changed:
        store.change(JOBS, made[int(key)], lambda job: job.update(seen=True))
    for _ in range(40):
        size, descending = chance.randint(1, 30), chance.random() < 0.5
        found: list[str] = []
        sort = chance.choice(["createdDate", "lastModifiedDate", "jobParameters.mlcKey"])
        where = chance.choice([{}, {"name": "MODEL_BATCH_JOB"}])
        for number in range(-(-len(keys) // size) + 1):
            page = store.page(JOBS, where, sort=sort, descending=descending, number=number, size=size)
            found += [job["jobParameters"]["mlcKey"] for job in page.items]
        in_order = {"createdDate": keys, "lastModifiedDate": changed}.get(sort, sorted(keys))
        assert found == (in_order[::-1] if descending else in_order)
    store.close()


@pytest.mark.parametrize("value", ["a\0b", "x" * 2001, "ä" * 1001])
def test_what_nothing_can_be_found_by_finds_nothing(store: Store, value: str) -> None:
    page = store.page(JOBS, {"name": value})
    assert (page.items, page.total) == ([], 0)


@pytest.mark.parametrize("where", [{"status": "COMPLETE", "name": "MODEL_BATCH_JOB"}, {"key": "none"}])
def test_what_has_no_kept_count_is_counted(store: Store, where: dict[str, str]) -> None:
    assert store.page(JOBS, where).total == (MANY // 2 if "status" in where else 0)
