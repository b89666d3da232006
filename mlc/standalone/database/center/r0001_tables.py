"""Entities, contents of assets, and tokens of runtimes, as they were before there were revisions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mlc.standalone.database.adopting import indices, is_there

revision = "r0001_tables"
down_revision = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them, or take over what an earlier release made."""
    _entities()
    if not is_there(op.get_bind(), "content", ("digest", "data")):
        op.create_table(
            "content",
            sa.Column("digest", sa.String(), primary_key=True),
            sa.Column("data", sa.LargeBinary(), nullable=False),
        )
    if not is_there(op.get_bind(), "runtime_token", ("id", "runtime", "digest", "issued", "used", "replaced")):
        op.create_table(
            "runtime_token",
            sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
            sa.Column("runtime", sa.String(), nullable=False),
            sa.Column("digest", sa.String(), nullable=False, unique=True),
            sa.Column("issued", sa.String(), nullable=False),
            sa.Column("used", sa.String()),
            sa.Column("replaced", sa.String()),
        )
        op.create_index("ix_runtime_token_runtime", "runtime_token", ["runtime"])


def _entities() -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(), nullable=False, unique=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "created", "modified")),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String()) for name in ("name", "model_id", "snapshot_id", "engine_id")),
        *(sa.Column(name, sa.String()) for name in ("key", "status", "pending")),
        sa.Column("body", sa.JSON(), nullable=False),
    ]
    if is_there(op.get_bind(), "entity", [column.name for column in columns]):
        _make_keys_unique()
        return
    op.create_table("entity", *columns)
    op.create_index("entity_created", "entity", ["kind", "created", "seq"])
    op.create_index("entity_key", "entity", ["kind", "key"], unique=True)


def _make_keys_unique() -> None:
    """Of a file from before keys were unique: later ones of a key are no longer found by it."""
    if "entity_key" not in indices(op.get_bind(), "entity"):
        op.execute(
            "UPDATE entity SET key = NULL WHERE seq NOT IN "
            "(SELECT min(seq) FROM entity WHERE key IS NOT NULL GROUP BY kind, key)"
        )
        op.create_index("entity_key", "entity", ["kind", "key"], unique=True)
