"""What carries a key is created once by the standalone centre, whoever creates it at the same moment."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN
from sqlalchemy import event

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.store import Conflict, Known, Store

JOBS, DEPLOYMENTS = KINDS["jobs"], KINDS["deployedModels"]


def a_job(key: str | None) -> dict[str, Any]:
    return {"jobType": "MODEL_BATCH_JOB", "jobParameters": {} if key is None else {"mlcKey": key}}


async def test_of_many_at_once_one_is_created_and_all_are_answered_with_it(address: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{address}/model-manage/api/", headers=headers) as http:
        answers = await asyncio.gather(*(http.post("jobs", json=a_job("k")) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        there = (await http.get("jobs")).json()
    assert there["page"]["totalElements"] == 1


def test_two_that_write_at_the_same_moment_from_two_processes_get_one(tmp_path: Path) -> None:
    """The first one has written, and commits only after the second one has begun to write the same key."""
    one, other = Store(tmp_path / "center.db"), Store(tmp_path / "center.db")
    first_wrote, second_writes = threading.Event(), threading.Event()

    def wrote(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO entity"):
            first_wrote.set()

    def begins(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO entity"):
            second_writes.set()

    def commits(_: Any) -> None:
        if first_wrote.is_set():
            assert second_writes.wait(20)

    event.listen(one.engine, "after_cursor_execute", wrote)
    event.listen(one.engine, "commit", commits)
    event.listen(other.engine, "before_cursor_execute", begins)
    created: list[str] = []
    first = threading.Thread(target=lambda: created.append(one.create(JOBS, a_job("k"))["id"]))
    first.start()
    assert first_wrote.wait(20)
    with pytest.raises(Known) as known:
        other.create(JOBS, a_job("k"))
    first.join(20)
    assert [known.value.first["id"]] == created
    assert other.page(JOBS).total == 1
    one.close()
    other.close()


def test_keys_are_unique_within_their_kind_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "center.db")
    first = store.create(JOBS, a_job("k"))
    store.create(DEPLOYMENTS, {"mlcKey": "k"})
    for key in (None, None, "", ""):
        store.create(JOBS, a_job(key))
    with pytest.raises(Known) as known:
        store.create(JOBS, a_job("k"))
    assert known.value.first["id"] == first["id"]
    other = store.create(JOBS, a_job("other"))
    with pytest.raises(Conflict, match="key"):
        store.change(JOBS, other["id"], lambda body: body["jobParameters"].update(mlcKey="k"))
    store.close()


def test_a_file_from_before_keys_were_unique_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "center.db"
    store = Store(path)
    first = store.create(JOBS, a_job("k"))
    second = store.create(JOBS, a_job("other"))
    store.close()
    with sqlite3.connect(path) as old:
        old.execute("DROP INDEX entity_key")
        old.execute("UPDATE entity SET key = 'k'")
    store = Store(path)
    assert [job["id"] for job in store.page(JOBS, {"key": "k"}).items] == [first["id"]]
    assert store.get(JOBS, second["id"])["id"] == second["id"]
    with pytest.raises(Known):
        store.create(JOBS, a_job("k"))
    store.close()
