"""Files by their SHA-256 over HTTP: sent in parts, read in parts, and never half there."""

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN, no_temporal, served
from pydantic import SecretStr

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

LIMIT_MB = 3


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
        """Every file that the centre keeps, whole or not."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file())


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
