"""Reconciles the shard map with the state of the coreapps, as primary master: promotes, demotes, and changes the number of shards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from ..address import PortName
from ..clock import now
from ..control.observation import Observer
from ..control.promotion import Demotion, Promotion, Redraw, Shard, plan
from ..rpc import RpcError
from ..store import ownership, resharding
from .coreapp_monitor import CoreappMonitor

if TYPE_CHECKING:
    from .process import Master

log = logging.getLogger(__name__)

NOTIFY_TIMEOUT = 1.0  # seconds


class ShardManager:
    """Carries out the plan of `control.promotion`."""

    def __init__(self, node: Master, monitor: CoreappMonitor) -> None:
        self.node, self.database, self.monitor = node, node.database, monitor
        self.observer = Observer()
        self.shards: list[Shard] = []  # as last read
        self.changed = asyncio.Event()  # a shard was released, or another number of shards was requested

    async def reconcile(self) -> float:
        """Observe the shard map; as primary, carry out what the plan contains. Return the seconds until the next time."""
        if self.node.schema_ready:
            wanted = await self.observe_map()
            if self.node.is_primary():
                await self.carry_out_plan(wanted)
        return min(1.0, self.node.settings.heartbeat_interval / 2)

    async def observe_map(self) -> int | None:
        """Read the shard map. Return the requested number of shards.

        A master that observes the map as secondary can promote at once when it becomes primary.
        """
        async with self.database.begin() as connection:
            rows = await ownership.read_map(connection)
            arrived_at = now()
            wanted = await resharding.read_wanted_shards(connection)
        self.shards = self.observer.observe_map(rows, arrived_at)
        for row in rows:
            self.node.history.observe(row.shard, row.owner, row.epoch, arrived_at)
        return wanted

    async def carry_out_plan(self, wanted: int | None) -> None:
        """Promote, demote and redraw as the map and the coreapps require. wanted: the requested number of shards."""
        settings = self.node.settings
        coreapps = await self.monitor.observe()
        promotions, demotions, redraw = plan(
            self.shards, coreapps, settings.heartbeat_interval, settings.unhealthy_interval, wanted
        )
        for promotion in promotions:
            await self.promote(promotion)
        for demotion in demotions:
            await self.demote(demotion)
        if redraw is not None:
            await self.redraw(redraw)

    async def promote(self, promotion: Promotion) -> None:
        """Give a shard to a coreapp, and notify it."""
        async with self.database.begin() as connection:
            if not await self.node.holds_lease(connection):
                return
            epoch = await ownership.promote(connection, promotion)
        if epoch is None:
            return
        log.info("shard %d: promoted %s, epoch %d", promotion.shard, promotion.node, epoch)
        self.node.history.observe(promotion.shard, promotion.node, epoch, now())
        for process, row in self.monitor.coreapps().items():
            if process.node == promotion.node:
                with contextlib.suppress(RpcError):
                    await self.node.client.call(row.address, PortName.CONTROL, "promoted", {}, NOTIFY_TIMEOUT)

    async def demote(self, demotion: Demotion) -> None:
        """Take a shard from its unhealthy owner."""
        async with self.database.begin() as connection:
            demoted = await self.node.holds_lease(connection) and await ownership.demote(connection, demotion)
        if demoted:
            log.warning("shard %d: its owner is unhealthy and was demoted", demotion.shard)

    async def redraw(self, due: Redraw) -> None:
        """Draw the map for another number of shards."""
        async with self.database.begin() as connection:
            redrawn = await self.node.holds_lease(connection) and await resharding.redraw(connection, due)
        if redrawn:
            log.info("the shard map has %d shards now", due.shards)
            self.changed.set()  # fill it at once
