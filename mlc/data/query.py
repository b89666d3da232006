"""Queries by a named connection: one statement that only reads, its rows in the query's order, a batch at a time."""

import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mlc.model.connection import SqlConnection
from mlc.model.failure import ExternalError, Refused

ROWS, BYTES = 5_000, 8 * 1024**2
"""Rows that are in memory at once, and what they may take there; one row may take more."""
SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Batch(NamedTuple):
    """Some rows: the columns' names, and each column's values."""

    names: Sequence[str]
    columns: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Query:
    """One statement.

    Args:
        parameters: values of its ``:names``.
        going: called now and then; what it raises ends the query.
        largest: bytes that a value may have, and that are ever taken in at once.
    """

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    going: Callable[[], None] = lambda: None
    largest: int = 1024**3


def batches(name: str, connection: SqlConnection, query: Query) -> Generator[Batch]:
    """The rows of a query. At least one batch, which may be empty: the columns are told all the same.

    Whoever doesn't take all of them is to close it, in the thread that took the first: a session stays open till then.

    Args:
        name: the connection's.

    Raises:
        Refused: the query isn't one statement that only reads, isn't right, or takes longer than the connection allows.
        Unavailable: the database can't be reached.
    """
    system = f"connection {name} (sql)"
    url = _url(connection, system)
    _check(url, system)
    if url.get_backend_name() == SQLITE:
        from mlc.data.sqlite import rows
    elif url.get_backend_name() == POSTGRESQL:
        from mlc.data.postgresql import rows
    else:
        raise Refused(system, f"The {system} is neither SQLite nor PostgreSQL, and no other is read.", status=501)
    seen = False
    with closing(rows(system, url, connection, query)) as found:
        for batch in found:
            twice = next((each for each in batch.names if batch.names.count(each) > 1), None)
            if twice is not None:
                raise Refused(system, f"The query answers two columns {twice[:60]!r}: name them with AS.", status=400)
            seen = True
            yield batch
    if not seen:
        raise Refused(system, "The query answers no rows: it must be one that reads, such as SELECT.", status=400)


def cut(names: Sequence[str], rows: Iterable[Sequence[Any]], ends: float) -> Generator[Batch]:
    """Rows in batches of no more than ``ROWS``, and of ``BYTES`` in memory, beyond which only the last row may go.

    Nothing is yielded for no rows. From ``ends`` on, by ``time.monotonic``, each row is a batch: whoever takes it is to
    see that it is late.
    """
    some: list[Sequence[Any]] = []
    size, size_of, clock = 0, sys.getsizeof, time.monotonic
    for row in rows:
        some.append(row)
        size += sum(map(size_of, row))
        if size >= BYTES or len(some) == ROWS or clock() > ends:
            yield Batch(names, list(map(list, zip(*some, strict=True))))
            some, size = [], 0
    if some:
        yield Batch(names, list(map(list, zip(*some, strict=True))))


def too_large(system: str, query: Query) -> ExternalError:
    """What to say where a value, or a part of the answer, is larger than all of it may be."""
    most = f"{query.largest // 1024**2:,} MB"
    return Refused(
        system,
        f"The query answers more than {most}: let it leave out what is large, or raise MLC_FILE_LIMIT_MB.",
        status=413,
    )


def file_of(connection: SqlConnection) -> Path | None:
    """The file of a database that is one, links followed; None of a server's, or where that can't be told.

    Raises:
        Refused: the connection's url can't be read.
    """
    url = _url(connection, "connection (sql)")
    return Path(url.database).resolve() if url.get_backend_name() == SQLITE and url.database else None


def _url(connection: SqlConnection, system: str) -> Any:
    try:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError
    except ModuleNotFoundError:
        raise missing(system, "SQLAlchemy", "standalone") from None
    try:
        url = make_url(connection.url.get_secret_value())
    except (ArgumentError, ValueError):
        raise Refused(system, f"The {system} has no url that can be read: write SQLAlchemy's.", status=400) from None
    if connection.password is not None:
        url = url.set(password=connection.password.get_secret_value())
    return url


def _check(url: Any, system: str) -> None:
    if url.get_backend_name() == SQLITE and (not url.database or url.database == ":memory:"):
        raise Refused(system, f"The {system} names no file: write sqlite:////folder/file.db.", status=400)


def missing(system: str, library: str, extra: str) -> ExternalError:
    """What to say where a library isn't installed."""
    install = f"pip install 'mlc-temporal[{extra}]'"
    return Refused(system, f"The {system} needs {library}, which is not installed: {install}.", status=501)
