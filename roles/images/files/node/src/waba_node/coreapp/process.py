"""A coreapp: starts as standby, and is connected to the upstream only while it can show that it owns a shard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import cast

from ..address import NodeAddress, PortName
from ..config import NodeConfig
from ..control.promotion import REPORT_INTERVAL
from ..rpc import Payload, RpcError
from ..runtime.garbage_collection import AUTOMATIC_INTERVAL, Collector
from ..runtime.node import Node
from ..runtime.statistics import GAUGES, UPSTREAM_GAUGES, gauge
from ..runtime.supervisor import Loop
from ..store import documents, master_lease, node_registry, ownership, updates, webhook_queue
from ..store.second_member import SecondMember
from ..upstream import create_upstream
from ..upstream.base import UpdatingUpstream, Upstream, UpstreamSession
from . import attachments, contact_checks, garbage_collection, intake, read_receipts
from .claiming import Claiming
from .connection import Connection, Environment
from .library import StoredLibrary
from .shard_owner import ShardOwner

FIRST_REPORTS = 1.0  # seconds between two reports while no master is registered
SECOND_MEMBER_PROBE = 1.0  # seconds between two probes of the database's second member
COLLECTION_CHECK = 60.0  # seconds between two checks whether the settings ask for a collection


async def nothing() -> AsyncIterator[int]:
    """Collect no garbage."""
    yield 0


class Coreapp(Node):
    """The process of a coreapp."""

    def __init__(self, config: NodeConfig, upstream: Upstream | None = None) -> None:
        super().__init__(config)
        self.upstream = upstream or create_upstream(config, StoredLibrary(self.database, self.media, self.statistics))
        self.claiming: Claiming | None = None
        if not self.upstream.idempotent:
            self.claiming = Claiming(cast(UpdatingUpstream, self.upstream), config.node_id, self.incarnation)
        self.owner = ShardOwner(self, self.upstream, self.environment)
        self.webhook_authority = ""  # certificates in PEM
        self.number = ""  # the registered number
        self.second = SecondMember(config.database) if config.database.second_port else None

    async def start(self) -> None:
        self.health.report("schema", "the schema does not exist yet")
        self.server = self.rpc_server()
        self.server.add(PortName.CONTROL, "heartbeat", self.heartbeat)
        self.server.add(PortName.CONTROL, "promoted", self.promoted)
        intake.register(self.server, self.database, self.owner.owns, self.messages_stored, self.statistics, self.second)
        read_receipts.register(self.server, self.database, self.session)
        contact_checks.register(self.server, self.database, self.session)
        self.server.add(PortName.MESSAGING, "updates.stored", self.updates_stored)
        self.attachments = attachments.register(self.server, self.database, self.media, self.session)
        self.garbage = Collector(
            self.database,
            self.completed_messages,
            garbage_collection.message_webhook(self.config.node_id),
            self.webhook_bucket,
        )
        self.server.add(PortName.CONTROL, "gc.messages", self.collect_messages)
        await self.server.start()

    def loops(self) -> list[Loop]:
        return [
            Loop("report", self.report, REPORT_INTERVAL),
            Loop("garbage", self.collect_garbage, COLLECTION_CHECK),
            *([Loop("second member", self.probe_second_member, SECOND_MEMBER_PROBE)] if self.second else []),
            *self.owner.loops(),
        ]

    async def stop(self) -> None:
        await self.leave_service()
        await self.server.stop()
        if self.second is not None:
            await self.second.close()

    def environment(self) -> Environment:
        """Return what this node gives to a new connection."""
        return Environment(
            self.database,
            lambda: self.settings,
            self.tasks,
            lambda: self.webhook_authority,
            self.statistics,
            self.attachments.fetch_later,
            lambda: self.number,
            self.claiming,
        )

    @property
    def connection(self) -> Connection | None:
        """The connection to the upstream, None for a standby."""
        return self.owner.connection

    # -- drain and resume ----------------------------------------------------------------------------------------------

    async def drain_blocker(self) -> str:
        grant = self.owner.ownership.grant
        if grant is None:
            return ""
        async with self.database.begin() as connection:
            owners = {row.owner for row in await ownership.read_map(connection)}
            nodes = await node_registry.read_nodes(connection)
            master = await master_lease.find_primary_master(connection)
        if master is None:
            return f"there is no primary master that could promote another coreapp for shard {grant.shard}"
        standbys = [row.address for row in nodes if row.address.role == "coreapp" and row.address.node_id not in owners]
        if any(await asyncio.gather(*map(self.is_able, standbys))):
            return ""
        return f"no other coreapp is on standby that could take over shard {grant.shard}"

    async def is_able(self, coreapp: NodeAddress) -> bool:
        """Return whether another coreapp reports that it can do its work."""
        with contextlib.suppress(RpcError):
            answer = await self.client.call(coreapp, PortName.CONTROL, "heartbeat", {}, self.owner.patience())
            return bool(answer["able"])
        return False

    async def leave_service(self) -> None:
        """Finish what is in progress, disconnect, release the shard, and notify the primary master, so that the shard moves at once."""
        await self.garbage.stop()
        if not await self.owner.hand_over() and not self.stopping:
            async with self.database.begin() as connection:
                await node_registry.remove(connection, self.config.node_id, self.incarnation)

    async def drain_pending(self) -> str:
        if self.owner.handed_over is None:
            return ""
        shard = self.owner.handed_over.shard
        async with self.database.begin() as connection:
            owner = await node_registry.find_owner(connection, shard)
        if owner is None:
            return f"the promotion of another coreapp for shard {shard}"
        with contextlib.suppress(RpcError):
            status = await self.client.call(owner, PortName.CONTROL, "status", {}, self.owner.patience())
            if status["gateway_status"] == "connected":
                return ""
        return f"the connection of {owner.node_id} for shard {shard}"

    async def return_to_service(self) -> None:
        self.owner.resume()
        await self.register_or_report()

    # -- what others ask -----------------------------------------------------------------------------------------------

    def session(self, bucket: int) -> UpstreamSession:
        """Return the connection for a bucket. Raises RpcError 1018 when this node has none, or no right to it."""
        if self.connection is None or not self.owner.owns(bucket):
            raise intake.not_primary(bucket)
        return self.connection.session

    def webhook_bucket(self) -> int:
        """Return a bucket whose owner delivers this node's own webhooks: of its shard while it is connected, 0 otherwise."""
        return self.connection.grant.shard if self.connection is not None else 0

    def completed_messages(self) -> AsyncIterator[int]:
        """Delete this node's messages that need nothing more; a standby has none."""
        if self.connection is None:
            return nothing()
        grant = self.connection.grant
        return garbage_collection.completed_messages(self.database, grant, lambda: self.owner.may_use(grant))

    async def collect_messages(self, _payload: Payload) -> Payload:
        """Answer `gc.messages`. Raises RpcError 1015 while a collection runs."""
        self.garbage.begin()
        return {}

    def messages_stored(self, again: bool) -> None:
        """Send newly stored messages. again: one may have been stored before."""
        if self.connection is not None:
            self.connection.sender.wake(rescan=again)

    async def updates_stored(self, _payload: Payload) -> Payload:
        """Process the updates that a webapp has stored. The notification is not needed, only faster."""
        if self.connection is not None and self.connection.processor is not None:
            self.connection.processor.wake()
        return {}

    async def heartbeat(self, _payload: Payload) -> Payload:
        """Answer a master. `able`: this node can do its work."""
        able = not {"database", "schema"} & self.health.problems.keys()
        return {"incarnation": self.incarnation, "able": able and not self.owner.ownership.draining}

    async def promoted(self, _payload: Payload) -> Payload:
        """Read the map now. The notification itself grants nothing."""
        self.owner.map_changed.set()
        return {}

    def gateway_status(self) -> str:
        if self.connection is not None:
            return "connected"
        if self.owner.connecting:
            return "connecting"
        if self.schema_ready and self.upstream.requires_registration and not self.number:
            return "unregistered"
        return super().gateway_status()

    async def status(self, payload: Payload) -> Payload:
        """Answer with this node's part of /v1/health, and why it cannot be connected, or is restricted.

        Another upstream refuses an unregistered number, and a new owner until the former one has ended, which is no problem of the node.
        """
        answer = await super().status(payload)
        if self.claiming is None:
            return answer
        restriction = self.claiming.upstream.restriction if self.connection is not None else ""
        problem = self.owner.upstream_problem or restriction
        return {**answer, "problem": problem} if problem else answer

    def owned_shard(self) -> int | None:
        return None if self.connection is None else self.connection.grant.shard

    async def app_statistics(self, payload: Payload) -> Payload:
        counted = await super().app_statistics(payload)
        sending = 0 if self.connection is None else len(self.connection.sender.unconfirmed)
        counted["pending_messages"] = gauge(GAUGES["pending_messages"], sending)
        if self.connection is None:
            return counted
        buckets = self.connection.grant.buckets
        async with self.database.begin() as connection:
            waiting = await webhook_queue.count_pending_webhooks(connection, buckets)
            numbers = await updates.read_statistics(connection, buckets) if self.claiming is not None else None
        for name in ("callback_queue_size", "pending_callbacks"):
            counted[name] = gauge(GAUGES[name], waiting)
        if numbers is None or self.claiming is None:
            return counted
        upstream = self.claiming.upstream
        values: dict[str, float | Mapping[str, Mapping[str, float]]] = {
            "upstream_number_rate": {"level": {upstream.rate_level: upstream.policy.rate}},
            "upstream_messages_uncertain": self.connection.uncertain,
            "upstream_updates_waiting": numbers.waiting,
            "upstream_updates_set_aside": numbers.set_aside,
            "upstream_oldest_update_seconds": numbers.oldest,
        }
        return {**counted, **{name: gauge(UPSTREAM_GAUGES[name], value) for name, value in values.items()}}

    async def read_settings(self) -> None:
        await super().read_settings()
        async with self.database.begin() as connection:
            self.webhook_authority = (await documents.read_document(connection, documents.WEBHOOK_CA)).get("pem", "")
            account = await documents.read_document(connection, documents.ACCOUNT)
        number = account.get("registered")
        self.number = number["cc"] + number["phone_number"] if number else ""

    # -- loops ---------------------------------------------------------------------------------------------------------

    async def report(self) -> float | None:
        """Report to the database; read the settings and the masters. Return the seconds until the next report, None for the usual ones."""
        if not self.draining:  # a registered node may be promoted
            await self.register_or_report()
        await self.read_settings()
        async with self.database.begin() as connection:
            nodes = await node_registry.read_nodes(connection)
        self.owner.masters = [row.address for row in nodes if row.address.role == "master"]
        return None if self.owner.masters else FIRST_REPORTS

    async def probe_second_member(self) -> None:
        """Note in the health line when one member of the database alone acknowledges messages."""
        if self.second is None:
            return
        await self.second.probe()
        if self.second.present:
            self.health.notes.pop("second member", None)
        else:
            self.health.notes["second member"] = "database: acknowledged by one member only"

    async def collect_garbage(self) -> float | None:
        """Begin a collection where the settings ask for it."""
        if self.connection is None or not self.settings.garbagecollector_enable.messages:
            return None
        self.garbage.begin_automatic()
        return AUTOMATIC_INTERVAL
