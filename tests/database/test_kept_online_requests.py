"""Online requests in the centre's database: kept once, read by a window, forgotten. Schedules are stepped by hand."""

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from database.test_store_races import Held, in_thread, once_it_begins
from sqlalchemy import func, select

from mlc.model.online_requests import Forgotten, OnlineBatch, OnlineRequest
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.requests import table
from mlc.standalone.center.requests.store import Exported, Of
from mlc.standalone.center.store import Store

Stores = tuple[Store, Store]
NOW = datetime.now(UTC).replace(microsecond=0)
OF, OTHER = Of("m", "s"), Of("m", "s2")


def batch(*values: Any, ids: list[str] | None = None, hours: float = 1, missed: int = 0) -> OnlineBatch:
    """Requests of so many hours ago, a second apart."""
    at = NOW - timedelta(hours=hours)
    requests = [
        OnlineRequest(
            record_id=ids[number] if ids else None, moment=at + timedelta(seconds=number), record={"a": value}
        )
        for number, value in enumerate(values)
    ]
    told: dict[str, Any] = {"missed": missed, "since": at} if missed else {}
    return OnlineBatch(id=uuid.uuid4().hex, deployment_id="d", requests=requests, **told)


def values(store: Store, exported: Exported) -> list[Any]:
    if exported.file is None:
        return []
    content = store.files.content(exported.file.digest, exported.file.size) or b""
    return [json.loads(line)["a"] for line in content.splitlines()]


def kept(store: Store, of: Of = OF, **window: Any) -> list[Any]:
    return values(store, store.requests.export(of, **window))


def rows(store: Store) -> list[int]:
    """How many there are in each table."""
    with store.engine.connect() as connection:
        tables = (table.KeptRequest, table.KeptBatch, table.ExportedFile)
        return [connection.scalar(select(func.count()).select_from(each)) or 0 for each in tables]


def test_requests_are_written_the_oldest_first_and_the_newest_are_kept_by_a_window(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "AT_ONCE", 2)
    one, other = stores
    one.requests.keep(batch(3, 4, 5, hours=1), OF, "d")
    other.requests.keep(batch(1, "ä\n\u2028\0", hours=2), OF, "e")
    one.requests.keep(batch(9), OTHER, "d")
    exported = other.requests.export(OF)
    assert values(one, exported) == [1, "ä\n\u2028\0", 3, 4, 5]
    assert exported.span.count == 5
    assert exported.span.first == NOW - timedelta(hours=2)
    assert exported.span.last == NOW - timedelta(hours=1) + timedelta(seconds=2)
    assert kept(one, most=2) == [4, 5]
    assert kept(one, since=NOW - timedelta(hours=1.5)) == [3, 4, 5]
    assert kept(one, since=NOW - timedelta(hours=1.5), most=1) == [5]
    assert kept(one, since=NOW) == []
    assert kept(one, Of("m", "nobody")) == []
    assert kept(one, OTHER) == [9]


def test_the_same_batch_again_is_kept_once(stores: Stores) -> None:
    sent = batch(1, 2, missed=3)
    assert [store.requests.keep(sent, OF, "d") for store in (*stores, *stores)] == [True, False, False, False]
    assert kept(stores[1]) == [1, 2]
    assert stores[0].requests.export(OF).span.missed == 3


def test_a_batch_that_is_sent_twice_at_once_is_kept_once(stores: Stores) -> None:
    """The second one waits for the first one's row, of which it doesn't know yet whether it will be committed."""
    one, other = stores
    sent = batch(1, 2)
    held = Held(one.engine, "INSERT INTO online_batch")
    awaited = "BEGIN IMMEDIATE" if one.engine.dialect.name == "sqlite" else "INSERT INTO online_batch"
    once_it_begins(other.engine, awaited, lambda: threading.Timer(0.1, held.may_commit.set).start())
    began, first = in_thread(lambda: one.requests.keep(sent, OF, "d"))
    assert held.has_written.wait(60)
    followed, second = in_thread(lambda: other.requests.keep(sent, OF, "d"))
    for thread in (began, followed):
        thread.join(60)
    assert [*first, *second] == [True, False]
    assert kept(one) == [1, 2]


