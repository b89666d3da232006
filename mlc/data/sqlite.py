"""A query to an SQLite file, which is opened for reading alone."""

import sqlite3
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlc.data.query import Batch, Query, cut, too_large
from mlc.model.connection import SqlConnection
from mlc.model.failure import Refused, Unavailable

_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_FUNCTION})
_STEPS = 1_000
"""Of SQLite's machine, after which it asks whether to go on: less than a millisecond, unless its values are large."""
_LONGEST = 2**31 - 1
"""Bytes of a value, at the most, that SQLite can be told."""
_SAYABLE = ("no such ", "ambiguous column", "near ", "incomplete input", "misuse of", "wrong number of", "unrecognized")
"""What errors begin with that repeat names of the query, and no values of rows."""


def rows(system: str, url: Any, connection: SqlConnection, query: Query) -> Generator[Batch]:
    """See :func:`mlc.data.query.batches`."""
    ends = time.monotonic() + connection.time_limit
    stopped: list[BaseException] = []

    def goes_on() -> int:
        try:
            query.going()
        except BaseException as error:  # SQLite would lose it
            stopped.append(error)
        return int(bool(stopped) or time.monotonic() > ends)

    database = None
    try:
        # A relative path would be another one for each process.
        file = Path(url.database).absolute()
        database = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=10)
        database.execute("PRAGMA query_only = ON")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(query.largest, _LONGEST))
        database.set_authorizer(_may)
        database.set_progress_handler(goes_on, _STEPS)
        cursor = database.execute(query.text, dict(query.parameters))
        names = [str(column[0]) for column in cursor.description or ()]
        if not names:
            return
        empty = True
        for batch in cut(names, cursor, ends):
            empty = False
            yield batch
            if goes_on():  # SQLite asks after so many steps alone, which may make many bytes
                raise sqlite3.OperationalError("interrupted")
        if empty:
            yield Batch(names, [[] for _ in names])
    except (sqlite3.Error, sqlite3.Warning) as error:
        if stopped:
            raise stopped[0] from None
        if isinstance(error, sqlite3.DataError) and "too big" in str(error):
            raise too_large(system, query) from None
        raise _ours(system, error, late=time.monotonic() > ends, limit=connection.time_limit) from None
    finally:
        if database is not None:
            database.close()


def _may(action: int, _first: str | None, second: str | None, *_: Any) -> int:
    loads = action == sqlite3.SQLITE_FUNCTION and second in {"load_extension", "fts3_tokenizer"}
    return sqlite3.SQLITE_OK if action in _ALLOWED and not loads else sqlite3.SQLITE_DENY


def _ours(system: str, error: Exception, *, late: bool, limit: float) -> Exception:
    text = str(error)
    if "unable to open" in text:
        return Unavailable(system, f"The {system} can't be opened: is its file there, and may we read it?")
    if "locked" in text or "busy" in text:
        return Unavailable(system, f"The {system} is locked by somebody who writes to it.")
    if late and "interrupted" in text:
        return Refused(system, f"The query took longer than the {limit:g} seconds of the {system}.", status=408)
    if "one statement" in text:
        problem = "holds more than one statement, and one is run"
    elif "not authorized" in text or "prohibited" in text or "readonly" in text:
        problem = "would do more than read, which it may not"
    elif isinstance(error, sqlite3.ProgrammingError):
        problem = "has :names that the parameters don't fit"
    else:
        said = f": {text[:200]}" if text.startswith(_SAYABLE) else f" ({type(error).__name__})"
        problem = f"can't be run{said}"
    return Refused(system, f"The query {problem}.", status=400)
