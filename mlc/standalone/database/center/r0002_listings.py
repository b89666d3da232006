"""Listings by index, with kept counts; claims on what is pending; a runtime's name and its newest token are unique."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mlc.standalone.database.adopting import indices

revision = "r0002_listings"
down_revision = "r0001_tables"

_FOUND_BY = ("name", "model_id", "snapshot_id", "engine_id", "status")

_ONCE = {"entity_name", *(f"ix_entity_{column}" for column in ("model_id", "snapshot_id", "engine_id", "pending"))}


def upgrade() -> None:
    """Replace the indices that an earlier release had; count what is there."""
    for name in sorted(indices(op.get_bind(), "entity") & _ONCE):
        op.drop_index(name, "entity")
    op.add_column("entity", sa.Column("claimed_until", sa.BigInteger()))
    op.create_index("entity_modified", "entity", ["kind", "modified", "seq"])
    op.create_index("entity_pending", "entity", ["pending", "seq"], **_where("pending"))
    for column in _FOUND_BY:
        op.create_index(f"entity_by_{column}", "entity", ["kind", column, "created", "seq"], **_where(column))
    _count()
    # The first runtime of each name is the one that it stands for.
    op.execute(
        "UPDATE entity SET key = name WHERE kind = 'engines' AND name <> '' AND seq IN "
        "(SELECT min(seq) FROM entity WHERE kind = 'engines' GROUP BY name)"
    )
    # Of a runtime with several tokens that nothing has replaced, the last one replaced them.
    op.execute(
        "UPDATE runtime_token SET replaced = issued WHERE replaced IS NULL AND id NOT IN "
        "(SELECT max(id) FROM runtime_token WHERE replaced IS NULL GROUP BY runtime)"
    )
    op.create_index(
        "runtime_token_newest",
        "runtime_token",
        ["runtime"],
        unique=True,
        sqlite_where=sa.text("replaced IS NULL"),
        postgresql_where=sa.text("replaced IS NULL"),
    )


def _count() -> None:
    op.create_table(
        "entity_count",
        *(sa.Column(name, sa.String(), primary_key=True) for name in ("kind", "field", "value")),
        sa.Column("total", sa.BigInteger(), nullable=False),
    )
    entity = sa.table("entity", sa.column("kind"), *map(sa.column, _FOUND_BY))
    count = sa.table("entity_count", *map(sa.column, ("kind", "field", "value", "total")))
    of_all = sa.select(entity.c.kind, sa.literal(""), sa.literal(""), sa.func.count()).group_by(entity.c.kind)
    op.execute(count.insert().from_select(list(count.c), of_all))
    for field in _FOUND_BY:
        value = entity.c[field]
        of_values = sa.select(entity.c.kind, sa.literal(field), value, sa.func.count()).where(value.is_not(None))
        op.execute(count.insert().from_select(list(count.c), of_values.group_by(entity.c.kind, value)))


def _where(column: str) -> dict[str, Any]:
    condition = sa.text(f"{column} IS NOT NULL")
    return {"sqlite_where": condition, "postgresql_where": condition}
