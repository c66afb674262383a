"""Calls from a webapp to the node that must act: the owner of a shard, or the primary master."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from ..address import NodeAddress, PortName
from ..control.sharding import bucket_of, shard_of
from ..rpc import RpcClient, RpcError
from ..store import master_lease, node_registry, ownership
from ..store.engine import DATABASE_ERRORS, Database
from .errors import ERRORS, ApiError
from .message_batcher import TIMEOUT, MessageBatcher
from .metrics import Metrics

MAP_TIMEOUT = 2.0  # seconds
MAP_LIFE = 1.0  # seconds for which a shard map is used without reading it again
UPSTREAM_TIMEOUT = 60.0  # seconds for a call that includes calls of the upstream
PATIENCE = (
    5.0  # seconds to wait while a shard moves: a planned move takes less than one, the loss of its owner at least three
)
RETRY = 0.1  # seconds between two attempts meanwhile
MOVING = (1014, 1018)  # the owner does not answer; the node does not own the shard

Payload = dict[str, Any]
Answer = TypeVar("Answer")


class Router:
    """Finds the right node in the database and calls it. No master is needed to find a coreapp
    (docs/reference/vendor-contract.md#high-availability).
    """

    def __init__(self, database: Database, client: RpcClient, metrics: Metrics) -> None:
        self.database, self.client, self.metrics = database, client, metrics
        self.batcher = MessageBatcher(client)
        self.owners: list[NodeAddress | None] = []  # by shard
        self.read_at = float("-inf")
        self.reading = asyncio.Lock()

    async def send(self, message: Payload) -> None:
        """Have the owner of the recipient's shard store a message: a row of the outbox without its bucket. Raises ApiError.

        The message's id makes a repeated attempt harmless; `again` marks such an attempt.
        """
        recipient, bucket = message["recipient"], bucket_of(message["recipient"])

        async def store(owner: NodeAddress, again: bool) -> None:
            await self.batcher.store(owner, {**message, "bucket": bucket, "again": again})

        await self._at_owner(recipient, store)

    async def call_owner(
        self, number: str, port: PortName, method: str, payload: Payload, timeout: float = TIMEOUT
    ) -> Payload:
        """Call the owner of a number's shard and return its answer. The call must be idempotent. Raises ApiError."""
        content = {**payload, "bucket": bucket_of(number)}

        async def call(owner: NodeAddress, _again: bool) -> Payload:
            return await self.client.call(owner, port, method, content, timeout)

        return await self._at_owner(number, call)

    async def _at_owner(self, number: str, action: Callable[[NodeAddress, bool], Awaitable[Answer]]) -> Answer:
        """Run an action on the owner of a number's shard, and retry while the shard moves. Raises ApiError.

        number: digits only. action: gets the owner and whether this is a retry; it may raise RpcError.
        """
        began = time.monotonic()
        newer_than, again = began - MAP_LIFE, False
        while True:
            try:
                owner = await self._find_owner(number, newer_than)
                with self.metrics.timed("coreapp_", app=owner.at(PortName.MESSAGING)):
                    return await action(owner, again)
            except RpcError as error:
                if error.code not in MOVING or time.monotonic() - began > PATIENCE:
                    raise as_api_error(error) from error
            await asyncio.sleep(RETRY if again else 0)  # at first the map may only be outdated
            newer_than, again = time.monotonic(), True

    async def _find_owner(self, number: str, newer_than: float) -> NodeAddress:
        """Return the owner of a number's shard. Raises RpcError 1018 if the shard has no owner, ApiError 1011 without a shard map."""
        await self._refresh_shard_map(newer_than)
        shard = shard_of(number, len(self.owners))
        if (owner := self.owners[shard]) is None:
            raise RpcError(1018, "Not Primary Coreapp", f"shard {shard} has no owner at the moment")
        return owner

    async def group_by_shard(self, numbers: list[str]) -> list[list[str]]:
        """Return numbers (digits only) grouped by shard. Raises ApiError 1011 without a shard map."""
        await self._refresh_shard_map(time.monotonic() - MAP_LIFE)
        groups: dict[int, list[str]] = {}
        for number in numbers:
            groups.setdefault(shard_of(number, len(self.owners)), []).append(number)
        return list(groups.values())

    async def find_owners(self, buckets: Iterable[int]) -> dict[NodeAddress, int]:
        """Return the owners of buckets, each with one of its buckets. Raises ApiError 1011 without a shard map."""
        await self._refresh_shard_map(time.monotonic() - MAP_LIFE)
        owned = ((self.owners[bucket % len(self.owners)], bucket) for bucket in buckets)
        return {owner: bucket for owner, bucket in owned if owner is not None}

    async def _refresh_shard_map(self, newer_than: float) -> None:
        """Read the shard map unless it was read after a time (monotonic). Concurrent callers share one read.

        Raises ApiError 1011 without a shard map.
        """
        if self.read_at <= newer_than:
            async with self.reading:
                if self.read_at <= newer_than:
                    await self._read_shard_map()
        if not self.owners:
            raise ApiError(1011, "the cluster has no shard map yet")

    async def _read_shard_map(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(MAP_TIMEOUT), self.database.begin() as connection:
                shards = await ownership.read_map(connection)
                addresses = {row.address.node_id: row.address for row in await node_registry.read_nodes(connection)}
        except DATABASE_ERRORS:
            if not self.owners:
                raise
            # While the database fails over, the last map serves: a coreapp refuses a shard that it no longer owns.
        else:
            self.owners = [addresses.get(shard.owner) if shard.owner else None for shard in shards]
        self.read_at = began

    async def call_primary_master(self, method: str, payload: Payload, timeout: float = TIMEOUT) -> Payload:
        """Call the primary master and return its answer. Raises ApiError, 1017 if there is no primary master."""
        master = await self.database.run(master_lease.find_primary_master)
        if master is None:
            raise ApiError(1017, "there is no primary master at the moment")
        try:
            with self.metrics.timed("coreapp_", app=master.at(PortName.MESSAGING)):
                return await self.client.call(master, PortName.CONTROL, method, payload, timeout)
        except RpcError as error:
            if error.code == 1014:
                raise ApiError(1017, error.details) from error
            raise as_api_error(error) from error


def as_api_error(error: RpcError) -> ApiError:
    """Return a node's refusal as an error of the API."""
    return ApiError(error.code if error.code in ERRORS else 1000, error.details)
