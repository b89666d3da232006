"""What is wrong with a database, in a sentence without its password."""

from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from mlc.model.failure import MlcError

_GOING_AWAY = {"57P01", "57P02", "57P03"}
"""PostgreSQL is shut down, has crashed, or starts (class 57 of its error codes)."""
_IN_THE_WAY = {"40001", "40P01", "55P03"}
"""Others had to go first: a conflict, a deadlock, a lock that wasn't free in time."""
_REFUSED = {
    "28P01": "its server refuses the user or the password: check both in the address",
    "28000": "its server lets this user in from elsewhere, or otherwise, only: ask for a line in its pg_hba.conf",
    "3D000": "its server has no database of this name: make it (CREATE DATABASE), or correct the address",
    "42501": "the user may not do there what is needed: make it the database's owner",
    "53300": "its server takes no more connections: raise max_connections there, or start fewer processes",
}
_NO_FILE = {
    "file is not a database": "it is no SQLite database: give another file, or remove it if nothing in it is needed",
    "unable to open database file": "it can't be opened: check that the folder is there and may be written to",
    "attempt to write a readonly database": "it can't be written to: check who owns the file",
    "database is locked": "another process has had it to itself for too long: end that one, and try again",
    "database or disk is full": "there is no room left on its disk",
}


class DatabaseProblem(MlcError, ValueError):
    """A database can't be used. The text is a sentence that says which, why, and what to do."""


def sentence(variable: str, what: str, error: SQLAlchemyError) -> DatabaseProblem:
    """For an error while a database was opened; ``what`` is :meth:`~.address.Address.__str__`."""
    return DatabaseProblem(f"{variable}: {what} can't be used: {why(error)}.")


def why(error: SQLAlchemyError) -> str:
    """The cause, in words that hold nothing of statements, parameters and addresses."""
    if isinstance(error, NoConnectionFree):
        return "all connections are in use"
    if (code := code_of(error)) is not None:
        told = str(_told(error).get("M", "")).replace("\n", " ")[:200]
        return _REFUSED.get(code) or f"its server says {code}: {told}"
    cause = error.orig if isinstance(error, DBAPIError) else None
    text = str(cause or "")
    for known, meaning in _NO_FILE.items():
        if known in text:
            return meaning
    if cause is not None and is_away(error):
        return "its server can't be reached: check that it runs, and the host and the port in the address"
    return type(cause or error).__name__


def is_away(error: SQLAlchemyError) -> bool:
    """Whether the same may well succeed in a while: nothing is wrong with what was asked."""
    if isinstance(error, NoConnectionFree):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = code_of(error)
    if code is not None:
        return code in _GOING_AWAY | _IN_THE_WAY or code == "53300" or code.startswith("08")
    kinds = ("InterfaceError", "OperationalError", "ConnectionError", "TimeoutError", "OSError")
    return error.connection_invalidated or any(kind.__name__ in kinds for kind in type(error.orig).__mro__)


def code_of(error: BaseException) -> str | None:
    """PostgreSQL's five characters for what happened; None if it said nothing."""
    code = _told(error).get("C")
    return None if code is None else str(code)


def _told(error: BaseException) -> dict[str, Any]:
    """What the server sent, as the driver keeps it: fields by a letter."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    first = cause.args[0] if cause is not None and cause.args else None
    return first if isinstance(first, dict) else {}
