"""Claims before a send, ids of an upstream, received updates; users whose id is longer than a phone number."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

revision = "0006"
down_revision = "0005"
oldest_node = "0005"

MOMENT = DATETIME(fsp=6)  # type: ignore[no-untyped-call]
EXACT: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
LONG_ID = 255  # characters of an upstream's id

tables = sa.MetaData()
sa.Table(
    "delivery",
    tables,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("changed_at", MOMENT, nullable=False),
    sa.Index("delivery_by_state", "state", "changed_at"),
    **EXACT,
)
sa.Table(
    "upstream_message",
    tables,
    sa.Column("upstream_id", sa.String(LONG_ID), primary_key=True),
    sa.Column("message_id", sa.String(64), nullable=False, index=True),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("stored_at", MOMENT, nullable=False, index=True),
    **EXACT,
)
sa.Table(
    "received_update",
    tables,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("content", LONGTEXT, nullable=False),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Column("due_at", MOMENT),
    sa.Column("problem", sa.String(255)),
    sa.Index("received_update_by_due", "due_at", "position", "bucket"),
    **EXACT,
)
sa.Table(
    "upstream_media",
    tables,
    sa.Column("source", sa.String(LONG_ID), primary_key=True),
    sa.Column("upstream_id", sa.String(LONG_ID), nullable=False),
    sa.Column("mime_type", sa.String(255), nullable=False),
    sa.Column("uploaded_at", MOMENT, nullable=False, index=True),
    **EXACT,
)
LONG_USER = 135  # characters
# Added columns instead of wider ones: a longer VARCHAR that needs a second byte for its length copies the table.
ADDED: dict[str, list[sa.Column[Any]]] = {
    "message": [sa.Column("long_recipient", sa.String(LONG_USER))],
    "inbound_message": [sa.Column("long_sender", sa.String(LONG_USER))],
    "media": [sa.Column("long_sender", sa.String(LONG_USER))],
    "shard_map": [sa.Column("guard", sa.BigInteger, nullable=False, server_default="0")],
}


def upgrade() -> None:
    """Take the missing steps: MySQL does not roll tables back, so an interrupted run may have taken some."""
    connection = op.get_bind()
    tables.create_all(connection)
    inspector = sa.inspect(connection)
    for table, columns in ADDED.items():
        present = {column["name"] for column in inspector.get_columns(table)}
        for column in columns:
            if column.name not in present:
                op.add_column(table, column)
    # The length takes two bytes before and after, so no row changes.
    op.alter_column(
        "inbound_message",
        "message_id",
        type_=sa.String(LONG_ID),
        existing_type=sa.String(128),
        existing_nullable=False,
    )
