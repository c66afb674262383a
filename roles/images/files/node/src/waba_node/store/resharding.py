"""The requested number of shards, and the map drawn anew for it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.promotion import Redraw
from ..control.sharding import redrawn
from . import documents
from .ownership import as_shard, shard_map

SHARDS = "shards"  # the document with the requested number


async def read_wanted_shards(connection: AsyncConnection, lock: bool = False) -> int | None:
    """Return the requested number of shards; None when no number was ever requested."""
    return (await documents.read_document(connection, SHARDS, lock)).get("wanted")


async def request_shards(connection: AsyncConnection, shards: int) -> None:
    """Request a number of shards. Call it in a transaction in which `master_lease.guard` returned True."""
    await documents.write_document(connection, SHARDS, {"wanted": shards})


async def redraw(connection: AsyncConnection, due: Redraw) -> bool:
    """Draw the map anew if the number is still wanted and no row has changed since it was observed. Return whether that was done.

    Call it in a transaction in which `master_lease.guard` returned True. Requests for a number of shards write the same guard, and every
    row of the former map is deleted, so a change on another member of a database cluster makes the transaction fail.
    """
    query = sa.select(shard_map).order_by(shard_map.c.shard).with_for_update()
    rows = [as_shard(row) for row in await connection.execute(query)]
    if [(row.shard, row.counter) for row in rows] != [(row.shard, row.counter) for row in due.rows]:
        return False
    drawn = redrawn(due.rows, due.shards)
    if not rows or drawn is None or await read_wanted_shards(connection, lock=True) != due.shards:
        return False
    await connection.execute(sa.delete(shard_map))
    values = [{"shard": row.shard, "epoch": row.epoch, "released_epoch": row.epoch} for row in drawn]
    await connection.execute(sa.insert(shard_map).values(values))
    return True
