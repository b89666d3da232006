"""The connections to the model centre: kept, and what is told of those that break is never more than is known."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from mlc.center.modelop.answers import outage
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.transport import KeptConnections, new_client

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\n{}"


@contextlib.asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[tuple[httpx.AsyncClient, str, list[bytes]]]:
    """A server that does just that with each connection: a client, its address, and what it was sent."""
    heard: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
                heard.append(head + await reader.readexactly(length))
                await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, new_client(CenterSettings(url=url, timeout=1)) as client:
        yield client, url, heard


async def answers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK[:-1])
    await writer.drain()
    writer.close()


async def says_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(10)


async def raves(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"what?\r\n\r\n")


@pytest.mark.parametrize("serve", [hangs_up, breaks_off, says_nothing, raves])
async def test_a_write_that_was_sent_and_not_answered_may_have_been_done(serve: Serve) -> None:
    async with serving(serve) as (client, url, heard):
        with pytest.raises(httpx.TransportError) as failure:
            await client.post(f"{url}/jobs", content=b"{}")
        assert len(heard) == 1, "it is sent once, whatever comes of it"
        assert heard[0].endswith(b"{}")
        told = outage(failure.value, "POST jobs", url, "MLC_CENTER_URL", write=True)
        assert getattr(told, "maybe_done", None) is True


async def test_where_nobody_listens_nothing_was_done() -> None:
    async with new_client(CenterSettings(url="http://127.0.0.1:9")) as client:
        for url in ("http://127.0.0.1:9/jobs", "http://no-such-host.invalid/jobs"):
            with pytest.raises(httpx.ConnectError) as failure:
                await client.post(url, content=b"{}")
            told = outage(failure.value, "POST jobs", url, "MLC_CENTER_URL", write=True)
            assert getattr(told, "maybe_done", None) is False


async def test_a_connection_serves_many_requests_one_after_the_other() -> None:
    ports = set[object]()

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername"))
        await answers(reader, writer)

    async with serving(noting) as (client, url, heard):
        for _ in range(5):
            assert (await client.get(f"{url}/x%2Fy", params={"a": "b c"})).json() == {}
    assert len(ports) == 1
    assert all(request.startswith(b"GET /x%2Fy?a=b+c HTTP/1.1\r\n") for request in heard)
    assert b"user-agent: python-httpx" in heard[0].lower(), "headers are the client's, and no others"


async def test_a_redirect_is_answered_as_it_is() -> None:
    async def elsewhere(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")

    async with serving(elsewhere) as (client, url, heard):
        answer = await client.get(f"{url}/x")
    assert (answer.status_code, answer.headers["Location"], len(heard)) == (302, "/other", 1)


async def test_a_body_that_is_streamed_is_sent_with_the_length_that_was_told() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"{", b"}"):
            yield piece

    async with serving(answers) as (client, url, heard):
        await client.post(f"{url}/jobs", content=pieces(), headers={"Content-Length": "2"})
    assert heard[0].endswith(b"\r\n\r\n{}")
    assert b"transfer-encoding" not in heard[0].lower()


async def test_an_answer_that_nobody_reads_to_its_end_takes_its_connection_with_it() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)

    async with serving(endless) as (client, url, _):
        async with client.stream("GET", url) as answer:
            assert answer.status_code == 200
        async with client.stream("GET", url) as answer:
            assert answer.status_code == 200


@pytest.mark.parametrize(("no_proxy", "own"), [("", False), ("127.0.0.1", True), ("elsewhere.example", False)])
async def test_where_a_proxy_stands_between_the_clients_own_connections_are_used(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, own: bool
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", no_proxy)
    async with new_client(CenterSettings(url="http://127.0.0.1:1")) as client:
        assert isinstance(client._transport, KeptConnections) is own
