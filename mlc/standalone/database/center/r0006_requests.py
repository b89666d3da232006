"""What online models were asked and answered, in which batches it came, and the files that were made of it for jobs."""

import sqlalchemy as sa
from alembic import op

revision = "r0006_requests"
down_revision = "r0005_truth"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "online_request",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("identifier", sa.String()),
        sa.Column("moment", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
    )
    op.create_index("online_request_of_snapshot", "online_request", ["snapshot", "moment", "seq"])
    op.create_index("online_request_of_record", "online_request", ["model", "identifier"])
    op.create_index("online_request_moment", "online_request", ["moment"])
    op.create_table(
        "online_batch",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.Column("received", sa.String(), nullable=False),
        sa.Column("missed", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.String()),
    )
    op.create_index("online_batch_of_snapshot", "online_batch", ["snapshot", "received"])
    op.create_index("online_batch_received", "online_batch", ["received"])
    op.create_table(
        "online_export",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("digest", sa.String()),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("made", sa.String(), nullable=False),
    )
    op.create_index("online_export_of_model", "online_export", ["model"])
    op.create_index("online_export_digest", "online_export", ["digest"])
