"""Google's store over a socket: an emulator that others made, read and written as a job does."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from gcp_storage_emulator.server import create_server

from mlc.data.matching import StoreTree, matches
from mlc.data.objects import Patience, content
from mlc.data.store_parts import SMALLEST, ObjectParts
from mlc.data.stores import Store
from mlc.model.connection import GcsConnection
from mlc.model.failure import NotFound

SOON = Patience((0.0, 0.0), lambda _: None)
BODY = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="risk")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def opened(endpoint: str) -> Store:
    given: dict[str, Any] = {"kind": "gcs", "endpoint": endpoint, "project": "p", "anonymous": True}
    return Store("cold", GcsConnection(**given), 10)


def read(store: Store, path: str) -> bytes:
    return b"".join(content(store, path, SOON, largest=lambda _: None))


def test_an_object_is_read_in_ranges_and_one_that_is_missing_is_a_sentence(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlc.data.objects.RANGE", 100_000)
    store = opened(endpoint)
    for name, body in {"in/x": BODY, "in/ä b": BODY[:5], "in/empty": b""}.items():
        store.files.pipe_file(f"risk/{name}", body)
        assert read(store, f"risk/{name}") == body
    with pytest.raises(NotFound, match=r"The connection cold \(gcs\) has not what is asked for"):
        read(store, "risk/in/y")


def test_several_files_are_found(endpoint: str) -> None:
    store = opened(endpoint)
    for name in ("b.parquet", "a.parquet", "_SUCCESS"):
        store.files.pipe_file(f"risk/t/{name}", b"x")
    found = matches(StoreTree(store, SOON), "risk", ("t",), folder=True)
    assert [(match.name, match.size) for match in found] == [("a.parquet", 1), ("b.parquet", 1)]


def test_an_output_in_parts_is_whole_or_not_there(endpoint: str) -> None:
    store = opened(endpoint)
    parts = [b"a" * SMALLEST, b"the end\n"]
    for end in ("complete", "abort"):
        path = f"risk/out/{end}.csv"
        writer = ObjectParts(store, path, f"gcs+cold://{path}")
        state = writer.begin()
        for number, part in enumerate(parts, start=1):
            state = writer.put(state, number, part)
        assert not store.files.exists(path)
        (writer.complete if end == "complete" else writer.abort)(state)
    assert store.files.find("risk/out") == ["risk/out/complete.csv"]
    assert read(store, "risk/out/complete.csv") == b"".join(parts)
