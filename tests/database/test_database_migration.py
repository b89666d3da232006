"""A database comes to this release's form by its revisions: new ones, earlier releases', several starts at once."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import old_databases
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from mlc.standalone.access.tokens import Base as Tokens
from mlc.standalone.access.tokens import RuntimeTokens
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.store import Known, Store
from mlc.standalone.center.tables import FOUND_BY, Count, Row
from mlc.standalone.center.tables import Base as Entities
from mlc.standalone.database import CENTER, DESK, DatabaseProblem, Schema, migration, open_database
from mlc.standalone.database.address import address
from mlc.standalone.database.engines import engine_for
from mlc.standalone.database.migration import head, migrate, revision_of
from mlc.standalone.desk.tables import Base as Tickets

TABLES = {CENTER: [Entities.metadata, Tokens.metadata], DESK: [Tickets.metadata]}
OLD = {
    "center, keys not unique": (CENTER, [old_databases.CENTER]),
    "center, no tokens": (CENTER, [old_databases.CENTER, old_databases.KEYS]),
    "center": (CENTER, [old_databases.CENTER, old_databases.KEYS, old_databases.TOKENS]),
    "desk, deliveries to Jira only": (DESK, [old_databases.DESK, old_databases.DELIVERY]),
    "desk": (
        DESK,
        [
            old_databases.DESK,
            old_databases.DELIVERY,
            "ALTER TABLE delivery ADD COLUMN system VARCHAR NOT NULL DEFAULT 'jira';",
        ],
    ),
}


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database's address."""
    if request.param == "SQLite":
        yield str(tmp_path / "new.db")
    else:
        yield request.getfixturevalue("postgres_url")


def differences(engine: Engine, schema: Schema) -> list[object]:
    """What alembic would still change to come to the tables that the code has."""
    with engine.connect() as connection:
        options = {"version_table": schema.version_table, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, TABLES[schema]))  # type: ignore[arg-type]


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.name)
def test_the_revisions_make_what_the_code_has(schema: Schema, place: str) -> None:
    engine = open_database(place, schema)
    assert revision_of(engine, schema) == head(schema)
    assert differences(engine, schema) == []
    with engine.begin() as connection:
        table = TABLES[schema][0].sorted_tables[0].name
        connection.execute(text(f'ALTER TABLE "{table}" ADD COLUMN surplus INTEGER'))
    assert differences(engine, schema) != []  # it can fail
    engine.dispose()


@pytest.mark.parametrize("old", OLD)
def test_a_file_of_an_earlier_release_is_taken_over(old: str, tmp_path: Path) -> None:
    schema, scripts = OLD[old]
    old_databases.write(tmp_path / "old.db", *scripts)
    engine = open_database(tmp_path / "old.db", schema)
    assert differences(engine, schema) == []
    engine.dispose()


def test_what_an_earlier_release_wrote_is_found_counted_and_unique(tmp_path: Path) -> None:
    row = "INSERT INTO entity (id, kind, created, modified, version, name, key, status, body) VALUES "
    rows = "".join(
        f"{row} ('{entity_id}', '{kind}', '2026-01-0{day}', '2026-01-01', 1, '{name}', {key}, 'X', '{{\"id\":1}}');"
        for entity_id, kind, day, name, key in (
            ("j1", "jobs", 1, "J", "'k'"),
            ("j2", "jobs", 2, "J", "'k'"),
            ("e1", "engines", 1, "prod", "NULL"),
            ("e2", "engines", 2, "prod", "NULL"),
        )
    )
    token = "INSERT INTO runtime_token (runtime, digest, issued) VALUES ('prod', '{0}', '2026-01-01T00:00:00+00:00');"
    tokens = token.format("a") + token.format("b")
    old_databases.write(tmp_path / "old.db", old_databases.CENTER, old_databases.TOKENS, rows, tokens)
    store = Store(tmp_path / "old.db")
    assert store.page(KINDS["jobs"]).total == store.page(KINDS["jobs"], {"name": "J"}).total == 2
    assert store.page(KINDS["jobs"], {"key": "k"}).total == 1
    for kind, key in (("jobs", {"jobParameters": {"mlcKey": "k"}}), ("engines", {"name": "prod"})):
        with pytest.raises(Known):
            store.create(KINDS[kind], key)
    assert [known.until is None for known in RuntimeTokens(store.engine).known()] == [True]
    store.close()


def test_both_programs_may_have_one_database(postgres_url: str) -> None:
    for schema in (CENTER, DESK, CENTER, DESK):
        open_database(postgres_url, schema).dispose()


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.name)
def test_a_database_of_a_newer_release_is_left_alone(schema: Schema, place: str) -> None:
    engine = open_database(place, schema)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.version_table} SET version_num = 'r9999_future'"))
    with pytest.raises(DatabaseProblem, match=f"{schema.variable}.*newer release.*r9999_future.*{head(schema)}"):
        open_database(place, schema)
    assert revision_of(engine, schema) == "r9999_future"
    engine.dispose()


