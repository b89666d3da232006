"""Running the desk: as a process, or beside something else in this one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from mlc.settings import DeskSettings
from mlc.standalone.desk.app import create_app
from mlc.standalone.faults import DroppableProtocol

KEPT_ALIVE = 60
"""Seconds for which an idle connection is kept: longer than clients do, or one would send just as it is closed."""


def serve(settings: DeskSettings) -> None:
    """Run the desk until the process is told to stop (SIGINT, SIGTERM); requests under way are finished."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEPT_ALIVE,
        loop="asyncio",  # whatever else is installed
        http="h11",
        ws="none",
    )
    uvicorn.Server(config).run()


@contextmanager
def running(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Run an app in a thread of this process, for as long as the context lasts.

    Args:
        listener: a bound socket (bind it to port 0 first, and the settings can name the port).
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so for sockets of its own only
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, loop="asyncio", http=DroppableProtocol, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        if not server.started:
            raise RuntimeError("the server did not start: see its log")
        yield
    finally:
        server.should_exit = True
        thread.join()
