"""Files on their way to standalone mode's own centre: cut off, killed, sent by several at once, refused."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from access_site import MINE, a_site
from center_harness import TOKEN, CenterProcess, no_temporal, served, settings_for
from pydantic import SecretStr

from bench.cutting import CuttingProxy
from mlc.center import NewFile
from mlc.center.modelop import uploads
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.sent_file import SentBytes, SentFile
from mlc.center.modelop.uploads import Uploads
from mlc.center.progress import Progress, Stage, Tell, untold
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import Refused, Unavailable
from mlc.model.job import JobEnding, JobStatus
from mlc.model.snapshot import Model
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app

SIZE = 3_000_000
LIMIT_MB = 4


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE", 256 * 1024)
    monkeypatch.setattr(uploads, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(uploads, "LONGEST_PAUSE", 0.5)
    monkeypatch.setattr(uploads, "LOST", 300)  # a centre that was killed takes its time on a busy machine


class Centre:
    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder

    def content(self, sha256: str) -> bytes:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.address}/model-manage/api/contents/{sha256}"
        return httpx.get(url, headers=headers, timeout=30).raise_for_status().content

    def lying(self) -> list[str]:
        """Everything of files that the centre keeps, whole or not."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    settings = StandaloneCenterSettings(database=folder / "center.db", token=SecretStr(TOKEN), file_limit_mb=LIMIT_MB)
    with served(create_app(settings, connect=no_temporal)) as address:
        yield Centre(address, folder / "center.contents")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def send(address: str, path: Path, known: str | None = None, tell: Tell = untold) -> str:
    async with httpx.AsyncClient(timeout=30) as http:
        with SentFile(path, path.name) as sent:
            return (await Uploads(settings_for(address), http, tell).send(sent, known)).sha256


def proxy_to(address: str, *cuts: int) -> CuttingProxy:
    there = urlsplit(address)
    return CuttingProxy((there.hostname or "", there.port or 0), *cuts)


async def test_a_file_arrives_as_it_is_and_is_sent_once(centre: Centre, file: Path) -> None:
    told = list[Progress]()
    digest = await send(centre.address, file)
    assert centre.content(digest) == file.read_bytes()
    assert await send(centre.address, file, tell=told.append) == digest
    assert Stage.SENT not in {each.stage for each in told}
    assert centre.lying().count(digest) == 1


async def test_cut_off_again_and_again_it_goes_on_where_it_was(centre: Centre, file: Path) -> None:
    with proxy_to(centre.address, 700_000, 900_000, 100_000, 1) as proxy:
        digest = await send(f"http://127.0.0.1:{proxy.port}", file)
        assert proxy.cut == 4
        assert proxy.passed < SIZE + 600_000, "what had arrived was not sent again, but for what buffers held"
    assert centre.content(digest) == file.read_bytes()


async def test_a_centre_that_is_killed_in_the_middle_is_waited_for(process: CenterProcess, file: Path) -> None:
    process.start()

    def again() -> None:
        process.kill()
        process.start()

    def tell(progress: Progress) -> None:
        if progress.stage is Stage.SENT and progress.done > SIZE // 2 and not restarting:
            restarting.append(threading.Thread(target=again))
            restarting[0].start()

    restarting = list[threading.Thread]()
    digest = await send(process.address, file, tell=tell)
    await asyncio.to_thread(restarting[0].join)
    assert Centre(process.address, process.home).content(digest) == file.read_bytes()


async def test_several_senders_at_once_store_it_once_and_whole(centre: Centre, file: Path) -> None:
    found = await asyncio.gather(*(send(centre.address, file) for _ in range(5)))
    (digest,) = set(found)
    assert centre.content(digest) == file.read_bytes()
    assert [name for name in centre.lying() if name.startswith(digest)] == [digest]


