"""A file on its way to the centre: sent once, in pieces, and whatever comes between."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from center_harness import settings_for
from contents_double import ContentsDouble, Fault
from pydantic import SecretStr

from mlc.center import NewFile
from mlc.center.modelop import sent_file, uploads
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.sent_file import SentBytes, SentFile, hashed
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.uploads import Uploads
from mlc.center.progress import Progress, Stage
from mlc.model.asset import Asset
from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.model.snapshot import Model

PIECE = 256 * 1024
SIZE = 4 * PIECE - 1000
DATA = os.urandom(SIZE)
HASH = hashlib.sha256(DATA).hexdigest()
PATH = f"/contents/{HASH}"


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE", PIECE)
    monkeypatch.setattr(uploads, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(uploads, "LONGEST_PAUSE", 0.005)
    monkeypatch.setattr(sent_file, "BLOCK", PIECE // 4)


@pytest.fixture
async def sending(double: ContentsDouble) -> AsyncIterator[Uploads]:
    async with httpx.AsyncClient() as http:
        yield Uploads(settings_for(double.address), http)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(DATA)
    return path


async def send(sending: Uploads, path: Path, sha256: str | None = None) -> None:
    with SentFile(path, path.name) as sent:
        stored = await sending.send(sent, sha256)
    assert stored == (HASH, SIZE)


async def test_a_file_is_asked_for_and_sent_in_pieces(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    await send(sending, file)
    assert double.files == {HASH: DATA}
    assert double.requests == [f"HEAD {PATH}", *(f"PATCH {PATH} {number * PIECE}" for number in range(4))]


async def test_what_the_centre_has_is_not_sent_again(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    double.files[HASH] = DATA
    await send(sending, file)
    await send(sending, file, HASH)
    assert double.requests == [f"HEAD {PATH}"] * 2


async def test_what_an_earlier_sender_began_goes_on(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    double.parts[HASH] = bytearray(DATA[: SIZE - 10])
    await send(sending, file)
    assert (double.files, double.taken) == ({HASH: DATA}, 10)


async def test_what_arrived_whole_and_was_never_looked_at_is_completed(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.parts[HASH] = bytearray(DATA)  # the centre died before it could
    await send(sending, file)
    assert (double.files, double.taken) == ({HASH: DATA}, 0)


async def test_a_lost_connection_costs_nothing_that_had_arrived(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.lose(100_000)
    await send(sending, file)
    assert (double.files, double.taken) == ({HASH: DATA}, SIZE)
    assert double.requests[:4] == [f"HEAD {PATH}", f"PATCH {PATH} 0", f"HEAD {PATH}", f"PATCH {PATH} 100000"]


async def test_an_answer_that_is_lost_costs_nothing(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    double.faults += [Fault("PATCH", unanswered=True) for _ in range(8)]
    await send(sending, file)
    assert (double.files, double.taken) == ({HASH: DATA}, SIZE)


async def test_whatever_arrives_begins_the_count_of_tries_anew(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.lose(*[1000] * (3 * uploads.LOST))
    await send(sending, file)
    assert double.files == {HASH: DATA}


async def test_a_connection_that_is_lost_again_and_again_ends_as_an_outage(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.lose(1000, *[0] * 100)
    with pytest.raises(
        Unavailable, match=r"'weights\.bin' .* \(1,000 of 1,047,576 bytes arrived\).*and it goes on there"
    ):
        await send(sending, file)
    assert sum(request.startswith("PATCH") for request in double.requests) == 1 + uploads.LOST
    assert bytes(double.parts[HASH]) == DATA[:1000]


async def test_a_centre_that_is_away_for_a_moment_is_waited_for(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.answer("HEAD", 503, times=3)
    double.answer("PATCH", 502, times=2)
    await send(sending, file)
    assert double.files == {HASH: DATA}


async def test_nobody_there_is_an_outage_that_says_where(file: Path) -> None:
    settings = CenterSettings(url="http://127.0.0.1:9/api", token=SecretStr("secret-token"))
    async with httpx.AsyncClient() as http:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9 .*check MLC_CENTER_URL") as error:
            await send(Uploads(settings, http), file)
    assert "secret-token" not in str(error.value)


async def test_it_goes_on_where_the_centre_says_that_it_stands(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.parts[HASH] = bytearray(DATA[:PIECE])
    double.answer("HEAD", 404)  # it did not know so a moment ago
    await send(sending, file)
    assert double.requests[1:3] == [f"PATCH {PATH} 0", f"PATCH {PATH} {PIECE}"]
    assert (double.files, double.taken) == ({HASH: DATA}, SIZE - PIECE)


@pytest.mark.parametrize("headers", [{"Upload_Offset": "0"}, {}])
async def test_another_sender_is_waited_for(
    double: ContentsDouble, sending: Uploads, file: Path, headers: dict[str, str]
) -> None:
    double.answer("PATCH", 409, times=uploads.BUSY - 1, **headers)
    await send(sending, file)
    assert double.files == {HASH: DATA}


async def test_another_sender_is_not_waited_for_without_end(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.answer("PATCH", 409, times=1000, Upload_Offset="0")
    with pytest.raises(Unavailable, match=r"'weights\.bin': another sender may be at it\. Send it again later"):
        await send(sending, file)
    assert sum(request.startswith("PATCH") for request in double.requests) == uploads.BUSY


async def test_several_senders_at_once_store_it_once_and_whole(
    double: ContentsDouble, sending: Uploads, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "BUSY", 1000)
    await asyncio.gather(*(send(sending, file) for _ in range(4)))
    assert double.files == {HASH: DATA}
    assert double.parts == {}


async def test_what_was_damaged_on_its_way_is_sent_again(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    double.faults += [Fault("PATCH", flip=True)]
    await send(sending, file)
    assert (double.files, double.taken) == ({HASH: DATA}, 2 * SIZE)


async def test_what_is_always_damaged_is_an_error(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    double.faults += [Fault("PATCH", flip=True) for _ in range(100)]
    with pytest.raises(Refused, match=r"'weights\.bin' arrived damaged at the model centre, 3 times"):
        await send(sending, file)
    assert double.files == double.parts == {}


@pytest.mark.parametrize("kept", [0, 1])
async def test_a_centre_that_keeps_losing_what_it_has_is_an_outage(
    double: ContentsDouble, sending: Uploads, file: Path, kept: int
) -> None:
    double.faults += [Fault("PATCH"), Fault("PATCH", keep=kept)] * 1000
    with pytest.raises(Unavailable, match="keeps losing what it has"):
        await send(sending, file)
    assert len(double.requests) < 100


async def test_a_centre_that_lost_the_end_of_it_gets_it_once_more(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.faults += [Fault("PATCH"), Fault("PATCH", after=1000), Fault("HEAD"), Fault("HEAD", keep=PIECE // 2)]
    await send(sending, file)
    assert double.files == {HASH: DATA}


async def test_a_file_that_is_too_large_for_the_centre_is_refused_at_once(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.answer("PATCH", 413, '{"message": "at most 1 MB"}')
    with pytest.raises(Refused, match=r"'weights\.bin' \(1,047,576 bytes\).*at most 1 MB.*MLC_CENTER_FILE_LIMIT_MB"):
        await send(sending, file)
    assert len(double.requests) == 2


async def test_a_centre_without_room_is_not_asked_again_at_once(
    double: ContentsDouble, sending: Uploads, file: Path
) -> None:
    double.answer("PATCH", 507, times=5)
    with pytest.raises(Unavailable, match=r"has no room for the file 'weights\.bin'.*make room") as error:
        await send(sending, file)
    assert (error.value.status, len(double.requests)) == (507, 2)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 405), ("PATCH", 404), ("PATCH", 405), ("PATCH", 501)])
async def test_a_centre_that_takes_no_files_is_told_from_one_that_lacks_this_one(
    double: ContentsDouble, sending: Uploads, file: Path, method: str, status: int
) -> None:
    double.answer(method, status)
    with pytest.raises(Refused, match=r"takes no files by themselves .* set MLC_CENTER_CONTENTS to embedded"):
        await send(sending, file)


@pytest.mark.parametrize("headers", [{}, {"ETag": '"another"'}])
async def test_a_page_that_is_there_under_every_address_is_not_taken_for_the_file(
    double: ContentsDouble, sending: Uploads, file: Path, headers: dict[str, str]
) -> None:
    double.answer("HEAD", 200, times=100, **headers)
    with pytest.raises(Unavailable, match="not with the file of this hash"):
        await send(sending, file)


@pytest.mark.parametrize("offset", ["", "-1", "many", "1e3", "٣", "9" * 5_000, None])
async def test_an_offset_that_is_none_is_an_outage(
    double: ContentsDouble, sending: Uploads, file: Path, offset: str | None
) -> None:
    headers = {} if offset is None else {"Upload_Offset": offset.encode().decode("latin-1")}
    double.answer("PATCH", 204, times=100, **headers)
    with pytest.raises(Unavailable, match="without an Upload-Offset in bytes"):
        await send(sending, file)


@pytest.mark.parametrize("method", ["HEAD", "PATCH"])
async def test_an_offset_beyond_the_files_end_is_refused(
    double: ContentsDouble, sending: Uploads, file: Path, method: str
) -> None:
    double.answer(method, 404 if method == "HEAD" else 409, Upload_Offset=str(SIZE + 1))
    with pytest.raises(Refused, match=r"says that it has 1,047,577 bytes of the file 'weights\.bin'"):
        await send(sending, file)


async def test_what_is_refused_is_not_tried_again(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    double.answer("PATCH", 403, '{"message": "not yours"}')
    with pytest.raises(Refused, match=r'403 \("not yours"\); give the account of MLC_CENTER_TOKEN'):
        await send(sending, file)
    assert len(double.requests) == 2


async def test_a_token_that_has_ended_is_renewed_in_the_middle(double: ContentsDouble, file: Path) -> None:
    more = {"token_url": f"{double.address}/token", "client_id": "c", "client_secret": SecretStr("s")}
    settings = settings_for(double.address).model_copy(update=more)
    double.answer("PATCH", 401)
    async with httpx.AsyncClient() as http:
        await send(Uploads(settings, http), file)
    assert double.files == {HASH: DATA}


async def test_an_empty_file_and_bytes_in_memory_are_sent_as_well(double: ContentsDouble, sending: Uploads) -> None:
    for content in (b"", DATA):
        assert await sending.send(SentBytes(content, "f")) == (hashlib.sha256(content).hexdigest(), len(content))
    assert set(double.files.values()) == {b"", DATA}


def restored(path: Path, content: bytes) -> None:
    """Another content, of the same length and apparently of the same time."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "grown": (lambda path: path.write_bytes(DATA + b"x"), "was changed"),
    "cut short": (lambda path: os.truncate(path, 10), "was changed"),
    "written over": (lambda path: path.write_bytes(bytes(SIZE)), "was changed"),
    "written over, unseen": (lambda path: restored(path, bytes(SIZE)), "was changed"),
    "removed": (Path.unlink, "was removed"),
    "replaced": (lambda path: (path.rename(path.with_name("old")), path.write_bytes(DATA)), "was replaced by another"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("moment", ["read", "sent"])
async def test_a_file_that_changes_while_it_is_sent_is_an_error_that_names_it(
    double: ContentsDouble, file: Path, change: str, moment: str
) -> None:
    alter, what = CHANGES[change]

    def tell(progress: Progress) -> None:
        if progress.stage == moment and PIECE <= progress.done < 2 * PIECE and changes:
            changes.pop()(file)

    changes = [alter]
    async with httpx.AsyncClient() as http:
        with pytest.raises(Refused, match=rf"The file 'weights\.bin' {what} while it was sent: .* send it again"):
            await send(Uploads(settings_for(double.address), http, tell), file)
    assert changes == []
    assert double.files.get(HASH, DATA) == DATA


async def test_a_file_that_is_written_over_unseen_while_it_is_hashed_is_what_was_hashed(tmp_path: Path) -> None:
    """The hash is made and the bytes are sent from one open file, so that nothing but its content can differ."""
    path = tmp_path / "weights.bin"
    path.write_bytes(DATA)
    with SentFile(path, "weights.bin") as sent:
        assert await hashed(sent) == HASH
        path.unlink()
        assert sent.read(5, 7) == DATA[5:12]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "below a file"])
