"""The master lease: which master is primary."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import NodeAddress
from .metadata import NOW, Moment, metadata, seconds_from_now
from .node_registry import address_of, node

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


async def create_table(connection: AsyncConnection) -> None:
    """Create the lease table: the one thing that must be there before a primary master can be, and so before any migration."""
    await connection.run_sync(lambda sync: lease.create(sync, checkfirst=True))
    await connection.execute(
        insert(lease)
        .values(name=LEASE, holder="", incarnation="", epoch=0, expires_at=NOW)
        .on_duplicate_key_update(name=LEASE)
    )


async def take(connection: AsyncConnection, holder: str, incarnation: str, seconds: float) -> int | None:
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


async def release(connection: AsyncConnection, incarnation: str) -> None:
    """End the lease of a master that stops."""
    await connection.execute(sa.update(lease).where(lease.c.incarnation == incarnation).values(expires_at=NOW))


async def holds(connection: AsyncConnection, incarnation: str, epoch: int) -> bool:
    """Return whether a master still holds the lease, and keep it so until the transaction ends."""
    row = (await connection.execute(_locked_lease(NOW))).one()
    return (row.incarnation, row.epoch) == (incarnation, epoch) and not row.expired


def _locked_lease(now: sa.TextClause) -> sa.Select:
    expired = (lease.c.expires_at <= now).label("expired")
    return sa.select(lease, expired).where(lease.c.name == LEASE).with_for_update()


async def find_primary_master(connection: AsyncConnection) -> NodeAddress | None:
    """Return the master that holds the lease now, or None."""
    query = (
        sa.select(node)
        .join(lease, sa.and_(lease.c.holder == node.c.node_id, lease.c.incarnation == node.c.incarnation))
        .where(lease.c.name == LEASE, lease.c.expires_at > NOW)
    )
    row = (await connection.execute(query)).one_or_none()
    return address_of(row) if row else None
