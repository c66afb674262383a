"""A webapp while the database fails over: it uses its last shard map."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Callable

import pytest
from waba_node.address import NodeAddress
from waba_node.control.promotion import Promotion
from waba_node.rpc import RpcClient
from waba_node.rpc.trust import ClusterTime, Trust
from waba_node.store import node_registry, ownership
from waba_node.store.engine import DATABASE_ERRORS, Database
from waba_node.webapp.metrics import Metrics
from waba_node.webapp.routing import Router

OWNER = NodeAddress("c1:0123456789ab", "coreapp", "c1", (6250, 6251, 6252, 6253))


@pytest.fixture
async def router(database: Database) -> AsyncIterator[Router]:
    """A router on a database whose only shard is owned by OWNER."""
    async with database.begin() as connection:
        await node_registry.register(connection, OWNER, "a", "1.0.0")
        await ownership.promote(connection, Promotion(0, OWNER.node_id, "a", (0, 0)))
    client = RpcClient(Trust("127.0.0.1:webapp", "secret", ClusterTime(time.time)))
    yield Router(database, client, Metrics())
    await client.close()


async def test_the_last_shard_map_serves_while_the_database_is_away(
    router: Router, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    assert await router._find_owner("49151", 0.0) == OWNER
    (unused_port,) = free_ports(1)
    router.database = Database(dataclasses.replace(router.database.config, port=unused_port))
    assert await router._find_owner("49151", time.monotonic()) == OWNER
    await router.database.close()


async def test_without_a_shard_map_a_request_is_refused_while_the_database_is_away(
    router: Router, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    (unused_port,) = free_ports(1)
    router.database = Database(dataclasses.replace(router.database.config, port=unused_port))
    with pytest.raises(DATABASE_ERRORS):
        await router._find_owner("49151", 0.0)
    await router.database.close()
