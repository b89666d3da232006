"""The runtime's end of the channel: lines that are too long, come late, in parts, or without being asked for."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable

import psutil
import pytest

from mlc.runtime.channel.lines import PIECE, Channel, Closed
from mlc.runtime.channel.messages import BadMessage


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, socket.socket]]:
    """The runtime's end, and the model's."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    channel = Channel(ours)
    await channel.open()
    with theirs:
        yield channel, theirs
    channel.close()


async def send(end: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(end, data)


async def test_lines_come_as_they_were_sent_however_they_were_cut(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    for part in (b"a", b"b\nc", b"\n\n", b"d\ne"):
        await send(theirs, part)
    assert [await channel.line(10) for _ in range(4)] == [b"ab", b"c", b"", b"d"]
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(Closed):  # half a line is none
        await channel.line(10)


async def test_a_call_that_is_cancelled_in_a_line_loses_nothing(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    await send(theirs, b"half")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.line(10), 0.1)
    await send(theirs, b" line\n")
    assert await channel.line(10) == b"half line"


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_line_that_is_too_long_is_refused_while_it_is_read(
    ends: tuple[Channel, socket.socket], end: bytes
) -> None:
    channel, theirs = ends
    sent = b"x" * 100_000_000 + end
    before = psutil.Process().memory_info().rss
    sending = asyncio.create_task(send(theirs, sent))
    with pytest.raises(BadMessage, match="it sent a message longer than 1,000 bytes"):
        await channel.line(1_000)
    sending.cancel()
    assert psutil.Process().memory_info().rss - before < 20_000_000
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_line_of_exactly_the_limit_is_taken(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    await send(theirs, b"x" * 1_000 + b"\n" + b"x" * 1_001 + b"\n")
    assert len(await channel.line(1_000)) == 1_000
    with pytest.raises(BadMessage):
        await channel.line(1_000)


async def test_whoever_writes_without_end_waits_until_it_is_read(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    line = b'{"event":"progress","records":1}\n'
    sent = 0

    async def flood() -> None:
        nonlocal sent
        while True:
            await send(theirs, line * 100)
            sent += 100 * len(line)

    flooding = asyncio.create_task(flood())
    assert await channel.line(1_000) == line[:-1]
    await _still(lambda: sent)
    used = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - used < 0.45  # nothing is done as long as nobody listens
    assert sent < 20 * PIECE
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)


async def test_what_comes_without_being_asked_for_is_refused_from_its_first_byte(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = ends
    waiting = asyncio.create_task(channel.line(1_000, awaited=lambda: False))
    await send(theirs, b"{")
    with pytest.raises(BadMessage, match="without being asked"):
        await asyncio.wait_for(waiting, 10)


async def _still(value: Callable[[], int]) -> None:
    """Wait until a number stays as it is."""
    before = -1
    while before != value():
        before = value()
        await asyncio.sleep(0.1)
