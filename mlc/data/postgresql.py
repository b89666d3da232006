"""A query to PostgreSQL: in a transaction that only reads, by a cursor of the server's."""

import errno
import math
import ssl
import time
from collections.abc import Generator
from typing import Any

from mlc.data.query import ROWS, Batch, Query, cut, missing
from mlc.model.connection import SqlConnection
from mlc.model.failure import ExternalError, Refused, Unavailable

_CURSOR = "mlc_rows"
_SYNTAX, _TABLE, _COLUMN, _FUNCTION, _RIGHT = "42601", "42P01", "42703", "42883", "42501"
_SAYABLE = frozenset({_SYNTAX, _TABLE, _COLUMN, _FUNCTION, _RIGHT, "42702", "42803", "3F000"})
"""Errors whose texts repeat names of the query, and no values of rows."""
_LONGEST_SAID = 200
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""This machine's disk, on which large rows wait."""
_CANCELLED, _READ_ONLY = "57014", "25006"


def rows(system: str, url: Any, connection: SqlConnection, query: Query) -> Generator[Batch]:
    """See :func:`mlc.data.query.batches`."""
    try:
        from pg8000.exceptions import DatabaseError, InterfaceError

        from mlc.data.postgresql_session import session
    except ModuleNotFoundError:
        raise missing(system, "pg8000", "postgresql") from None
    ends = time.monotonic() + connection.time_limit

    def goes_on() -> None:
        query.going()
        if time.monotonic() > ends:
            raise _too_long(system, connection)

    database = None
    try:
        database = session(system, url, connection, query, goes_on)
        database.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        database.run(f"SET LOCAL statement_timeout = {max(1, math.ceil(connection.time_limit * 1000))}")
        # Prepared: the server itself refuses more than one statement in one that is.
        declared = database.prepare(f"DECLARE {_CURSOR} NO SCROLL CURSOR WITHOUT HOLD FOR {query.text}")
        declared.run(**query.parameters)
        first = more = True
        while more:
            goes_on()
            names, found = database.fetch(f"FETCH FORWARD {ROWS} FROM {_CURSOR}")
            count = 0
            for batch in cut(names, found, ends):
                count += len(batch.columns[0])
                yield batch
                goes_on()
            if not count and first:
                yield Batch(names, [[] for _ in names])
            first, more = False, count == ROWS
    except (DatabaseError, InterfaceError) as error:
        raise _ours(system, error, connection) from None
    except TimeoutError:
        raise _too_long(system, connection) from None
    except (OSError, ssl.SSLError) as error:
        if error.errno in _FULL:
            raise
        raise Unavailable(system, f"The {system} can't be reached ({type(error).__name__}).") from None
    finally:
        if database is not None:
            _close(database)


def _close(database: Any) -> None:
    """End the session. The server may be gone, or in the middle of an answer: then there is no more to end."""
    try:
        database.close()
    except Exception:  # nothing is left to be done about it
        return


def _too_long(system: str, connection: SqlConnection) -> ExternalError:
    return Refused(system, f"The query took longer than the {connection.time_limit:g} s of the {system}.", status=408)


def _ours(system: str, error: Exception, connection: SqlConnection) -> ExternalError:
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code, text = str(told.get("C", "")), str(told.get("M", ""))
    if not code:
        return _without_code(system, error)
    if code == _CANCELLED:
        return _too_long(system, connection)
    if code[:2] in {"08", "53", "57"}:
        return Unavailable(system, f"The {system} can't answer now ({code}).")
    if code[:2] == "28" or code == "3D000":
        problem = f"The {system} lets nobody in: are its user, password and database right ({code})?"
    elif "multiple commands" in text:
        problem = "The query holds more than one statement, and one is run."
    elif code[:2] == "25" or "DECLARE CURSOR" in text:
        problem = f"The query would do more than read, which it may not ({code})."
    else:
        said = f"{text[:_LONGEST_SAID]} ({code})" if code in _SAYABLE else code
        problem = f"The query can't be run: {said}."
    return Refused(system, problem, status=400)


def _without_code(system: str, error: Exception) -> ExternalError:
    text = str(error)
    if "placeholder" in text or "parameter" in text:
        return Refused(system, "The query has :names that the parameters don't fit.", status=400)
    if "SSL" in text:
        return Refused(system, f'The {system} has no TLS: set it up there, or set "tls": "off".', status=400)
    return Unavailable(system, f"The {system} can't be reached, or the connection was lost ({type(error).__name__}).")
