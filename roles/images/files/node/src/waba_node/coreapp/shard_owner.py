"""Owns a shard: finds the promotion in the map, renews the ownership, connects for it, and disconnects in time.

The rules are in `control.ownership`; docs/adr/0003-safety-without-clocks.md gives the reasons.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..address import NodeAddress, PortName
from ..clock import now
from ..control.ownership import Grant, Ownership, fencing_window, patience
from ..rpc import RpcError
from ..runtime.supervisor import Loop, exit_on_failure
from ..store import master_lease, node_registry, ownership
from ..store.engine import DATABASE_ERRORS
from ..upstream.base import Upstream, UpstreamError
from .connection import Connection, Environment

if TYPE_CHECKING:
    from .process import Coreapp

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two checks of the deadline


class ShardOwner:
    """A coreapp's ownership of a shard, and its connection."""

    def __init__(self, node: Coreapp, upstream: Upstream, environment: Callable[[], Environment]) -> None:
        """environment: returns what a new connection gets from the node."""
        self.node, self.database, self.upstream, self.environment = node, node.database, upstream, environment
        self.ownership = Ownership()
        self.connection: Connection | None = None
        self.connecting = False
        self.upstream_problem = ""  # why the upstream refused the last connection, "" after a success
        self.handed_over: Grant | None = None  # by the last drain
        self.masters: list[NodeAddress] = []  # as last read, for when the database is unreachable
        self.map_changed = asyncio.Event()
        self.transition = asyncio.Lock()  # a connection begins only after the previous one has ended

    def loops(self) -> list[Loop]:
        """Return the loops that renew the ownership and enforce its end."""
        return [
            Loop("ownership", self.renew, trigger=self.map_changed),
            Loop("fence", self.enforce_deadline, fatal=True),
        ]

    def owns(self, bucket: int) -> bool:
        """Return whether this process is connected for the shard of a bucket, and may be."""
        connection = self.connection
        return connection is not None and connection.grant.serves(bucket) and self.may_use(connection.grant)

    def may_use(self, grant: Grant) -> bool:
        """Return whether this process is connected for a grant, and may be."""
        connected = self.connection is not None and self.connection.grant == grant
        return connected and self.may_connect(grant)

    def may_connect(self, grant: Grant) -> bool:
        """Return whether this process may be connected for a grant now."""
        return self.ownership.grant == grant and self.ownership.may_be_connected(now())

    def patience(self) -> float:
        """Return the seconds to wait for an answer, so that a second way can still be tried in time."""
        return patience(self.node.settings.unhealthy_interval)

    # -- renewal -------------------------------------------------------------------------------------------------------

    async def renew(self) -> float:
        """Renew the ownership when that is due; without a shard read the map. Return the seconds until the next check."""
        if self.ownership.draining and self.connection is None:
            return TICK
        if self.ownership.grant is None:
            await self.refresh_shard_map()
        elif self.ownership.renewal_due(now()):
            await self.renew_grant(self.ownership.grant)
        return self.node.settings.heartbeat_interval if self.ownership.grant is None else TICK

    async def refresh_shard_map(self) -> None:
        """Take the shard that the map gives to this process, if any."""
        async with self.database.begin() as connection:
            grant = await ownership.find_grant(connection, self.node.config.node_id, self.node.incarnation)
        if grant is not None:
            await self.renew_grant(grant)

    async def renew_grant(self, grant: Grant) -> None:
        """Renew a grant in the database, or through a master where this node cannot reach the database; connect when it is granted."""
        window = fencing_window(self.node.settings.unhealthy_interval)
        renewal, delay = self.ownership.next_renewal(), self.ownership.requested_delay(window)
        sent_at = now()
        granted: bool | None
        try:
            async with asyncio.timeout(self.patience()), self.database.begin() as connection:
                granted = await ownership.renew(
                    connection,
                    grant.shard,
                    self.node.config.node_id,
                    self.node.incarnation,
                    grant.epoch,
                    renewal,
                    delay,
                )
        except DATABASE_ERRORS as error:
            self.node.database_unavailable(error)
            sent_at = now()
            renewal = self.ownership.next_renewal()
            granted = await self.ask_masters("ownership.renew", grant, renewal=renewal, delay=delay)
        if granted is None:
            return
        if not granted:
            self.ownership.refused(grant)
            self.clear_problem()
            await self.disconnect("the map no longer names this node")
            await self.release(grant)
            return
        self.ownership.renewed(grant, sent_at, window)
        if self.connection is None:
            await self.connect(grant)

    async def release(self, grant: Grant, leaving: bool = False) -> None:
        """Record that this node is disconnected for good, so that the next owner need not wait.

        leaving: remove this node from the registry in the same transaction, since it must not be the next owner.
        """
        try:
            async with asyncio.timeout(self.patience()), self.database.begin() as connection:
                if leaving:
                    await node_registry.remove(connection, self.node.config.node_id, self.node.incarnation)
                await ownership.release(connection, grant.shard, self.node.incarnation, grant.epoch)
                master = await master_lease.find_primary_master(connection)
            if master is not None:
                with contextlib.suppress(RpcError):
                    await self.node.client.call(master, PortName.CONTROL, "shard.released", {}, self.patience())
        except DATABASE_ERRORS:
            await self.ask_masters("ownership.release", grant, leaving=leaving)

    async def ask_masters(self, method: str, grant: Grant, **more: float | bool) -> bool | None:
        """Ask the masters to change the map for this node. Return the first answer, or None when no master could."""
        payload = {
            "shard": grant.shard,
            "node": self.node.config.node_id,
            "incarnation": self.node.incarnation,
            "epoch": grant.epoch,
            **more,
        }

        async def ask(master: NodeAddress) -> bool | None:
            with contextlib.suppress(RpcError):
                answer = await self.node.client.call(master, PortName.CONTROL, method, payload, self.patience())
                return bool(answer["granted"])
            return None

        answers = await asyncio.gather(*map(ask, self.masters))
        return next((answer for answer in answers if answer is not None), None)

    async def enforce_deadline(self) -> float:
        """Disconnect in time without a renewal. This loop does nothing else, so that nothing can delay it."""
        if self.connection is not None:
            if now() >= self.ownership.deadline():  # also while a drain finishes what is in progress
                self.ownership.lost()
                await self.disconnect("no renewal of the ownership in time: neither the database nor a master answered")
            elif self.connection.ended:
                await self.disconnect("the upstream ended the connection; connecting again with the next renewal")
            else:
                return min(TICK, self.ownership.deadline() - now())
        return TICK

    # -- the connection ------------------------------------------------------------------------------------------------

    async def connect(self, grant: Grant) -> None:
        """Connect for a grant, unless the right to it ends before the upstream answers."""
        async with self.transition:
            if not self.may_connect(grant):  # released or taken away since the renewal
                return
            self.connecting = True
            try:
                async with asyncio.timeout(self.ownership.deadline() - now()):
                    session = await self.upstream.connect(grant.shard, grant.epoch)
            except (UpstreamError, TimeoutError) as error:
                self.refused(grant, str(error) or "no answer in time")
                self.ownership.lost()
                return
            finally:
                self.connecting = False
            if not self.may_connect(grant):
                with exit_on_failure(f"shard {grant.shard}: the connection could not be closed"):
                    await asyncio.shield(session.disconnect())
                return
            self.connection = Connection(grant, session, self.environment(), lambda: self.may_use(grant))
            self.connection.start()
            self.clear_problem()
            log.info("shard %d: connected with epoch %d", grant.shard, grant.epoch)

    def refused(self, grant: Grant, reason: str) -> None:
        """Report why the upstream refuses a connection, in /v1/health and in the health line too."""
        if self.upstream_problem != reason:
            log.warning("shard %d: the upstream refuses the connection: %s", grant.shard, reason)
        self.upstream_problem = reason
        if (
            not self.upstream.idempotent
        ):  # any other upstream is asked again a moment later, and may only await the end of a former owner
            self.node.health.report("upstream", f"the upstream refuses the connection: {reason}")

    def clear_problem(self) -> None:
        """Record that this node is connected, or need not be."""
        self.upstream_problem = ""
        self.node.health.clear("upstream")

    async def disconnect(self, reason: str, drain: bool = False) -> None:
        """End the connection. drain: first finish what is in progress, but not beyond the right to be connected."""
        # A caller that is cancelled while it waits must not leave a connection half closed.
        await asyncio.shield(asyncio.create_task(self._disconnect(reason, drain)))

    async def _disconnect(self, reason: str, drain: bool) -> None:
        async with self.transition:
            if self.connection is None:
                return
            connection, self.connection = self.connection, None
            shard = connection.grant.shard
            with exit_on_failure(f"shard {shard}: the connection could not be closed"):
                await connection.close(drain, timeout=max(0.0, self.ownership.deadline() - now()))
            log.warning("shard %d: disconnected: %s", shard, reason)

    # -- drain and resume ----------------------------------------------------------------------------------------------

    async def hand_over(self) -> bool:
        """Finish what is in progress, disconnect, and release the shard. Return whether there was one."""
        grant = self.ownership.grant
        self.ownership.draining = True
        await self.disconnect("handing the shard over", drain=True)
        if grant is None:
            return False
        self.ownership.refused(grant)
        self.clear_problem()
        self.handed_over = grant
        await self.release(grant, leaving=True)
        return True

    def resume(self) -> None:
        """Accept a shard again."""
        self.ownership.draining, self.handed_over = False, None
        self.map_changed.set()
