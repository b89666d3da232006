"""Databases from before there were revisions: their tables are taken over, if they are ours."""

from collections.abc import Iterable

from sqlalchemy import Connection, inspect

from mlc.standalone.database.problems import DatabaseProblem


def is_there(connection: Connection, table: str, columns: Iterable[str]) -> bool:
    """Whether a table is there already, as an earlier release made it.

    Raises:
        DatabaseProblem: there is one of this name, and it is somebody else's.
    """
    found = inspect(connection)
    if not found.has_table(table):
        return False
    if missing := sorted(set(columns) - {column["name"] for column in found.get_columns(table)}):
        raise DatabaseProblem(
            f"The database has a table {table} that is somebody else's: it lacks {', '.join(missing)}. "
            "Give this program a database of its own."
        )
    return True


def indices(connection: Connection, table: str) -> set[str]:
    """The names of a table's indices."""
    return {str(index["name"]) for index in inspect(connection).get_indexes(table)}
