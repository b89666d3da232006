"""Hosts that want a token, outputs in parts, and what is missing: a job's files by named connections, without a job."""

import builtins
import hashlib
import io
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from s3_server import KEY, SECRET, S3Server
from servers import serving

import mlc.data
from mlc.data.parts import FileParts
from mlc.data.store_parts import S3Parts
from mlc.model.asset import Asset, AssetKind
from mlc.runtime import external, pieces
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.settings import FileSettings

FILES = FileSettings(read=["http+files:///in", "s3+lake://risk/in", "sql+warehouse:"], write=["http+files:///out"])


class Host:
    """A host that lets nobody in without the right header, and keeps what is put there."""

    def __init__(self, wanted: str) -> None:
        self.kept: dict[str, bytes] = {"base/in/x y.csv": b"a\n7\n"}
        self.asked: list[str] = []
        self._wanted = wanted
        self.app = FastAPI()
        self.app.api_route("/{path:path}", methods=["GET", "PUT"])(self._answer)

    async def _answer(self, path: str, request: Request) -> Response:
        self.asked.append(path)
        if request.headers.get("authorization") != self._wanted:
            return Response(status_code=401)
        if path == "base/in/away.csv":
            return RedirectResponse("http://127.0.0.1:1/secret")
        if request.method == "PUT":
            self.kept[path] = await request.body()
            return Response(status_code=201)
        return Response(self.kept[path]) if path in self.kept else Response(status_code=404)


@pytest.fixture(params=["token", "account"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(external, "PAUSES", (0.0, 0.0))
    token = {"token": "s3cr3t"}
    opens = token if request.param == "token" else {"user": "me", "password": "s3cr3t"}
    made = Host("Bearer s3cr3t" if request.param == "token" else "Basic bWU6czNjcjN0")
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(made.app, listener) as url:
        connection = {"kind": "http", "endpoint": f"{url}/base/", **opens}
        monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"files": connection}))
        yield made


def asset(address: str | None, content: bytes = b"", **more: Any) -> Asset:
    kind = more.pop("kind", AssetKind.EXTERNAL)
    digest = hashlib.sha256(content).hexdigest()
    return Asset(name="x.csv", kind=kind, address=address, size=len(content), sha256=digest, **more)


def fetched(address: str) -> bytes:
    target = io.BytesIO()
    ExternalFiles(FILES).fetch(asset(address), target, "input x.csv")
    return target.getvalue()


def test_a_host_of_a_connection_is_told_who_asks(host: Host) -> None:
    assert fetched("http+files:///in/x%20y.csv") == b"a\n7\n"
    made = asset("http+files:///out/y.csv", b"a\n8\n")
    ExternalFiles(FILES).store(io.BytesIO(b"a\n8\n"), made, "output y.csv")
    assert host.kept["base/out/y.csv"] == b"a\n8\n"


def test_it_is_told_to_nobody_else_and_asked_for_nothing_else(host: Host) -> None:
    for address, said in [
        ("http+files:///in/away.csv", "sends callers on to another address"),
        ("http+files:///in/none.csv", "answered 404"),
        ("http+files:///inside/x.csv", "MLC_FILE_READ"),
        ("http+files:///in/%2e%2e/out/y.csv", "'..'"),
    ]:
        with pytest.raises(ModelFailure, match=said.replace("..", r"\.\.")) as caught:
            fetched(address)
        assert "s3cr3t" not in str(caught.value)
    assert all(path.startswith("base/in/") for path in host.asked)


