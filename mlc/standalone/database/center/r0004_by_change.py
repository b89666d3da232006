"""What is found by a value has an index in the order of its last change, too."""

import sqlalchemy as sa
from alembic import op

revision = "r0004_by_change"
down_revision = "r0003_files"

_FOUND_BY = ("name", "model_id", "snapshot_id", "engine_id", "status")


def upgrade() -> None:
    """Make the indices. Where SQLite has been told to look at the tables it does so anew, or it would misjudge them."""
    for column in _FOUND_BY:
        condition = sa.text(f"{column} IS NOT NULL")
        columns = ["kind", column, "modified", "seq"]
        name = f"entity_by_{column}_changed"
        op.create_index(name, "entity", columns, sqlite_where=condition, postgresql_where=condition)
    on = op.get_bind()
    looked = sa.text("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'")
    if on.dialect.name == "sqlite" and on.scalar(looked):
        op.execute("ANALYZE")
