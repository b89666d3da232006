"""Files by their SHA-256 over HTTP: sent in parts, read in parts, and never half there."""

import base64
import errno
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN, CenterProcess, no_temporal, served, wait_until
from pydantic import SecretStr
from s3_server import KEY, SECRET, S3Server

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app
from mlc.standalone.center.files import receiving, unfinished
from mlc.standalone.center.files.errors import CannotKeep
from mlc.standalone.monitors import monitor_folders

LIMIT_MB = 3


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


OF_MONITORS = {
    sha256(path.read_bytes()) for folder in monitor_folders().values() for _, path in folder.files if path is not None
}


class Centre:
    """A centre whose files lie in ``folder``, and requests to it."""

    def __init__(self, address: str, folder: Path) -> None:
        self.folder = folder
        self.http = httpx.Client(
            base_url=f"{address}/model-manage/api", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )

    def ask(self, method: str, digest: str, **how: Any) -> httpx.Response:
        return self.http.request(method, f"/contents/{digest}", **how)

    def send(self, data: bytes, *, offset: int = 0, total: int | None = None, digest: str = "", **headers: str) -> Any:
        told = {
            "Upload-Offset": str(offset),
            "Upload-Length": str(offset + len(data) if total is None else total),
            "Content-Type": "application/offset+octet-stream",
        }
        return self.ask("PATCH", digest or sha256(data), content=data, headers=told | headers)

    def lying(self) -> list[str]:
        """Every file that the centre keeps, whole or not, but those that it has since it first started: a mark, and the
        monitors.
        """
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name not in OF_MONITORS]
        kept = [path for path in files if not re.fullmatch(rb"[0-9a-f]{32}", path.read_bytes())]
        return sorted(str(path.relative_to(self.folder)) for path in kept)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("files")
    settings = StandaloneCenterSettings(
        database=folder / "center.db", token=SecretStr(TOKEN), file_limit_mb=LIMIT_MB, max_body=1_000_000
    )
    with served(create_app(settings, connect=no_temporal)) as address:
        made = Centre(address, folder / "center.contents")
        yield made
        made.http.close()


def test_a_file_is_sent_once_and_read_whole(centre: Centre) -> None:
    data = os.urandom(2_500_000)
    digest = sha256(data)
    assert centre.ask("HEAD", digest).status_code == 404
    answer = centre.send(data)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "2500000"), answer.text
    head = centre.ask("HEAD", digest)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "2500000", b"")
    assert (head.headers["Accept-Ranges"], head.headers["ETag"]) == ("bytes", f'"{digest}"')
    got = centre.ask("GET", digest)
    assert (got.status_code, got.content) == (200, data)
    assert centre.send(data).status_code == 201
    assert centre.lying() == [f"{digest[:2]}/{digest}"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("0-", 0, 1000), ("0-0", 0, 1), ("999-", 999, 1000), ("5-9", 5, 10), ("5-5000", 5, 1000), ("-3", 997, 1000)],
)
def test_a_part_of_a_file_is_read(centre: Centre, asked: str, start: int, stop: int) -> None:
    data = bytes(range(250)) * 4
    centre.send(data)
    part = centre.ask("GET", sha256(data), headers={"Range": f"bytes={asked}"})
    assert (part.status_code, part.content) == (206, data[start:stop])
    assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/1000"
    assert part.headers["Content-Length"] == str(stop - start)


def test_a_file_is_sent_in_parts(centre: Centre) -> None:
    data = b"in parts" * 1000
    digest = sha256(data)
    first = centre.send(data[:3000], total=len(data), digest=digest)
    assert (first.status_code, first.headers["Upload-Offset"], first.content) == (204, "3000", b"")
    head = centre.ask("HEAD", digest)
    assert (head.status_code, head.headers["Upload-Offset"]) == (404, "3000")
    assert centre.ask("GET", digest).status_code == 404
    for offset in (0, 2999, 3001):
        wrong = centre.send(data[offset:], offset=offset, digest=digest)
        assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, "3000"), offset
    assert centre.send(data[3000:], offset=3000, digest=digest).status_code == 201
    assert centre.ask("GET", digest).content == data


