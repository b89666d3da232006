"""The setting that says where a database is: what is understood, what is refused, and that no password is told."""

import re
import ssl
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from mlc.settings import DeskSettings, StandaloneCenterSettings
from mlc.standalone.database import CENTER, DatabaseProblem, open_database
from mlc.standalone.database.address import address
from mlc.standalone.database.engines import engine_for
from mlc.standalone.database.problems import is_away, why

PASSWORD = "s3cr3t"


@pytest.mark.parametrize(
    "text", ["a.db", "/there/a.db", "sqlite:////there/a.db", "sqlite+pysqlite:///a.db", r"C:\a.db"]
)
def test_a_file_is_named_by_its_path_or_sqlalchemys_address(text: str) -> None:
    found = address(text, "X")
    assert str(found.file) == text.rpartition(":///")[2]
    assert str(found) == f"SQLite file {found.file}"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+pg8000"])
def test_postgresql_is_spoken_to_by_one_driver_whatever_the_address_says(scheme: str) -> None:
    found = address(SecretStr(f"{scheme}://mlc:{PASSWORD}@db.example:6432/models"), "X")
    assert found.url.drivername == "postgresql+pg8000"
    assert str(found) == repr(found) == "PostgreSQL database models at db.example:6432"
    assert found.file is None
    assert found.tls is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mysql://mlc:s3cr3t@db/models", r"mysql:// is not known: write a file's path, or postgresql://"),
        ("postgresql+psycopg2://mlc:s3cr3t@db/models", r"postgresql\+psycopg2:// is not known"),
        ("postgresql://db/models", "lacks a part"),
        ("postgresql://mlc:s3cr3t@db", "lacks a part"),
        ("postgresql://mlc:s3cr3t@/models", "lacks a part"),
        ("postgresql://mlc:s3cr3t@db:port/models", "percent-encode user and password"),
        ("postgresql://mlc:s3cr3t@db/models?options=x", "has the parameter options, and sslmode and sslrootcert"),
        ("postgresql://mlc:s3cr3t@db/models?sslmode=on", "an sslmode that is none of disable, prefer"),
        ("postgresql://mlc:s3cr3t@db/models?sslrootcert=/none.pem", "which holds no certificates"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///a.db?mode=ro", "names no file"),
    ],
)
def test_an_address_that_is_none_is_one_sentence_without_the_password(text: str, says: str) -> None:
    with pytest.raises(DatabaseProblem, match=f"^MLC_X .*{says}.*\\.$") as problem:
        address(text, "MLC_X")
    assert PASSWORD not in str(problem.value)
    assert problem.value.__suppress_context__ or problem.value.__context__ is None


@pytest.mark.parametrize(
    ("mode", "checks", "host"),
    [
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ],
)
def test_encryption_is_asked_for_in_libpqs_words(mode: str, checks: ssl.VerifyMode, *, host: bool) -> None:
    tls = address(f"postgresql://mlc@db/models?sslmode={mode}", "X").tls
    assert isinstance(tls, ssl.SSLContext)
    assert (tls.verify_mode, tls.check_hostname) == (checks, host)
    assert address("postgresql://mlc@db/models?sslmode=disable", "X").tls is False


def test_settings_hold_a_path_an_address_and_the_older_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    for name in ("MLC_CENTER_DATABASE", "MLC_STANDALONE_CENTER_DATABASE", "MLC_DESK_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    assert StandaloneCenterSettings().database.get_secret_value() == str(tmp_path / "center.db")
    assert DeskSettings(database=tmp_path / "d.db").database.get_secret_value() == str(tmp_path / "d.db")
    monkeypatch.setenv("MLC_STANDALONE_CENTER_DATABASE", f"postgresql://mlc:{PASSWORD}@db/models")
    settings = StandaloneCenterSettings()
    assert settings.database.get_secret_value().endswith("@db/models")
    assert PASSWORD not in repr(settings)
    monkeypatch.setenv("MLC_CENTER_DATABASE", "new.db")
    assert StandaloneCenterSettings().database.get_secret_value() == "new.db"


def test_a_missing_driver_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pg8000", None)
    with pytest.raises(DatabaseProblem, match=r"pip install 'mlc-temporal\[postgresql\]'\.$") as problem:
        open_database(f"postgresql://mlc:{PASSWORD}@db/models", CENTER)
    assert PASSWORD not in str(problem.value)


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(DatabaseProblem) as problem:
        open_database(f"postgresql://mlc:{PASSWORD}@127.0.0.1:1/models", CENTER)
    assert str(problem.value) == (
        "MLC_CENTER_DATABASE: PostgreSQL database models at 127.0.0.1:1 can't be used: its server can't be reached: "
        "check that it runs, and the host and the port in the address."
    )


@pytest.mark.parametrize(
    ("part", "other", "says"),
    [
        ("mlc:", "nobody:", "refuses the user or the password"),
        (":p%40ss", f":{PASSWORD}", "refuses the user or the password"),
        ("/postgres", "/nowhere", "has no database of this name"),
        ("/postgres", "/postgres?sslmode=require", "can't be reached"),
    ],
)
def test_what_a_server_refuses_is_one_sentence(
    postgres_server: PostgresServer, part: str, other: str, says: str
) -> None:
    url = postgres_server.url()
    assert url.replace(part, other) != url
    with pytest.raises(DatabaseProblem, match=says) as problem:
        open_database(url.replace(part, other), CENTER)
    assert not re.search(r"p(@|%40)ss|s3cr3t", str(problem.value))
    assert problem.value.__suppress_context__


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseProblem, match=r"MLC_CENTER_DATABASE: the folder .*/file can't be made"):
        open_database(tmp_path / "file" / "center.db", CENTER)


def test_a_server_that_ended_is_away_and_is_found_again(postgres_server: PostgresServer, postgres_url: str) -> None:
    """What it said goodbye to is thrown away; the next connection is a new one."""
    engine = engine_for(address(postgres_url, "X"), CENTER)
    database = address(postgres_url, "X").url.database
    ended = f"SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = '{database}'"
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        postgres_server.run(ended)
        with pytest.raises(Exception, match=r"57P01|network|closed|reset|Broken") as lost:
            connection.exec_driver_sql("SELECT 1")
        assert is_away(lost.value)  # type: ignore[arg-type]
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    postgres_server.run(ended)  # one that lies in the pool
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


def test_a_statement_and_its_values_are_told_to_nobody() -> None:
    error = OperationalError("SELECT secret", {"password": PASSWORD}, RuntimeError(PASSWORD))
    assert PASSWORD not in why(error)
    assert "SELECT" not in why(error)


def test_a_connection_that_the_driver_tells_lost_in_its_own_way_is_away_too(postgres_url: str) -> None:
    engine = engine_for(address(postgres_url, "X"), CENTER)
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None

        def lost(*_: object, **__: object) -> None:
            raise ConnectionResetError(104, "Connection reset by peer")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(driver, "execute_unnamed", lost)
            patched.setattr(driver, "execute_simple", lost)
            with pytest.raises(SQLAlchemyError) as told:
                connection.exec_driver_sql("SELECT 1")
        assert is_away(told.value)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()
