"""The message of a status webhook, so that the statuses of one message are delivered in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
oldest_node = "0005"  # an older node neither reads nor writes the column


def upgrade() -> None:
    """Take the missing steps: MySQL does not roll tables back, so an interrupted run may have taken some."""
    inspector = sa.inspect(op.get_bind())
    if "message_id" not in {column["name"] for column in inspector.get_columns("webhook")}:
        op.add_column("webhook", sa.Column("message_id", sa.String(64)))
    if "webhook_by_message" not in {index["name"] for index in inspector.get_indexes("webhook")}:
        op.create_index("webhook_by_message", "webhook", ["message_id", "position"])