def test_an_embedded_file_is_a_file_like_any_other(centre: Centre) -> None:
    data = b"embedded"
    model = {
        "modelMetaData": {"name": "m"},
        "modelAssets": [{"name": "f", "fileContent": base64.b64encode(data).decode()}],
    }
    made = centre.http.post("/storedModels", json=model).json()
    assert centre.ask("GET", sha256(data)).content == data
    whole = centre.http.get(f"/storedModels/{made['id']}")
    assert base64.b64decode(whole.json()["modelAssets"][0]["fileContent"]) == data
    referred = centre.http.get(f"/storedModels/{made['id']}", headers={"MLC-Contents": "reference"})
    (asset,) = referred.json()["modelAssets"]
    assert (asset["fileSize"], asset["contentHash"]["hexString"]) == (len(data), sha256(data))
    assert "fileContent" not in asset
    assert referred.headers["MLC-Contents"] == "reference"


def test_an_asset_may_refer_to_what_was_sent_and_to_nothing_else(centre: Centre) -> None:
    data = b"referred to"

    def model(digest: str) -> dict[str, Any]:
        asset = {"filename": "w.bin", "contentHash": {"hashType": "SHA-256", "hexString": digest}}
        return {"modelMetaData": {"name": "m"}, "modelAssets": [asset]}

    refused = centre.http.post("/storedModels", json=model(sha256(data)))
    assert refused.status_code == 422
    assert "w.bin" in refused.json()["message"]
    centre.send(data)
    made = centre.http.post("/storedModels", json=model(sha256(data)))
    assert (made.status_code, made.json()["modelAssets"][0]["fileSize"]) == (201, len(data))


