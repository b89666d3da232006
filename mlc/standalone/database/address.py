"""Where a database is, as a setting says it: the path of a SQLite file, or SQLAlchemy's address of either kind."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from mlc.standalone.database.problems import DatabaseProblem

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SQLITE = {"sqlite", "sqlite+pysqlite"}
_POSTGRESQL = {"postgresql", "postgres", "postgresql+pg8000"}
_TLS = ("disable", "prefer", "require", "verify-ca", "verify-full")
_QUERY = {"sslmode", "sslrootcert"}


@dataclass(frozen=True)
class Address:
    """As text it says where the database is, and not how to get in.

    Args:
        url: for SQLAlchemy, with the driver that is used and the password.
        tls: of PostgreSQL, in the driver's words: False: none; None: if the server offers it.
    """

    url: URL
    tls: ssl.SSLContext | bool | None = None

    def __str__(self) -> str:
        if self.file is not None:
            return f"SQLite file {self.file}"
        port = f":{self.url.port}" if self.url.port else ""
        return f"PostgreSQL database {self.url.database} at {self.url.host}{port}"

    __repr__ = __str__

    @property
    def file(self) -> Path | None:
        """Of SQLite."""
        return Path(str(self.url.database)) if self.url.get_backend_name() == "sqlite" else None


def address(setting: SecretStr | str | Path, variable: str) -> Address:
    """Read the setting ``variable``.

    Raises:
        DatabaseProblem: it is no address of a database that can be used.
    """
    text = setting.get_secret_value() if isinstance(setting, SecretStr) else str(setting)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Address(URL.create("sqlite", database=text))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise _problem(variable, "can't be read as an address: percent-encode user and password") from None
    if scheme[1].lower() in _SQLITE:
        if url.database in {None, "", ":memory:"} or url.query:
            raise _problem(variable, "names no file: write its path, or sqlite:///path")
        return Address(url)
    if scheme[1].lower() not in _POSTGRESQL:
        raise _problem(
            variable,
            f"{scheme[1][:30]}:// is not known: write a file's path, or postgresql://user:password@host:5432/name",
        )
    if not (url.host and url.database and url.username):
        raise _problem(variable, "lacks a part: write postgresql://user:password@host:5432/name")
    return Address(url.set(drivername="postgresql+pg8000", query={}), _tls(url.query, variable))


def _tls(query: Mapping[str, Any], variable: str) -> ssl.SSLContext | bool | None:
    """What libpq's ``sslmode`` and ``sslrootcert`` ask for."""
    if unknown := sorted(query.keys() - _QUERY):
        known = " and ".join(sorted(_QUERY))
        raise _problem(variable, f"has the parameter {unknown[0][:30]}, and {known} are all that it may have")
    mode, authorities = query.get("sslmode", "verify-full" if "sslrootcert" in query else "prefer"), None
    if mode not in _TLS:
        raise _problem(variable, f"has an sslmode that is none of {', '.join(_TLS)}")
    if mode in {"disable", "prefer"}:
        return False if mode == "disable" else None
    if "sslrootcert" in query:
        authorities = str(query["sslrootcert"])
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError:
        raise _problem(variable, f"sslrootcert names {authorities}, which holds no certificates") from None
    context.check_hostname = mode == "verify-full"
    if mode == "require" and authorities is None:
        context.verify_mode = ssl.CERT_NONE
    return context


def _problem(variable: str, what: str) -> DatabaseProblem:
    return DatabaseProblem(f"{variable} {what}.")
