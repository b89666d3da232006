"""What tests of several areas need: waiting for something, and an application behind a socket."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import uvicorn
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from mlc.standalone.faults import DroppableProtocol
from mlc.standalone.temporal_server import DEV_SERVER_FLAGS, SEARCH_ATTRIBUTES, temporal_binary

T = TypeVar("T")


async def eventually(condition: Callable[[], Awaitable[T]], *, seconds: float = 60) -> T:
    """Wait until the condition answers with something true, and return that.

    It is asked less and less often: to be asked costs what it waits for, on a busy machine, the time to happen.
    """
    answer, pause = None, 0.04
    try:
        async with asyncio.timeout(seconds):
            while not (answer := await condition()):
                await asyncio.sleep(pause)
                pause = min(pause * 1.3, 0.5)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s; the last answer was {answer!r}") from None
    return answer


@contextlib.contextmanager
def serving(app: Any, listener: socket.socket) -> Iterator[str]:
    """The application behind a bound socket, on a thread of its own; its address."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so for sockets of its own only
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, ws="none", loop="asyncio", http=DroppableProtocol)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    assert server.started, "the server did not start: see its log"
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@contextlib.asynccontextmanager
async def running(app: Any) -> AsyncIterator[tuple[uvicorn.Server, httpx.AsyncClient]]:
    """The application behind a real socket, on this very loop, and a client for it; the server can be told to end."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none", http="h11")
    )
    task = asyncio.create_task(server.serve([listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        yield server, client
    server.should_exit = True
    await task


async def skip(server: WorkflowEnvironment, time: timedelta, *, portion: timedelta = timedelta(hours=1)) -> None:
    """Let time pass on the server that skips it: one call must not take a minute, and a busy machine takes long."""
    while time > timedelta(0):
        await server.sleep(min(time, portion))
        time -= portion


async def start_dev_server(*more: str) -> WorkflowEnvironment:
    """A server of one's own, with more flags."""
    return await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        search_attributes=SEARCH_ATTRIBUTES,
        dev_server_existing_path=str(temporal_binary()),
        dev_server_extra_args=[*DEV_SERVER_FLAGS, *more],
        dev_server_startup_timeout=timedelta(seconds=60),
    )
