"""What scored records turned out to be: a model's truth, by identifier."""

import sqlalchemy as sa
from alembic import op

revision = "r0005_truth"
down_revision = "r0004_by_change"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "truth",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("identifier", sa.String(), primary_key=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("time", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )
