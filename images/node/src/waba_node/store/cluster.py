"""The cluster's own tables: the master lease, the nodes, the shard map. All times are the database's."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..control.promotion import Demotion, Promotion, Shard
from ..rpc.address import NodeAddress
from .metadata import NOW, Moment, metadata, seconds_from_now

LEASE = "primary_master"

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("holder", sa.String(190), nullable=False),
    sa.Column("incarnation", sa.String(36), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)
node = sa.Table(
    "node",
    metadata,
    sa.Column("node_id", sa.String(190), primary_key=True),
    sa.Column("incarnation", sa.String(36), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("hostname", sa.String(190), nullable=False),
    sa.Column("ports", sa.String(32), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("reported_at", Moment, nullable=False),
)
shard_map = sa.Table(
    "shard_map",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(190)),
    sa.Column("incarnation", sa.String(36)),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("fence_until", Moment, nullable=False),
)


@dataclass(frozen=True)
class NodeRow:
    """A registered node. `silent`: seconds since its last report."""

    address: NodeAddress
    incarnation: str
    version: str
    silent: float


# -- the master lease ------------------------------------------------------------------------------------------------


async def create_lease_table(connection: AsyncConnection) -> None:
    """Create the lease table: the one thing that must be there before a primary master can be, and so before any migration."""
    await connection.run_sync(lambda sync: lease.create(sync, checkfirst=True))
    await connection.execute(
        insert(lease)
        .values(name=LEASE, holder="", incarnation="", epoch=0, expires_at=NOW)
        .on_duplicate_key_update(name=LEASE)
    )


async def take_lease(connection: AsyncConnection, holder: str, incarnation: str, seconds: float) -> int | None:
    """Renew the lease, or take it when it has expired. Return its epoch, or None while another master holds it."""
    row = (await connection.execute(_locked_lease(NOW))).one()
    mine = (row.holder, row.incarnation) == (holder, incarnation)
    if not mine and not row.expired:
        return None
    epoch = row.epoch if mine and not row.expired else row.epoch + 1
    # Never shortened: a request that was given up may come after its successor, with the life of earlier settings.
    until = sa.func.greatest(lease.c.expires_at, seconds_from_now("life"))
    await connection.execute(
        sa.update(lease)
        .where(lease.c.name == LEASE)
        .values(holder=holder, incarnation=incarnation, epoch=epoch, expires_at=until),
        {"life": seconds},
    )
    return epoch


async def release_lease(connection: AsyncConnection, incarnation: str) -> None:
    """End the lease of a master that stops."""
    await connection.execute(sa.update(lease).where(lease.c.incarnation == incarnation).values(expires_at=NOW))


async def holds_lease(connection: AsyncConnection, incarnation: str, epoch: int) -> bool:
    """Return whether a master still holds the lease, and keep it so until the transaction ends."""
    row = (await connection.execute(_locked_lease(NOW))).one()
    return (row.incarnation, row.epoch) == (incarnation, epoch) and not row.expired


def _locked_lease(now: sa.TextClause) -> sa.Select:
    expired = (lease.c.expires_at <= now).label("expired")
    return sa.select(lease, expired).where(lease.c.name == LEASE).with_for_update()


async def primary_master(connection: AsyncConnection) -> NodeAddress | None:
    """Return the master that holds the lease now, or None."""
    query = (
        sa.select(node)
        .join(lease, sa.and_(lease.c.holder == node.c.node_id, lease.c.incarnation == node.c.incarnation))
        .where(lease.c.name == LEASE, lease.c.expires_at > NOW)
    )
    row = (await connection.execute(query)).one_or_none()
    return _address(row) if row else None


# -- nodes -----------------------------------------------------------------------------------------------------------


async def register(connection: AsyncConnection, address: NodeAddress, incarnation: str, version: str) -> None:
    """Put a node that starts into the list.

    It takes the place of whatever had its name and ports before (a recreated container), and releases the shards of its own former
    process, which is dead, since a container has one. (With other ports it would be another node that calls itself by the same name:
    nothing is known of that one's process.)
    """
    same_place = sa.and_(
        node.c.hostname == address.hostname, node.c.ports == _ports(address), node.c.role == address.role
    )
    replaced = (
        (await connection.execute(sa.select(node.c.node_id).where(same_place, node.c.node_id != address.node_id)))
        .scalars()
        .all()
    )
    await connection.execute(sa.delete(node).where(node.c.node_id.in_(replaced)))
    same_node = sa.and_(same_place, node.c.node_id == address.node_id)
    restarted = (await connection.execute(sa.select(node.c.node_id).where(same_node))).one_or_none() is not None
    values = {
        "incarnation": incarnation,
        "role": address.role,
        "hostname": address.hostname,
        "ports": _ports(address),
        "version": version,
        "reported_at": NOW,
    }
    await connection.execute(insert(node).values(node_id=address.node_id, **values).on_duplicate_key_update(**values))
    if restarted:
        former = sa.and_(shard_map.c.owner == address.node_id, shard_map.c.incarnation != incarnation)
        await connection.execute(
            sa.update(shard_map).where(former).values(owner=None, incarnation=None, fence_until=NOW)
        )


async def report(connection: AsyncConnection, node_id: str, incarnation: str) -> bool:
    """Say that a node is alive. Return False when the list no longer has it, so that it must register again."""
    mine = sa.and_(node.c.node_id == node_id, node.c.incarnation == incarnation)
    return bool((await connection.execute(sa.update(node).where(mine).values(reported_at=NOW))).rowcount)


async def leave(connection: AsyncConnection, node_id: str, incarnation: str) -> None:
    """Take a node that stops off the list."""
    await connection.execute(sa.delete(node).where(node.c.node_id == node_id, node.c.incarnation == incarnation))


async def nodes(connection: AsyncConnection) -> list[NodeRow]:
    """Return every registered node, by name."""
    silent = sa.func.timestampdiff(sa.text("MICROSECOND"), node.c.reported_at, NOW).label("silent")
    rows = await connection.execute(sa.select(node, silent).order_by(node.c.node_id))
    return [NodeRow(_address(row), row.incarnation, row.version, row.silent / 1e6) for row in rows]


def _ports(address: NodeAddress) -> str:
    return ",".join(map(str, address.ports))


def _address(row: sa.Row) -> NodeAddress:
    return NodeAddress(row.node_id, row.role, row.hostname, tuple(map(int, row.ports.split(","))))


# -- the shard map ---------------------------------------------------------------------------------------------------


async def shards(connection: AsyncConnection) -> list[Shard]:
    """Return the shard map."""
    fenced = (shard_map.c.fence_until <= NOW).label("fenced")
    rows = await connection.execute(sa.select(shard_map, fenced).order_by(shard_map.c.shard))
    return [Shard(row.shard, row.owner, row.incarnation, row.epoch, bool(row.fenced)) for row in rows]


async def shard_count(connection: AsyncConnection) -> int:
    """Return how many shards the cluster has."""
    return (await connection.execute(sa.select(sa.func.count()).select_from(shard_map))).scalar_one()


async def shard_owner(connection: AsyncConnection, shard: int) -> NodeAddress | None:
    """Return the coreapp that owns a shard, or None."""
    query = sa.select(node).join(shard_map, shard_map.c.owner == node.c.node_id).where(shard_map.c.shard == shard)
    row = (await connection.execute(query)).one_or_none()
    return _address(row) if row else None


async def owned_shard(connection: AsyncConnection, node_id: str, incarnation: str) -> Grant | None:
    """Return what the map gives to a coreapp, or None."""
    shards = sa.select(sa.func.count()).select_from(shard_map.alias()).scalar_subquery()
    mine = sa.and_(shard_map.c.owner == node_id, shard_map.c.incarnation == incarnation)
    query = sa.select(shard_map.c.shard, shard_map.c.epoch, shards.label("of")).where(mine)
    row = (await connection.execute(query)).one_or_none()
    return Grant(row.shard, row.epoch, row.of) if row else None


async def prove(
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
