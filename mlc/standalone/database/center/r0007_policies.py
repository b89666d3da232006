"""Governance policies, and the history of which was current."""

import sqlalchemy as sa
from alembic import op

revision = "r0007_policies"
down_revision = "r0006_requests"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "policy",
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("text", sa.String(), nullable=False),
    )
    op.create_table(
        "policy_put",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("put_at", sa.String(), nullable=False),
        sa.Column("put_by", sa.String(), nullable=False),
    )
