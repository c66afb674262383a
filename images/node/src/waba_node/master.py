"""A master: competes for the lease; as primary it keeps the schema, the settings and the shard map; it watches the coreapps."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from .control.lease import Lease, life
from .control.ownership import recorded_window
from .control.promotion import REPORT_INTERVAL, Coreapp, Promotion, plan
from .messaging import registrar
from .runtime import DATABASE_TROUBLE, Runtime
from .store import cluster, schema
from .upstream.loopback import Loopback
from .wire import NodeAddress, PortName, WireError

log = logging.getLogger(__name__)

TICK = 0.25  # seconds
CALL_TIMEOUT = 2.0  # seconds
LOOK = 0.5  # seconds between two looks for new coreapps
NOT_PRIMARY_MASTER = 1017


class Master(Runtime):
    """See the module."""

    def __init__(self, config) -> None:
        super().__init__(config)
        self.upstream = Loopback()
        self.lease = Lease()
        self.nodes: list[cluster.NodeRow] = []
        # (node, incarnation) -> our monotonic time of its last good answer, or of when we began to watch it
        self.watched: dict[tuple[str, str], float] = {}
        self.answering: set[tuple[str, str]] = set()
        self.called: dict[tuple[str, str], float] = {}  # the same key -> when it was called last
        self.calls: set[asyncio.Task] = set()
        self.migrated = False

    async def start(self) -> None:
        self.health.bad("schema", "the schema is not there yet")
        self.server = self.wire_server()
        self.server.add(PortName.CONTROL, "observations", self.observations)
        self.server.add(PortName.CONTROL, "prove", self.prove)
        self.server.add(PortName.CONTROL, "shard.released", self.shard_released)
        registrar.register(self)
        await self.server.start()
        self.released = asyncio.Event()
        self.every("lease", self.keep_lease)
        self.every("report", self.report)
        self.every("heartbeat", self.beat_hearts)
        self.every("manage", self.manage)

    async def stop(self) -> None:
        with contextlib.suppress(*DATABASE_TROUBLE):
            async with self.database.begin() as connection:
                await cluster.release_lease(connection, self.incarnation)
        self.lease.lost()
        await self.server.stop()

    # -- what others ask ---------------------------------------------------------------------------------------------------

    def is_primary(self) -> bool:
        """Return whether this master may act as primary now."""
        return self.lease.held(time.monotonic())

    def role_name(self) -> str:
        return "primary_master" if self.is_primary() else "secondary_master"

    def master_method(self, name: str, handler: Callable[[dict], Awaitable[dict]]) -> None:
        """Answer a call that the primary master alone may do (seed); another refuses it with 1017 (vendor fact)."""

        async def guarded(payload: dict) -> dict:
            if not self.is_primary() or not self.schema_ready:
                raise WireError(
                    NOT_PRIMARY_MASTER, "Not Primary Master", f"{self.config.node_id} is not the primary master"
                )
            return await handler(payload)

        self.server.add(PortName.CONTROL, name, guarded)

    async def observations(self, _payload: dict) -> dict:
        """Answer for how many seconds each coreapp has not given us a good answer."""
        now = time.monotonic()
        return {"unanswered": {f"{node}/{incarnation}": now - at for (node, incarnation), at in self.watched.items()}}

    async def prove(self, payload: dict) -> dict:
        """Prove a shard's ownership for a coreapp that cannot reach the database itself."""
        async with self.database.begin() as connection:
            holds = await cluster.prove(
                connection,
                int(payload["shard"]),
                str(payload["node"]),
                str(payload["incarnation"]),
                int(payload["epoch"]),
                float(payload["seconds"]),
            )
        return {"holds": holds}

    async def shard_released(self, _payload: dict) -> dict:
        """Promote at once: a coreapp has handed its shard over."""
        self.released.set()
        return {}

    # -- the loops -----------------------------------------------------------------------------------------------------------

    async def keep_lease(self) -> float:
        """Renew the lease or compete for it; bring the schema up to date on becoming primary."""
        now = time.monotonic()
        if not self.lease.due(now):
            return TICK
        seconds = life(self.settings.heartbeat_interval, self.settings.unhealthy_interval)
        was_primary = self.lease.held(now)
        try:
            epoch = await self.take_lease(seconds)
        except DATABASE_TROUBLE:
            self.lease.failed(time.monotonic())
            raise
        if epoch is None:
            self.lease.refused(now, seconds)
        else:
            self.lease.granted(epoch, now, seconds)
        if self.lease.held(time.monotonic()) != was_primary:
            log.info("now %s%s", self.role_name(), f", lease epoch {epoch}" if epoch else "")
        if self.is_primary() and not self.migrated:
            await self.upgrade_schema()
        return TICK

    async def take_lease(self, seconds: float) -> int | None:
        if not self.migrated and not self.schema_ready:
            await self.database.ensure()
            async with self.database.begin() as connection:
                await cluster.create_lease_table(connection)
        async with self.database.begin() as connection:
            return await cluster.take_lease(connection, self.config.node_id, self.incarnation, seconds)

    async def upgrade_schema(self) -> None:
        await schema.upgrade(self.database, self.still_primary)
        self.migrated = True

    async def still_primary(self, connection) -> bool:
        return self.lease.epoch is not None and await cluster.holds_lease(
            connection, self.incarnation, self.lease.epoch
        )

    async def report(self) -> float:
        await self.register_or_report()
        await self.read_settings()
        return REPORT_INTERVAL

    async def beat_hearts(self) -> float:
        """Call every coreapp, every heartbeat_interval; one that is new, at once. One that does not answer holds no other up."""
        try:
            async with self.database.begin() as connection:
                self.nodes = await cluster.nodes(connection)
        finally:  # the nodes as last read, when the database is away
            coreapps = {
                (row.address.node_id, row.incarnation): row.address
                for row in self.nodes
                if row.address.role == "coreapp"
            }
            now = time.monotonic()
            self.watched = {key: self.watched.get(key, now) for key in coreapps}
            self.called = {key: at for key, at in self.called.items() if key in coreapps}
            self.answering &= coreapps.keys()
            for key, address in coreapps.items():
                if now >= self.called.get(key, now) + (self.settings.heartbeat_interval if key in self.called else 0):
                    self.called[key] = now
                    call = asyncio.create_task(self.call_coreapp(address))
                    self.calls.add(call)
                    call.add_done_callback(self.calls.discard)
        return min(LOOK, self.settings.heartbeat_interval / 4)

    async def call_coreapp(self, address: NodeAddress) -> None:
        with contextlib.suppress(WireError):
            answer = await self.client.call(
                address, PortName.CONTROL, "heartbeat", {}, min(CALL_TIMEOUT, self.settings.heartbeat_interval)
            )
            key = address.node_id, answer["incarnation"]
            if answer["able"] and key in self.watched:
                self.watched[key] = time.monotonic()
                self.answering.add(key)

    async def manage(self) -> float:
        """As primary, promote where a shard needs it."""
        if self.is_primary() and self.schema_ready:
            for promotion in await self.due_promotions():
                await self.promote(promotion)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.released.wait(), min(1.0, self.settings.heartbeat_interval / 2))
        self.released.clear()
        return 0

    async def due_promotions(self) -> list[Promotion]:
        async with self.database.begin() as connection:
            shards = await cluster.shards(connection)
            self.nodes = await cluster.nodes(connection)
        peers = await self.ask_peers()
        now = time.monotonic()
        coreapps = {
            row.address.node_id: self.seen(row, peers, now) for row in self.nodes if row.address.role == "coreapp"
        }
        return plan(shards, coreapps, self.settings.heartbeat_interval, self.settings.unhealthy_interval)

    def seen(self, row: cluster.NodeRow, peers: list[dict[str, float]], now: float) -> Coreapp:
        key = row.address.node_id, row.incarnation
        unanswered = now - self.watched.get(key, now)
        by_peers = tuple(peer.get("/".join(key), 0.0) for peer in peers)
        return Coreapp(*key, row.silent, unanswered, key in self.answering, by_peers)

    async def ask_peers(self) -> list[dict[str, float]]:
        """Return what each secondary master that answers has seen."""
        others = [row.address for row in self.nodes if row.address.role == "master" and row.address != self.address]

        async def ask(address: NodeAddress) -> dict[str, float] | None:
            with contextlib.suppress(WireError):
                return (await self.client.call(address, PortName.CONTROL, "observations", {}, 1.0))["unanswered"]
            return None

        return [answer for answer in await asyncio.gather(*map(ask, others)) if answer is not None]

    async def promote(self, promotion: Promotion) -> None:
        async with self.database.begin() as connection:
            if not await self.still_primary(connection):
                return
            epoch = await cluster.promote(connection, promotion, recorded_window(self.settings.unhealthy_interval))
        if epoch is None:
            return
        log.info("shard %d: promoted %s, epoch %d", promotion.shard, promotion.node, epoch)
        (address,) = [row.address for row in self.nodes if row.address.node_id == promotion.node]
        with contextlib.suppress(WireError):
            await self.client.call(address, PortName.CONTROL, "promoted", {}, 1.0)

    async def broadcast_settings(self) -> None:
        """Tell every node that the settings changed (seed); one that does not hear it reads them with its next report."""
        await self.read_settings()
        calls = [
            self.client.call(row.address, PortName.CONTROL, "settings.changed", {}, CALL_TIMEOUT)
            for row in self.nodes
            if row.address != self.address
        ]
        await asyncio.gather(*calls, return_exceptions=True)
