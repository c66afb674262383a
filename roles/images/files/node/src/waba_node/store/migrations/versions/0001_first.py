"""The tables of the first release. The lease table is created before any migration."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

revision = "0001"
down_revision = None
oldest_node = "0001"

MOMENT = DATETIME(fsp=6)  # type: ignore[no-untyped-call]
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
# Names and ids of clients: compared exactly, with their case.
EXACT: dict[str, Any] = {**OPTIONS, "mysql_collate": "utf8mb4_bin"}

tables = sa.MetaData()
sa.Table(
    "node",
    tables,
    sa.Column("node_id", sa.String(190), primary_key=True),
    sa.Column("incarnation", sa.String(36), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("hostname", sa.String(190), nullable=False),
    sa.Column("ports", sa.String(32), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("reported_at", MOMENT, nullable=False),
    **OPTIONS,
)
sa.Table(
    "shard_map",
    tables,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(190)),
    sa.Column("incarnation", sa.String(36)),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("fence_until", MOMENT, nullable=False),
    **OPTIONS,
)
sa.Table(
    "document",
    tables,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("content", LONGTEXT, nullable=False),
    **OPTIONS,
)
sa.Table(
    "api_user",
    tables,
    sa.Column("username", sa.String(32), primary_key=True),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    **EXACT,
)
sa.Table(
    "api_token",
    tables,
    sa.Column("token_id", sa.String(36), primary_key=True),
    sa.Column("username", sa.String(32), nullable=False, index=True),
    sa.Column("expires_at", MOMENT, nullable=False),
    **EXACT,
)
sa.Table(
    "message",
    tables,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.String(64), nullable=False, unique=True),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("recipient", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("accepted_at", MOMENT, nullable=False),
    sa.Index("message_by_status", "shard", "status", "position"),
    **EXACT,
)
sa.Table(
    "webhook",
    tables,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("payload", LONGTEXT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", MOMENT, nullable=False),
    sa.Index("webhook_by_due", "shard", "due_at"),
    **OPTIONS,
)


def upgrade() -> None:
    """Create the missing tables: MySQL does not roll tables back, so an interrupted run may have created some."""
    tables.create_all(op.get_bind())
    op.execute("INSERT IGNORE INTO shard_map (shard, epoch, fence_until) VALUES (0, 0, UTC_TIMESTAMP(6))")
