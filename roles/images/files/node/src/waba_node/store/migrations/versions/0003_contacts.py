"""Checked numbers and identities."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0003"
down_revision = "0002"
oldest_node = "0001"

MOMENT = DATETIME(fsp=6)  # type: ignore[no-untyped-call]
EXACT: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

tables = sa.MetaData()
sa.Table(
    "contact",
    tables,
    sa.Column("number", sa.String(20), primary_key=True),
    sa.Column("wa_id", sa.String(32)),
    sa.Column("checked_at", MOMENT, nullable=False, index=True),
    **EXACT,
)
sa.Table(
    "contact_identity",
    tables,
    sa.Column("wa_id", sa.String(32), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("seen_at", MOMENT, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False),
    **EXACT,
)


def upgrade() -> None:
    """Create the missing tables: MySQL does not roll tables back, so an interrupted run may have created some."""
    tables.create_all(op.get_bind())
