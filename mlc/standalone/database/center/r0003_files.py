"""Which files are stored, who refers to them and who may read them. What the table of contents holds becomes files."""

import sqlalchemy as sa
from alembic import op

revision = "r0003_files"
down_revision = "r0002_listings"


def upgrade() -> None:
    """Make the tables; drop that of contents if it holds none, else the centre empties it into files when it starts."""
    op.create_table(
        "stored_file",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("noted", sa.String(), nullable=False),
    )
    op.create_table(
        "file_use",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("entity_id", sa.String(), primary_key=True),
        sa.Column("reader", sa.String(), nullable=False),
    )
    op.create_index("file_use_entity", "file_use", ["entity_id"])
    op.create_index("file_use_reader", "file_use", ["digest", "reader"])
    op.create_table(
        "file_sender",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("reader", sa.String(), primary_key=True),
    )
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM content")) == 0:
        op.drop_table("content")
