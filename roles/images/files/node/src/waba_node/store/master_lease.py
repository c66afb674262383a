"""The master lease: which master is primary. See docs/adr/0002-masters-lease-and-fencing-epoch.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
    # By the database's clock: finds the primary master for callers, and serves masters of revision 0004. It decides nothing.
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("renewal", sa.BigInteger, nullable=False, server_default="0"),  # the number of the holder's last renewal
    sa.Column("takeover_delay", sa.Double, nullable=False, server_default="0"),  # seconds
    sa.Column("released_epoch", sa.BigInteger, nullable=False, server_default="-1"),  # equals epoch: free
    # Counts the transactions that rely on the lease.
    sa.Column("guard", sa.BigInteger, nullable=False, server_default="0"),
)
ADDED = (lease.c.renewal, lease.c.takeover_delay, lease.c.released_epoch, lease.c.guard)
THE_LEASE = lease.c.name == LEASE
NOT_RELEASED = lease.c.released_epoch != lease.c.epoch


@dataclass(frozen=True)
class ReadLease:
    """The lease as it was read. expires_at: compared for equality only, since it is all that masters of revision 0004 renew."""

    holder: str
    incarnation: str
    epoch: int
    renewal: int
    expires_at: datetime
    takeover_delay: float
    free: bool

    @property
    def counter(self) -> tuple[int, int, datetime]:
        """Return what changes with every renewal and every change of the holder."""
        return self.epoch, self.renewal, self.expires_at


async def create_table(connection: AsyncConnection) -> None:
    """Create the lease table, or add the columns that it lacks.

    A master needs the table before it can be primary, and so before any migration. Masters of revision 0004 ignore the added columns.
    """
    await connection.run_sync(_create)
    values = {"holder": "", "incarnation": "", "epoch": 0, "released_epoch": 0}
    await connection.execute(
        insert(lease).values(name=LEASE, expires_at=NOW, **values).on_duplicate_key_update(name=LEASE)
    )


def _create(connection: sa.Connection) -> None:
    lease.create(connection, checkfirst=True)
    present = {column["name"] for column in sa.inspect(connection).get_columns(lease.name)}
    for column in ADDED:
        if column.name not in present:
            definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE {lease.name} ADD COLUMN {definition}"))


async def read(connection: AsyncConnection) -> ReadLease:
    """Return the lease."""
    row = (await connection.execute(sa.select(lease).where(THE_LEASE))).one()
    free = row.released_epoch == row.epoch
    return ReadLease(row.holder, row.incarnation, row.epoch, row.renewal, row.expires_at, row.takeover_delay, free)


async def read_holder(connection: AsyncConnection) -> tuple[str, int]:
    """Return (the name of the last holder, "" before the first; the epoch)."""
    row = (await connection.execute(sa.select(lease.c.holder, lease.c.epoch).where(THE_LEASE))).one()
    return row.holder, row.epoch


async def renew(connection: AsyncConnection, incarnation: str, epoch: int, renewal: int, delay: float) -> bool:
    """Renew a lease that is held. Return False when the process no longer holds it.

    renewal: higher than in any earlier request of the process. delay: the takeover delay in seconds.
    """
    held = await connection.execute(
        sa.update(lease)
        .where(THE_LEASE, lease.c.incarnation == incarnation, lease.c.epoch == epoch, NOT_RELEASED)
        .where(lease.c.renewal < renewal)
        .values(renewal=renewal, takeover_delay=delay, expires_at=seconds_from_now("delay")),
        {"delay": delay},
    )
    return bool(held.rowcount)


async def take(
    connection: AsyncConnection, holder: str, incarnation: str, observed: ReadLease, renewal: int, delay: float
) -> int | None:
    """Take a lease that is free or was not renewed for its takeover delay. Return the new epoch, or None when it has changed since.

    observed: what the decision was based on. renewal, delay: as for `renew`.
    """
    unchanged = sa.and_(
        lease.c.epoch == observed.epoch,
        lease.c.renewal == observed.renewal,
        lease.c.expires_at == observed.expires_at,
    )
    taken = await connection.execute(
        sa.update(lease)
        .where(THE_LEASE, unchanged)
        .values(
            holder=holder,
            incarnation=incarnation,
            epoch=observed.epoch + 1,
            renewal=renewal,
            takeover_delay=delay,
            expires_at=seconds_from_now("delay"),
        ),
        {"delay": delay},
    )
    return observed.epoch + 1 if taken.rowcount else None


async def release(connection: AsyncConnection, incarnation: str) -> None:
    """Free the lease of a master that gives it up."""
    await connection.execute(
        sa.update(lease)
        .where(THE_LEASE, lease.c.incarnation == incarnation)
        .values(released_epoch=lease.c.epoch, expires_at=NOW)
    )


async def guard(connection: AsyncConnection, incarnation: str, epoch: int) -> bool:
    """Return whether a master holds the lease, and make the transaction fail if that changes before its commit.

    The row is written, not only locked: on a cluster of database servers a row lock is valid on one member only.
    """
    guarded = await connection.execute(
        sa.update(lease)
        .where(THE_LEASE, lease.c.incarnation == incarnation, lease.c.epoch == epoch, NOT_RELEASED)
        .values(guard=lease.c.guard + 1)
    )
    return bool(guarded.rowcount)


async def find_primary_master(connection: AsyncConnection) -> NodeAddress | None:
    """Return the master to which requests for the primary master go, or None. It may have lost the lease meanwhile."""
    query = (
        sa.select(node)
        .join(lease, sa.and_(lease.c.holder == node.c.node_id, lease.c.incarnation == node.c.incarnation))
        .where(THE_LEASE, NOT_RELEASED, lease.c.expires_at > NOW)
    )
    row = (await connection.execute(query)).one_or_none()
    return address_of(row) if row else None