@pytest.mark.parametrize("several", [1, 3])
async def test_a_wrong_hash_is_an_error_and_nothing_half_stored(centre: Centre, file: Path, several: int) -> None:
    before, wrong = centre.lying(), sha256(b"another")
    for outcome in await asyncio.gather(
        *(send(centre.address, file, wrong) for _ in range(several)), return_exceptions=True
    ):
        assert isinstance(outcome, Refused)
        assert str(outcome).startswith("The file 'weights.bin' was changed while it was sent")
    assert centre.lying() == before


async def test_a_file_that_is_too_large_is_refused_before_it_is_sent(centre: Centre, tmp_path: Path) -> None:
    path, before, told = tmp_path / "large.bin", centre.lying(), list[Progress]()
    with path.open("wb") as file:
        file.truncate(LIMIT_MB * 1_100_000)
    with pytest.raises(Refused, match=r"'large\.bin' \(4,400,000 bytes\).* raise MLC_CENTER_FILE_LIMIT_MB"):
        await send(centre.address, path, tell=told.append)
    assert centre.lying() == before


async def test_a_centre_without_room_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    path, folder = tmp_path / "huge.bin", tmp_path / "center"
    with path.open("wb") as file:
        file.truncate(1 << 43)
    folder.mkdir()
    settings = StandaloneCenterSettings(database=folder / "c.db", token=SecretStr(TOKEN), file_limit_mb=1 << 30)
    with served(create_app(settings, connect=no_temporal)) as address:
        with pytest.raises(Unavailable, match=r"no room for the file 'huge\.bin' .*make room") as error:
            await send(address, path, sha256(b"whatever"))
        assert error.value.status == 507
    assert Centre(address, folder / "center.contents").lying() == []


async def test_what_a_model_refers_to_is_there_for_whoever_reads_it_embedded(centre: Centre, tmp_path: Path) -> None:
    contents = {"weights.bin": os.urandom(100_000), "model.py": b"def score(d): ...\n" * 5_000, "small.csv": b"a,b\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [
        NewFile(Asset(name=name, kind=AssetKind.SOURCE if name.endswith(".py") else AssetKind.FILE), tmp_path / name)
        for name in contents
    ]
    center = ModelOpCenter(settings_for(centre.address, contents="reference"))
    model = await center.save_model(Model(name="m"), files)
    again = await center.save_model(Model(id=model.id, name="m"), files)
    await center.aclose()
    assert again.id == model.id
    embedded = ModelOpCenter(settings_for(centre.address))
    stored = await embedded.model_manage.get_stored_model(model.id)
    await embedded.aclose()
    assert {asset.filename: asset.content() for asset in stored.model_assets} == contents


async def test_a_runtime_sends_the_outputs_of_its_jobs_and_nobody_elses(tmp_path: Path) -> None:
    content = os.urandom(1_000_000)
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    output = NewFile(Asset(name="scores.csv", sha256=sha256(content), size=len(content)), path)
    with a_site(tmp_path) as site:
        token = SecretStr(site.tokens[MINE])
        center = ModelOpCenter(settings_for(site.address, contents="reference").model_copy(update={"token": token}))
        ended = await center.end_job(site.own["jobs", MINE]["id"], JobEnding(status=JobStatus.COMPLETE), [output])
        await center.aclose()
        assert ended.status is JobStatus.COMPLETE
        assert site.ask("GET", f"/contents/{sha256(content)}").content == content


async def test_bytes_of_a_signal_are_sent_as_a_file_is(centre: Centre) -> None:
    content = os.urandom(200_000)
    async with httpx.AsyncClient() as http:
        stored = await Uploads(settings_for(centre.address), http).send(SentBytes(content, "in.csv"))
    assert centre.content(stored.sha256) == content


def test_uploads_promise_the_pieces_that_the_centre_expects() -> None:
    from mlc.center.modelop import transfers
    from mlc.standalone.center.files import routes

    ours: tuple[Any, ...] = (transfers.OFFSET, transfers.LENGTH, transfers.PIECE_TYPE)
    assert ours == (routes.OFFSET, routes.LENGTH, routes.TYPE)
