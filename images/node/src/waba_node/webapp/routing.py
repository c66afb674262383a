"""From a webapp to the node that must act: the shard's owner, or the primary master."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..address import NodeAddress, PortName
from ..control.sharding import bucket_of, shard_of
from ..rpc import RpcClient, RpcError
from ..store import master_lease, node_registry, ownership
from ..store.engine import Database
from .errors import ERRORS, ApiError
from .message_batcher import Carrier
from .metrics import Metrics

CACHE_LIFE = 1.0  # seconds
TIMEOUT = 5.0  # seconds
PATIENCE = 5.0  # seconds to wait for a shard on its way to another coreapp: a planned move takes less than one, a killed owner three at least
AGAIN = 0.1  # seconds between two looks at the map meanwhile
MOVING = (1014, 1018)  # does not answer; is not, or no longer, the owner

Answer = TypeVar("Answer")


class Router:
    """Calls the right node, by the database alone; no master is needed to find a coreapp (seed)."""

    def __init__(self, database: Database, client: RpcClient, metrics: Metrics) -> None:
        self.database, self.client, self.metrics = database, client, metrics
        self.carrier = Carrier(client)
        self.owners: list[NodeAddress | None] = []
        self.read_at = float("-inf")
        self.reading = asyncio.Lock()

    async def send(self, message: dict) -> None:
        """Have the coreapp that owns the recipient's shard store a message, a row of the outbox without its bucket. Raises ApiError.

        The message's id makes a second try harmless; `again` tells the coreapp of it.
        """
        recipient, bucket = message["recipient"], bucket_of(message["recipient"])

        async def hand_over(owner: NodeAddress, again: bool) -> None:
            await self.carrier.carry(owner, {**message, "bucket": bucket, "again": again})

        await self.at_owner(recipient, hand_over)

    async def to_owner(self, number: str, port: PortName, method: str, payload: dict, timeout: float = TIMEOUT) -> dict:
        """Call the coreapp that owns a number's shard and return its answer. Raises ApiError. It must be a call that may come twice."""
        content = {**payload, "bucket": bucket_of(number)}

        async def call(owner: NodeAddress, _again: bool) -> dict:
            return await self.client.call(owner, port, method, content, timeout)

        return await self.at_owner(number, call)

    async def at_owner(self, number: str, ask: Callable[[NodeAddress, bool], Awaitable[Answer]]) -> Answer:
        """Ask the coreapp that owns a number's shard, and again while the shard is moving. Raises ApiError.

        number: digits alone. ask: gets the coreapp, and whether it is not the first time; it may raise RpcError.
        """
        began = time.monotonic()
        newer_than, again = began - CACHE_LIFE, False
        while True:
            try:
                owner = await self.owner(number, newer_than)
                with self.metrics.timed("coreapp_", node=owner.node_id):
                    return await ask(owner, again)
            except RpcError as error:
                if error.code not in MOVING or time.monotonic() - began > PATIENCE:
                    raise as_api_error(error) from error
            await asyncio.sleep(AGAIN if again else 0)  # first of all, the map may be an old one
            newer_than, again = time.monotonic(), True

    async def owner(self, number: str, newer_than: float) -> NodeAddress:
        """Return the coreapp that owns a number's shard. Raises RpcError 1018 when there is none at the moment, ApiError 1011 without a map."""
        await self.read_map(newer_than)
        if not self.owners:
            raise ApiError(1011, "the cluster has no shard map yet")
        shard = shard_of(number, len(self.owners))
        if (owner := self.owners[shard]) is None:
            raise RpcError(1018, "Not Primary Coreapp", f"nobody owns shard {shard} at the moment")
        return owner

    async def by_shard(self, numbers: list[str]) -> list[list[str]]:
        """Return numbers, digits alone, in groups of one shard each. Raises ApiError 1011 without a shard map."""
        await self.read_map(time.monotonic() - CACHE_LIFE)
        if not self.owners:
            raise ApiError(1011, "the cluster has no shard map yet")
        groups: dict[int, list[str]] = {}
        for number in numbers:
            groups.setdefault(shard_of(number, len(self.owners)), []).append(number)
        return list(groups.values())

    async def read_map(self, newer_than: float) -> None:
        """Read the map unless it was read after a moment (monotonic); many who want that at once share one reading."""
        if self.read_at > newer_than:
            return
        async with self.reading:
            if self.read_at > newer_than:
                return
            began = time.monotonic()
            async with self.database.begin() as connection:
                shards = await ownership.read_map(connection)
                addresses = {row.address.node_id: row.address for row in await node_registry.read_nodes(connection)}
            self.owners = [addresses.get(shard.owner) for shard in shards]
            self.read_at = began

    async def primary_master(self, method: str, payload: dict) -> dict:
        """Call the primary master. Raises ApiError, 1017 when there is none."""
        async with self.database.begin() as connection:
            master = await master_lease.find_primary_master(connection)
        if master is None:
            raise ApiError(1017, "there is no primary master at the moment")
        try:
            with self.metrics.timed("coreapp_", node=master.node_id):
                return await self.client.call(master, PortName.CONTROL, method, payload, TIMEOUT)
        except RpcError as error:
            if error.code == 1014:
                raise ApiError(1017, error.details) from error
            raise as_api_error(error) from error


def as_api_error(error: RpcError) -> ApiError:
    """Return a node's refusal as the API's."""
    return ApiError(error.code if error.code in ERRORS else 1000, error.details)
