"""What the client makes of a centre that fails, each failure made by a real socket."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import Job
from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable

SECRET = "secret-token-of-the-tests"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Ask = Callable[[ModelManage], Awaitable[object]]


def answer(status: int, body: str = "", *, kind: str = "application/json", headers: str = "") -> Behaviour:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = body.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{headers}"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + data)

    return behave


async def hang_up(_: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """No answer at all."""


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    handle: socket.socket = writer.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")


async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.org ESMTP\r\n\r\n")


async def stay_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@contextlib.asynccontextmanager
async def a_centre_that(behave: Behaviour, http: httpx.AsyncClient | None = None) -> AsyncIterator[ModelManage]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if lengths:
                await reader.readexactly(int(lengths[0].partition(b":")[2]))
            await behave(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = CenterSettings(url=f"http://user:pass-word@127.0.0.1:{port}/api", token=SecretStr(SECRET), timeout=0.5)
    client = ModelManage(settings, http=http)
    try:
        yield client
    finally:
        await client.aclose()
        server.close()


async def read(center: ModelManage) -> object:
    return await center.get_job("x")


async def write(center: ModelManage) -> object:
    return await center.create_job(Job(job_type="MODEL_BATCH_JOB"))


async def change(center: ModelManage) -> object:
    return await center.patch_job("x", {"jobStatus": "CANCELLED"})


async def failure(behave: Behaviour, ask: Ask) -> ExternalError:
    async with a_centre_that(behave) as center:
        with pytest.raises(ExternalError) as caught:
            await ask(center)
    text = str(caught.value)
    assert SECRET not in text
    assert "pass-word" not in text
    assert {read: "GET jobs/x", write: "POST jobs", change: " jobs/x"}[ask] in text
    return caught.value


UNCLEAR = {
    "the connection is closed": hang_up,
    "the connection is reset": reset,
    "half an answer": half,
    "not HTTP": babble,
    "no answer in time": stay_silent,
    "500": answer(500, '{"message": "database is locked"}'),
    "502": answer(502, "<html>", kind="text/html"),
    "504": answer(504),
    "503 without Retry-After": answer(503),
    "503 with a Retry-After that can't be read": answer(503, headers="Retry-After: soon\r\n"),
    "408": answer(408),
}


@pytest.mark.parametrize("fault", UNCLEAR)
@pytest.mark.parametrize("ask", [write, change])
async def test_a_write_without_a_clear_answer_may_have_been_done(fault: str, ask: Ask) -> None:
    error = await failure(UNCLEAR[fault], ask)
    assert isinstance(error, Unavailable)
    assert error.maybe_done
    assert error.retry_after is None


@pytest.mark.parametrize("fault", UNCLEAR)
async def test_a_read_without_a_clear_answer_did_nothing(fault: str) -> None:
    error = await failure(UNCLEAR[fault], read)
    assert isinstance(error, Unavailable)
    assert not error.maybe_done


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"text"', "<html>", '{"id": "x", "jobType": 5}', '{"jobMessages": "no list"}'], ids=repr
)
async def test_a_created_entity_that_can_not_be_read_may_be_there(body: str) -> None:
    error = await failure(answer(201, body), write)
    assert isinstance(error, Unavailable)
    assert error.maybe_done


PAGES = {
    "a page that says that it is being maintained": answer(200, "<html><h1>Back soon</h1></html>", kind="text/html"),
    "a page that says that it is JSON": answer(200, "<html>"),
    "nothing": answer(200),
    "half of it": answer(200, '{"id": "x", "jobSta'),
    "a list": answer(200, '[{"id": "x"}]'),
    "a text": answer(200, '"try later"'),
    "null": answer(200, "null"),
    "an object with nothing in it": answer(200, "{}"),
    "a proxy's word": answer(200, '{"error": "upstream is being maintained"}'),
    "an entity without an id": answer(200, '{"jobStatus": "COMPLETE"}'),
    "203 with a page": answer(203, "<html>", kind="text/html"),
}


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_in_place_of_an_entity_is_an_outage_and_no_job_that_has_just_begun(page: str) -> None:
    error = await failure(PAGES[page], read)
    assert isinstance(error, Unavailable)
    assert not error.maybe_done
    assert "MLC_CENTER_URL" in str(error)
    assert "<" not in str(error)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("ask", [write, change])
async def test_a_page_in_place_of_what_was_written_leaves_open_whether_it_was(page: str, ask: Ask) -> None:
    error = await failure(PAGES[page], ask)
    assert isinstance(error, Unavailable)
    # After a change that is answered with nothing, the entity is read: it is that read which fails.
    assert error.maybe_done is not (ask is change and page == "nothing")


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_in_place_of_a_listing_is_an_outage_and_not_an_empty_one(page: str) -> None:
    async with a_centre_that(PAGES[page]) as center:
        with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
            await center.find_job("s", "k")
        with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
            await center.list_engines()
        with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
            [deployment async for deployment in center.iter_deployments(state="DEPLOYED")]


@pytest.mark.parametrize(
    "empty", ['{"_embedded": {"jobs": []}}', '{"_links": {"self": {"href": "/jobs"}}}', '{"page": {"totalPages": 0}}']
)
async def test_an_empty_listing_is_one(empty: str) -> None:
    async with a_centre_that(answer(200, empty)) as center:
        assert await center.find_job("s", "k") is None


async def test_an_entity_that_can_not_be_read_names_the_field() -> None:
    error = await failure(answer(200, '{"id": "x", "jobMessages": "no list"}'), read)
    assert isinstance(error, Refused)
    assert "jobMessages" in str(error)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("0", 1), ("86400", 900), ("9" * 50, 900), ("Thu, 01 Jan 1970 00:00:00 GMT", 1)],
)
async def test_a_centre_that_asks_to_wait_did_nothing_and_is_heeded(status: int, header: str, seconds: int) -> None:
    error = await failure(answer(status, headers=f"Retry-After: {header}\r\n"), write)
    assert isinstance(error, Unavailable)
    assert not error.maybe_done
    assert error.retry_after == timedelta(seconds=seconds)


async def test_too_many_requests_without_a_time_did_nothing() -> None:
    error = await failure(answer(429), write)
    assert isinstance(error, Unavailable)
    assert not error.maybe_done
    assert error.retry_after is None


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_not_found(status: int) -> None:
    assert isinstance(await failure(answer(status, '{"message": "nothing"}'), read), NotFound)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 405, 409, 412, 413, 422])
@pytest.mark.parametrize("ask", [read, write])
async def test_a_no_is_refused_with_what_the_centre_said(status: int, ask: Ask) -> None:
    error = await failure(answer(status, '{"message": "because\\n  of this"}'), ask)
    assert isinstance(error, Refused)
    assert not isinstance(error, NotFound)
    assert error.status == status
    assert '"because of this"' in str(error)


async def test_what_the_centre_said_is_cut_and_cleared_of_the_token() -> None:
    error = await failure(answer(400, f"Bearer {SECRET} is " + "long " * 1000, kind="text/plain"), write)
    assert len(str(error)) < 500
    assert "Bearer ***" in str(error)


async def test_a_page_of_a_proxy_is_not_quoted() -> None:
    assert "<html" not in str(await failure(answer(403, "<html>sign in</html>", kind="text/html"), read))


async def test_no_connection_means_nothing_was_done() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    center = ModelManage(CenterSettings(url=f"http://127.0.0.1:{port}"))
    with pytest.raises(Unavailable, match=rf"POST jobs.*127.0.0.1:{port}.*MLC_CENTER_URL") as caught:
        await write(center)
    assert not caught.value.maybe_done
    await center.aclose()


async def test_no_free_connection_means_nothing_was_done() -> None:
    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.1)
    async with (
        httpx.AsyncClient(limits=limits, timeout=timeout) as http,
        a_centre_that(stay_silent, http) as center,
    ):
        first = asyncio.create_task(read(center))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="PoolTimeout") as caught:
            await write(center)
        assert not caught.value.maybe_done
        first.cancel()


@pytest.mark.parametrize("url", ["127.0.0.1:8091", "ftp://127.0.0.1", "http://[", "", "http://"])
async def test_an_address_that_is_none_is_refused_with_its_setting(url: str) -> None:
    center = ModelManage(CenterSettings(url=url))
    with pytest.raises(ExternalError, match="MLC_CENTER_URL"):
        await read(center)
    await center.aclose()


async def test_an_answer_without_a_body_is_followed_to_the_entity() -> None:
    asked: list[str] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = "Location: http://elsewhere.example/api/jobs/made\r\n"
        step = [answer(201, headers=place), answer(200, '{"id": "made", "jobStatus": "CREATED"}')][len(asked) % 2]
        asked.append("")
        await step(reader, writer)

    async with a_centre_that(behave) as center:
        job = await center.create_job(Job(job_type="MODEL_BATCH_JOB"))
        assert job.id == "made"
    assert len(asked) == 2
