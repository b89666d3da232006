"""Contents on their way between centre, disk and network, and what can go wrong with them there."""

import asyncio
import base64
import errno
import gc
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import served
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mlc.center import NewFile, NewJob
from mlc.center.modelop import spool as spools
from mlc.center.modelop.body import Body
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import Refused, TooLarge, Unavailable
from mlc.model.job import JobKind
from mlc.model.snapshot import Model, Snapshot

DATA = base64.b64encode(bytes(range(256)) * 100).decode()
SOURCE = 'print("Grüße 😀")\n' * 1000
RAW = (
    '{"id": "s", "new": {"kept": [1]}, "metaData": {"name": "s", "custom": {"fileContent": "' + "c" * 5000 + '"}},'
    '"storedModel": {"id": "m", "modelAssets": ['
    '{"filename": "d.bin", "assetRole": "TEST_DATA", "odd": 1, "\\u0066ileContent": "'
    + DATA.replace("/", "\\/")
    + '"}, {"filename": "m.py", "assetType": "SOURCE_CODE", "sourceCode": '
    + json.dumps(SOURCE)
    + '}, {"filename": "bad.bin", "fileContent": "'
    + "!" * 5000
    + '"}]}}'
)


class Playing:
    """Plays model-manage: answers with what it was told to, and keeps the bodies that it got."""

    def __init__(self) -> None:
        self.snapshot: str | bytes = RAW
        self.bodies: list[bytes] = []
        self.refused = 0
        self.app = Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                Route("/api/{plural}/{id}", self.get, methods=["GET"]),
                Route("/api/{plural}/{id}", self.write, methods=["PATCH"]),
                Route("/api/{plural}", self.write, methods=["POST"]),
            ]
        )

    async def token(self, _: Request) -> Response:
        return JSONResponse({"access_token": f"token-{self.refused}"})

    async def get(self, _: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            data = self.snapshot if isinstance(self.snapshot, bytes) else self.snapshot.encode()
            for start in range(0, len(data), 777):
                yield data[start : start + 777]

        return StreamingResponse(pieces(), media_type="application/json")

    async def write(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        assert int(request.headers["Content-Length"]) == len(self.bodies[-1])
        if self.refused:
            self.refused -= 1
            return JSONResponse({}, status_code=401)
        return JSONResponse(json.loads(self.bodies[-1]) | {"id": "made"})


@pytest.fixture
def playing() -> Playing:
    return Playing()


@pytest.fixture
async def modelop(playing: Playing, tmp_path: Path) -> AsyncIterator[ModelOpCenter]:
    (tmp_path / "spool").mkdir()
    with served(playing.app) as base:
        settings = CenterSettings(
            url=f"{base}/api",
            token_url=f"{base}/token",
            client_secret=SecretStr("x"),
            spool=tmp_path / "spool",
            answer_limit=20_000,
        )
        center = ModelOpCenter(settings)
        yield center
        await center.aclose()


def a_job(snapshot: Snapshot) -> NewJob:
    return NewJob("k", JobKind.METRICS, "w", snapshot, snapshot.with_role("TEST_DATA"), [])


async def test_what_a_job_embeds_is_byte_for_byte_what_came(modelop: ModelOpCenter, playing: Playing) -> None:
    async with modelop.open_snapshot("s") as snapshot:
        await modelop.create_job(a_job(snapshot))
        assert await modelop.read(snapshot.assets[0], limit=100_000) == base64.b64decode(DATA)
        assert (await modelop.read(snapshot.assets[1], limit=100_000)).decode() == SOURCE
    sent = json.loads(playing.bodies[0])
    before = json.loads(RAW)
    assert sent["model"] == before
    assert sent["inputData"] == [before["storedModel"]["modelAssets"][0]]
    assert playing.bodies[0].count(DATA.replace("/", "\\/").encode()) == 2, "with the escapes that it had"
    assert b"mlc-content" not in playing.bodies[0]


async def test_after_a_token_was_refused_the_whole_body_is_sent_again(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.refused = 1
    async with modelop.open_snapshot("s") as snapshot:
        await modelop.create_job(a_job(snapshot))
    first, second = playing.bodies
    assert first == second


async def test_broken_contents_are_refused_with_the_asset_and_long_ones_before_they_are_read(
    modelop: ModelOpCenter, playing: Playing
) -> None:
    async with modelop.open_snapshot("s") as snapshot:
        with pytest.raises(Refused, match=r"'bad\.bin' is broken: it is not base64"):
            await modelop.read(snapshot.assets[2], limit=100_000)
        with pytest.raises(TooLarge):
            await modelop.read(snapshot.assets[0], limit=len(DATA) // 2)
        again = [piece async for piece in modelop.stream(snapshot.assets[0])]
    assert b"".join(again) == base64.b64decode(DATA)


async def test_other_peoples_keys_in_metadata_are_no_contents(modelop: ModelOpCenter) -> None:
    assert (await modelop.get_snapshot("s")).custom == {"fileContent": "c" * 5000}


async def test_contents_that_were_not_read_are_never_sent(modelop: ModelOpCenter) -> None:
    snapshot = await modelop.get_snapshot("s")
    assert [asset.ref for asset in snapshot.assets] == ["", "", ""]
    with pytest.raises(Refused, match="is not open"):
        await modelop.create_job(a_job(snapshot))
    found = await modelop._manage.get_snapshot("s")
    with pytest.raises(Refused, match="not read"):
        await modelop._manage.patch_snapshot("s", found.wire())


@pytest.mark.parametrize("number", [0, 1, 999_999_999])
async def test_a_token_of_a_content_that_is_not_there_is_refused(tmp_path: Path, number: int) -> None:
    known = spools.Spools()
    with known.spool() as spool, known.files() as files:
        for source in (spool, files):
            with pytest.raises(Refused, match="not kept"):
                Body({"fileContent": spools.token(source.nonce, number)}, known)
        spool.begin()
        spool.write(b"there")
        token = spool.end()
        assert b"".join(Body({"fileContent": token}, known).pieces()) == b'{"fileContent":"there"}'


async def test_the_spool_is_gone_in_every_case(modelop: ModelOpCenter, playing: Playing, tmp_path: Path) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    async with modelop.open_snapshot("s"):
        pass
    before = descriptors()
    async with modelop.open_snapshot("s") as snapshot:
        assert list((tmp_path / "spool").iterdir()) == [], "it has no name, so that even a killed process leaves none"
    for broken in (RAW[: len(RAW) // 2], RAW.replace("!!", "\\q"), RAW[:-1]):
        playing.snapshot = broken
        with pytest.raises((Refused, Unavailable)):
            async with modelop.open_snapshot("s"):
                raise AssertionError("it can't be read")
    playing.snapshot = RAW
    with pytest.raises(RuntimeError, match="by the caller"):
        async with modelop.open_snapshot("s"):
            raise RuntimeError("by the caller")
    assert descriptors() <= before
    with pytest.raises(Refused, match="closed"):
        await modelop.create_job(a_job(snapshot))


async def test_a_stream_of_what_is_closed_meanwhile_ends(
    modelop: ModelOpCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "PIECE", 1000)
    async with modelop.open_snapshot("s") as snapshot:
        stream = modelop.stream(snapshot.assets[0])
        await anext(stream)
    with pytest.raises(Refused, match="closed"):
        await anext(stream)


async def test_a_full_disk_is_said_and_can_be_mended(modelop: ModelOpCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(spools.os, "write", full)
        with pytest.raises(Unavailable, match=r"is full; make room, or set MLC_CENTER_SPOOL") as caught:
            async with modelop.open_snapshot("s"):
                raise AssertionError("it can't be read")
    assert not caught.value.maybe_done
    assert caught.value.system == "spool", "it is here, not at the model centre"
    async with modelop.open_snapshot("s"):
        pass


async def test_a_spool_folder_that_is_not_there_is_said(playing: Playing, tmp_path: Path) -> None:
    with served(playing.app) as base:
        center = ModelOpCenter(CenterSettings(url=f"{base}/api", spool=tmp_path / "nothing"))
        with pytest.raises(Unavailable, match="MLC_CENTER_SPOOL"):
            async with center.open_snapshot("s"):
                raise AssertionError("it can't be read")
        await center.aclose()


async def test_more_than_memory_should_hold_is_refused(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.snapshot = '{"id": "s", "description": "' + "x" * 30_000 + '"}'
    with pytest.raises(TooLarge, match="MLC_CENTER_ANSWER_LIMIT"):
        await modelop.get_snapshot("s")


async def test_a_file_that_changes_while_it_is_sent_is_not_stored(
    modelop: ModelOpCenter, playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"x" * 100_000)
    real = spools.Files.pieces

    def cut(self: spools.Files, number: int) -> Any:
        path.write_bytes(b"x" * 1000)
        return real(self, number)

    monkeypatch.setattr(spools.Files, "pieces", cut)
    with pytest.raises((Refused, Unavailable)):
        await modelop.save_model(Model(name="m"), [NewFile(Asset(name="w.bin"), path)])
    assert playing.bodies == []


@pytest.mark.parametrize("source", [b"\xff\xfe", None])
async def test_a_source_that_can_not_be_sent_is_named(
    modelop: ModelOpCenter, tmp_path: Path, source: bytes | None
) -> None:
    path = tmp_path / "m.py"
    if source is not None:
        path.write_bytes(source)
    with pytest.raises(Refused, match=r"m\.py"):
        await modelop.save_model(Model(name="m"), [NewFile(Asset(name="m.py", kind=AssetKind.SOURCE), path)])


async def test_files_arrive_as_they_are(modelop: ModelOpCenter, playing: Playing, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(os.urandom(2_000_001))
    (tmp_path / "m.py").write_text(SOURCE * 50)
    files = [
        NewFile(Asset(name="w.bin"), tmp_path / "w.bin"),
        NewFile(Asset(name="m.py", kind=AssetKind.SOURCE), tmp_path / "m.py"),
    ]
    await modelop.save_model(Model(name="m"), files)
    data, source = json.loads(playing.bodies[0])["modelAssets"]
    assert base64.b64decode(data["fileContent"]) == (tmp_path / "w.bin").read_bytes()
    assert source["sourceCode"] == SOURCE * 50


async def test_pages_that_are_too_large_are_asked_for_in_smaller_ones() -> None:
    sizes: list[int] = []

    async def listing(request: Request) -> Response:
        size, page = int(request.query_params["size"]), int(request.query_params["page"])
        sizes.append(size)
        items = [{"id": str(n), "name": "x" * 600} for n in range(page * size, min((page + 1) * size, 7))]
        return JSONResponse({"_embedded": {"engines": items}, "page": {"totalPages": -(-7 // size)}})

    with served(Starlette(routes=[Route("/api/engines", listing)])) as base:
        center = ModelOpCenter(CenterSettings(url=f"{base}/api", page_size=7, answer_limit=2500))
        assert sorted(runtime.id for runtime in await center.list_runtimes()) == list("0123456")
        await center.aclose()
    assert sizes == [7, 3, 3, 3]


async def test_many_are_open_at_once_and_none_gets_anothers(modelop: ModelOpCenter) -> None:
    async def one() -> bytes:
        async with modelop.open_snapshot("s") as snapshot:
            await asyncio.sleep(0)
            return await modelop.read(snapshot.assets[0], limit=100_000)

    assert set(await asyncio.gather(*(one() for _ in range(10)))) == {base64.b64decode(DATA)}


def test_httpx_sends_a_length_and_no_chunks() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    request = httpx.Request("POST", "http://x", content=body(), headers={"Content-Length": "1"})
    assert "Transfer-Encoding" not in request.headers
