"""Leases with counters instead of times; guards that a transaction writes."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
# An older node decides by the times that go away here. While one runs, two rules for the same lease would be in force, and neither would
# hold: docs/adr/0003-safety-without-clocks.md.
oldest_node = "0005"

ONE_SHARD_PER_PROCESS = "one_shard_per_process"
DEFAULT_UNHEALTHY_INTERVAL = 30


def counter(name: str) -> sa.Column[int]:
    """Return a column of a counter that begins at 0."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def added_columns() -> dict[str, list[sa.Column[Any]]]:
    """Return table -> columns."""
    delay = sa.Column("takeover_delay", sa.Double, nullable=False, server_default="0")
    released = sa.Column("released_epoch", sa.BigInteger, nullable=False, server_default="-1")
    return {"shard_map": [counter("renewal"), delay, released], "api_user": [counter("guard")]}


def upgrade() -> None:
    """Take the missing steps: MySQL does not roll tables back, so an interrupted run may have taken some."""
    connection = op.get_bind()
    inspector = sa.inspect(connection)
    for table, columns in added_columns().items():
        present = {column["name"] for column in inspector.get_columns(table)}
        for column in columns:
            if column.name not in present:
                op.add_column(table, column)
    # From here on no older process can renew its ownership, so the delay that observers then wait is long enough for all of them.
    if "fence_until" in {column["name"] for column in inspector.get_columns("shard_map")}:
        op.drop_column("shard_map", "fence_until")
    owned = sa.text("UPDATE shard_map SET takeover_delay = :delay WHERE renewal = 0 AND released_epoch < epoch")
    connection.execute(owned, {"delay": takeover_delay(connection)})
    op.execute("UPDATE shard_map SET released_epoch = 0 WHERE epoch = 0")
    if ONE_SHARD_PER_PROCESS not in {index["name"] for index in inspector.get_indexes("shard_map")}:
        op.create_index(ONE_SHARD_PER_PROCESS, "shard_map", ["owner", "incarnation"], unique=True)


def takeover_delay(connection: sa.Connection) -> float:
    """Return for how many seconds an owner under revision 0004 may stay connected, with the margin for clock rates."""
    query = sa.text("SELECT content FROM document WHERE name = 'settings'")
    stored = json.loads(connection.execute(query).scalar_one_or_none() or "{}")
    return 0.7 * float(stored.get("unhealthy_interval", DEFAULT_UNHEALTHY_INTERVAL)) * 1.1 + 0.2
