"""A master: competes for the lease, and watches the coreapps; as primary it maintains the schema, the settings and the shard map."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import NodeAddress, PortName
from ..clock import now
from ..config import NodeConfig
from ..control.history import PRIMARY_MASTER, History
from ..control.lease import RENEWALS_PER_DELAY, MasterLease, master_delay
from ..control.observation import Observer
from ..control.promotion import REPORT_INTERVAL
from ..rpc import Payload, RpcError
from ..runtime.garbage_collection import AUTOMATIC_INTERVAL, Collector
from ..runtime.node import SHUTDOWN_TIMEOUT, Node
from ..runtime.supervisor import Loop
from ..store import documents, master_lease, node_registry, ownership, schema
from ..store.documents import PRIMARY_SECRET
from ..store.engine import DATABASE_ERRORS
from ..upstream import create_upstream
from . import garbage_collection, leader_api, resharding_api
from .coreapp_monitor import CALL_TIMEOUT, CoreappMonitor
from .shard_manager import NOTIFY_TIMEOUT, ShardManager

log = logging.getLogger(__name__)

TICK = 0.25  # seconds
BLOCKED = 5.0  # seconds until the schema's upgrade is tried again while older nodes block it
COLLECTION_CHECK = 60.0  # seconds between two checks whether the settings ask for a collection
NOT_PRIMARY_MASTER = 1017


class Master(Node):
    """The process of a master."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.upstream = create_upstream(config)
        self.lease, self.was_primary = MasterLease(), False
        self.lease_observer = Observer()
        self.monitor = CoreappMonitor(self)
        self.shard_manager = ShardManager(self, self.monitor)
        self.history = History(now())
        self.migrated = False
        self.lease_released = asyncio.Event()

    async def start(self) -> None:
        self.health.report("schema", "the schema does not exist yet")
        self.server = self.rpc_server()
        self.server.add(PortName.CONTROL, "observations", self.monitor.observations)
        self.server.add(PortName.CONTROL, "ownership.renew", self.renew_ownership)
        self.server.add(PortName.CONTROL, "ownership.release", self.release_ownership)
        self.server.add(PortName.CONTROL, "shard.released", self.shard_released)
        self.server.add(PortName.CONTROL, "lease.released", self.compete)
        self.server.add(PortName.CONTROL, "history", self.read_history)
        leader_api.register(self)
        resharding_api.register(self)
        self.garbage = Collector(
            self.database,
            lambda: garbage_collection.unused_media(self.database, self.media, self.is_primary),
            garbage_collection.media_webhook,
            lambda: 0,
        )
        self.add_leader_method("gc.media", self.collect_media)
        await self.server.start()

    def loops(self) -> list[Loop]:
        return [
            Loop("lease", self.renew_lease, trigger=self.lease_released),
            Loop("schema", self.upgrade_schema, TICK),
            Loop("report", self.report, REPORT_INTERVAL),
            Loop("heartbeats", self.monitor.send_heartbeats),
            Loop("shards", self.shard_manager.reconcile, trigger=self.shard_manager.changed),
            Loop("garbage", self.collect_garbage, COLLECTION_CHECK),
        ]

    async def stop(self) -> None:
        await self.garbage.stop()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self.leave_service()
        await self.server.stop()

    # -- drain and resume ----------------------------------------------------------------------------------------------

    async def drain_blocker(self) -> str:
        if not self.is_primary():
            return ""
        answers = await asyncio.gather(*(self.notify(master, "status") for master in self.monitor.other_masters()))
        return "" if any(answers) else "no other master answers that could take the lease over"

    async def leave_service(self) -> None:
        """Give the lease up and notify the other masters, so that one of them takes it at once."""
        held = self.is_primary()
        self.lease.lost()
        async with self.database.begin() as connection:
            await master_lease.release(connection, self.incarnation)
        if held:
            await asyncio.gather(*(self.notify(master, "lease.released") for master in self.monitor.other_masters()))

    async def drain_pending(self) -> str:
        async with self.database.begin() as connection:
            primary = await master_lease.find_primary_master(connection)
        another = primary is not None and primary != self.address
        return "" if another or not self.monitor.other_masters() else "another master to take the lease"

    async def return_to_service(self) -> None:
        self.lease.compete_now()

    async def notify(self, master: NodeAddress, method: str) -> bool:
        """Call another master, which would otherwise learn the same a little later. Return whether it answered."""
        with contextlib.suppress(RpcError):
            await self.client.call(master, PortName.CONTROL, method, {}, NOTIFY_TIMEOUT)
            return True
        return False

    async def compete(self, _payload: Payload) -> Payload:
        """Compete for the lease at once: the primary master has given it up."""
        self.lease.compete_now()
        self.lease_released.set()
        return {}

    # -- what others ask -----------------------------------------------------------------------------------------------

    def is_primary(self) -> bool:
        """Return whether this master may act as primary now."""
        return self.lease.held(now())

    def role_name(self) -> str:
        return "primary_master" if self.is_primary() else "secondary_master"

    def gateway_status(self) -> str:
        """Return `connected` for a primary master with several shards that all have an owner."""
        shards = self.shard_manager.shards
        if self.is_primary() and len(shards) > 1 and all(shard.owner for shard in shards):
            return "connected"
        return super().gateway_status()

    def add_leader_method(self, name: str, handler: Callable[[Payload], Awaitable[Payload]]) -> None:
        """Answer a call that only the primary master may answer; another master refuses it with 1017."""

        async def guarded(payload: Payload) -> Payload:
            if not self.is_primary() or not self.schema_ready:
                raise RpcError(
                    NOT_PRIMARY_MASTER, "Not Primary Master", f"{self.config.node_id} is not the primary master"
                )
            return await handler(payload)

        self.server.add(PortName.CONTROL, name, guarded)

    async def collect_media(self, _payload: Payload) -> Payload:
        """Answer `gc.media`. Raises RpcError 1015 while a collection runs."""
        self.garbage.begin()
        return {}

    async def renew_ownership(self, payload: Payload) -> Payload:
        """Renew a shard's ownership for a coreapp that cannot reach the database itself."""
        async with self.database.begin() as connection:
            granted = await ownership.renew(
                connection,
                int(payload["shard"]),
                str(payload["node"]),
                str(payload["incarnation"]),
                int(payload["epoch"]),
                int(payload["renewal"]),
                float(payload["delay"]),
            )
        return {"granted": granted}

    async def release_ownership(self, payload: Payload) -> Payload:
        """Release a shard for a coreapp that has disconnected and cannot reach the database itself."""
        node, incarnation = str(payload["node"]), str(payload["incarnation"])
        async with self.database.begin() as connection:
            if payload["leaving"]:
                await node_registry.remove(connection, node, incarnation)
            await ownership.release(connection, int(payload["shard"]), incarnation, int(payload["epoch"]))
        self.shard_manager.changed.set()
        return {"granted": False}

    async def read_history(self, _payload: Payload) -> Payload:
        """Answer with the changes of the primary master and of the shards' owners that this master has observed."""
        return self.history.report(now())

    async def shard_released(self, _payload: Payload) -> Payload:
        """Promote at once: a coreapp has released its shard."""
        self.shard_manager.changed.set()
        return {}

    # -- loops ---------------------------------------------------------------------------------------------------------

    async def renew_lease(self) -> float:
        """Renew the lease, or compete for it, when that is due. Return the seconds until the next check."""
        sent_at = now()
        if self.was_primary != self.is_primary():
            self.was_primary = self.is_primary()
            log.info("now %s%s", self.role_name(), f", lease epoch {self.lease.epoch}" if self.was_primary else "")
            if self.lease.epoch is not None:
                self.history.observe(PRIMARY_MASTER, self.config.node_id, self.lease.epoch, sent_at)
        if self.draining or not self.lease.due(sent_at):
            return TICK
        delay = master_delay(self.settings.heartbeat_interval, self.settings.unhealthy_interval)
        try:
            async with asyncio.timeout(min(CALL_TIMEOUT, delay / RENEWALS_PER_DELAY)):
                epoch = await self.renew_or_take_lease(delay)
        except DATABASE_ERRORS:
            self.lease.failed(now())
            raise
        if epoch is None or self.draining:  # a master that drains has released the lease meanwhile
            self.lease.refused(sent_at, delay)
        else:
            self.lease.granted(epoch, sent_at, delay)
        return 0

    async def renew_or_take_lease(self, delay: float) -> int | None:
        """Return the epoch of the lease that this master holds now, or None.

        A lease that another master holds is read, and taken when it is free or was not renewed for its takeover delay.
        """
        renewal, requested = self.lease.next_renewal(), self.lease.requested_delay(delay)
        if not self.migrated and not self.schema_ready:
            await self.database.ensure()
            async with self.database.begin() as connection:
                await master_lease.create_table(connection)
        async with self.database.begin() as connection:
            epoch = self.lease.epoch
            if epoch is None:
                lease = await master_lease.read(connection)
                if lease.incarnation != self.incarnation or lease.free:
                    return await self.take_lease(connection, lease, renewal, requested)
                epoch = lease.epoch  # of a request whose answer was lost
            held = await master_lease.renew(connection, self.incarnation, epoch, renewal, requested)
            return epoch if held else None

    async def take_lease(
        self, connection: AsyncConnection, lease: master_lease.ReadLease, renewal: int, delay: float
    ) -> int | None:
        """Take a lease that is free or was not renewed for its takeover delay. Return its epoch, or None."""
        moment = now()
        self.history.observe(PRIMARY_MASTER, None if lease.free else lease.holder, lease.epoch, moment)
        self.lease_observer.observe({master_lease.LEASE: lease.counter}, moment)
        unchanged = self.lease_observer.unchanged(master_lease.LEASE, moment)
        if not lease.free and unchanged < max(lease.takeover_delay, delay):
            return None
        return await master_lease.take(connection, self.config.node_id, self.incarnation, lease, renewal, delay)

    async def holds_lease(self, connection: AsyncConnection) -> bool:
        """Return whether this master holds the lease. The transaction fails if that changes before its commit."""
        epoch = self.lease.epoch
        return epoch is not None and await master_lease.guard(connection, self.incarnation, epoch)

    async def upgrade_schema(self) -> float | None:
        """Upgrade the schema after becoming primary. The lease is renewed meanwhile."""
        if self.is_primary() and not self.migrated:
            try:
                self.migrated = await schema.upgrade(self.database, self.holds_lease)
            except schema.SchemaError as error:
                self.health.report("upgrade", str(error))
                return BLOCKED
            self.health.clear("upgrade")
        return None

    async def compare_secret(self, published: dict[str, Any]) -> None:
        """As primary, publish the fingerprint with which the others compare their secret."""
        if self.is_primary():
            own = {"master": self.config.node_id, "fingerprint": self.trust.fingerprint(self.config.node_id)}
            if published != own:
                async with self.database.begin() as connection:
                    if await self.holds_lease(connection):
                        await documents.write_document(connection, PRIMARY_SECRET, own)
            published = own
        await super().compare_secret(published)

    async def report(self) -> None:
        """Report to the database, and read the settings."""
        await self.register_or_report()
        await self.read_settings()

    async def collect_garbage(self) -> float | None:
        """As primary, begin a collection of media where the settings ask for it."""
        if not self.is_primary() or not self.schema_ready or not self.settings.garbagecollector_enable.media:
            return None
        self.garbage.begin_automatic()
        return AUTOMATIC_INTERVAL

    async def broadcast_settings(self) -> None:
        """Notify every node that the settings changed. A node that does not answer reads them with its next report."""
        await self.read_settings()
        calls = [
            self.client.call(row.address, PortName.CONTROL, "settings.changed", {}, CALL_TIMEOUT)
            for row in self.monitor.nodes
            if row.address != self.address
        ]
        await asyncio.gather(*calls, return_exceptions=True)
