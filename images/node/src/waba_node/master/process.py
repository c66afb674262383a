"""A master: competes for the lease; as primary it keeps the schema, the settings and the shard map; it watches the coreapps."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from ..address import NodeAddress, PortName
from ..clock import now
from ..control.lease import RENEWALS_PER_DELAY, MasterLease, master_delay
from ..control.observation import Observer
from ..control.promotion import REPORT_INTERVAL, Coreapp, Demotion, Plan, Promotion, Redraw, Shard, plan
from ..rpc import RpcError
from ..runtime.garbage_collection import AUTOMATIC, Collector
from ..runtime.node import LAST_WORD, Node
from ..store import documents, master_lease, node_registry, ownership, resharding, schema
from ..store.documents import PRIMARY_SECRET
from ..store.engine import DATABASE_ERRORS
from ..upstream import create_upstream
from . import garbage_collection, leader_api, resharding_api

log = logging.getLogger(__name__)

TICK = 0.25  # seconds
CALL_TIMEOUT = 2.0  # seconds
BLOCKED = 5.0  # seconds until the schema's upgrade is tried again while older nodes stand in its way
LOOK = 0.5  # seconds between two looks for new coreapps
NOT_PRIMARY_MASTER = 1017


class Master(Node):
    """See the module."""

    def __init__(self, config) -> None:
        super().__init__(config)
        self.upstream = create_upstream(config.upstream)
        self.lease, self.was_primary = MasterLease(), False
        self.lease_observer, self.map_observer = Observer(), Observer()
        self.nodes: list[node_registry.RegisteredNode] = []
        # (node, incarnation) -> the moment, by our own clock, of its last good answer, or of when we began to watch it
        self.watched: dict[tuple[str, str], float] = {}
        self.answering: set[tuple[str, str]] = set()
        self.called: dict[tuple[str, str], float] = {}  # the same key -> when it was called last
        self.calls: set[asyncio.Task] = set()
        self.migrated = False
        self.released = asyncio.Event()
        self.lease_free = asyncio.Event()
        self.shards: list[Shard] = []  # as this master last read them

    async def start(self) -> None:
        self.health.bad("schema", "the schema is not there yet")
        self.server = self.rpc_server()
        self.server.add(PortName.CONTROL, "observations", self.observations)
        self.server.add(PortName.CONTROL, "renew", self.renew)
        self.server.add(PortName.CONTROL, "release", self.release)
        self.server.add(PortName.CONTROL, "shard.released", self.shard_released)
        self.server.add(PortName.CONTROL, "lease.released", self.lease_released)
        leader_api.register(self)
        resharding_api.register(self)
        self.garbage = Collector(
            self.database,
            lambda: garbage_collection.unused_media(self.database, self.media, self.is_primary),
            garbage_collection.media_webhook,
            lambda: 0,
        )
        self.master_method("gc.media", self.collect_media)
        await self.server.start()
        self.every("lease", self.keep_lease, self.lease_free)
        self.every("schema", self.keep_schema)
        self.every("report", self.report)
        self.every("heartbeat", self.beat_hearts)
        self.every("manage", self.manage, self.released)
        self.every("garbage", self.collect_garbage)

    async def stop(self) -> None:
        await self.garbage.stop()
        with contextlib.suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(LAST_WORD):
                await self.leave_service()
        await self.server.stop()

    # -- out of service, and back --------------------------------------------------------------------------------------

    def other_masters(self) -> list[NodeAddress]:
        """Return the other masters, as last read."""
        return [row.address for row in self.nodes if row.address.role == "master" and row.address != self.address]

    async def why_not_drain(self) -> str:
        if not self.is_primary():
            return ""
        answers = await asyncio.gather(*(self.hint(master, "status") for master in self.other_masters()))
        return "" if any(answers) else "no other master answers that could take the lease over"

    async def leave_service(self) -> None:
        """Give the lease up and tell the other masters, so that one of them takes it at once."""
        held = self.is_primary()
        self.lease.lost()
        async with self.database.begin() as connection:
            await master_lease.release(connection, self.incarnation)
        if held:
            await asyncio.gather(*(self.hint(master, "lease.released") for master in self.other_masters()))

    async def waits_for(self) -> str:
        async with self.database.begin() as connection:
            primary = await master_lease.find_primary_master(connection)
        another = primary is not None and primary != self.address
        return "" if another or not self.other_masters() else "another master to take the lease"

    async def return_to_service(self) -> None:
        self.lease.compete_now()

    async def hint(self, master: NodeAddress, method: str) -> bool:
        """Tell another master something that it would find out by itself; return whether it heard."""
        with contextlib.suppress(RpcError):
            await self.client.call(master, PortName.CONTROL, method, {}, 1.0)
            return True
        return False

    async def lease_released(self, _payload: dict) -> dict:
        """Compete at once: the primary master has given its lease up."""
        self.lease.compete_now()
        self.lease_free.set()
        return {}

    # -- what others ask ---------------------------------------------------------------------------------------------------

    def is_primary(self) -> bool:
        """Return whether this master may act as primary now."""
        return self.lease.held(now())

    def role_name(self) -> str:
        return "primary_master" if self.is_primary() else "secondary_master"

    def gateway_status(self) -> str:
        """With several shards the primary master counts as connected, too (vendor fact): once each has its coreapp (ours)."""
        if self.is_primary() and len(self.shards) > 1 and all(shard.owner for shard in self.shards):
            return "connected"
        return super().gateway_status()

    def master_method(self, name: str, handler: Callable[[dict], Awaitable[dict]]) -> None:
        """Answer a call that the primary master alone may do (seed); another refuses it with 1017 (vendor fact)."""

        async def guarded(payload: dict) -> dict:
            if not self.is_primary() or not self.schema_ready:
                raise RpcError(
                    NOT_PRIMARY_MASTER, "Not Primary Master", f"{self.config.node_id} is not the primary master"
                )
            return await handler(payload)

        self.server.add(PortName.CONTROL, name, guarded)

    async def observations(self, _payload: dict) -> dict:
        """Answer for how many seconds each coreapp has not given us a good answer."""
        moment = now()
        return {
            "unanswered": {f"{node}/{incarnation}": moment - at for (node, incarnation), at in self.watched.items()}
        }

    async def collect_media(self, _payload: dict) -> dict:
        """Answer `gc.media`. Raises RpcError 1015 while a collection runs."""
        self.garbage.begin()
        return {}

    async def collect_garbage(self) -> float:
        if self.is_primary() and self.schema_ready and self.settings.garbagecollector_enable.media:
            self.garbage.begin_silently()
            return AUTOMATIC
        return 60.0

    async def renew(self, payload: dict) -> dict:
        """Renew a shard's ownership for a coreapp that cannot reach the database itself."""
        async with self.database.begin() as connection:
            holds = await ownership.renew(
                connection,
                int(payload["shard"]),
                str(payload["node"]),
                str(payload["incarnation"]),
                int(payload["epoch"]),
                int(payload["renewal"]),
                float(payload["delay"]),
            )
        return {"holds": holds}

    async def release(self, payload: dict) -> dict:
        """Give a shard back for a coreapp that has disconnected and cannot reach the database itself."""
        async with self.database.begin() as connection:
            if payload["leaving"]:
                await node_registry.remove(connection, str(payload["node"]), str(payload["incarnation"]))
            await ownership.release(
                connection, int(payload["shard"]), str(payload["incarnation"]), int(payload["epoch"])
            )
        self.released.set()
        return {"holds": False}

    async def shard_released(self, _payload: dict) -> dict:
        """Promote at once: a coreapp has handed its shard over."""
        self.released.set()
        return {}

    # -- the loops -----------------------------------------------------------------------------------------------------------

    async def keep_lease(self) -> float:
        """Renew the lease or compete for it."""
        sent_at = now()
        if self.was_primary != self.is_primary():
            self.was_primary = self.is_primary()
            log.info("now %s%s", self.role_name(), f", lease epoch {self.lease.epoch}" if self.was_primary else "")
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
        if not self.migrated and not self.schema_ready:
            await self.database.ensure()
            async with self.database.begin() as connection:
                await master_lease.create_table(connection)
        renewal, requested = self.lease.next_renewal(), self.lease.requested_delay(delay)
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
        moment = now()
        self.lease_observer.observe({master_lease.LEASE: lease.counter}, moment)
        unchanged = self.lease_observer.unchanged(master_lease.LEASE, moment)
        if not lease.free and unchanged < max(lease.takeover_delay, delay):
            return None
        return await master_lease.take(connection, self.config.node_id, self.incarnation, lease, renewal, delay)

    async def keep_schema(self) -> float:
        """Bring the schema up to date on becoming primary, while the lease is renewed beside it."""
        if self.is_primary() and not self.migrated:
            try:
                self.migrated = await schema.upgrade(self.database, self.still_primary)
            except schema.SchemaError as error:
                self.health.bad("upgrade", str(error))
                return BLOCKED
            self.health.good("upgrade")
        return TICK

    async def still_primary(self, connection: AsyncConnection) -> bool:
        """Return whether this master holds the lease; a transaction that relies on it fails if that changes before its commit."""
        return self.lease.epoch is not None and await master_lease.guard(connection, self.incarnation, self.lease.epoch)

    async def compare_secret(self, shown: dict) -> None:
        """As primary, show what the others compare with."""
        if self.is_primary():
            mine = {"master": self.config.node_id, "fingerprint": self.trust.fingerprint(self.config.node_id)}
            if shown != mine:
                async with self.database.begin() as connection:
                    if await self.still_primary(connection):
                        await documents.write_document(connection, PRIMARY_SECRET, mine)
            shown = mine
        await super().compare_secret(shown)

    async def report(self) -> float:
        await self.register_or_report()
        await self.read_settings()
        return REPORT_INTERVAL

    async def beat_hearts(self) -> float:
        """Call every coreapp, every heartbeat_interval; one that is new, at once. One that does not answer holds no other up."""
        try:
            async with self.database.begin() as connection:
                self.nodes = await node_registry.read_nodes(connection)
        finally:  # the nodes as last read, when the database is away
            coreapps = {
                (row.address.node_id, row.incarnation): row.address
                for row in self.nodes
                if row.address.role == "coreapp"
            }
            moment = now()
            self.watched = {key: self.watched.get(key, moment) for key in coreapps}
            self.called = {key: at for key, at in self.called.items() if key in coreapps}
            self.answering &= coreapps.keys()
            for key, address in coreapps.items():
                if key not in self.called or moment >= self.called[key] + self.settings.heartbeat_interval:
                    self.called[key] = moment
                    call = asyncio.create_task(self.call_coreapp(address))
                    self.calls.add(call)
                    call.add_done_callback(self.calls.discard)
        return min(LOOK, self.settings.heartbeat_interval / 4)

    async def call_coreapp(self, address: NodeAddress) -> None:
        with contextlib.suppress(RpcError):
            answer = await self.client.call(
                address, PortName.CONTROL, "heartbeat", {}, min(CALL_TIMEOUT, self.settings.heartbeat_interval)
            )
            key = address.node_id, answer["incarnation"]
            if answer["able"] and key in self.watched:
                self.watched[key] = now()
                self.answering.add(key)

    async def manage(self) -> float:
        """Observe the shard map; as primary, promote where a shard needs it."""
        if self.schema_ready:
            wanted = await self.observe_map()
            if self.is_primary():
                promotions, demotions, redraw = await self.plan(wanted)
                for promotion in promotions:
                    await self.promote(promotion)
                for demotion in demotions:
                    await self.demote(demotion)
                if redraw is not None:
                    await self.redraw(redraw)
        return min(1.0, self.settings.heartbeat_interval / 2)

    async def observe_map(self) -> int | None:
        """Read the shard map; return the requested number of shards. A master that observes as secondary can promote at once as primary."""
        async with self.database.begin() as connection:
            rows = await ownership.read_map(connection)
            arrived_at = now()
            wanted = await resharding.read_wanted_shards(connection)
        self.shards = self.map_observer.observe_map(rows, arrived_at)
        return wanted

    async def plan(self, wanted: int | None) -> Plan:
        coreapps = await self.look_at_coreapps()
        return plan(self.shards, coreapps, self.settings.heartbeat_interval, self.settings.unhealthy_interval, wanted)

    async def look_at_coreapps(self) -> dict[str, Coreapp]:
        """Return what this master and its peers know of each coreapp, by its name."""
        async with self.database.begin() as connection:
            self.nodes = await node_registry.read_nodes(connection)
        peers = await self.ask_peers()
        moment = now()
        return {
            row.address.node_id: self.seen(row, peers, moment) for row in self.nodes if row.address.role == "coreapp"
        }

    def seen(self, row: node_registry.RegisteredNode, peers: list[dict[str, float]], moment: float) -> Coreapp:
        key = row.address.node_id, row.incarnation
        unanswered = moment - self.watched.get(key, moment)
        by_peers = tuple(peer.get("/".join(key), 0.0) for peer in peers)
        return Coreapp(*key, row.silent, unanswered, key in self.answering, by_peers)

    async def ask_peers(self) -> list[dict[str, float]]:
        """Return what each secondary master that answers has seen."""

        async def ask(address: NodeAddress) -> dict[str, float] | None:
            with contextlib.suppress(RpcError):
                return (await self.client.call(address, PortName.CONTROL, "observations", {}, 1.0))["unanswered"]
            return None

        return [answer for answer in await asyncio.gather(*map(ask, self.other_masters())) if answer is not None]

    async def promote(self, promotion: Promotion) -> None:
        async with self.database.begin() as connection:
            if not await self.still_primary(connection):
                return
            epoch = await ownership.promote(connection, promotion)
        if epoch is None:
            return
        log.info("shard %d: promoted %s, epoch %d", promotion.shard, promotion.node, epoch)
        for row in self.nodes:
            if row.address.node_id == promotion.node:
                with contextlib.suppress(RpcError):
                    await self.client.call(row.address, PortName.CONTROL, "promoted", {}, 1.0)

    async def demote(self, demotion: Demotion) -> None:
        async with self.database.begin() as connection:
            if await self.still_primary(connection) and await ownership.demote(connection, demotion):
                log.warning("shard %d: its owner is unhealthy and loses it", demotion.shard)

    async def redraw(self, due: Redraw) -> None:
        async with self.database.begin() as connection:
            done = await self.still_primary(connection) and await resharding.redraw(connection, due)
        if done:
            log.info("the shard map is drawn anew, for %d shards", due.shards)
            self.released.set()  # so that it is filled at once

    async def broadcast_settings(self) -> None:
        """Tell every node that the settings changed (seed); one that does not hear it reads them with its next report."""
        await self.read_settings()
        calls = [
            self.client.call(row.address, PortName.CONTROL, "settings.changed", {}, CALL_TIMEOUT)
            for row in self.nodes
            if row.address != self.address
        ]
        await asyncio.gather(*calls, return_exceptions=True)