def test_what_a_lost_connection_brought_is_kept(centre: Centre) -> None:
    data = os.urandom(1_500_000)
    digest = sha256(data)
    head = (
        f"PATCH /model-manage/api/contents/{digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nUpload-Length: {len(data)}\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection((centre.http.base_url.host, centre.http.base_url.port or 0)) as connection:
        connection.sendall(head.encode() + data[:1_200_000])

    def there() -> int:
        return int(centre.ask("HEAD", digest).headers.get("Upload-Offset", 0))

    wait_until(lambda: there() == 1_200_000)
    wait_until(lambda: centre.send(data[1_200_000:], offset=1_200_000, digest=digest).status_code == 201)
    assert centre.ask("GET", digest).content == data


def test_all_bytes_that_came_before_a_centre_was_killed_make_the_file(centre: Centre) -> None:
    data = b"every byte is there, and nobody has looked at them"
    centre.send(data[:10], total=len(data), digest=sha256(data))
    (draft,) = (centre.folder / "unfinished").iterdir()
    with draft.open("ab") as file:
        file.write(data[10:])
    assert centre.send(b"", offset=len(data), digest=sha256(data)).status_code == 201
    assert centre.ask("GET", sha256(data)).content == data


def test_an_empty_file_is_a_file(centre: Centre) -> None:
    assert centre.send(b"").status_code == 201
    got = centre.ask("GET", sha256(b""))
    assert (got.status_code, got.content, got.headers["Content-Length"]) == (200, b"", "0")
    assert centre.ask("GET", sha256(b""), headers={"Range": "bytes=0-"}).status_code == 416


def test_of_a_file_with_another_hash_nothing_is_kept(centre: Centre) -> None:
    data = b"what was meant"
    before = centre.lying()
    wrong = centre.send(b"something else", digest=sha256(data))
    assert wrong.status_code == 422
    assert sha256(data) in wrong.json()["message"]
    centre.send(b"some", total=len(data), digest=sha256(data))
    assert centre.send(b"thing else", offset=4, digest=sha256(data)).status_code == 422
    assert centre.lying() == before
    assert centre.send(data).status_code == 201


def test_more_than_may_be_sent_is_refused_before_it_is_sent(centre: Centre) -> None:
    before = centre.lying()
    answer = centre.send(b"x", total=LIMIT_MB * 1_000_000 + 1, digest="a" * 64)
    assert (answer.status_code, "MLC_CENTER_FILE_LIMIT_MB" in answer.json()["message"]) == (413, True)
    assert centre.lying() == before


@pytest.mark.parametrize("pieces", [[b"12345", b"67890"], [b"1", b"2" * 2_000_000]])
def test_more_bytes_than_were_said_are_refused(centre: Centre, pieces: list[bytes]) -> None:
    """Of a body whose length isn't said before."""
    told = {"Upload-Offset": "0", "Upload-Length": "7", "Content-Type": "application/offset+octet-stream"}
    assert centre.ask("PATCH", "b" * 64, content=iter(pieces), headers=told).status_code == 413
    assert "Upload-Offset" not in centre.ask("HEAD", "b" * 64).headers


def test_a_full_disk_keeps_nothing(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(1_400_000)
    write = os.pwrite

    def full(descriptor: int, piece: Any, offset: int) -> int:
        if offset >= 1_100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, piece[:100_000], offset)

    before = centre.lying()
    with monkeypatch.context() as patch:
        patch.setattr(unfinished.os, "pwrite", full)
        answer = centre.send(data)
    assert (answer.status_code, "MLC_CENTER_FILES" in answer.json()["message"]) == (507, True)
    assert centre.lying() == before
    assert "Upload-Offset" not in centre.ask("HEAD", sha256(data)).headers
    assert centre.send(data).status_code == 201


def test_a_file_for_which_there_is_no_room_is_refused_before_it_is_sent(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nearly:
        f_bavail, f_frsize = 10, 100

    monkeypatch.setattr(unfinished.os, "fstatvfs", lambda _: Nearly)
    assert centre.send(b"x" * 1000).status_code == 201
    assert centre.send(b"x" * 999, total=1001, digest="c" * 64).status_code == 507


def test_a_sender_that_falls_silent_is_given_up_and_what_it_sent_kept(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "SILENCE", 0.2)
    silent = threading.Event()

    def body() -> Iterator[bytes]:
        yield b"begun"
        silent.wait(20)
        yield b"too late"

    told = {"Upload-Offset": "0", "Upload-Length": "1000", "Content-Type": "application/offset+octet-stream"}
    answers = list[httpx.Response]()
    sender = threading.Thread(
        target=lambda: answers.append(centre.ask("PATCH", "d" * 64, content=body(), headers=told))
    )
    sender.start()
    wait_until(lambda: centre.ask("HEAD", "d" * 64).headers.get("Upload-Offset") == "5")
    # Its lock is gone when it was given up: until then another one is told that the file is being sent.
    wait_until(lambda: centre.send(b"more!", offset=5, total=1000, digest="d" * 64).status_code == 204)
    silent.set()
    sender.join(20)
    assert [answer.status_code for answer in answers] == [408]
    assert centre.ask("HEAD", "d" * 64).headers["Upload-Offset"] == "10"


def test_two_send_one_file_at_once(centre: Centre) -> None:
    """The second one begins when the first one has sent a part: it is told how far that is, and changes nothing."""
    data = os.urandom(1_300_000)
    digest, go_on = sha256(data), threading.Event()

    def body() -> Iterator[bytes]:
        yield data[:1_200_000]
        go_on.wait(20)
        yield data[1_200_000:]

    told = {"Upload-Offset": "0", "Upload-Length": str(len(data)), "Content-Type": "application/offset+octet-stream"}
    answers = list[httpx.Response]()
    first = threading.Thread(target=lambda: answers.append(centre.ask("PATCH", digest, content=body(), headers=told)))
    first.start()
    wait_until(lambda: int(centre.ask("HEAD", digest).headers.get("Upload-Offset", 0)) > 1_000_000)
    second = centre.send(data)
    assert (second.status_code, int(second.headers["Upload-Offset"]) > 1_000_000) == (409, True)
    assert second.headers["Retry-After"] == "1"
    go_on.set()
    first.join(20)
    assert [answer.status_code for answer in answers] == [201]
    assert centre.ask("GET", digest).content == data


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Offset": ""}, 400),
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "1e3"}, 400),
        ({"Upload-Offset": "9" * 30}, 400),
        ({"Upload-Offset": "\u00b2".encode()}, 400),
        ({"Upload-Length": ""}, 400),
        ({"Upload-Length": "three"}, 400),
        ({"Upload-Length": "2"}, 400),
        ({"Upload-Offset": "4", "Upload-Length": "3"}, 400),
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
    ids=str,
)
def test_a_part_that_makes_no_sense_is_refused(centre: Centre, headers: dict[str, Any], status: int) -> None:
    before = centre.lying()
    answer = centre.send(b"abc", digest="e" * 64, **headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["message"].endswith(".")
    assert centre.lying() == before


@pytest.mark.parametrize("name", ["a" * 63, "a" * 65, "A" * 64, "g" * 64, "..%2f..%2fcenter.db", "%00" + "a" * 63, "x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH"])
def test_what_is_no_hash_is_no_file(centre: Centre, name: str, method: str) -> None:
    headers = {"Upload-Offset": "0", "Upload-Length": "0", "Content-Type": "application/offset+octet-stream"}
    assert centre.ask(method, name, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, 10),
        ("bytes=0-1,3-4", 200, 10),
        ("bytes=", 200, 10),
        ("bytes=-", 200, 10),
        ("bytes=x-", 200, 10),
        ("lines=0-1", 200, 10),
        ("bytes=-99", 206, 10),
        ("bytes=0-" + "9" * 18, 206, 10),
        ("bytes=0-" + "9" * 40, 200, 10),
    ],
)
def test_a_range_that_makes_no_sense(centre: Centre, asked: str, status: int, length: int | None) -> None:
    centre.send(b"0123456789")
    answer = centre.ask("GET", sha256(b"0123456789"), headers={"Range": asked})
    assert answer.status_code == status
    if length is None:
        assert answer.headers["Content-Range"] == "bytes */10"
    else:
        assert len(answer.content) == length


