"""An S3 for tests: moto's, on a real socket, and a way to it that can be cut in the middle of an answer."""

import contextlib
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mlc.data.stores import Store
from mlc.model.connection import S3Connection

KEY, SECRET = "AKIDEXAMPLE", "wJalr-very-secret"


@dataclass(frozen=True)
class S3Server:
    """Listens on loopback. Each test makes buckets of its own."""

    endpoint: str

    def connection(self, **other: Any) -> S3Connection:
        given = {"kind": "s3", "endpoint": self.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
        return S3Connection(**(given | other))

    def store(self, name: str = "lake", timeout: float = 10, **other: Any) -> Store:
        return Store(name, self.connection(**other), timeout)

    def bucket(self) -> str:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.store().files.call_s3("create_bucket", Bucket=name)
        return name


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One for the whole run."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """The name of an empty bucket."""
    return s3_server.bucket()


class Cutting:
    """A way to a server on which the answers of some connections end in the middle: after so many bytes.

    ``cuts`` are those numbers, one for each connection to come; after the last one nothing is cut.
    """

    def __init__(self, to: str, cuts: list[int]) -> None:
        host, _, port = to.rpartition("/")[2].partition(":")
        self._to = (host, int(port))
        self.cuts = cuts
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                most = self.cuts.pop(0) if self.cuts else None
                server = socket.create_connection(self._to)
                threading.Thread(target=self._pass_on, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, most), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        left = most
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if left is not None:
                    piece = piece[:left]
                    left -= len(piece)
                target.sendall(piece)
                if left == 0:
                    break
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
                each.close()


@contextlib.contextmanager
def cutting(to: str, *cuts: int) -> Iterator[Cutting]:
    way = Cutting(to, list(cuts))
    try:
        yield way
    finally:
        way.close()