async def test_what_is_no_file_that_can_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "w.bin"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "below a file":
        path.touch()
        path /= "more"
    with pytest.raises(Refused, match=r"The file 'w\.bin' can't be read"):
        SentFile(path, "w.bin")


async def test_it_is_told_how_far_a_file_is(double: ContentsDouble, file: Path) -> None:
    told: list[Progress] = []
    double.parts[HASH] = bytearray(DATA[:1000])
    async with httpx.AsyncClient() as http:
        await send(Uploads(settings_for(double.address), http, told.append), file)
        await send(Uploads(settings_for(double.address), http, told.append), file)
    assert {(each.name, each.size) for each in told} == {("weights.bin", SIZE)}
    assert [each.done for each in told if each.stage is Stage.READ][-1] == SIZE
    assert next(each.done for each in told if each.stage is Stage.SENT) == 1000
    assert [each.done for each in told if each.stage is Stage.SENT][-1] == SIZE
    assert [each.stage for each in told].count(Stage.STORED) == 2
    assert all(isinstance(each, Progress) for each in told)


async def test_every_error_is_one_of_the_three(double: ContentsDouble, sending: Uploads, file: Path) -> None:
    for status in (301, 400, 402, 418, 429, 500, 599):
        double.answer("PATCH", status, times=20)
        with pytest.raises(ExternalError):
            await send(sending, file)
        double.faults.clear()


async def test_files_are_sent_with_the_token_that_all_else_is_asked_with(double: ContentsDouble, file: Path) -> None:
    """One token for a centre: a second one, asked for by itself, might end the first."""
    more = {"token_url": f"{double.address}/token", "client_id": "c", "client_secret": SecretStr("s")}
    settings = settings_for(double.address, contents="reference").model_copy(update=more)
    center = ModelOpCenter(settings)
    await center.save_model(Model(name="m"), [NewFile(Asset(name="weights.bin"), file)])
    assert await center.model_manage.get_stored_model("x")
    await center.aclose()
    assert double.token == "token-0", "issued before the first request, and never since"
    assert double.files == {HASH: DATA}
