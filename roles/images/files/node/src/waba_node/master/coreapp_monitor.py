"""Watches the coreapps: calls them, collects what the other masters observe, and reads their reports."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..address import NodeAddress, PortName
from ..clock import now
from ..control.failure_detector import Coreapp, FailureDetector, Process
from ..rpc import Payload, RpcError
from ..store import node_registry
from ..store.node_registry import RegisteredNode

if TYPE_CHECKING:
    from .process import Master

CALL_TIMEOUT = 2.0  # seconds
PEER_TIMEOUT = 1.0  # seconds
REGISTRY_INTERVAL = 0.5  # seconds between two queries for new coreapps


class CoreappMonitor:
    """The failure detector of one master, and the calls around it."""

    def __init__(self, node: Master) -> None:
        self.node, self.database, self.client = node, node.database, node.client
        self.detector = FailureDetector()
        self.nodes: list[RegisteredNode] = []  # as last read

    def coreapps(self) -> dict[Process, RegisteredNode]:
        """Return the registered coreapp processes, as last read."""
        return {
            Process(row.address.node_id, row.incarnation): row for row in self.nodes if row.address.role == "coreapp"
        }

    def other_masters(self) -> list[NodeAddress]:
        """Return the other masters, as last read."""
        own = self.node.address
        return [row.address for row in self.nodes if row.address.role == "master" and row.address != own]

    async def read_nodes(self) -> None:
        """Read the registered nodes."""
        async with self.database.begin() as connection:
            self.nodes = await node_registry.read_nodes(connection)

    async def send_heartbeats(self) -> float:
        """Call the coreapps that are due; no call waits for another. Return the seconds until the next check."""
        interval = self.node.settings.heartbeat_interval
        try:
            await self.read_nodes()
        finally:  # the nodes as last read, while the database is unreachable
            coreapps, moment = self.coreapps(), now()
            self.detector.watch(coreapps, moment)
            for process in self.detector.due(moment, interval):
                self.node.supervisor.spawn("heartbeat", self.send_heartbeat(coreapps[process].address))
        return min(REGISTRY_INTERVAL, interval / 4)

    async def send_heartbeat(self, address: NodeAddress) -> None:
        """Call a coreapp, and record its answer."""
        timeout = min(CALL_TIMEOUT, self.node.settings.heartbeat_interval)
        with contextlib.suppress(RpcError):
            answer = await self.client.call(address, PortName.CONTROL, "heartbeat", {}, timeout)
            if answer["able"]:
                self.detector.answered(Process(address.node_id, answer["incarnation"]), now())

    async def observations(self, _payload: Payload) -> Payload:
        """Answer another master: for how many seconds each coreapp has not answered this one."""
        return {"unanswered": {"/".join(process): age for process, age in self.detector.unanswered(now()).items()}}

    async def observe(self) -> dict[str, Coreapp]:
        """Return what this master and its peers know of each coreapp, by its name."""
        await self.read_nodes()
        peers = await self.ask_peers()
        silent = {process: row.silent for process, row in self.coreapps().items()}
        return self.detector.observe(silent, peers, now())

    async def ask_peers(self) -> list[dict[Process, float]]:
        """Return the observations of each other master that answers."""

        async def ask(address: NodeAddress) -> dict[Process, float] | None:
            with contextlib.suppress(RpcError):
                answer = await self.client.call(address, PortName.CONTROL, "observations", {}, PEER_TIMEOUT)
                unanswered: dict[str, float] = answer["unanswered"]
                return {Process(*name.rsplit("/", 1)): seconds for name, seconds in unanswered.items()}
            return None

        return [answer for answer in await asyncio.gather(*map(ask, self.other_masters())) if answer is not None]
