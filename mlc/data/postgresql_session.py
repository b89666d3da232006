"""A session with PostgreSQL that has a few megabytes of an answer in memory, however large its rows are."""

import ssl
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pg8000.native import Connection

from mlc.data.query import BYTES, Query, too_large
from mlc.model.connection import SqlConnection

_LENGTH = struct.Struct("!I")


class _Bounded:
    """What the server sends, of which nothing is read that is larger than it may be."""

    def __init__(self, stream: Any, most: int, too_much: Callable[[], Exception]) -> None:
        self._stream = stream
        self._most = most
        self._too_much = too_much

    def read(self, size: int) -> Any:
        """Raises what ``too_much`` makes."""
        if size > self._most:
            raise self._too_much()
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Session(Connection):  # type: ignore[misc]
    """Keeps the rows of ``fetch`` as they came, in a file from some megabytes on, and reads one when it is asked for.

    Set ``goes_on``, which is called for each megabyte that comes, and ``most``, bytes of one answer, from which on what
    ``too_much`` makes is raised. Whatever is raised ends the session.
    """

    goes_on: Callable[[], None]
    most: int
    too_much: Callable[[], Exception]
    _kept: Any = None
    _since = 0

    def fetch(self, statement: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
        """The columns' names, and rows, which are to be taken before the next call."""
        self._kept = tempfile.SpooledTemporaryFile(BYTES, prefix="mlc-rows-")  # noqa: SIM115 - closed by _rows
        self.run(statement)
        return [str(column["name"]) for column in self.columns], self._rows()

    def handle_DATA_ROW(self, data: bytes, context: Any) -> None:  # noqa: N802 - pg8000's name
        """See base class."""
        if self._kept is None:
            super().handle_DATA_ROW(data, context)
            return
        self._kept.write(_LENGTH.pack(len(data)) + data)
        self._since += len(data)
        if self._since > 1024**2:
            self._since = 0
            self.goes_on()
            if self._kept.tell() > self.most:
                raise self.too_much()

    def _rows(self) -> Iterator[Sequence[Any]]:
        context = self._context
        with self._kept as kept:
            self._kept = None
            kept.seek(0)
            while length := kept.read(_LENGTH.size):
                (size,) = _LENGTH.unpack(length)
                super().handle_DATA_ROW(kept.read(size), context)
                yield context.rows.pop()


def session(system: str, url: Any, connection: SqlConnection, query: Query, goes_on: Callable[[], None]) -> Session:
    """Begin one. ``url`` is SQLAlchemy's.

    Raises:
        OSError, pg8000.exceptions.DatabaseError, pg8000.exceptions.InterfaceError: it can't be begun.
    """
    begun = Session(
        url.username or "",
        host=url.host or "localhost",
        port=url.port or 5432,
        database=url.database,
        password=url.password,
        ssl_context=ssl.create_default_context() if connection.tls == "verify" else None,
        timeout=connection.time_limit + 5,
        application_name="mlc",
    )
    begun.goes_on, begun.most, begun.too_much = goes_on, query.largest, lambda: too_large(system, query)
    begun._sock = _Bounded(begun._sock, begun.most, begun.too_much)
    return begun
