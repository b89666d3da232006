"""What both databases can do, and SQLAlchemy writes for each of them in its own way."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

Within = Session | Connection
"""A transaction in which statements are executed."""

_AT_ONCE = 500


def insert_unless_there(session: Session, table: type[DeclarativeBase], *rows: Mapping[str, Any]) -> None:
    """Add rows, but for those with whose keys one is there: also one that another process adds at the same moment."""
    statement, given = insertion(session, table).on_conflict_do_nothing(), [dict(row) for row in rows]
    if not is_postgresql(session):
        session.execute(statement, given)
        return
    for start in range(0, len(given), _AT_ONCE):  # the driver would send each by itself
        session.execute(statement.values(given[start : start + _AT_ONCE]))


def next_after(session: Session, table: type[DeclarativeBase], key: Mapping[str, str], column: str, first: int) -> int:
    """The next number of a counter, whose row has this key. The first one follows ``first``."""
    counter: Any = getattr(table, column)
    statement = insertion(session, table).values(**key, **{column: first + 1})
    statement = statement.on_conflict_do_update(index_elements=list(key), set_={column: counter + 1})
    return int(session.execute(statement.returning(counter)).scalar_one())


def in_one_moment(connection: Connection) -> None:
    """See to it that all that a transaction reads is as it was at one moment; to be called before it reads.

    A transaction on SQLite is so anyhow.
    """
    if is_postgresql(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def one_at_a_time(connection: Connection, table: type[DeclarativeBase]) -> None:
    """See to it that no other transaction that asks for the same table goes on before this one has ended.

    One that writes on SQLite is alone anyhow.
    """
    if is_postgresql(connection):
        connection.exec_driver_sql(f"LOCK TABLE {table.__tablename__} IN SHARE ROW EXCLUSIVE MODE")


def now_ms(connection: Connection) -> Any:
    """The time in milliseconds since 1970, by one clock for all that use the database."""
    if is_postgresql(connection):
        return cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
    return time.time_ns() // 1_000_000  # its users are on one machine


def is_postgresql(within: Within) -> bool:
    bind = within.get_bind() if isinstance(within, Session) else within
    return bind.dialect.name == "postgresql"


def insertion(within: Within, table: type[DeclarativeBase]) -> Any:
    """An insertion that can say what is to be done if the row is there already."""
    return postgresql.insert(table) if is_postgresql(within) else sqlite.insert(table)
