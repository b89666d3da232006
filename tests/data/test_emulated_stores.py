"""Google's and Azure's stores over a socket: emulators that others made, read and written as a job does.

Azure's is Azurite, a program of npm: without it its tests are skipped.
"""

import base64
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gcp_storage_emulator.server import create_server

from mlc.data.matching import StoreTree, matches
from mlc.data.objects import Patience, content
from mlc.data.store_parts import SMALLEST, ObjectParts
from mlc.data.stores import Store
from mlc.model.connection import AzureConnection, GcsConnection
from mlc.model.failure import NotFound, Refused

SOON = Patience((0.0, 0.0), lambda _: None)
BODY = bytes(range(256)) * 4096
KEY, OTHER_KEY = (base64.b64encode(text).decode() for text in (b"the account's key", b"somebody else's"))

Opened = Callable[..., Store]
"""A store by a connection, whose fields may be given otherwise."""


@pytest.fixture(scope="module")
def google() -> Iterator[Opened]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="risk")
    server.start()
    given: dict[str, Any] = {"kind": "gcs", "endpoint": f"http://127.0.0.1:{port}", "project": "p"}
    yield lambda **other: Store("cold", GcsConnection(**given, anonymous=True, **other), 10)
    server.stop()


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("azurite-blob is not here: npm install --global azurite")
    place = tmp_path_factory.mktemp("azurite")
    options = ["--blobPort", "0", "--location", str(place), "--skipApiVersionCheck", "--disableTelemetry"]
    env = {"PATH": os.environ["PATH"], "AZURITE_ACCOUNTS": f"boxes:{KEY}", "HOME": str(place)}
    with subprocess.Popen([program, *options], env=env, cwd=place, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = (re.search(r"listens on (http://\S+)", line) for line in process.stdout)
        listens = next(filter(None, said), None)
        assert listens, "Azurite ended at once"
        given: dict[str, Any] = {"kind": "azure", "endpoint": f"{listens[1]}/boxes", "account": "boxes"}

        def opened(**other: Any) -> Store:
            return Store("cold", AzureConnection(**{"key": KEY} | given | other), 10)

        opened().files.mkdir("risk")
        yield opened
        process.terminate()


@pytest.fixture(params=["google", "azure"])
def opened(request: pytest.FixtureRequest) -> Opened:
    found: Opened = request.getfixturevalue(request.param)
    return found


def read(store: Store, path: str) -> bytes:
    return b"".join(content(store, path, SOON, largest=lambda _: None))


def test_an_object_is_read_in_ranges_and_one_that_is_missing_is_a_sentence(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlc.data.objects.RANGE", 100_000)
    store = opened()
    for name, body in {"in/x": BODY, "in/ä b": BODY[:5], "in/empty": b""}.items():
        store.files.pipe_file(f"risk/{name}", body)
        assert read(store, f"risk/{name}") == body
    for missing in ("risk/in/y", "nowhere/in/x"):
        with pytest.raises(NotFound, match=rf"The connection cold \({store.kind}\) has not what is asked for"):
            read(store, missing)


def test_several_files_are_found(opened: Opened) -> None:
    store = opened()
    for name in ("b.parquet", "a.parquet", "_SUCCESS"):
        store.files.pipe_file(f"risk/t/{name}", b"x")
    found = matches(StoreTree(store, SOON), "risk", ("t",), folder=True)
    assert [(match.name, match.size) for match in found] == [("a.parquet", 1), ("b.parquet", 1)]


def test_an_output_in_parts_is_whole_or_not_there(opened: Opened) -> None:
    store = opened()
    parts = [b"a" * SMALLEST, b"the end\n"]
    for end in ("complete", "abort"):
        path = f"risk/out/{end}.csv"
        writer = ObjectParts(store, path, f"{store.kind}+cold://{path}")
        state = writer.begin()
        for number, part in enumerate(parts, start=1):
            state = writer.put(state, number, part)
        assert not store.files.exists(path)
        (writer.complete if end == "complete" else writer.abort)(state)
    assert store.files.find("risk/out") == ["risk/out/complete.csv"]
    assert read(store, "risk/out/complete.csv") == b"".join(parts)


def test_a_wrong_key_and_a_signature_that_is_none_are_refused_and_not_told(azure: Opened) -> None:
    azure().files.pipe_file("risk/in/x", b"x")
    for secret in ({"key": OTHER_KEY}, {"key": None, "signature": "?sv=2024-01-01&sig=bm9uZQ%3D%3D"}):
        with pytest.raises(Refused) as refused:
            read(azure(**secret), "risk/in/x")
        assert "connection cold (azure)" in str(refused.value)
        assert not any(text and text in str(refused.value) for text in secret.values())
