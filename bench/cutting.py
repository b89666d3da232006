"""A TCP proxy on this machine that cuts connections where it is told to."""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024
_ABORT = struct.pack("ii", 1, 0)
"""Of SO_LINGER: the connection is reset, as by a cable that is pulled."""


class CuttingProxy:
    """Passes on what comes, for as long as the block lasts.

    Attributes:
        port: where it listens, on 127.0.0.1.
        cuts: each cuts one connection, once so many bytes have come through it to the server. The first counts first.
        passed: bytes that went to the server in all.
        cut: how many connections were cut.
        hold_at: at so many bytes in all the proxy stands still until ``go_on``; None: it doesn't.
        holding: set while it does.
    """

    def __init__(self, target: tuple[str, int], *cuts: int) -> None:
        self.cuts = list(cuts)
        self.passed = self.cut = 0
        self.hold_at: int | None = None
        self.holding = threading.Event()
        self._released = threading.Event()
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.go_on()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def go_on(self) -> None:
        self.hold_at = None
        self._released.set()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                caller.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {caller, server}
            threading.Thread(target=self._to_server, args=(caller, server), daemon=True).start()
            threading.Thread(target=self._to_caller, args=(server, caller), daemon=True).start()

    def _to_server(self, caller: socket.socket, server: socket.socket) -> None:
        through = 0
        with suppress(OSError):
            while data := caller.recv(_CHUNK):
                with self._lock:
                    cuts = bool(self.cuts) and through + len(data) >= self.cuts[0]
                    if cuts:
                        data = data[: self.cuts.pop(0) - through]
                        self.cut += 1
                    self.passed += len(data)
                if self.hold_at is not None and self.passed >= self.hold_at:
                    self.holding.set()
                    self._released.wait()
                    self.holding.clear()
                server.sendall(data)
                through += len(data)
                if cuts:
                    for end in (caller, server):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                    break
        self._end(caller, server)

    def _to_caller(self, server: socket.socket, caller: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                caller.sendall(data)
        self._end(caller, server)

    def _end(self, *ends: socket.socket) -> None:
        with self._lock:
            for end in ends:
                if end in self._open:
                    self._open.remove(end)
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
                    end.close()