def test_a_part_of_another_file_is_not_given(centre: Centre) -> None:
    centre.send(b"0123456789")
    digest = sha256(b"0123456789")
    changed = centre.ask("GET", digest, headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, b"0123456789")
    same = centre.ask("GET", digest, headers={"Range": "bytes=5-", "If-Range": f'"{digest}"'})
    assert (same.status_code, same.content) == (206, b"56789")
    assert centre.ask("GET", digest, headers={"If-None-Match": f'"{digest}"'}).status_code == 304


def test_what_is_too_much_for_a_document_is_not_left_out_silently(centre: Centre) -> None:
    digest = sha256(b"y" * 2_100_000)
    centre.send(b"y" * 2_100_000)
    assets = [{"name": str(n), "contentHash": {"hashType": "SHA-256", "hexString": digest}} for n in range(2)]
    made = centre.http.post("/storedModels", json={"modelMetaData": {"name": "m"}, "modelAssets": assets}).json()
    refused = centre.http.get(f"/storedModels/{made['id']}")
    assert (refused.status_code, "MLC_CENTER_CONTENTS=reference" in refused.json()["message"]) == (406, True)
    referred = centre.http.get(f"/storedModels/{made['id']}", headers={"MLC-Contents": "reference"})
    assert [asset["fileSize"] for asset in referred.json()["modelAssets"]] == [2_100_000] * 2


@pytest.mark.parametrize(
    "told",
    [
        {"hashType": "SHA-256", "hexString": "0" * 64},
        {"hashType": "SHA-256", "hexString": ""},
        {"hashType": "SHA-256"},
        {"hashType": "MD5", "hexString": "0" * 32},
        {"hexString": None},
        {"hexString": ["a"]},
    ],
    ids=str,
)
def test_an_asset_that_refers_to_nothing_is_refused(centre: Centre, told: dict[str, Any]) -> None:
    model = {"modelMetaData": {"name": "m"}, "modelAssets": [{"filename": "w.bin", "contentHash": told}]}
    refused = centre.http.post("/storedModels", json=model)
    assert refused.status_code in {400, 422}, refused.text
    if refused.status_code == 422:
        assert "modelAssets[0].contentHash (w.bin)" in refused.json()["message"]


def test_what_lies_elsewhere_may_tell_its_hash(centre: Centre) -> None:
    told = {"hashType": "SHA-256", "hexString": "0" * 64}
    for kind in ("FILE", "EXTERNAL_FILE"):
        asset = {"assetType": kind, "filename": "w.bin", "fileUrl": "s3://bucket/w.bin", "contentHash": told}
        model = {"modelMetaData": {"name": "m"}, "modelAssets": [asset]}
        assert centre.http.post("/storedModels", json=model).status_code == 201


def test_a_changed_model_may_refer_to_what_is_stored_only(centre: Centre) -> None:
    centre.send(b"first")
    asset = {"filename": "w.bin", "contentHash": {"hashType": "SHA-256", "hexString": sha256(b"first").upper()}}
    model = {"modelMetaData": {"name": "m"}, "modelAssets": [asset]}
    made = centre.http.post("/storedModels", json=model).json()
    other = {**asset, "contentHash": {"hashType": "sha256", "hexString": sha256(b"second")}}
    path = f"/storedModels/{made['id']}"
    assert centre.http.patch(path, json={"modelAssets": [other]}).status_code == 422
    centre.send(b"second")
    assert centre.http.patch(path, json={"modelAssets": [asset, other]}).status_code == 200
    contents = [a["fileContent"] for a in centre.http.get(path).json()["modelAssets"]]
    assert [base64.b64decode(content) for content in contents] == [b"first", b"second"]


def test_files_lie_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_CENTER_FILES", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MLC_CENTER_FILE_LIMIT_MB", "1")
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    with served(create_app(settings, connect=no_temporal)) as address:
        centre = Centre(address, tmp_path / "elsewhere")
        assert centre.send(b"x" * 1_000_000).status_code == 201
        assert centre.send(b"x" * 1_000_001).status_code == 413
        centre.http.close()
    assert len(centre.lying()) == 1
    assert not (tmp_path / "center.contents").exists()