def test_a_token_that_is_wrong_is_said(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_wanted", "Bearer another")
    with pytest.raises(ModelFailure, match="its host answered 401") as caught:
        fetched("http+files:///in/x%20y.csv")
    assert "s3cr3t" not in str(caught.value)


def test_what_writes_in_parts_is_given_for_what_may_be_written(
    tmp_path: Path, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    files = {"kind": "http", "endpoint": "http://127.0.0.1:1", "token": "t"}
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": lake, "files": files}))
    settings = FileSettings(
        read=[f"s3+lake://{bucket}/in"],
        write=[f"file://{tmp_path}", f"s3+lake://{bucket}/out", "http+files:", "files.example.org"],
    )
    outside = ExternalFiles(settings)
    for url, kind in [
        (f"file://{tmp_path}/new/o.csv", FileParts),
        (f"s3+lake://{bucket}/out/a%20b.csv", S3Parts),
        ("http+files:///o.csv", type(None)),
        ("https://files.example.org/o.csv", type(None)),
    ]:
        writer = outside.parts(asset(url), "output o.csv")
        assert type(writer) is kind
        if writer is not None:
            writer.complete(writer.put(writer.begin(), 1, b"a\n7\n"))
    assert (tmp_path / "new" / "o.csv").read_bytes() == b"a\n7\n"
    assert s3_server.store().files.cat_file(f"{bucket}/out/a b.csv") == b"a\n7\n"
    for url in (f"s3+lake://{bucket}/in/o.csv", "file:///etc/o.csv", f"s3+lake://{bucket}/out/"):
        with pytest.raises(ModelFailure):
            outside.parts(asset(url), "output o.csv")


def test_a_connection_of_another_kind_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": {"kind": "s3", "ambient": True}}))
    for address in ("gcs+lake://risk/x", "http+lake:///x", "sql+lake:"):
        files = FileSettings(read=[address])
        with pytest.raises(ModelFailure, match=r"lake is of the kind s3, and not (gcs|http|sql)"):
            ExternalFiles(files).fetch(asset(address, query="SELECT 1"), io.BytesIO(), "input x")


@pytest.mark.parametrize("size", [0, 1, 5 * 1024**2, 5 * 1024**2 + 1])
def test_an_output_of_any_size_is_sent_in_parts_and_not_if_it_changed(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(pieces, "PART", 5 * 1024**2)
    lake = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": lake}))
    outside, content = ExternalFiles(FileSettings(write=[f"s3+lake://{bucket}"])), b"x" * size
    outside.store(io.BytesIO(content), asset(f"s3+lake://{bucket}/o", content), "output o")
    store = s3_server.store().files
    assert store.cat_file(f"{bucket}/o") == content
    with pytest.raises(ModelFailure, match="changed while it was copied"):
        outside.store(io.BytesIO(content + b"y"), asset(f"s3+lake://{bucket}/other", content), "output other")
    assert store.find(bucket) == [f"{bucket}/o"]
    assert "Uploads" not in store.call_s3("list_multipart_uploads", Bucket=bucket)


@pytest.mark.parametrize(
    ("connection", "address", "module", "extra"),
    [
        ({"kind": "s3", "ambient": True}, "s3+lake://risk/in/x", "s3fs", "s3"),
        ({"kind": "gcs", "ambient": True}, "gcs+lake://risk/in/x", "gcsfs", "gcs"),
        ({"kind": "azure", "account": "boxes", "ambient": True}, "azure+lake://risk/in/x", "adlfs", "azure"),
        ({"kind": "sql", "url": "postgresql+pg8000://me@db/x"}, "sql+lake:", "pg8000.exceptions", "postgresql"),
        ({"kind": "sql", "url": "sqlite:////x"}, "sql+lake:", "sqlalchemy.engine", "standalone"),
        ({"kind": "sql", "url": "sqlite:////x"}, "sql+lake:", "pyarrow", "standalone"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], address: str, module: str, extra: str
) -> None:
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": connection}))
    for known in ("mlc.data.tables", module):
        monkeypatch.delitem(sys.modules, known, raising=False)
    monkeypatch.delattr(mlc.data, "tables", raising=False)
    usual = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == module or name.startswith(f"{module}."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return usual(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("mlc.data.stores.import_module", without)
    kind = AssetKind.QUERY if address.startswith("sql") else AssetKind.EXTERNAL
    query = "SELECT 1 AS a" if kind is AssetKind.QUERY else None
    files = FileSettings(read=[address.removesuffix("/in/x")])
    with pytest.raises(ModelFailure, match=rf"is not installed.*mlc-temporal\[{extra}\]"):
        ExternalFiles(files).fetch(asset(address, kind=kind, query=query), io.BytesIO(), "input x")
