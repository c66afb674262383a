"""A table and a column more, as a next version may bring them; older nodes do without."""

import sqlalchemy as sa
from alembic import op
from waba_node.store.schema import known_revisions

revision = "9001"
down_revision = oldest_node = max(one for one in known_revisions() if one < revision)  # the last in the source


def upgrade() -> None:
    op.create_table("rehearsal", sa.Column("name", sa.String(64), primary_key=True))
    op.add_column("node", sa.Column("shoe_size", sa.Integer))
