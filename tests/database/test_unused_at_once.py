"""Two centres on one database, of which one removes a file that nothing refers to. Each schedule is stepped by hand."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.files.errors import UnknownFile
from mlc.standalone.center.store import Store

MODELS = KINDS["storedModels"]
NOW = timedelta(0)
DATA = b"weights of a model"
DIGEST = hashlib.sha256(DATA).hexdigest()
Stores = tuple[Store, Store]


def send(store: Store) -> str:
    with store.files.unfinished.taken(DIGEST, "") as draft:
        draft.write([DATA])
        store.files.take(draft, DIGEST)
    return DIGEST


def refer(store: Store) -> Any:
    asset = {"name": "w.bin", "contentHash": {"hashType": "SHA-256", "hexString": DIGEST}}
    return store.create(MODELS, {"modelMetaData": {"name": "m"}, "modelAssets": [asset]})


def meanwhile(stores: Stores, monkeypatch: pytest.MonkeyPatch, do: Callable[[Store], Any]) -> Future[Any]:
    """What the other one comes to that begins to write when the remover has the file for itself."""
    one, other = stores
    remove, waits = one.files.place.remove, threading.Event()
    statements = ("BEGIN IMMEDIATE",) if one.engine.dialect.name == "sqlite" else ("INSERT INTO stored_file", "SELECT")
    pool = ThreadPoolExecutor(1)
    done: list[Future[Any]] = []

    def writes(_connection: Any, _cursor: Any, said: str, *_: Any) -> None:
        if said.startswith(statements):
            threading.Timer(0.1, waits.set).start()

    def slowly(digest: str) -> None:
        event.listen(other.engine, "before_cursor_execute", writes)
        done.append(pool.submit(do, other))
        assert waits.wait(60)
        remove(digest)

    monkeypatch.setattr(one.files.place, "remove", slowly)
    assert [file.digest for file in one.files.remove_unused(NOW)] == [DIGEST]
    done[0].exception(60)
    pool.shutdown()
    return done[0]


def listed_or_not(store: Store, *, orphan: bool) -> None:
    """A file that nothing refers to; of an orphan the database knows nothing: whoever removed it was killed."""
    send(store)
    if orphan:
        with store.files._write() as connection:
            connection.exec_driver_sql(f"DELETE FROM stored_file WHERE digest = '{DIGEST}'")


@pytest.mark.parametrize("orphan", [False, True])
def test_what_is_sent_while_it_is_removed_is_there(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, orphan: bool
) -> None:
    listed_or_not(stores[0], orphan=orphan)
    assert meanwhile(stores, monkeypatch, send).result() == DIGEST
    assert stores[1].files.content(DIGEST, 100) == DATA
    refer(stores[0])


@pytest.mark.parametrize("orphan", [False, True])
def test_what_is_referred_to_while_it_is_removed_is_refused(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, orphan: bool
) -> None:
    listed_or_not(stores[0], orphan=orphan)
    assert isinstance(meanwhile(stores, monkeypatch, refer).exception(), UnknownFile)
    assert stores[1].files.wanted(DIGEST) is None
    assert stores[0].page(MODELS).total == 0


def test_a_second_remover_at_the_same_moment_finds_nothing(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    listed_or_not(stores[0], orphan=True)
    assert meanwhile(stores, monkeypatch, lambda store: list(store.files.remove_unused(NOW))).result() == []