def test_somebody_elses_table_of_the_same_name_is_left_alone(place: str) -> None:
    engine = engine_for(address(place, "X"), CENTER)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE content (words VARCHAR)"))
    with pytest.raises(DatabaseProblem, match="content that is somebody else's: it lacks data, digest"):
        open_database(place, CENTER)
    assert inspect(engine).get_table_names() == ["content"]  # not half of ours either
    engine.dispose()


OPENS = """
import sys
from mlc.standalone.database import CENTER, open_database

print("ready", flush=True)
sys.stdin.readline()
open_database(sys.argv[1], CENTER).dispose()
"""


def test_processes_that_start_at_once_migrate_once(place: str) -> None:
    command, pipe = [sys.executable, "-c", OPENS, place], subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=200)
    assert [process.returncode for process in processes] == [0, 0]
    engine = open_database(place, CENTER)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM center_revision")).scalar() == 1
    engine.dispose()


KILLED = """
import os, signal, sys
from mlc.standalone.database import CENTER, open_database
from sqlalchemy import Engine, event

@event.listens_for(Engine, "before_cursor_execute")
def look(connection, cursor, statement, parameters, context, many):
    if "runtime_token_newest" in statement:  # the last one
        os.kill(os.getpid(), signal.SIGKILL)

open_database(sys.argv[1], CENTER)
"""


def test_one_that_is_killed_over_it_leaves_what_was_there(place: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, place], env=os.environ, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    engine = engine_for(address(place, "X"), CENTER)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    open_database(place, CENTER).dispose()  # nobody holds a lock any more


def test_whoever_waits_for_too_long_says_so(postgres_url: str) -> None:
    where = address(postgres_url, "X")
    one, other = engine_for(where, CENTER), engine_for(where, CENTER)
    with one.begin() as connection:
        assert migration._has_lock(connection, CENTER)
        with pytest.raises(DatabaseProblem, match="MLC_CENTER_DATABASE: another process has been migrating"):
            migrate(other, where, CENTER, patience=0)
    migrate(other, where, CENTER, patience=0)
    one.dispose()
    other.dispose()


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.name)
def test_revisions_follow_each_other_in_the_order_of_their_names(schema: Schema) -> None:
    """The newest one is found by its name, without alembic."""
    scripts = ScriptDirectory(str(schema.revisions), version_locations=[str(schema.revisions)])
    names = [script.revision for script in scripts.walk_revisions()]
    assert names == sorted(names, reverse=True)
    assert scripts.get_heads() == [head(schema)]
    assert {path.stem for path in schema.revisions.glob("r*.py")} == set(names)


def test_what_is_counted_is_what_is_found_by() -> None:
    """A column that listings are found by has an index in each order, and is counted by r0002 or a later one."""
    indexed = {index.name: [column.name for column in index.columns] for index in Row.__table__.indexes}  # type: ignore[attr-defined]
    for column in FOUND_BY:
        assert indexed[f"entity_by_{column}"] == ["kind", column, "created", "seq"]
        assert indexed[f"entity_by_{column}_changed"] == ["kind", column, "modified", "seq"]
    assert [column.name for column in Count.__table__.primary_key] == ["kind", "field", "value"]


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is no database, and long enough to be looked at" * 50)
    with pytest.raises(
        DatabaseProblem, match=r"MLC_DESK_DATABASE: SQLite file .*no\.db can't be used: it is no SQLite"
    ):
        open_database(tmp_path / "no.db", DESK)


def test_a_file_that_another_process_keeps_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlc.standalone.database.engines.WAIT_FOR_LOCK", 0.1)
    where = address(tmp_path / "held.db", "X")
    engine = engine_for(where, CENTER)
    with sqlite3.connect(tmp_path / "held.db") as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match="locked"):
            migrate(engine, where, CENTER, patience=0)
    migrate(engine, where, CENTER, patience=0)
    engine.dispose()


class Trial(Schema):
    """Has its revisions in a folder of the test's."""

    folder = Path()

    @property
    def revisions(self) -> Path:
        return self.folder


MOVES = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "r0001_trial", None

def upgrade():
    op.create_table("trial", sa.Column("id", sa.Integer(), primary_key=True))
    op.get_context().config.attributes["keep"](b"x")
"""


def test_a_revision_may_move_what_is_in_a_database_elsewhere(place: str, tmp_path: Path) -> None:
    """If that fails nothing has happened in the database: the next start tries again."""
    Trial.folder, kept = tmp_path / "trial", list[bytes]()
    Trial.folder.mkdir()
    (Trial.folder / "r0001_trial.py").write_text(MOVES)
    schema = Trial("trial", "MLC_TRIAL")

    def full(_: bytes) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        open_database(place, schema, keep=full)
    engine = open_database(place, schema, keep=kept.append)
    assert kept == [b"x"]
    assert inspect(engine).has_table("trial")
    engine.dispose()
