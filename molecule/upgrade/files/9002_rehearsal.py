"""A column less, as a later version may take it away: nodes that know nothing of it cannot go on working."""

from alembic import op

down_revision = "9001"
revision = oldest_node = "9002"


def upgrade() -> None:
    op.drop_column("node", "shoe_size")
