"""How many shards the cluster shall have, and the map drawn anew. All times are the database's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.promotion import Shard
from ..control.sharding import redrawn
from . import documents
from .metadata import NOW
from .ownership import shard_map

SHARDS = "shards"  # the document that says how many are wanted


async def wanted_shards(connection: AsyncConnection, lock: bool = False) -> int | None:
    """Return how many shards the cluster shall have; None when nobody has ever asked for a number."""
    return (await documents.read_document(connection, SHARDS, lock)).get("wanted")


async def want_shards(connection: AsyncConnection, shards: int) -> None:
    """Ask for a number of shards. Call it in a transaction in which `holds_lease` was true."""
    await documents.write_document(connection, SHARDS, {"wanted": shards})


async def redraw(connection: AsyncConnection, shards: int) -> bool:
    """Draw the map for so many shards, if that is still wanted and no owner can be connected any more; return whether that was done.

    Call it in a transaction in which `holds_lease` was true.
    """
    query = sa.select(shard_map, (shard_map.c.fence_until <= NOW).label("fenced")).with_for_update()
    rows = [
        Shard(row.shard, row.owner, row.incarnation, row.epoch, bool(row.fenced))
        for row in await connection.execute(query)
    ]
    drawn = redrawn(rows, shards) if rows and await wanted_shards(connection, lock=True) == shards else None
    if drawn is None:
        return False
    await connection.execute(sa.delete(shard_map))
    values = [{"shard": row.shard, "epoch": row.epoch, "fence_until": NOW} for row in drawn]
    await connection.execute(sa.insert(shard_map).values(values))
    return True
