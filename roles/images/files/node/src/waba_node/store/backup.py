"""What a backup records of the database, and what makes a restored database safe to start from.

docs/adr/0022-backup-format.md describes the archive, which the collection writes and reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from . import deliveries
from .documents import NODE_SECRET, PRIMARY_SECRET, document
from .master_lease import lease
from .node_registry import node
from .ownership import shard_map
from .schema import read_revision

EPOCH_JUMP = 1_000_000  # more promotions than any cluster makes between two backups

NOW = sa.text("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %T'), VERSION()")
TABLES = sa.text("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1")
# An account sees its own connections without any further privilege, and all nodes use the same account.
CLIENTS = sa.text(
    "SELECT SUBSTRING_INDEX(host, ':', 1), COUNT(*) FROM information_schema.processlist "
    "WHERE db = DATABASE() AND id <> CONNECTION_ID() GROUP BY 1"
)


@dataclass(frozen=True)
class DatabaseInfo:
    """The state of the database, for the manifest of a backup and before a restore.

    taken_at: the moment, by the database's clock, in UTC. revision: of the schema, "" without one. versions: of the registered nodes.
    clients: host -> its connections to the database. epoch: the highest of any shard. takeover_delay: for how many seconds an owner of a
    shard may still be connected, 0 when all have released their shards; None where there is no shard map.
    """

    taken_at: str = ""
    server: str = ""
    tables: Sequence[str] = ()
    revision: str = ""
    versions: Sequence[str] = ()
    clients: Mapping[str, int] = field(default_factory=dict)
    epoch: int = 0
    takeover_delay: float | None = None


async def read_info(connection: AsyncConnection) -> DatabaseInfo:
    """Return the state of the database. Read it before a dump: then the content of a backup is not older than its manifest says."""
    taken_at, server = (await connection.execute(NOW)).one()
    tables = list((await connection.execute(TABLES)).scalars())
    revision = await read_revision(connection)
    versions, epoch, delay = [], 0, None
    if node.name in tables:
        query = sa.select(node.c.version).distinct().order_by(node.c.version)
        versions = list((await connection.execute(query)).scalars())
    if shard_map.name in tables:
        waits = sa.case((shard_map.c.released_epoch == shard_map.c.epoch, 0.0), else_=shard_map.c.takeover_delay)
        query = sa.select(sa.func.max(shard_map.c.epoch), sa.func.max(waits))
        epoch, delay = (await connection.execute(query)).one()
    clients = {host: int(count) for host, count in await connection.execute(CLIENTS)}
    return DatabaseInfo(taken_at, server, tables, revision or "", versions, clients, epoch or 0, delay)


async def secure_restored(
    connection: AsyncConnection, epoch: int, takeover_delay: float | None, *, idempotent: bool = True
) -> None:
    """Make a restored database safe to start from: no node is registered and no shard has an owner.

    idempotent: whether the upstream recognises a message that was sent after the backup. For any other one the messages that wait in the backup
    are uncertain (docs/adr/0024-claim-before-cloud-post.md).

    epoch, takeover_delay: of the DatabaseInfo before the restore. Epochs jump, since the upstream refuses an epoch below one that was used
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
    if not idempotent and deliveries.delivery.name in set((await connection.execute(TABLES)).scalars()):
        await deliveries.abandon_waiting(connection)
    await connection.execute(sa.delete(node))
    await connection.execute(sa.delete(document).where(document.c.name.in_((NODE_SECRET, PRIMARY_SECRET))))
