"""A site on a free port that answers whatever it is told to, well-formed HTTP or not."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """``raw`` is sent instead of all else. What ``headers`` leave out of length and end is added."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None

    def encoded(self) -> bytes:
        if self.raw is not None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{name}: {value}" for name, value in self.headers)]
        names = {name.lower() for name, _ in self.headers}
        if not names & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(self.body)}")
        if "content-type" not in names:
            lines.append("Content-Type: application/json")
        lines.append("Connection: close")
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


def said(value: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; ``Retry_After`` is the header Retry-After."""
    pairs = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, json.dumps(value).encode(), pairs)


class Site:
    """``answer`` gets method and path (with the query). One request after another."""

    def __init__(self, answer: Callable[[str, str], Answer]) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(30)
                self._converse(connection)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _converse(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := connection.recv(65_536)):
                return
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
        while len(body) < length and (piece := connection.recv(65_536)):
            body += piece
        method, path, _ = lines[0].split(" ", 2)
        self.requests.append(f"{method} {path}")
        connection.sendall(self.answer(method, path).encoded())


@contextmanager
def answering(answer: Callable[[str, str], Answer] = lambda *_: Answer(404)) -> Iterator[Site]:
    """A running site."""
    site = Site(answer)
    thread = threading.Thread(target=site.serve, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.stop()
        thread.join(30)
