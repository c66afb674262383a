"""A coreapp: starts as secondary, and is connected upstream only while it can prove that it owns a shard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from .control.ownership import Grant, Ownership, recorded_window, window
from .control.promotion import REPORT_INTERVAL
from .messaging import intake
from .messaging.pump import Pump
from .runtime import DATABASE_TROUBLE, Runtime
from .store import cluster
from .upstream.base import Upstream, UpstreamError
from .upstream.loopback import Loopback
from .wire import NodeAddress, PortName, WireError

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two looks at the deadline
PROOF_TIMEOUT = 2.0  # seconds


class Coreapp(Runtime):
    """See the module."""

    def __init__(self, config, upstream: Upstream | None = None) -> None:
        super().__init__(config)
        self.upstream = upstream or Loopback()
        self.ownership = Ownership()
        self.pump: Pump | None = None
        self.connected: Grant | None = None
        self.connecting = False
        self.masters: list[NodeAddress] = []  # as last read, for when the database is away
        self.woken = asyncio.Event()

    async def start(self) -> None:
        self.health.bad("schema", "the schema is not there yet")
        self.server = self.wire_server()
        self.server.add(PortName.CONTROL, "heartbeat", self.heartbeat)
        self.server.add(PortName.CONTROL, "promoted", self.promoted)
        intake.register(self.server, self.database, self.owns, self.new_message)
        await self.server.start()
        self.every("report", self.report)
        self.every("proof", self.prove)
        self.loops.append(asyncio.create_task(self.fence(), name="fence"))

    async def stop(self) -> None:
        """Finish what is in flight, disconnect, give the shard back, and tell the primary master, so that it moves at once."""
        grant = self.ownership.grant
        self.ownership.draining = True
        await self.disconnect("handing the shard over", drain=True)
        if grant is not None:
            with contextlib.suppress(*DATABASE_TROUBLE, WireError):
                async with self.database.begin() as connection:
                    await cluster.release(connection, grant.shard, self.incarnation, grant.epoch)
                    await cluster.leave(connection, self.config.node_id, self.incarnation)
                    master = await cluster.primary_master(connection)
                if master is not None:
                    await self.client.call(master, PortName.CONTROL, "shard.released", {"shard": grant.shard}, 1.0)
        await self.server.stop()

    # -- what others ask -----------------------------------------------------------------------------------------------

    def owns(self, shard: int) -> bool:
        """Return whether this process is connected for a shard and may be."""
        mine = self.connected is not None and self.connected.shard == shard and self.connected == self.ownership.grant
        return mine and self.ownership.may_be_connected(time.monotonic())

    def new_message(self) -> None:
        if self.pump is not None:
            self.pump.wake()

    async def heartbeat(self, _payload: dict) -> dict:
        """Answer a master. `able`: this node can do its work."""
        able = not {"database", "schema"} & self.health.reasons.keys()
        return {"incarnation": self.incarnation, "able": able and not self.ownership.draining}

    async def promoted(self, _payload: dict) -> dict:
        """Take the hint that the map has changed; what counts is the map itself."""
        self.woken.set()
        return {}

    def gateway_status(self) -> str:
        if self.connected is not None:
            return "connected"
        return "connecting" if self.connecting else super().gateway_status()

    # -- the loops -------------------------------------------------------------------------------------------------------

    async def report(self) -> float:
        await self.register_or_report()
        await self.read_settings()
        async with self.database.begin() as connection:
            self.masters = [row.address for row in await cluster.nodes(connection) if row.address.role == "master"]
        return REPORT_INTERVAL if self.masters else 1.0

    async def prove(self) -> float:
        """Look at the map while owning nothing; prove the ownership, and connect with it, when a proof is due."""
        if self.pump is not None and self.pump.ended():
            await self.disconnect("the upstream ended the connection; connecting again with the next proof")
        if self.ownership.grant is None and not self.ownership.draining:
            await self.look_at_the_map()
        elif self.ownership.proof_due(time.monotonic()):
            await self.prove_grant()
        if self.ownership.grant is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), self.settings.heartbeat_interval)
            self.woken.clear()
        return TICK

    async def look_at_the_map(self) -> None:
        async with self.database.begin() as connection:
            mine = await cluster.owned_shard(connection, self.config.node_id, self.incarnation)
        if mine is not None:
            await self.prove_grant(Grant(mine.shard, mine.epoch))

    async def prove_grant(self, new: Grant | None = None) -> None:
        """Prove a grant by the database, or by a master where this node cannot reach the database."""
        grant = new or self.ownership.grant
        unhealthy_interval = self.settings.unhealthy_interval
        sent_at = time.monotonic()
        try:
            async with asyncio.timeout(PROOF_TIMEOUT), self.database.begin() as connection:
                holds = await cluster.prove(
                    connection,
                    grant.shard,
                    self.config.node_id,
                    self.incarnation,
                    grant.epoch,
                    recorded_window(unhealthy_interval),
                )
            self.database_answers()
        except DATABASE_TROUBLE as error:
            self.database_is_away(error)
            sent_at = time.monotonic()
            holds = await self.ask_masters(grant, recorded_window(unhealthy_interval))
        if holds is None:
            return
        if not holds:
            self.ownership.refused(grant)
            await self.disconnect("the map names another owner")
            return
        self.ownership.proven(grant, sent_at, window(unhealthy_interval))
        if self.connected is None:
            await self.connect(grant)

    async def ask_masters(self, grant: Grant, seconds: float) -> bool | None:
        """Let a master prove the grant. Return what it found, or None when none could."""
        payload = {
            "shard": grant.shard,
            "node": self.config.node_id,
            "incarnation": self.incarnation,
            "epoch": grant.epoch,
            "seconds": seconds,
        }
        for master in self.masters:
            with contextlib.suppress(WireError):
                return (await self.client.call(master, PortName.CONTROL, "prove", payload, PROOF_TIMEOUT))["holds"]
        return None

    async def fence(self) -> None:
        """Disconnect in time when no proof came. This loop does nothing else, so that nothing can hold it up."""
        while True:
            if self.connected is not None and not self.ownership.may_be_connected(time.monotonic()):
                self.ownership.lost()
                await self.disconnect("no proof of ownership in time: neither the database nor a master answered")
            await asyncio.sleep(TICK)

    # -- the connection --------------------------------------------------------------------------------------------------

    async def connect(self, grant: Grant) -> None:
        self.connecting = True
        try:
            session = await self.upstream.connect(grant.shard, grant.epoch)
        except UpstreamError as error:
            log.warning("shard %d: the upstream refuses the connection: %s", grant.shard, error)
            self.ownership.lost()
            return
        finally:
            self.connecting = False
        if not self.ownership.may_be_connected(time.monotonic()) or self.ownership.grant != grant:
            await session.disconnect()
            return
        self.connected = grant
        self.pump = Pump(self.database, lambda: self.settings)
        self.pump.start(session, grant.shard, lambda: self.owns(grant.shard))
        log.info("shard %d: connected with epoch %d", grant.shard, grant.epoch)

    async def disconnect(self, reason: str, drain: bool = False) -> None:
        if self.connected is None:
            return
        grant, pump, self.connected, self.pump = self.connected, self.pump, None, None
        await pump.stop(drain)
        log.warning("shard %d: disconnected: %s", grant.shard, reason)
