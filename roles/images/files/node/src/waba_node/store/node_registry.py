"""The nodes of the cluster, as they registered and reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import NodeAddress
from .metadata import NOW, Moment, metadata
from .ownership import release_former_process, shard_map

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


@dataclass(frozen=True)
class RegisteredNode:
    """A registered node. silent: seconds since its last report, by the database's clock."""

    address: NodeAddress
    incarnation: str
    version: str
    silent: float


async def register(connection: AsyncConnection, address: NodeAddress, incarnation: str, version: str) -> None:
    """Register a node that starts.

    It replaces nodes with the same hostname, ports and role (of a recreated container) and releases the shards of its own former process,
    which has ended, since a container has one. With other ports, it would be another node of the same name whose process may still run.
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
        await release_former_process(connection, address.node_id, incarnation)


async def report(connection: AsyncConnection, node_id: str, incarnation: str) -> bool:
    """Report that a node is alive. Return False when it is no longer registered and must register again."""
    mine = sa.and_(node.c.node_id == node_id, node.c.incarnation == incarnation)
    return bool((await connection.execute(sa.update(node).where(mine).values(reported_at=NOW))).rowcount)


async def remove(connection: AsyncConnection, node_id: str, incarnation: str) -> None:
    """Remove a node that stops."""
    await connection.execute(sa.delete(node).where(node.c.node_id == node_id, node.c.incarnation == incarnation))


async def find_on_hosts(connection: AsyncConnection, hostnames: Sequence[str]) -> list[str]:
    """Return the names of the nodes that registered under one of some hostnames."""
    query = sa.select(node.c.node_id).where(node.c.hostname.in_(hostnames)).order_by(node.c.node_id)
    return list((await connection.execute(query)).scalars())


async def forget(connection: AsyncConnection, node_ids: Sequence[str]) -> None:
    """Remove nodes whose hosts are lost. A node that runs after all registers again with its next report."""
    await connection.execute(sa.delete(node).where(node.c.node_id.in_(node_ids)))


async def read_nodes(connection: AsyncConnection) -> list[RegisteredNode]:
    """Return every registered node, by name."""
    silent = sa.func.timestampdiff(sa.text("MICROSECOND"), node.c.reported_at, NOW).label("silent")
    rows = await connection.execute(sa.select(node, silent).order_by(node.c.node_id))
    return [RegisteredNode(address_of(row), row.incarnation, row.version, row.silent / 1e6) for row in rows]


def _ports(address: NodeAddress) -> str:
    return ",".join(map(str, address.ports))


def address_of(row: sa.Row[Any]) -> NodeAddress:
    """Return the address in a row of the table."""
    return NodeAddress(row.node_id, row.role, row.hostname, tuple(map(int, row.ports.split(","))))


async def find_owner(connection: AsyncConnection, shard: int) -> NodeAddress | None:
    """Return the coreapp that owns a shard, or None."""
    query = sa.select(node).join(shard_map, shard_map.c.owner == node.c.node_id).where(shard_map.c.shard == shard)
    row = (await connection.execute(query)).one_or_none()
    return address_of(row) if row else None