def test_a_batch_of_which_something_cannot_be_kept_is_not_kept_at_all(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_WRITTEN", 1)
    sent = batch(1, 2)
    broken = sent.model_copy(
        update={"requests": [sent.requests[0], sent.requests[1].model_copy(update={"record": {1}})]}
    )
    with pytest.raises(TypeError):
        stores[0].requests.keep(broken, OF, "d")
    assert rows(stores[0]) == [0, 0, 0]
    assert stores[0].requests.keep(sent, OF, "d")


def test_a_moment_to_come_is_now(stores: Stores) -> None:
    stores[0].requests.keep(batch(1, hours=-100), OF, "d")
    last = stores[0].requests.export(OF).span.last
    assert last is not None
    assert last <= datetime.now(UTC)


def test_what_was_missed_is_told_with_the_window_in_which_it_was(stores: Stores) -> None:
    stores[0].requests.keep(batch(1, missed=5), OF, "d")
    stores[0].requests.keep(batch(2, missed=2), OF, "e")
    stores[0].requests.keep(batch(2, missed=100), OTHER, "e")
    span = stores[1].requests.export(OF).span
    assert (span.missed, span.missed_since) == (7, NOW - timedelta(hours=1))
    lost = stores[1].requests
    lost.keep(batch(missed=4), Of("m", "lost"), "d")
    assert lost.export(Of("m", "lost")).span.missed == 4


def test_a_record_is_forgotten_in_all_snapshots_of_its_model_and_in_no_other_model(stores: Stores) -> None:
    one, other = stores
    ids = ["x", "y"]
    for of in (OF, OTHER, Of("n", "s3")):
        one.requests.keep(batch(1, 2, ids=ids), of, "d")
    assert other.requests.forget("m", "x") == Forgotten(requests=2)
    assert other.requests.forget("m", "x") == Forgotten()
    assert [kept(one), kept(one, OTHER), kept(one, Of("n", "s3"))] == [[2], [2], [1, 2]]


def used_by(store: Store, exported: Exported, kind: str) -> str:
    """The id of an entity that refers to a file."""
    assert exported.file is not None
    hashed = {"hashType": "SHA-256", "hexString": exported.file.digest}
    asset = {"name": "r.jsonl", "assetType": "FILE", "contentHash": hashed, "fileSize": exported.file.size}
    if kind == "assets":
        return str(store.create(KINDS["assets"], asset)["id"])
    return str(store.create(KINDS["jobs"], {"jobType": "x", "inputData": [asset]})["id"])


def test_with_a_record_go_the_files_of_jobs_in_which_it_may_stand(stores: Stores) -> None:
    one, other = stores
    one.requests.keep(batch(1, 2, ids=["x", "y"]), OF, "d")
    exported = one.requests.export(OF)
    job = used_by(one, exported, "jobs")
    assert other.requests.forget("m", "nobody") == Forgotten()
    assert values(one, exported) == [1, 2]
    assert other.requests.forget("m", "x") == Forgotten(requests=1, files=1)
    assert exported.file is not None
    assert one.files.size(exported.file.digest) is None
    assert one.files.wanted(exported.file.digest) is None
    described = one.get(KINDS["jobs"], job)["inputData"][0]
    assert described["contentHash"]["hexString"] == exported.file.digest
    assert "fileContent" not in described
    assert kept(one) == [2]


def test_a_file_that_somebody_has_made_an_asset_stays(stores: Stores) -> None:
    one = stores[0]
    one.requests.keep(batch(1, ids=["x"]), OF, "d")
    exported = one.requests.export(OF)
    for kind in ("jobs", "assets"):
        used_by(one, exported, kind)
    assert one.requests.forget("m", "x") == Forgotten(requests=1, files=0)
    assert values(one, exported) == [1]


def test_what_is_forgotten_while_a_file_is_made_is_not_in_it(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = stores
    one.requests.keep(batch(1, 2, ids=["x", "y"]), OF, "d")
    read, gone = table.requests_from, list[Forgotten]()

    def and_meanwhile(*window: Any) -> Any:
        found = list(read(*window))
        if len(found) == 2 and not gone and len(rows_of_exports(one)) == 1:
            gone.append(other.requests.forget("m", "x"))
        return iter(found)

    monkeypatch.setattr(table, "requests_from", and_meanwhile)
    exported = one.requests.export(OF)
    assert gone == [Forgotten(requests=1)]
    assert values(one, exported) == [2]
    assert exported.span.count == 1
    assert rows(one) == [1, 1, 1]


def rows_of_exports(store: Store) -> list[str]:
    with store.engine.connect() as connection:
        return list(connection.scalars(select(table.ExportedFile.id)).all())


def test_what_is_too_old_goes_some_at_a_time_with_the_files_in_which_it_stands(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_REMOVED", 2)
    one, other = stores
    one.requests.keep(batch(1, 2, 3, hours=49), OF, "d")
    one.requests.keep(batch(4), OF, "d")
    exported = one.requests.export(OF)
    used_by(one, exported, "jobs")
    days = timedelta(days=2)
    assert other.requests.expire(days) == 3
    assert kept(one) == [4]
    assert values(one, exported) == [1, 2, 3, 4]  # its job may still be running
    assert other.requests.expire(days, now=NOW + timedelta(hours=26)) == 0
    assert values(one, exported) == []
    assert kept(one) == [4]
    assert other.requests.expire(days, now=NOW + timedelta(days=9)) == 1 + 2
    assert kept(one) == []
    assert rows(one)[:2] == [0, 0]


def test_a_file_that_was_made_again_of_the_same_requests_stays_for_its_job(stores: Stores) -> None:
    one = stores[0]
    one.requests.keep(batch(1, hours=1), OF, "d")
    first = one.requests.export(OF)
    with one.engine.begin() as connection:
        old = {"made": "2020-01-01T00:00:00.000000Z", "first": "2020-01-01T00:00:00.000000Z"}
        connection.execute(table.ExportedFile.__table__.update().values(**old))  # type: ignore[attr-defined]
    assert one.requests.export(OF) == first
    one.requests.expire(timedelta(days=2))
    assert values(one, first) == [1]


def test_with_a_model_go_its_requests(stores: Stores) -> None:
    one = stores[0]
    model = str(one.create(KINDS["storedModels"], {"modelMetaData": {"name": "m"}})["id"])
    one.requests.keep(batch(1, 2), Of(model, "s"), "d")
    one.requests.keep(batch(3), OF, "d")
    one.delete(KINDS["storedModels"], model)
    assert rows(one)[0] == 1
