"""From a webapp to the node that must act: the shard's owner, or the primary master."""

from __future__ import annotations

import asyncio
import time

from ..control.sharding import bucket_of, shard_of
from ..store import cluster
from ..store.engine import Database
from ..wire import NodeAddress, PortName, WireClient, WireError
from .errors import ERRORS, ApiError
from .metrics import Metrics

CACHE_LIFE = 1.0  # seconds
TIMEOUT = 5.0  # seconds
PATIENCE = 3.0  # seconds to wait for a shard on its way to another coreapp: a planned move takes less than one
AGAIN = 0.1  # seconds between two looks at the map meanwhile
MOVING = (1014, 1018)  # does not answer; is not, or no longer, the owner


class Router:
    """Calls the right node, by the database alone; no master is needed to find a coreapp (seed)."""

    def __init__(self, database: Database, client: WireClient, metrics: Metrics) -> None:
        self.database, self.client, self.metrics = database, client, metrics
        self.owners: list[NodeAddress | None] = []
        self.read_at = float("-inf")
        self.reading = asyncio.Lock()

    async def send(self, message: dict) -> None:
        """Give a message to the coreapp that owns the recipient's shard. Raises ApiError.

        The message's id makes a second try harmless.
        """
        await self.to_owner(message["recipient"], PortName.MESSAGING, "messages.accept", message)

    async def to_owner(self, number: str, port: PortName, method: str, payload: dict, timeout: float = TIMEOUT) -> dict:
        """Call the coreapp that owns a number's shard and return its answer. Raises ApiError.

        A shard that is moving at the moment is waited for, so the call must be one that may come twice. number: digits alone.
        """
        began = time.monotonic()
        newer_than = began - CACHE_LIFE
        while True:
            try:
                return await self.call_owner(number, newer_than, port, method, payload, timeout)
            except WireError as error:
                if error.code not in MOVING or time.monotonic() - began > PATIENCE:
                    raise as_api_error(error) from error
            await asyncio.sleep(0 if newer_than < began else AGAIN)  # first of all, the map may be an old one
            newer_than, payload = time.monotonic(), {**payload, "again": True}

    async def call_owner(
        self, number: str, newer_than: float, port: PortName, method: str, payload: dict, timeout: float
    ) -> dict:
        await self.read_map(newer_than)
        if not self.owners:
            raise ApiError(1011, "the cluster has no shard map yet")
        shard = shard_of(number, len(self.owners))
        owner = self.owners[shard]
        if owner is None:
            raise WireError(1018, "Not Primary Coreapp", f"nobody owns shard {shard} at the moment")
        with self.metrics.timed("coreapp_", node=owner.node_id):
            return await self.client.call(owner, port, method, {**payload, "bucket": bucket_of(number)}, timeout)

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
        async with self.reading:
            if self.read_at > newer_than:
                return
            began = time.monotonic()
            async with self.database.begin() as connection:
                shards = await cluster.shards(connection)
                addresses = {row.address.node_id: row.address for row in await cluster.nodes(connection)}
            self.owners = [addresses.get(shard.owner) for shard in shards]
            self.read_at = began

    async def primary_master(self, method: str, payload: dict) -> dict:
        """Call the primary master. Raises ApiError, 1017 when there is none."""
        async with self.database.begin() as connection:
            master = await cluster.primary_master(connection)
        if master is None:
            raise ApiError(1017, "there is no primary master at the moment")
        try:
            with self.metrics.timed("coreapp_", node=master.node_id):
                return await self.client.call(master, PortName.CONTROL, method, payload, TIMEOUT)
        except WireError as error:
            if error.code == 1014:
                raise ApiError(1017, error.details) from error
            raise as_api_error(error) from error


def as_api_error(error: WireError) -> ApiError:
    """Return a node's refusal as the API's."""
    return ApiError(error.code if error.code in ERRORS else 1000, error.details)