AS_THE_MACHINE_SAYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.mark.parametrize("scheme", ["s3", "s3+lake"])
def test_files_lie_in_an_object_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, bucket: str, scheme: str
) -> None:
    """A server that speaks S3; a part of a file is read as a part, and what was not whole is not there."""
    if scheme == "s3":
        for name, value in (AS_THE_MACHINE_SAYS | {"AWS_ENDPOINT_URL": s3_server.endpoint}).items():
            monkeypatch.setenv(name, value)
    else:
        lake = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
        monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"lake": lake}))
    settings = StandaloneCenterSettings(
        database=tmp_path / "center.db", token=SecretStr(TOKEN), files=f"{scheme}://{bucket}/files"
    )
    data = os.urandom(12_200_000)
    with served(create_app(settings, connect=no_temporal)) as address:
        centre = Centre(address, tmp_path / "center.contents")
        assert centre.send(b"x", digest=sha256(data)).status_code == 422
        assert centre.ask("HEAD", sha256(data)).status_code == 404
        assert centre.send(data[:1_000_000], total=len(data), digest=sha256(data)).status_code == 204
        assert centre.send(data[1_000_000:], offset=1_000_000, digest=sha256(data)).status_code == 201
        assert centre.ask("GET", sha256(data)).content == data
        part = centre.ask("GET", sha256(data), headers={"Range": "bytes=5-9500000"})
        assert (part.status_code, part.content) == (206, data[5:9_500_001])
        model = {"modelMetaData": {"name": "m"}, "modelAssets": [{"name": "f", "fileContent": "AAAA"}]}
        made = centre.http.post("/storedModels", json=model).json()
        assert centre.http.get(f"/storedModels/{made['id']}").json()["modelAssets"][0]["fileContent"] == "AAAA"
        centre.http.close()
    assert centre.lying() == []
    assert len(s3_server.store().files.find(f"{bucket}/files")) > 1


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            "s3+lake://models/files",
            "names the connection 'lake' to a store of the kind 's3', and MLC_CONNECTIONS has none",
        ),
        ("gcs+other://models/files", "names the connection 'other' to a store of the kind 'gcs'"),
        ("sql+base://models/files", "names the connection 'base' to a store of the kind 'sql'"),
        ("s3+other://key:secret@models/files", "the address holds more than a place and a path"),
        ("s3+other://models/../files", "an empty part, '.', '..'"),
        ("s3+other:///files", "the address names no bucket"),
        ("nfs4://models/files", "a store of the kind 'nfs4' can't be used here"),
    ],
)
def test_a_store_that_can_not_be_opened_is_said_when_the_centre_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: str, said: str
) -> None:
    connections = {
        "other": {"kind": "s3", "region": "us-east-1", "anonymous": True},
        "base": {"kind": "sql", "url": f"sqlite:///{tmp_path}/x.db"},
    }
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps(connections))
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN), files=files)
    with pytest.raises(CannotKeep, match=re.escape(said)) as refused:
        create_app(settings, connect=no_temporal)
    assert "secret@" not in str(refused.value)


@pytest.mark.timeout(300)
def test_a_large_file_comes_and_goes_and_is_never_in_memory(process: CenterProcess, tmp_path: Path) -> None:
    """The centre's process may take a small part of it more than before."""
    process.start()
    size, block = 64 * 1024 * 1024, os.urandom(1024 * 1024)
    digest = hashlib.sha256()
    for _ in range(size // len(block)):
        digest.update(block)

    def peak() -> int:
        """Bytes that the process has, or had at its peak, of its own."""
        assert process.process is not None
        status = Path(f"/proc/{process.process.pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in status if line.startswith(("RssAnon", "RssShmem")))

    centre, before, most = Centre(process.address, tmp_path), peak(), 0

    def body() -> Iterator[bytes]:
        nonlocal most
        for _ in range(size // len(block)):
            yield block
            most = max(most, peak())

    told = {"Upload-Offset": "0", "Upload-Length": str(size), "Content-Type": "application/offset+octet-stream"}
    assert centre.ask("PATCH", digest.hexdigest(), content=body(), headers=told).status_code == 201
    got = hashlib.sha256()
    with centre.http.stream("GET", f"/contents/{digest.hexdigest()}") as answer:
        for piece in answer.iter_raw():
            got.update(piece)
            most = max(most, peak())
    assert got.digest() == digest.digest()
    assert most - before < size // 2
    centre.http.close()
