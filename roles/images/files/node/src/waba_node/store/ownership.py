"""The shard map: which coreapp owns which shard. See docs/adr/0003-safety-without-clocks.md."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..control.promotion import Demotion, Promotion, Shard
from .metadata import metadata

shard_map = sa.Table(
    "shard_map",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(190)),
    sa.Column("incarnation", sa.String(36)),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("renewal", sa.BigInteger, nullable=False, server_default="0"),  # the number of the owner's last renewal
    sa.Column("takeover_delay", sa.Double, nullable=False, server_default="0"),  # seconds
    # Equal to the epoch: the owner has disconnected.
    sa.Column("released_epoch", sa.BigInteger, nullable=False, server_default="-1"),
    # Counts the transactions that rely on the ownership.
    sa.Column("guard", sa.BigInteger, nullable=False, server_default="0"),
    # One process owns one shard. A unique key holds this on a cluster of database servers too, where row locks do not.
    sa.Index("one_shard_per_process", "owner", "incarnation", unique=True),
)
RELEASED = {"owner": None, "incarnation": None, "released_epoch": shard_map.c.epoch}


async def read_map(connection: AsyncConnection) -> list[Shard]:
    """Return the shard map. `fenced` is set where the last owner released the shard."""
    rows = await connection.execute(sa.select(shard_map).order_by(shard_map.c.shard))
    return [as_shard(row) for row in rows]


def as_shard(row: sa.Row[Any]) -> Shard:
    """Return a row of the table as a row of the map."""
    released = row.released_epoch == row.epoch
    return Shard(row.shard, row.owner, row.incarnation, row.epoch, released, row.renewal, row.takeover_delay)


async def count_shards(connection: AsyncConnection) -> int:
    """Return the number of shards that the map has."""
    return (await connection.execute(sa.select(sa.func.count()).select_from(shard_map))).scalar_one()


async def find_grant(connection: AsyncConnection, node_id: str, incarnation: str) -> Grant | None:
    """Return the shard that the map gives to a coreapp process, or None."""
    shards = sa.select(sa.func.count()).select_from(shard_map.alias()).scalar_subquery()
    mine = sa.and_(shard_map.c.owner == node_id, shard_map.c.incarnation == incarnation)
    query = sa.select(shard_map.c.shard, shard_map.c.epoch, shards.label("of")).where(mine)
    row = (await connection.execute(query)).one_or_none()
    return Grant(row.shard, row.epoch, row.of) if row else None


async def renew(
    connection: AsyncConnection, shard: int, node_id: str, incarnation: str, epoch: int, renewal: int, delay: float
) -> bool:
    """Record an owner's renewal. Return False when the map names another owner or epoch.

    renewal: the number of the request, by which the owner counts. delay: the takeover delay in seconds. A request that arrives after a later
    one changes nothing.
    """
    mine = sa.and_(
        shard_map.c.shard == shard,
        shard_map.c.owner == node_id,
        shard_map.c.incarnation == incarnation,
        shard_map.c.epoch == epoch,
    )
    later = shard_map.c.renewal < renewal
    # In this order: the server assigns from left to right, and a later expression sees the columns that were assigned before.
    statement = (
        sa.update(shard_map)
        .where(mine)
        .ordered_values(
            (shard_map.c.takeover_delay, sa.case((later, delay), else_=shard_map.c.takeover_delay)),
            (shard_map.c.renewal, sa.case((later, renewal), else_=shard_map.c.renewal)),
        )
    )
    return bool((await connection.execute(statement)).rowcount)


async def guard(connection: AsyncConnection, shard: int, node_id: str, incarnation: str, epoch: int) -> bool:
    """Return whether a process owns a shard, and make the transaction fail if that changes before its commit.

    The row is written, not only locked: on a cluster of database servers a row lock is valid on one member only.

    Call it last in a transaction, since renewals of the shard wait for the row. Call it first where the transaction must see every claim of this
    process: the commit of a claim may be under way after its connection was closed. The call waits for that commit, which the next statements see;
    whether an UPDATE of the claim would wait depends on the server's plan.
    """
    mine = sa.and_(
        shard_map.c.shard == shard,
        shard_map.c.owner == node_id,
        shard_map.c.incarnation == incarnation,
        shard_map.c.epoch == epoch,
    )
    guarded = await connection.execute(sa.update(shard_map).where(mine).values(guard=shard_map.c.guard + 1))
    return bool(guarded.rowcount)


async def release(connection: AsyncConnection, shard: int, incarnation: str, epoch: int) -> None:
    """Record that the owner has disconnected, also one that was demoted, so that its successor need not wait."""
    mine = sa.and_(
        shard_map.c.shard == shard,
        shard_map.c.epoch == epoch,
        sa.or_(shard_map.c.incarnation == incarnation, shard_map.c.owner.is_(None)),
    )
    await connection.execute(sa.update(shard_map).where(mine).values(RELEASED))


async def release_former_process(connection: AsyncConnection, node_id: str, incarnation: str) -> None:
    """Release the shards of earlier processes of a node, which have ended."""
    former = sa.and_(shard_map.c.owner == node_id, shard_map.c.incarnation != incarnation)
    await connection.execute(sa.update(shard_map).where(former).values(RELEASED))


async def demote(connection: AsyncConnection, demotion: Demotion) -> bool:
    """Take a shard from its owner, which may stay connected until its fencing window ends. Return False when the map has changed.

    Call it in a transaction in which `master_lease.guard` returned True.
    """
    owned = sa.and_(
        shard_map.c.shard == demotion.shard, shard_map.c.epoch == demotion.epoch, shard_map.c.owner.is_not(None)
    )
    demoted = await connection.execute(sa.update(shard_map).where(owned).values(owner=None, incarnation=None))
    return bool(demoted.rowcount)


async def promote(connection: AsyncConnection, promotion: Promotion) -> int | None:
    """Write a promotion into the map with a higher epoch. Return the new epoch, or None when the map has changed.

    Call it in a transaction in which `master_lease.guard` returned True. The new owner connects only after its first renewal, which
    changes the counter, so its takeover delay is 0 until then.
    """
    epoch, renewal = promotion.counter
    unchanged = sa.and_(
        shard_map.c.shard == promotion.shard, shard_map.c.epoch == epoch, shard_map.c.renewal == renewal
    )
    values = {"owner": promotion.node, "incarnation": promotion.incarnation, "epoch": epoch + 1, "renewal": 0}
    statement = sa.update(shard_map).where(unchanged).values(**values, takeover_delay=0)
    try:
        promoted = await connection.execute(statement)
    except IntegrityError:  # the process owns another shard: the plan is older than that promotion
        return None
    return epoch + 1 if promoted.rowcount else None
