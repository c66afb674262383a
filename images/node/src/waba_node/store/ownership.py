"""The shard map: which coreapp owns which shard."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..control.promotion import Demotion, Promotion, Shard
from .metadata import NOW, Moment, metadata, seconds_from_now

shard_map = sa.Table(
    "shard_map",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(190)),
    sa.Column("incarnation", sa.String(36)),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("fence_until", Moment, nullable=False),
)


async def read_map(connection: AsyncConnection) -> list[Shard]:
    """Return the shard map."""
    fenced = (shard_map.c.fence_until <= NOW).label("fenced")
    rows = await connection.execute(sa.select(shard_map, fenced).order_by(shard_map.c.shard))
    return [Shard(row.shard, row.owner, row.incarnation, row.epoch, bool(row.fenced)) for row in rows]


async def count_shards(connection: AsyncConnection) -> int:
    """Return how many shards the cluster has."""
    return (await connection.execute(sa.select(sa.func.count()).select_from(shard_map))).scalar_one()


async def find_grant(connection: AsyncConnection, node_id: str, incarnation: str) -> Grant | None:
    """Return what the map gives to a coreapp, or None."""
    shards = sa.select(sa.func.count()).select_from(shard_map.alias()).scalar_subquery()
    mine = sa.and_(shard_map.c.owner == node_id, shard_map.c.incarnation == incarnation)
    query = sa.select(shard_map.c.shard, shard_map.c.epoch, shards.label("of")).where(mine)
    row = (await connection.execute(query)).one_or_none()
    return Grant(row.shard, row.epoch, row.of) if row else None


async def renew(
    connection: AsyncConnection, shard: int, node_id: str, incarnation: str, epoch: int, seconds: float
) -> bool:
    """Extend an owner's fence by `seconds` from now. Return False when the map names another owner or epoch."""
    mine = sa.and_(
        shard_map.c.shard == shard,
        shard_map.c.owner == node_id,
        shard_map.c.incarnation == incarnation,
        shard_map.c.epoch == epoch,
    )
    # Never shortened: an earlier proof may still be counted on.
    until = sa.func.greatest(shard_map.c.fence_until, seconds_from_now("seconds"))
    done = await connection.execute(sa.update(shard_map).where(mine).values(fence_until=until), {"seconds": seconds})
    return bool(done.rowcount)


async def release(connection: AsyncConnection, shard: int, incarnation: str, epoch: int) -> None:
    """Give a shard back after disconnecting from the upstream, also one that was taken away: nobody need wait for the fence."""
    mine = sa.and_(
        shard_map.c.shard == shard,
        shard_map.c.epoch == epoch,
        sa.or_(shard_map.c.incarnation == incarnation, shard_map.c.owner.is_(None)),
    )
    await connection.execute(sa.update(shard_map).where(mine).values(owner=None, incarnation=None, fence_until=NOW))


async def demote(connection: AsyncConnection, demotion: Demotion) -> bool:
    """Take a shard from its owner, who may be connected until its fence passes. Return False when the map has moved on.

    Call it in a transaction in which `holds_lease` was true.
    """
    held = sa.and_(
        shard_map.c.shard == demotion.shard, shard_map.c.epoch == demotion.epoch, shard_map.c.owner.is_not(None)
    )
    return bool(
        (await connection.execute(sa.update(shard_map).where(held).values(owner=None, incarnation=None))).rowcount
    )


async def promote(connection: AsyncConnection, promotion: Promotion, seconds: float) -> int | None:
    """Write a promotion into the map with a higher epoch, unless the map has moved on. Return the new epoch, or None.

    Call it in a transaction in which `holds_lease` was true. `seconds`: the fence that the new owner starts with. One process owns one
    shard: a plan that was made before an earlier promotion of the same coreapp arrived would give it a second one.
    """
    named = sa.and_(shard_map.c.owner == promotion.node, shard_map.c.incarnation == promotion.incarnation)
    rows = (
        await connection.execute(
            sa.select(shard_map, (shard_map.c.fence_until <= NOW).label("fenced"), named.label("named"))
            .where(sa.or_(shard_map.c.shard == promotion.shard, named))
            .with_for_update()
        )
    ).all()
    wanted = next((row for row in rows if row.shard == promotion.shard), None)
    if wanted is None or wanted.epoch != promotion.epoch or not wanted.fenced or any(row.named for row in rows):
        return None
    await connection.execute(
        sa.update(shard_map)
        .where(shard_map.c.shard == promotion.shard)
        .values(
            owner=promotion.node,
            incarnation=promotion.incarnation,
            epoch=promotion.epoch + 1,
            fence_until=seconds_from_now("seconds"),
        ),
        {"seconds": seconds},
    )
    return promotion.epoch + 1
