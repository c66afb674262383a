"""Add a table and a column that older nodes do not need."""

import sqlalchemy as sa
from alembic import op
from waba_node.store.schema import known_revisions

revision = "9001"
down_revision = oldest_node = max(known for known in known_revisions() if known < revision)  # the latest in the source


def upgrade() -> None:
    op.create_table("rehearsal", sa.Column("name", sa.String(64), primary_key=True))
    op.add_column("node", sa.Column("shoe_size", sa.Integer))
