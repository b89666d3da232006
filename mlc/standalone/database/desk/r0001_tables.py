"""Tickets of both systems and webhooks to be sent, as they were before there were revisions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mlc.standalone.database.adopting import is_there

revision = "r0001_tables"
down_revision = None

_MOMENT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, or take over what an earlier release made."""
    _make(
        "issue",
        _number("number"),
        *_texts("issue_type", "summary", "description", "status"),
        *_texts("resolution", "expiration", nullable=True),
        *_texts("reporter"),
        *_moments("created", "updated"),
        index=("status", "updated"),
        sqlite_autoincrement=True,
    )
    _make("label", _issue(primary_key=True), sa.Column("name", sa.String(), primary_key=True), index=("name",))
    _make(
        "property",
        _issue(primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.JSON(), nullable=False),
    )
    _of_an_issue("comment", *_texts("author", "body"), *_moments("created"))
    _of_an_issue(
        "attachment",
        *_texts("author", "filename", "mime_type"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        *_moments("created"),
    )
    _of_an_issue("remote_link", *_texts("global_id", nullable=True), *_texts("url", "title"))
    _of_an_issue("history", *_texts("author"), *_moments("created"), sa.Column("items", sa.JSON(), nullable=False))
    _records()
    _deliveries()


def _records() -> None:
    _make(
        "record",
        _number("id"),
        *_texts("table"),
        sa.Column("sys_id", sa.String(), nullable=False, unique=True),
        *_texts("number", "correlation_id", "parent", "standing", nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        *_texts("sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by"),
        sa.Column("sys_mod_count", sa.Integer(), nullable=False),
        index=("table", "number", "correlation_id", "parent", "standing"),
        sqlite_autoincrement=True,
    )
    _make(
        "record_file",
        sa.Column("sys_id", sa.String(), primary_key=True),
        sa.Column("content", sa.LargeBinary()),
    )
    _make("counter", sa.Column("table", sa.String(), primary_key=True), sa.Column("last", sa.Integer(), nullable=False))


def _deliveries() -> None:
    connection, columns = op.get_bind(), ("id", "identifier", "body", "attempts", "due")
    if is_there(connection, "delivery", columns):
        if "system" not in {column["name"] for column in sa.inspect(connection).get_columns("delivery")}:
            op.add_column("delivery", _system())
        return
    _make(
        "delivery",
        _number("id"),
        *_texts("identifier"),
        _system(),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *_moments("due"),
        index=("due",),
        sqlite_autoincrement=True,
    )


def _make(name: str, *columns: sa.Column[Any], index: tuple[str, ...] = (), **more: Any) -> None:
    if not is_there(op.get_bind(), name, [column.name for column in columns]):
        op.create_table(name, *columns, **more)
        for column in index:
            op.create_index(f"ix_{name}_{column}", name, [column])


def _of_an_issue(name: str, *columns: sa.Column[Any]) -> None:
    _make(name, _number("id"), _issue(), *columns, index=("issue",), sqlite_autoincrement=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), primary_key=True, autoincrement=True)


def _issue(*, primary_key: bool = False) -> sa.Column[int]:
    there = sa.ForeignKey("issue.number", ondelete="CASCADE")
    return sa.Column("issue", sa.Integer(), there, nullable=False, primary_key=primary_key)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=nullable) for name in names]


def _moments(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _MOMENT, nullable=False) for name in names]


def _system() -> sa.Column[str]:
    return sa.Column("system", sa.String(), nullable=False, server_default="jira")
