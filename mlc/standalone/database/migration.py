"""Brings a database to this release's form: by its revisions, in one transaction, one process at a time.

Killed in the middle it leaves what was there before. A revision is a module of :attr:`~.schema.Schema.revisions` whose
name is its id and begins with its number; once released it never changes.
"""

import logging
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.exc import OperationalError

from mlc.standalone.database.address import Address
from mlc.standalone.database.problems import DatabaseProblem
from mlc.standalone.database.schema import Schema

PATIENCE = 600.0
"""Seconds that a process waits for another one that migrates the same database."""
_POLL = 0.05
_running = threading.Lock()  # what a revision calls (`alembic.op`) is one for the whole process
_log = logging.getLogger(__name__)


def head(schema: Schema) -> str:
    """The newest revision that this release knows."""
    return max(path.stem for path in schema.revisions.glob("r*.py"))


def revision_of(engine: Engine, schema: Schema) -> str | None:
    """The revision that a database is at; None if it has none yet."""
    with engine.execution_options(reads_only=True).connect() as connection:
        return _revision(connection, schema)


@dataclass(frozen=True)
class State:
    """Which database it is, the revision that it is at, and the newest one that this release knows."""

    database: str
    revision: str | None
    newest: str


def state_of(engine: Engine, schema: Schema) -> State:
    """What there is to tell people of a database that is open."""
    told = str(Address(engine.url))
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            version = str(connection.scalar(text("SHOW server_version"))).split()[0]
        told = told.replace("PostgreSQL", f"PostgreSQL {version}", 1)
    return State(told, revision_of(engine, schema), head(schema))


def migrate(
    engine: Engine,
    where: Address,
    schema: Schema,
    given: Mapping[str, Any] | None = None,
    *,
    patience: float = PATIENCE,
) -> None:
    """Bring a database up to date; one that is so is only looked at.

    Args:
        given: what revisions need beside the database, such as where to move what is in it: a revision finds it in
            ``op.get_context().config.attributes``.

    Raises:
        DatabaseProblem: it is newer than this release, holds other tables under these names, or another process has
            been at it for longer than ``patience``, in seconds.
    """
    with _alone(engine, where, schema, time.monotonic() + patience) as connection:
        before, newest = _revision(connection, schema), head(schema)
        if before == newest:
            return
        if before is not None and before not in {path.stem for path in schema.revisions.glob("r*.py")}:
            raise DatabaseProblem(
                f"{schema.variable}: {where} was written by a newer release: it is at revision {before}, and this "
                f"release knows none after {newest}. Start that release, or restore a backup from before it."
            )
        with _running:
            _upgrade(connection, schema, given or {})
    _log.info("%s: %s is now at revision %s; before: %s", schema.variable, where, newest, before)


def _upgrade(connection: Connection, schema: Schema, given: Mapping[str, Any]) -> None:
    from alembic.config import Config  # 50 ms, and seldom needed
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(schema.revisions), version_locations=[str(schema.revisions)])
    config = Config(attributes=dict(given))
    steps = EnvironmentContext(config, scripts, fn=lambda rev, _: scripts._upgrade_revs("head", rev))
    with steps:
        steps.configure(connection=connection, version_table=schema.version_table, transactional_ddl=True)
        steps.run_migrations()


def _revision(connection: Connection, schema: Schema) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {schema.version_table}"))  # noqa: S608
    return None if found is None else str(found)


@contextmanager
def _alone(engine: Engine, where: Address, schema: Schema, until: float) -> Iterator[Connection]:
    """A transaction that no other process has at the same time; committed at the end."""
    while True:
        try:
            connection = engine.connect()
            connection.begin()  # on SQLite: the file's write lock
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > until:
                raise
            continue
        with connection:
            if _has_lock(connection, schema):
                yield connection
                connection.commit()
                return
        if time.monotonic() > until:
            raise DatabaseProblem(
                f"{schema.variable}: another process has been migrating {where} for too long: see what it does."
            )
        time.sleep(_POLL)


def _has_lock(connection: Connection, schema: Schema) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    key = zlib.crc32(f"mlc/{schema.name}".encode())
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(key))))
