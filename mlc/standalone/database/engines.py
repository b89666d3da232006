"""Connections to a database, the same in what they promise on SQLite and on PostgreSQL.

A transaction that writes sees what others have committed, and whoever writes to the same row waits for it. On SQLite it
takes the file's write lock when it begins: one that reads first and then writes would fail instead of waiting.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import NoSuchModuleError, OperationalError, SQLAlchemyError

from mlc.standalone.database.address import Address, address
from mlc.standalone.database.migration import head, migrate, revision_of
from mlc.standalone.database.problems import DatabaseProblem, code_of, sentence
from mlc.standalone.database.schema import Schema

WAIT_FOR_LOCK = 30
"""Seconds that a statement waits for another process's transaction on SQLite."""
SILENCE = 60
"""Seconds that PostgreSQL may stay silent before a connection counts as lost."""
_CONNECTIONS = 10
"""At most, of one process to PostgreSQL: two centres and two desks stay far below a server's hundred."""
_GONE = ("57P01", "57P02", "57P03")


def open_database(setting: SecretStr | str | Path, schema: Schema, **given: Any) -> Engine:
    """An engine for the database of a setting, which is brought to this release's form first. Dispose of it.

    Args:
        given: what a revision needs beside the database, by name (see :func:`~.migration.migrate`).

    Raises:
        DatabaseProblem: it can't be used, or is newer than this release.
    """
    where = address(setting, schema.variable)
    try:
        _migrate(where, schema, given)
    except SQLAlchemyError as error:
        raise sentence(schema.variable, str(where), error) from None  # its text has the statement
    return engine_for(where, schema)


def file_of(setting: SecretStr | str | Path, schema: Schema) -> Path | None:
    """The SQLite file that a setting says; None if it says a server.

    Raises:
        DatabaseProblem: it says neither.
    """
    return address(setting, schema.variable).file


def engine_for(where: Address, schema: Schema, *, silence: float | None = SILENCE) -> Engine:
    """The same for a database as it is.

    Args:
        silence: seconds that PostgreSQL may take for an answer; None: as many as it likes.

    Raises:
        DatabaseProblem: the driver is missing, or the file's folder can't be made.
    """
    if where.file is not None:
        return _sqlite(where, schema)
    try:
        engine = create_engine(
            where.url,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=_CONNECTIONS // 2,
            max_overflow=_CONNECTIONS - _CONNECTIONS // 2,
            hide_parameters=True,
            connect_args={
                "application_name": f"mlc-{schema.name}",
                "ssl_context": where.tls,
                "timeout": silence,
            },
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise DatabaseProblem(
            f"{schema.variable}: {where} needs a driver that is not installed here: "
            "pip install 'mlc-temporal[postgresql]'."
        ) from None
    event.listen(engine, "handle_error", _notice_that_it_is_gone)
    return engine


def _migrate(where: Address, schema: Schema, given: Mapping[str, Any]) -> None:
    engine = engine_for(where, schema)
    try:
        if revision_of(engine, schema) == head(schema):
            return
    finally:
        engine.dispose()
    patient = engine_for(where, schema, silence=None)  # to make an index may take minutes
    try:
        migrate(patient, where, schema, given)
    finally:
        patient.dispose()


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: on SQLite they wait for nobody, and nobody for them."""
    return engine.execution_options(reads_only=True)


def _sqlite(where: Address, schema: Schema) -> Engine:
    file = where.file
    assert file is not None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseProblem(
            f"{schema.variable}: the folder {file.parent} can't be made ({error.strerror}): give another one."
        ) from None
    engine = create_engine(
        where.url, hide_parameters=True, connect_args={"timeout": WAIT_FOR_LOCK, "check_same_thread": False}
    )
    synchronous = "FULL" if schema.durable else "NORMAL"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        """In WAL mode what was committed survives the death of the process at any moment, also with NORMAL."""
        connection.isolation_level = None  # BEGIN is ours, below
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _notice_that_it_is_gone(context: ExceptionContext) -> None:
    """The driver takes a server that says goodbye for one that refuses a statement, and tells a lost one as it is."""
    if isinstance(context.original_exception, OSError):
        context.is_disconnect = True
        raise OperationalError(context.statement, None, context.original_exception, hide_parameters=True)
    if code_of(context.original_exception) in _GONE:
        context.is_disconnect = True
