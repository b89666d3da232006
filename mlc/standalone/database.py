"""A SQLite file of the model centre's, opened as all of its parts do."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event


def open_database(path: Path) -> Engine:
    """The file's engine; the folder is made if it isn't there. Whoever opens it disposes of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    """WAL with synchronous=NORMAL: what was committed survives the death of the process at any moment."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
