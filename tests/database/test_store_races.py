"""Two centres on one database: what holds if they do the same at the same moment. Each schedule is stepped by hand."""

import copy
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from mlc.standalone.access.tokens import RuntimeTokens
from mlc.standalone.center.entities import CREATED, DISPATCH, KINDS, WAITING
from mlc.standalone.center.files.table import StoredFile
from mlc.standalone.center.monitors import seed
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.store import Conflict, Known, Outdated, Store
from mlc.standalone.center.tables import FOUND_BY, Count, Row

JOBS, ENGINES, MODELS = KINDS["jobs"], KINDS["engines"], KINDS["storedModels"]
Stores = tuple[Store, Store]


def a_job(key: str | None = None, **more: Any) -> dict[str, Any]:
    return {"jobType": "MODEL_BATCH_JOB", "jobParameters": {} if key is None else {"mlcKey": key}} | more


class Held:
    """Holds an engine's transaction before it commits, once it has written what begins with ``statement``."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self.has_written, self.may_commit = threading.Event(), threading.Event()

        def wrote(_connection: Any, _cursor: Any, said: str, *_: Any) -> None:
            if said.startswith(statement):
                self.has_written.set()

        def commits(_: Any) -> None:
            if self.has_written.is_set():
                assert self.may_commit.wait(60)

        event.listen(engine, "after_cursor_execute", wrote)
        event.listen(engine, "commit", commits)


def once_it_begins(engine: Engine, statement: str, do: Callable[[], Any]) -> None:
    """Call ``do`` when the engine is about to run what begins with ``statement``."""

    def begins(_connection: Any, _cursor: Any, said: str, *_: Any) -> None:
        if said.startswith(statement):
            do()

    event.listen(engine, "before_cursor_execute", begins)


def in_thread(do: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    done: list[Any] = []

    def run() -> None:
        try:
            done.append(do())
        except Exception as error:
            done.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, done


def both(stores: Stores, statement: str, do: Callable[[Store], Any], *, begins: str = "") -> list[Any]:
    """What both come to, the first one committing after the second one has begun to write the same.

    Args:
        begins: the second's statement that waits for the first one, if it is an earlier one than ``statement``.
    """
    one, other = stores
    held = Held(one.engine, statement)
    # SQLite's other writer already waits when its transaction begins, PostgreSQL's when it writes.
    awaited = "BEGIN IMMEDIATE" if one.engine.dialect.name == "sqlite" else begins or statement
    once_it_begins(other.engine, awaited, lambda: threading.Timer(0.1, held.may_commit.set).start())
    first, of_first = in_thread(lambda: do(one))
    assert held.has_written.wait(60)
    second, of_second = in_thread(lambda: do(other))
    first.join(60)
    second.join(60)
    return [*of_first, *of_second]


def test_of_two_creators_of_one_key_the_second_gets_the_first_ones(stores: Stores) -> None:
    created, known = both(stores, "INSERT INTO entity ", lambda store: store.create(JOBS, a_job("k")))
    assert isinstance(known, Known)
    assert known.first["id"] == created["id"]
    assert stores[0].page(JOBS).total == stores[1].page(JOBS).total == 1


def test_of_two_creators_of_one_id_the_second_is_told_so(stores: Stores) -> None:
    document = a_job(id="5b0b2ad4-0000-4000-8000-000000000001")
    _, refused = both(stores, "INSERT INTO entity ", lambda store: store.create(JOBS, document))
    assert isinstance(refused, Conflict)
    assert "leave the id out" in str(refused)


def test_two_that_come_with_the_same_content_keep_it_once(stores: Stores) -> None:
    asset = {"assetType": "SOURCE_CODE", "name": "a.py", "sourceCode": "x = 1"}
    document = {"modelAssets": [asset]}
    answers = both(stores, "INSERT INTO stored_file", lambda store: store.create(MODELS, copy.deepcopy(document)))
    assert [answer["modelAssets"][0]["contentHash"]["hashType"] for answer in answers] == ["SHA-256"] * 2
    with Session(stores[0].engine) as session:
        assert session.scalar(select(func.count()).select_from(StoredFile)) == 2  # and the mark of the place


def test_of_two_changes_of_one_version_the_second_is_made_on_top_of_the_first(stores: Stores) -> None:
    one, other = stores
    job = one.create(JOBS, a_job(messages=[]))["id"]
    seen = []

    def first(body: dict[str, Any]) -> None:
        seen.append(body["messages"])
        if len(seen) == 1:  # after it was read, and before it is written
            other.change(JOBS, job, lambda body: body.update(messages=["other"]))
        body["messages"] = [*body["messages"], "one"]

    before, after = one.change(JOBS, job, first)
    assert seen == [[], ["other"]]
    assert (before["messages"], after["messages"]) == (["other"], ["other", "one"])
    assert other.get(JOBS, job)["versionNumber"] == after["versionNumber"] == 3


def test_of_two_changes_for_one_version_the_second_is_outdated(stores: Stores) -> None:
    one, other = stores
    job = one.create(JOBS, a_job())["id"]

    def first(body: dict[str, Any]) -> None:
        other.change(JOBS, job, lambda body: body.update(by="other"), version=1)
        body["by"] = "one"

    with pytest.raises(Outdated, match="version 2, not 1"):
        one.change(JOBS, job, first, version=1)
    assert other.get(JOBS, job)["by"] == "other"


def test_two_changes_that_are_written_at_the_same_moment_are_both_made(stores: Stores) -> None:
    job = stores[0].create(JOBS, a_job(count=0))["id"]

    def add(store: Store) -> Any:
        return store.change(JOBS, job, lambda body: body.update(count=body["count"] + 1))[1]["count"]

    assert sorted(both(stores, "UPDATE entity", add)) == [1, 2]


def test_a_change_of_what_was_deleted_meanwhile_finds_nothing(stores: Stores) -> None:
    one, other = stores
    job = one.create(JOBS, a_job())["id"]
    with pytest.raises(NoSuchEntity):
        one.change(JOBS, job, lambda _: other.delete(JOBS, job))
    assert one.page(JOBS).total == 0


def test_one_that_never_gets_through_says_so(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlc.standalone.center.store._TRIES", 3)
    one, other = stores
    job = one.create(JOBS, a_job())["id"]
    with pytest.raises(Conflict, match="try again"):
        one.change(JOBS, job, lambda _: other.change(JOBS, job, lambda _: None))


def test_of_two_that_claim_a_job_one_has_it(stores: Stores) -> None:
    job = stores[0].create(JOBS, a_job())["id"]
    answers = both(stores, "UPDATE entity", lambda store: store.work.claim(job, DISPATCH, timedelta(minutes=5)))
    assert [answer and answer["id"] for answer in answers] == [job, None]
    assert stores[1].work.pending(DISPATCH) == []


def test_a_claim_whose_owner_died_is_taken_over_when_its_time_is_up(stores: Stores) -> None:
    dead, alive = stores
    job = dead.create(JOBS, a_job())["id"]
    assert dead.work.claim(job, DISPATCH, timedelta(minutes=5))
    assert alive.work.claim(job, DISPATCH, timedelta(minutes=5)) is None
    alive.work.release(job, DISPATCH)
    assert dead.work.claim(job, DISPATCH, timedelta(milliseconds=-1))  # it is over
    assert [waiting["id"] for waiting in alive.work.pending(DISPATCH)] == [job]
    assert alive.work.claim(job, DISPATCH, timedelta(minutes=5))


def test_what_is_done_or_changed_is_claimed_by_nobody(stores: Stores) -> None:
    one, other = stores
    job = one.create(JOBS, a_job())["id"]
    assert one.work.claim(job, DISPATCH, timedelta(minutes=5))
    one.change(JOBS, job, lambda body: body.update(jobStatus=WAITING))
    assert other.work.claim(job, DISPATCH, timedelta(minutes=5)) is None
    other.change(JOBS, job, lambda body: body.update(jobStatus=CREATED))
    assert other.work.claim(job, DISPATCH, timedelta(minutes=5))  # anew, so the first claim is over
    other.work.settled(job, DISPATCH)
    assert one.work.pending(DISPATCH) == []
    assert one.work.claim("5b0b2ad4-0000-4000-8000-000000000001", DISPATCH, timedelta(minutes=5)) is None


def test_of_two_tokens_that_are_issued_at_once_one_replaces_the_other(stores: Stores) -> None:
    tokens = [RuntimeTokens(store.engine) for store in stores]
    issued = both(
        stores, "INSERT INTO runtime_token", lambda store: tokens[0 if store is stores[0] else 1].issue("prod")
    )
    assert [one.until is None for one in issued] == [True, False]
    assert [tokens[0].runtime_of(one.token) for one in issued] == ["prod", "prod"]
    assert [known.until is None for known in tokens[1].known()] == [True, False]


def test_a_centre_that_starts_beside_another_seeds_what_is_missing_once(stores: Stores) -> None:
    def start(store: Store) -> None:
        seed(store)

    assert both(stores, "INSERT INTO entity ", start, begins="INSERT INTO stored_file") == [None, None]
    assert stores[0].page(MODELS).total == stores[0].page(KINDS["deployableModels"]).total == 5


def test_a_runtimes_name_is_unique(stores: Stores) -> None:
    one, other = stores
    first = one.create(ENGINES, {"name": "prod"})["id"]
    with pytest.raises(Known) as known:
        other.create(ENGINES, {"name": "prod"})
    assert known.value.first["id"] == first


def test_counts_are_what_there_is_whoever_changes_it(stores: Stores) -> None:
    def some(store: Store, place: int) -> None:
        for number in range(12):
            job = store.create(JOBS, a_job(model={"id": f"s{number % 3}"}))["id"]
            status = ("WAITING", "RUNNING", "ERROR")[number % 3]
            store.change(JOBS, job, lambda body, status=status: body.update(jobStatus=status))
            if number % 4 == place:
                store.delete(JOBS, job)

    threads = [in_thread(lambda store=store, place=place: some(store, place)) for place, store in enumerate(stores)]
    for thread, problems in threads:
        thread.join(120)
        assert problems == [None]
    with Session(stores[0].engine) as session:
        kept = {(count.field, count.value): count.total for count in session.scalars(select(Count)) if count.total}
        there = {("", ""): session.scalar(select(func.count()).select_from(Row))}
        for field in FOUND_BY:
            column = getattr(Row, field)
            groups = select(column, func.count()).where(column.is_not(None)).group_by(column)
            there |= {(field, value): total for value, total in session.execute(groups)}
    assert kept == there
    assert there["", ""] == 18
