"""Reads what the console displays. Each part has a time limit of its own and fails alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...address import NodeAddress, PortName
from ...control.promotion import Shard
from ...rpc import RpcError
from ...runtime.statistics import STARTED
from ...store import backlog, master_lease, node_registry, ownership
from ...store.engine import DATABASE_ERRORS, error_summary
from ...store.node_registry import RegisteredNode
from .attention import find_attention
from .certificates import read_certificates

if TYPE_CHECKING:
    from ..process import Webapp

PART_TIMEOUT = 2.0  # seconds for a part
LIFE = 1.0  # seconds for which a reading is used again, so that many open consoles cost as much as one
CERTIFICATES_LIFE = 60.0  # seconds
MOST_CHANGES = 20

Part = TypeVar("Part")
Answers = Mapping[str, dict[str, Any] | RpcError]


class Registry(NamedTuple):
    """The registered nodes, the shard map and the primary master, of one transaction."""

    nodes: list[RegisteredNode]
    shards: list[Shard]
    primary: NodeAddress | None


class ConsoleReader:
    """Reads the state of the cluster for the console, with one transaction at a time and each node called at most once a second."""

    def __init__(self, webapp: Webapp) -> None:
        self.webapp = webapp
        self.reading = asyncio.Lock()
        self.state: dict[str, Any] = {}
        self.read_at = float("-inf")
        self.certificates: list[dict[str, Any]] | None = None
        self.certificates_at = float("-inf")

    async def read(self) -> dict[str, Any]:
        """Return the state, at most LIFE seconds old. A part that could not be read is None, and `problems` has the reason."""
        async with self.reading:
            if time.monotonic() - self.read_at > LIFE:
                self.state = await self._read()
                self.read_at = time.monotonic()
        return self.state

    async def _read(self) -> dict[str, Any]:
        problems: dict[str, str] = {}
        registry = await self._part(problems, ("nodes", "shards", "changes"), self._read_registry)
        (statuses, histories), (queues, certificates) = await asyncio.gather(
            self._call_nodes([] if registry is None else registry.nodes), self._read_database(problems)
        )
        nodes, shards, changes = None, None, None
        if registry is not None:
            nodes = [_node(row, statuses[row.address.node_id], registry.primary) for row in registry.nodes]
            shards = [_shard(shard, statuses) for shard in registry.shards]
            changes = merge_histories(histories)
            if changes is None:
                problems["changes"] = "no master reports them"
        state = {
            "webapp": self._webapp(),
            "nodes": nodes,
            "shards": shards,
            "queues": queues,
            "changes": changes,
            "certificates": certificates,
            "problems": problems,
        }
        return {**state, "attention": find_attention(state)}

    async def _read_database(
        self, problems: dict[str, str]
    ) -> tuple[dict[str, dict[str, Any]] | None, list[dict[str, Any]] | None]:
        """Return the queues and the certificates, read one after the other."""
        queues = await self._part(problems, ("queues",), self._read_queues)
        return queues, await self._part(problems, ("certificates",), self._read_certificates)

    async def _part(
        self, problems: dict[str, str], names: Sequence[str], read: Callable[[], Awaitable[Part]]
    ) -> Part | None:
        """Return a part of the state. If it cannot be read in time, return None and record the reason under each of the names."""
        try:
            async with asyncio.timeout(PART_TIMEOUT):
                return await read()
        except DATABASE_ERRORS as error:
            problems.update(dict.fromkeys(names, f"the database failed: {error_summary(error)}"))
        return None

    async def _read_registry(self) -> Registry:
        async with self.webapp.database.begin() as connection:
            rows = await node_registry.read_nodes(connection)
            shards = await ownership.read_map(connection)
            primary = await master_lease.find_primary_master(connection)
        return Registry(rows, shards, primary)

    async def _read_queues(self) -> dict[str, dict[str, Any]]:
        async with self.webapp.database.begin() as connection:
            backlogs = await backlog.read_backlogs(connection)
        return {name: one._asdict() for name, one in backlogs.items()}

    async def _read_certificates(self) -> list[dict[str, Any]]:
        if self.certificates is None or time.monotonic() - self.certificates_at > CERTIFICATES_LIFE:
            self.certificates = await read_certificates(self.webapp)
            self.certificates_at = time.monotonic()
        return self.certificates

    async def _call_nodes(self, rows: Sequence[RegisteredNode]) -> tuple[Answers, list[dict[str, Any]]]:
        """Return the status of every node, and the histories of the masters that answer."""
        addresses = [row.address for row in rows]
        masters = [address for address in addresses if address.role == "master"]
        answers = await asyncio.gather(
            *(self._call(address, "status") for address in addresses),
            *(self._call(address, "history") for address in masters),
        )
        statuses = {address.node_id: answer for address, answer in zip(addresses, answers, strict=False)}
        histories = [answer for answer in answers[len(addresses) :] if not isinstance(answer, RpcError)]
        return statuses, histories

    async def _call(self, address: NodeAddress, method: str) -> dict[str, Any] | RpcError:
        try:
            return await self.webapp.client.call(address, PortName.CONTROL, method, {}, PART_TIMEOUT)
        except RpcError as error:
            return error

    def _webapp(self) -> dict[str, Any]:
        """Return what this webapp reports about itself. The webhooks of the Cloud API arrive at every webapp, and each knows its own."""
        webapp = self.webapp
        received: float | None = None
        if webapp.webhooks is not None and webapp.webhooks.metrics.last_received is not None:
            received = time.monotonic() - webapp.webhooks.metrics.last_received
        return {
            "name": webapp.config.node_id,
            "version": webapp.config.version,
            "problem": problem_of(webapp.health.line()),
            "uptime": time.monotonic() - STARTED,
            "upstream": "websocket" if "://" in webapp.config.upstream else webapp.config.upstream,
            "last_webhook": received,
        }


def _node(row: RegisteredNode, answer: dict[str, Any] | RpcError, primary: NodeAddress | None) -> dict[str, Any]:
    """Return one node. The role and the version of one that does not answer are those of the registry."""
    node = {"name": row.address.node_id, "silent": row.silent}
    if isinstance(answer, RpcError):
        master_role = "primary_master" if row.address == primary else "secondary_master"
        role = "coreapp" if row.address.role == "coreapp" else master_role
        reason = answer.details.rstrip(".") or "no answer"
        return {
            **node,
            "role": role,
            "status": "unreachable",
            "version": row.version,
            "uptime": None,
            "problem": reason,
        }
    problem = str(answer.get("problem", "")) or problem_of(str(answer.get("health", "ok")))
    return {
        **node,
        "role": answer["role"],
        "status": answer["gateway_status"],
        "version": answer["version"],
        "uptime": answer.get("uptime"),
        "problem": problem,
    }


def problem_of(health: str) -> str:
    """Return the problems in a health line, or the notes of a healthy node; "" without any."""
    if health.startswith("ok"):
        return health.removeprefix("ok").strip(" ()")
    return health.removeprefix("unhealthy: ")


def _shard(shard: Shard, statuses: Answers) -> dict[str, Any]:
    answer = statuses.get(shard.owner or "")
    connected = isinstance(answer, dict) and answer["gateway_status"] == "connected"
    return {"shard": shard.shard, "owner": shard.owner, "connected": connected, "epoch": shard.epoch}


def merge_histories(histories: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the changes that any master has observed, the latest first, each once; None without a master.

    Of two observations of a change, the earlier one counts, and a vacancy that only one master has seen.
    """
    if not histories:
        return None
    merged: dict[tuple[int | None, int], dict[str, Any]] = {}
    for change in (change for history in histories for change in history["changes"]):
        known = merged.get((change["shard"], change["epoch"]))
        if known is None:
            merged[change["shard"], change["epoch"]] = dict(change)
            continue
        known["age"] = max(known["age"], change["age"])
        known["vacancy"] = max((known["vacancy"], change["vacancy"]), key=lambda seconds: seconds or 0.0)
        known["former"] = known["former"] or change["former"]
    latest = sorted(merged.values(), key=lambda change: change["age"])[:MOST_CHANGES]
    return {"observed": max(history["observed"] for history in histories), "latest": latest}
