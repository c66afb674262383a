"""Messages and webhooks by bucket instead of shard, so another number of shards moves none of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
oldest_node = "0004"  # the column is renamed

INDEXES = {
    "message": ("message_by_status", ["status", "position", "bucket"]),
    "webhook": ("webhook_by_due", ["due_at", "position", "bucket"]),
}
BATCH = 2000  # rows in one transaction
LAST_OF_BATCH = sa.text(
    "SELECT MAX(position) FROM (SELECT position FROM message WHERE position > :after ORDER BY position LIMIT :size) AS batch"
)
# As waba_node.control.sharding computes it.
FILL_BUCKETS = sa.text(
    "UPDATE message SET bucket = CONV(LEFT(SHA2(recipient, 256), 8), 16, 10) MOD 32 WHERE position > :after AND position <= :last"
)


def upgrade() -> None:
    """Take the missing steps: MySQL does not roll tables back, so an interrupted run may have taken some."""
    inspector = sa.inspect(op.get_bind())
    for table, (index, columns) in INDEXES.items():
        if any(found["column_names"] != columns for found in inspector.get_indexes(table) if found["name"] == index):
            op.drop_index(index, table)
        if "shard" in {column["name"] for column in inspector.get_columns(table)}:
            op.alter_column(table, "shard", new_column_name="bucket", existing_type=sa.Integer, existing_nullable=False)
        if table == "message":
            fill_buckets(op.get_bind())
        if index not in {found["name"] for found in sa.inspect(op.get_bind()).get_indexes(table)}:
            op.create_index(index, table, columns)


def fill_buckets(connection: sa.Connection) -> None:
    """Give every message its bucket, in bounded transactions: one over all messages could exceed the limit of a database cluster."""
    after = 0
    while (last := connection.execute(LAST_OF_BATCH, {"after": after, "size": BATCH}).scalar_one()) is not None:
        connection.execute(FILL_BUCKETS, {"after": after, "last": last})
        connection.commit()
        after = last
