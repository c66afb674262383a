"""Messages with a ttl and callback data; received messages; media."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0002"
down_revision = "0001"
oldest_node = "0001"

MOMENT = DATETIME(fsp=6)  # type: ignore[no-untyped-call]
# Ids of clients: compared exactly, with their case.
EXACT: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

tables = sa.MetaData()
sa.Table(
    "message_expiry",
    tables,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("expires_at", MOMENT, nullable=False, index=True),
    **EXACT,
)
sa.Table(
    "inbound_message",
    tables,
    sa.Column("message_id", sa.String(128), primary_key=True),
    sa.Column("sender", sa.String(32), nullable=False),
    sa.Column("received_at", MOMENT, nullable=False, index=True),
    sa.Column("read_at", MOMENT),
    **EXACT,
)
sa.Table(
    "media",
    tables,
    sa.Column("media_id", sa.String(64), primary_key=True),
    sa.Column("mime_type", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("size", sa.BigInteger),
    sa.Column("file", sa.String(255)),
    sa.Column("sender", sa.String(32)),
    sa.Column("reference", sa.String(1024)),
    sa.Column("used_at", MOMENT, nullable=False, index=True),
    **EXACT,
)


def upgrade() -> None:
    """Create the missing tables: MySQL does not roll tables back, so an interrupted run may have created some."""
    connection = op.get_bind()
    tables.create_all(connection)
    if "callback_data" not in {column["name"] for column in sa.inspect(connection).get_columns("message")}:
        op.add_column("message", sa.Column("callback_data", sa.String(512)))
