"""Files read by their SHA-256: gone on with where a connection was lost, and never delivered if they are wrong."""

import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
from center_harness import TOKEN, served
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mlc.center.modelop import downloads
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.downloads import AnotherFile
from mlc.center.modelop.settings import CenterSettings
from mlc.model.failure import Refused, TooLarge, Unavailable

DATA = os.urandom(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@dataclass
class Playing:
    """A centre with one snapshot that refers to one file, which it gives as it was told to.

    ``cuts`` are bytes after which it ends a connection, one a request; when none is left it gives what it is asked for.
    """

    data: bytes = DATA
    size: int | None = len(DATA)
    told: str = SHA256
    cuts: list[int] = field(default_factory=list)
    answer: Callable[[Request], Response | None] = lambda _: None
    ranges: bool = True
    asked: list[str] = field(default_factory=list)
    headers: list[str | None] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/deployableModels/s", self.snapshot),
                Route("/api/contents/{sha256}", self.file),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def token(self, _: Request) -> Response:
        return JSONResponse({"access_token": f"t{len(self.asked)}"})

    async def snapshot(self, request: Request) -> Response:
        self.headers.append(request.headers.get("MLC-Contents"))
        asset: dict[str, Any] = {"filename": "w.bin", "contentHash": {"hashType": "SHA-256", "hexString": self.told}}
        if self.size is not None:
            asset["fileSize"] = self.size
        external = {**asset, "assetType": "EXTERNAL_FILE"}
        elsewhere = {**asset, "fileUrl": "s3://b/w.bin"}
        source = {"filename": "m.py", "assetType": "SOURCE_CODE", "sourceCode": "def score(r): ..."}
        assets = [asset, source, external, elsewhere]
        return JSONResponse({"id": "s", "storedModel": {"id": "m", "modelAssets": assets}})

    async def file(self, request: Request) -> Response:
        asked = request.headers.get("Range", "")
        self.asked.append(asked)
        if (answer := self.answer(request)) is not None:
            return answer
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        if start >= len(self.data) > 0:
            return Response(status_code=416)
        rest = self.data[start:]
        cut = self.cuts.pop(0) if self.cuts else None

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(rest) if cut is None else cut, 50_000):
                yield rest[at : at + 50_000] if cut is None else rest[at : min(at + 50_000, cut)]
            if cut is not None:
                raise ConnectionResetError

        headers = {"Content-Length": str(len(rest))}
        if asked and self.ranges:
            headers["Content-Range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
        return StreamingResponse(pieces(), 206 if asked and self.ranges else 200, headers)


@pytest.fixture
def playing(monkeypatch: pytest.MonkeyPatch) -> Playing:
    monkeypatch.setattr(downloads, "PAUSES", (0.01,) * 3)
    return Playing()


@pytest.fixture
def settings(playing: Playing) -> Iterator[CenterSettings]:
    with served(playing.app) as base:
        yield CenterSettings(url=f"{base}/api", token=SecretStr(TOKEN), contents="reference", timeout=5)


@pytest.fixture
async def modelop(settings: CenterSettings) -> AsyncIterator[ModelOpCenter]:
    center = ModelOpCenter(settings)
    yield center
    await center.aclose()


async def read(center: ModelOpCenter) -> bytes:
    """The file, of which nothing was delivered if it is wrong."""
    found = bytearray()
    async with center.open_snapshot("s") as snapshot, aclosing(center.stream(snapshot.assets[0])) as pieces:
        async for piece in pieces:
            assert len(piece) <= 1024 * 1024
            found += piece
            assert len(found) < len(DATA) or hashlib.sha256(found).hexdigest() == SHA256, "given out before it was sure"
    return bytes(found)


async def test_a_file_is_read_by_its_hash(modelop: ModelOpCenter, playing: Playing) -> None:
    assert await read(modelop) == DATA
    assert (playing.asked, playing.headers) == ([""], ["reference"])
    async with modelop.open_snapshot("s") as snapshot:
        weights, source, external, elsewhere = snapshot.assets
        assert (weights.sha256, weights.size) == (SHA256, len(DATA))
        assert await modelop.read(source, limit=100) == b"def score(r): ..."
        assert (external.ref, elsewhere.ref) == ("", "")
        with pytest.raises(TooLarge):
            await modelop.read(weights, limit=len(DATA) - 1)
    assert len(playing.asked) == 1, "what is too large isn't fetched"
    with pytest.raises(Refused, match="closed"):
        await modelop.read(weights, limit=len(DATA))


async def test_a_lost_connection_is_gone_on_with_as_often_as_something_came(
    modelop: ModelOpCenter, playing: Playing
) -> None:
    playing.cuts = [700_000, 100_000, 0, 0, 50_000, 0, 0, 1_000_000]
    assert await read(modelop) == DATA
    starts = [int(asked.removeprefix("bytes=").removesuffix("-") or 0) for asked in playing.asked]
    assert starts == sorted(starts)
    assert len(starts) >= 9
    assert 0 < starts[-1] <= 1_850_000  # what is on its way when a connection is reset may be lost


async def test_a_connection_that_is_lost_again_and_again_is_given_up(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.cuts = [100_000, *[0] * 50]
    with pytest.raises(Unavailable, match=f"contents/{SHA256}"):
        await read(modelop)
    assert len(playing.asked) == 4, "one that brought something, and three in a row that did not"


async def test_a_centre_that_gives_no_parts_is_read_from_the_beginning(
    modelop: ModelOpCenter, playing: Playing
) -> None:
    playing.ranges, playing.cuts = False, [1_000_000, 500_000]
    assert await read(modelop) == DATA


@pytest.mark.parametrize("data", [DATA[:-1] + bytes([DATA[-1] ^ 1]), b"x" * len(DATA)])
async def test_a_file_with_another_hash_is_never_delivered_whole(
    modelop: ModelOpCenter, playing: Playing, data: bytes
) -> None:
    playing.data = data
    with pytest.raises(AnotherFile, match=r"'w\.bin'.*not " + SHA256):
        await read(modelop)


async def test_a_small_file_with_another_hash_is_not_delivered_at_all(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.data, playing.size = b"small", 5
    with pytest.raises(AnotherFile):
        async with modelop.open_snapshot("s") as snapshot:
            await anext(aiter(modelop.stream(snapshot.assets[0])))


@pytest.mark.parametrize("size", [len(DATA) + 1, len(DATA) - 1, 0])
@pytest.mark.parametrize("cuts", [[], [1_000_000]], ids=["at once", "in parts"])
async def test_a_file_of_another_size_is_refused(
    modelop: ModelOpCenter, playing: Playing, size: int, cuts: list[int]
) -> None:
    playing.size, playing.cuts = size, cuts
    with pytest.raises(AnotherFile, match="bytes"):
        await read(modelop)


async def test_a_file_whose_size_nobody_told_is_read(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.size, playing.cuts = None, [1_000_000]
    assert await read(modelop) == DATA


async def test_an_empty_file_is_read(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.data, playing.size, playing.told = b"", 0, hashlib.sha256(b"").hexdigest()
    assert await read(modelop) == b""


@pytest.mark.parametrize(
    ("status", "error"), [(404, Refused), (403, Refused), (500, Unavailable), (503, Unavailable), (302, Refused)]
)
async def test_what_the_centre_says_is_an_error_of_ours(
    modelop: ModelOpCenter, playing: Playing, status: int, error: type[Exception]
) -> None:
    playing.answer = lambda _: JSONResponse({"message": "because"}, status, {"Location": "https://example.com/"})
    with pytest.raises(error) as raised:
        await read(modelop)
    assert type(raised.value) is not AnotherFile
    assert len(playing.asked) == (4 if error is Unavailable else 1)
    assert TOKEN not in str(raised.value)


async def test_an_outage_in_the_middle_is_waited_for(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.cuts = [1_000_000]
    playing.answer = lambda _: Response(status_code=503) if len(playing.asked) in {2, 3} else None
    assert await read(modelop) == DATA


async def test_a_token_that_has_run_out_is_renewed(playing: Playing) -> None:
    playing.answer = lambda _: Response(status_code=401) if len(playing.asked) == 1 else None
    with served(playing.app) as base:
        center = ModelOpCenter(
            CenterSettings(
                url=f"{base}/api", token_url=f"{base}/token", client_secret=SecretStr("x"), contents="reference"
            )
        )
        assert await read(center) == DATA
        await center.aclose()


async def test_another_part_than_was_asked_for_is_not_taken(modelop: ModelOpCenter, playing: Playing) -> None:
    playing.cuts = [1_000_000]

    def shifted(request: Request) -> Response | None:
        if "Range" not in request.headers:
            return None
        return Response(DATA[5:], 206, {"Content-Range": f"bytes 5-{len(DATA) - 1}/{len(DATA)}"})

    playing.answer = shifted
    with pytest.raises(Unavailable, match="another part"):
        await read(modelop)


async def test_where_contents_are_embedded_nothing_is_asked_for_by_hash(
    settings: CenterSettings, playing: Playing
) -> None:
    """As with a real ModelOp: what comes without content has none."""
    center = ModelOpCenter(settings.model_copy(update={"contents": "embedded"}))
    async with center.open_snapshot("s") as snapshot:
        assert snapshot.assets[0].ref == ""
        with pytest.raises(Refused):
            await center.read(snapshot.assets[0], limit=10)
    assert (playing.asked, playing.headers) == ([], [None])
    await center.aclose()


async def test_nobody_else_is_asked(modelop: ModelOpCenter, playing: Playing) -> None:
    """A hash is no path: what the centre says that isn't one leads nowhere."""
    playing.told = "../../secrets"
    async with modelop.open_snapshot("s") as snapshot:
        assert snapshot.assets[0].ref == ""
