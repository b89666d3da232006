"""A ticket's links are unique by their global id, and a table's records by their number."""

from alembic import op

revision = "r0002_unique"
down_revision = "r0001_tables"


def upgrade() -> None:
    """Of several links of one global id the first one stays: it is the one that was replaced by later ones."""
    op.execute("UPDATE remote_link SET global_id = NULL WHERE global_id = ''")
    op.execute(
        "DELETE FROM remote_link WHERE global_id IS NOT NULL AND id NOT IN "
        "(SELECT min(id) FROM remote_link WHERE global_id IS NOT NULL GROUP BY issue, global_id)"
    )
    op.create_index("remote_link_once", "remote_link", ["issue", "global_id"], unique=True)
    op.execute("UPDATE record SET number = NULL WHERE number = ''")
    op.create_index("record_number_once", "record", ["table", "number"], unique=True)
