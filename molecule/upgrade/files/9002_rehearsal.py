"""Drop a column, so that older nodes can no longer work."""

from alembic import op

down_revision = "9001"
revision = oldest_node = "9002"


def upgrade() -> None:
    op.drop_column("node", "shoe_size")
