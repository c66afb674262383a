"""A coreapp: starts as secondary, and is connected upstream only while it can prove that it owns a shard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterator

from ..address import NodeAddress, PortName
from ..clock import now
from ..control.ownership import Grant, Ownership, fencing_window, patience
from ..control.promotion import REPORT_INTERVAL
from ..rpc import RpcError
from ..runtime.garbage_collection import AUTOMATIC, Collector
from ..runtime.node import Node
from ..runtime.statistics import gauge
from ..store import documents, master_lease, node_registry, ownership, webhook_queue
from ..store.engine import DATABASE_ERRORS
from ..upstream import create_upstream
from ..upstream.base import Upstream, UpstreamError, UpstreamSession
from . import attachments, contact_checks, garbage_collection, intake, read_receipts
from .outbox_sender import Pump

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two looks at the deadline


async def nothing() -> AsyncIterator[int]:
    """Collect no garbage."""
    yield 0


class Coreapp(Node):
    """See the module."""

    def __init__(self, config, upstream: Upstream | None = None) -> None:
        super().__init__(config)
        self.upstream = upstream or create_upstream(config.upstream)
        self.ownership = Ownership()
        self.pump: Pump | None = None
        self.connected: Grant | None = None
        self.handed_over: Grant | None = None  # by the last drain
        self.connecting = False
        self.link = asyncio.Lock()  # a connection is not begun before the last one has ended
        self.masters: list[NodeAddress] = []  # as last read, for when the database is away
        self.woken = asyncio.Event()
        self.webhook_authority = ""  # certificates in PEM
        self.registered = False

    async def start(self) -> None:
        self.health.bad("schema", "the schema is not there yet")
        self.server = self.rpc_server()
        self.server.add(PortName.CONTROL, "heartbeat", self.heartbeat)
        self.server.add(PortName.CONTROL, "promoted", self.promoted)
        intake.register(self.server, self.database, self.owns, self.new_message)
        read_receipts.register(self.server, self.database, self.session)
        contact_checks.register(self.server, self.database, self.session)
        self.attachments = attachments.register(self.server, self.database, self.media, self.session)
        self.garbage = Collector(
            self.database, self.old_messages, garbage_collection.message_webhook(self.config.node_id), self.own_bucket
        )
        self.server.add(PortName.CONTROL, "gc.messages", self.collect_messages)
        await self.server.start()
        self.every("report", self.report)
        self.every("renewal", self.keep_ownership, self.woken)
        self.every("garbage", self.collect_garbage)
        self.loops.append(asyncio.create_task(self.fence(), name="fence"))

    async def stop(self) -> None:
        await self.leave_service()
        await self.server.stop()

    # -- out of service, and back --------------------------------------------------------------------------------------

    async def why_not_drain(self) -> str:
        grant = self.ownership.grant
        if grant is None:
            return ""
        async with self.database.begin() as connection:
            owners = {row.owner for row in await ownership.read_map(connection)}
            rows = await node_registry.read_nodes(connection)
            master = await master_lease.find_primary_master(connection)
        if master is None:
            return f"there is no primary master that could promote another coreapp for shard {grant.shard}"
        spares = [row.address for row in rows if row.address.role == "coreapp" and row.address.node_id not in owners]
        if any(await asyncio.gather(*map(self.is_able, spares))):
            return ""
        return f"no other coreapp stands by that could take over shard {grant.shard}"

    async def is_able(self, coreapp: NodeAddress) -> bool:
        """Return whether another coreapp says that it can do its work."""
        with contextlib.suppress(RpcError):
            return (await self.client.call(coreapp, PortName.CONTROL, "heartbeat", {}, self.patience()))["able"]
        return False

    async def leave_service(self) -> None:
        """Finish what is in flight, disconnect, give the shard back, and tell the primary master, so that it moves at once."""
        await self.garbage.stop()
        grant = self.ownership.grant
        self.ownership.draining = True
        await self.disconnect("handing the shard over", drain=True)
        if grant is not None:
            self.ownership.refused(grant)
            self.handed_over = grant
            await self.give_back(grant, leaving=True)
        elif not self.stopping:
            async with self.database.begin() as connection:
                await node_registry.remove(connection, self.config.node_id, self.incarnation)

    async def waits_for(self) -> str:
        if self.handed_over is None:
            return ""
        shard = self.handed_over.shard
        async with self.database.begin() as connection:
            owner = await node_registry.find_owner(connection, shard)
        if owner is None:
            return f"the promotion of another coreapp for shard {shard}"
        with contextlib.suppress(RpcError):
            status = await self.client.call(owner, PortName.CONTROL, "status", {}, self.patience())
            if status["gateway_status"] == "connected":
                return ""
        return f"{owner.node_id} to be connected for shard {shard}"

    async def return_to_service(self) -> None:
        self.ownership.draining, self.handed_over = False, None
        await self.register_or_report()
        self.woken.set()

    # -- what others ask -----------------------------------------------------------------------------------------------

    def owns(self, bucket: int) -> bool:
        """Return whether this process is connected for the shard of a bucket, and may be."""
        return self.connected is not None and self.connected.serves(bucket) and self.may_use(self.connected)

    def may_use(self, grant: Grant) -> bool:
        """Return whether this process is connected for a grant, and may be."""
        return self.connected == grant == self.ownership.grant and self.ownership.may_be_connected(now())

    def session(self, bucket: int) -> UpstreamSession:
        """Return the connection for a bucket. Raises RpcError 1018 when this node has none, or no right to it."""
        if not self.owns(bucket):
            raise intake.not_primary(bucket)
        return self.pump.session

    def own_bucket(self) -> int:
        """Return a bucket of the shard that this node is connected for, 0 when it is not: whose owner delivers what is told of this node."""
        return self.connected.shard if self.connected is not None else 0

    def old_messages(self) -> AsyncIterator[int]:
        """Delete this node's messages that are through; a node that stands by has none."""
        if (grant := self.connected) is None:
            return nothing()
        return garbage_collection.old_messages(self.database, grant, lambda: self.may_use(grant))

    async def collect_messages(self, _payload: dict) -> dict:
        """Answer `gc.messages`. Raises RpcError 1015 while a collection runs."""
        self.garbage.begin()
        return {}

    async def collect_garbage(self) -> float:
        if self.connected is not None and self.settings.garbagecollector_enable.messages:
            self.garbage.begin_silently()
            return AUTOMATIC
        return 60.0

    def new_message(self, again: bool) -> None:
        if self.pump is not None:
            self.pump.wake(from_the_oldest=again)

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
        if self.connecting:
            return "connecting"
        if self.schema_ready and self.upstream.requires_registration and not self.registered:
            return "unregistered"
        return super().gateway_status()

    async def app_statistics(self, payload: dict) -> dict:
        counted = await super().app_statistics(payload)
        if self.connected is None:
            return counted
        async with self.database.begin() as connection:
            waiting = await webhook_queue.pending_webhooks(connection, self.connected.buckets)
        return {**counted, "callback_queue_size": gauge("Webhooks that wait for their delivery", waiting)}

    async def read_settings(self) -> None:
        await super().read_settings()
        async with self.database.begin() as connection:
            self.webhook_authority = (await documents.read_document(connection, documents.WEBHOOK_CA)).get("pem", "")
            self.registered = "registered" in await documents.read_document(connection, documents.ACCOUNT)

    # -- the loops -------------------------------------------------------------------------------------------------------

    async def report(self) -> float:
        if not self.draining:  # who registers may be promoted
            await self.register_or_report()
        await self.read_settings()
        async with self.database.begin() as connection:
            self.masters = [
                row.address for row in await node_registry.read_nodes(connection) if row.address.role == "master"
            ]
        return REPORT_INTERVAL if self.masters else 1.0

    async def keep_ownership(self) -> float:
        """Read the map while owning nothing; renew the ownership when that is due."""
        if self.ownership.draining and self.connected is None:
            return TICK
        if self.ownership.grant is None:
            await self.look_at_the_map()
        elif self.ownership.renewal_due(now()):
            await self.renew(self.ownership.grant)
        return self.settings.heartbeat_interval if self.ownership.grant is None else TICK

    async def look_at_the_map(self) -> None:
        async with self.database.begin() as connection:
            mine = await ownership.find_grant(connection, self.config.node_id, self.incarnation)
        if mine is not None:
            await self.renew(mine)

    async def renew(self, grant: Grant) -> None:
        """Renew a grant in the database, or by a master while this node cannot reach the database; connect when it holds."""
        window = fencing_window(self.settings.unhealthy_interval)
        renewal, delay = self.ownership.next_renewal(), self.ownership.requested_delay(window)
        sent_at = now()
        try:
            async with asyncio.timeout(self.patience()), self.database.begin() as connection:
                holds = await ownership.renew(
                    connection, grant.shard, self.config.node_id, self.incarnation, grant.epoch, renewal, delay
                )
        except DATABASE_ERRORS as error:
            self.database_is_away(error)
            sent_at = now()
            renewal = self.ownership.next_renewal()
            holds = await self.ask_masters("renew", grant, renewal=renewal, delay=delay)
        if holds is None:
            return
        if not holds:
            self.ownership.refused(grant)
            await self.disconnect("the map no longer names this node")
            await self.give_back(grant)
            return
        self.ownership.renewed(grant, sent_at, window)
        if self.connected is None:
            await self.connect(grant)

    async def give_back(self, grant: Grant, leaving: bool = False) -> None:
        """Say that this node is disconnected for good, so that the next owner need not wait for the fence.

        One that stops leaves with the same word: it must not be the next owner.
        """
        try:
            async with asyncio.timeout(self.patience()), self.database.begin() as connection:
                if leaving:
                    await node_registry.remove(connection, self.config.node_id, self.incarnation)
                await ownership.release(connection, grant.shard, self.incarnation, grant.epoch)
                master = await master_lease.find_primary_master(connection)
            if master is not None:
                with contextlib.suppress(RpcError):
                    await self.client.call(master, PortName.CONTROL, "shard.released", {}, self.patience())
        except DATABASE_ERRORS:
            await self.ask_masters("release", grant, leaving=leaving)

    def patience(self) -> float:
        return patience(self.settings.unhealthy_interval)

    async def ask_masters(self, method: str, grant: Grant, **more: float | bool) -> bool | None:
        """Let the masters do to the map what this node cannot. Return what one of them found, or None when none could."""
        payload = {
            "shard": grant.shard,
            "node": self.config.node_id,
            "incarnation": self.incarnation,
            "epoch": grant.epoch,
            **more,
        }

        async def ask(master: NodeAddress) -> bool | None:
            with contextlib.suppress(RpcError):
                return (await self.client.call(master, PortName.CONTROL, method, payload, self.patience()))["holds"]
            return None

        answers = await asyncio.gather(*map(ask, self.masters))
        return next((answer for answer in answers if answer is not None), None)

    async def fence(self) -> None:
        """Disconnect in time when no proof came. This loop does nothing else, so that nothing can hold it up."""
        while True:
            pause = TICK
            if self.connected is not None:
                if now() >= self.ownership.deadline():  # one that drains is connected until then, at the most
                    self.ownership.lost()
                    await self.disconnect("no proof of ownership in time: neither the database nor a master answered")
                elif self.pump.ended():
                    await self.disconnect("the upstream ended the connection; connecting again with the next proof")
                else:
                    pause = min(TICK, self.ownership.deadline() - now())
            await asyncio.sleep(pause)

    # -- the connection --------------------------------------------------------------------------------------------------

    async def connect(self, grant: Grant) -> None:
        """Connect for a grant, unless the right to it ends before the upstream has answered."""
        async with self.link:
            if not self.ownership.may_be_connected(now()) or self.ownership.grant != grant:
                return  # given back or taken away since the proof
            self.connecting = True
            try:
                async with asyncio.timeout(self.ownership.deadline() - now()):
                    session = await self.upstream.connect(grant.shard, grant.epoch)
            except (UpstreamError, TimeoutError) as error:
                log.warning(
                    "shard %d: the upstream refuses the connection: %s", grant.shard, error or "no answer in time"
                )
                self.ownership.lost()
                return
            finally:
                self.connecting = False
            if not self.ownership.may_be_connected(now()) or self.ownership.grant != grant:
                with or_end_the_process(grant):
                    await asyncio.shield(session.disconnect())
                return
            self.connected = grant
            self.pump = Pump(
                self.database,
                lambda: self.settings,
                lambda: self.webhook_authority,
                self.statistics,
                self.attachments.fetch_later,
            )
            self.pump.start(session, grant, lambda: self.may_use(grant))
            log.info("shard %d: connected with epoch %d", grant.shard, grant.epoch)

    async def disconnect(self, reason: str, drain: bool = False) -> None:
        """End the connection. With drain, first finish what was begun, but not beyond the right to be connected."""
        # Whoever is cancelled while it waits for this must not leave a connection half ended.
        await asyncio.shield(asyncio.create_task(self.end_connection(reason, drain)))

    async def end_connection(self, reason: str, drain: bool) -> None:
        async with self.link:
            if self.connected is None:
                return
            grant, pump, self.connected, self.pump = self.connected, self.pump, None, None
            with or_end_the_process(grant):
                stopped = asyncio.create_task(pump.stop(drain))
                await asyncio.wait([stopped], timeout=max(0.0, self.ownership.deadline() - now()))
                if not stopped.done():
                    await pump.session.disconnect()
                await stopped
            log.warning("shard %d: disconnected: %s", grant.shard, reason)


@contextlib.contextmanager
def or_end_the_process(grant: Grant) -> Iterator[None]:
    """End the process when a connection cannot be ended: one that lives on while somebody else connects gets the account banned."""
    try:
        yield
    except Exception:
        log.critical("shard %d: the connection could not be cut, so this process ends", grant.shard, exc_info=True)
        os._exit(1)
