"""Calls to every node at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..address import NodeAddress, PortName
from ..rpc import RpcError
from ..store import node_registry

if TYPE_CHECKING:
    from .process import Webapp

TIMEOUT = 2.0  # seconds


async def call_every_node(
    webapp: Webapp, method: str, roles: Collection[str] = ("master", "coreapp")
) -> Mapping[NodeAddress, dict[str, Any] | RpcError]:
    """Call the control port of every registered node of some roles. Return each node's answer or error."""
    async with webapp.database.begin() as connection:
        nodes = [row.address for row in await node_registry.read_nodes(connection) if row.address.role in roles]

    async def call(address: NodeAddress) -> dict[str, Any] | RpcError:
        try:
            with webapp.metrics.timed("coreapp_", app=address.at(PortName.MESSAGING)):
                return await webapp.client.call(address, PortName.CONTROL, method, {}, TIMEOUT)
        except RpcError as error:
            return error

    return dict(zip(nodes, await asyncio.gather(*map(call, nodes)), strict=True))
