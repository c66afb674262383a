"""What a backup records of the database, and what makes a restored database safe to start from.

docs/adr/0022-backup-format.md describes the archive, which the collection writes and reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from .documents import NODE_SECRET, PRIMARY_SECRET, document
from .master_lease import lease
from .node_registry import node
from .ownership import shard_map

EPOCH_JUMP = 1_000_000  # more promotions than any cluster makes between two backups

NOW = sa.text("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %T'), VERSION()")
REVISION = sa.text("SELECT version_num FROM alembic_version")
TABLES = sa.text("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1")
# An account sees its own connections without any further privilege, and all nodes use the same account.
CLIENTS = sa.text(
    "SELECT SUBSTRING_INDEX(host, ':', 1), COUNT(*) FROM information_schema.processlist "
    "WHERE db = DATABASE() AND id <> CONNECTION_ID() GROUP BY 1"
)


@dataclass(frozen=True)
class BackupFacts:
    """What the manifest of a backup says of the database. taken_at: by the database's clock, in UTC."""

    taken_at: str
    server: str
    tables: list[str]
    revision: str
    versions: list[str]


@dataclass(frozen=True)
class RestoreState:
    """The database that a restore would replace.

    clients: host -> connections of nodes. epoch: the highest of any shard. takeover_delay: for how many seconds an owner may still be
    connected, 0 when all have released their shards; None where there is no shard map.
    """

    tables: list[str]
    clients: dict[str, int]
    epoch: int = 0
    takeover_delay: float | None = None


async def read_backup_facts(connection: AsyncConnection) -> BackupFacts:
    """Return the facts for a backup's manifest. Read them before the dump: then a backup is not older than its manifest says."""
    taken_at, server = (await connection.execute(NOW)).one()
    tables = await _tables(connection)
    revision = (await connection.execute(REVISION)).scalar_one_or_none() if "alembic_version" in tables else None
    versions: Sequence[str] = []
    if node.name in tables:
        versions = (
            (await connection.execute(sa.select(node.c.version).distinct().order_by(node.c.version))).scalars().all()
        )
    return BackupFacts(taken_at, server, tables, revision or "", list(versions))


async def read_restore_state(connection: AsyncConnection) -> RestoreState:
    """Return the state of the database that a restore would replace."""
    tables = await _tables(connection)
    clients = {host: int(count) for host, count in await connection.execute(CLIENTS)}
    if shard_map.name not in tables:
        return RestoreState(tables, clients)
    waits = sa.case((shard_map.c.released_epoch == shard_map.c.epoch, 0.0), else_=shard_map.c.takeover_delay)
    epoch, delay = (await connection.execute(sa.select(sa.func.max(shard_map.c.epoch), sa.func.max(waits)))).one()
    return RestoreState(tables, clients, epoch or 0, delay)


async def secure_restored(connection: AsyncConnection, epoch: int, takeover_delay: float | None) -> None:
    """Make a restored database safe to start from: no node is registered and no shard has an owner.

    epoch, takeover_delay: of the RestoreState before the restore. Epochs jump, since the upstream refuses an epoch below one that was used
    after the backup, and since the observations of masters that still run become void. No shard is promoted before an owner that may still
    be connected has disconnected. The secrets that nodes agreed on are removed; otherwise the nodes of a cluster with another secret would
    refuse each other.
    """
    newer = sa.func.greatest(shard_map.c.epoch, epoch) + EPOCH_JUMP
    values: dict[str, Any] = {"owner": None, "incarnation": None, "renewal": 0, "epoch": newer}
    if takeover_delay is not None:
        values["takeover_delay"] = takeover_delay
    await connection.execute(sa.update(shard_map).values(values))
    newer = sa.func.greatest(lease.c.epoch, epoch) + EPOCH_JUMP
    # In this order: the server assigns from left to right, and a later expression sees the columns that were assigned before.
    await connection.execute(
        sa.update(lease).ordered_values((lease.c.epoch, newer), (lease.c.released_epoch, lease.c.epoch))
    )
    await connection.execute(sa.delete(node))
    await connection.execute(sa.delete(document).where(document.c.name.in_((NODE_SECRET, PRIMARY_SECRET))))


async def _tables(connection: AsyncConnection) -> list[str]:
    return list((await connection.execute(TABLES)).scalars())
