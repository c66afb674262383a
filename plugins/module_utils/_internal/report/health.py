# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health of a cluster, from its answer to GET /v1/health. Pure (formats: docs/reference/vendor-contract.md#health)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHARDS = (1, 2, 4, 8, 16, 32)  # the valid numbers of shards (docs/reference/vendor-contract.md#shards)

Node = dict[str, str]


def parse_nodes(health: Mapping[str, Any]) -> list[Node]:
    """Return the nodes of a health answer's `health` object, each with name, container, role, gateway_status and problem.

    The answer of a single node has no names; the node counts as a coreapp.
    """
    if "gateway_status" in health:
        health = {"single:": {"role": "coreapp", **health}}
    nodes = []
    for key in sorted(health):
        name, _separator, container = key.rpartition(":")
        entry = health[key]
        nodes.append(
            {
                "name": name,
                "container": container,
                "role": entry.get("role", ""),
                "gateway_status": entry.get("gateway_status", ""),
                "problem": "; ".join(_error_text(error) for error in entry.get("errors") or []),
            }
        )
    return nodes


def _error_text(error: Any) -> str:
    """Return the text of an entry's error. An error in an unknown format still makes its node unhealthy."""
    text = (error.get("details") or error.get("title")) if isinstance(error, dict) else error
    return str(text or "no reason given")


def assess(nodes: Sequence[Node], masters: int, coreapps: int, shards: int) -> tuple[list[str], str]:
    """Return (the reasons why the cluster is unhealthy, a sentence that sums up its health). Without a reason it is healthy.

    masters, coreapps, shards: the expected numbers; 0 masters for a client outside a cluster. Before a number is registered, the vendor's client
    cannot connect: coreapps that all await the registration count as ready.
    """
    sound = [node for node in nodes if not node["problem"]]
    primaries = [node for node in sound if node["role"] == "primary_master"]
    secondaries = [node for node in sound if node["role"] == "secondary_master"]
    cores = [node for node in sound if node["role"] == "coreapp"]
    connected = [node for node in cores if node["gateway_status"] == "connected"]
    standby = [node for node in cores if node["gateway_status"] == "disconnected"]
    unregistered = bool(cores) and all(node["gateway_status"] == "unregistered" for node in cores)

    reasons = [f"{node['name']}: {node['problem']}" for node in nodes if node["problem"]]
    if len(primaries) != min(masters, 1):
        reasons.append(f"{len(primaries)} primary masters, not {min(masters, 1)}")
    if len(secondaries) != max(masters - 1, 0):
        reasons.append(f"{len(secondaries)} secondary masters, not {max(masters - 1, 0)}")
    if unregistered and len(cores) == coreapps:
        state = f"{coreapps} coreapps awaiting registration"
    else:
        state = f"{len(connected)} of {coreapps} coreapps connected, {len(standby)} standing by"
        if len(connected) != shards:
            reasons.append(f"{len(connected)} coreapps connected, not {shards}")
        if len(standby) != coreapps - shards:
            reasons.append(f"{len(standby)} coreapps standing by, not {coreapps - shards}")
        if len(cores) > coreapps:
            reasons.append(f"{len(cores)} coreapps are registered, not {coreapps}")
        if shards > 1 and not any(node["gateway_status"] == "connected" for node in primaries):
            reasons.append("the primary master is not connected")
    if reasons:
        return reasons, f"Not healthy: {'; '.join(reasons)}."
    return [], f"Healthy: {len(primaries)} primary and {len(secondaries)} secondary masters, {state}."


def healthy_shards(nodes: Sequence[Node], masters: int, coreapps: int) -> int:
    """Return the number of shards with which these nodes would be a healthy cluster; 0 if there is none."""
    return next((shards for shards in SHARDS if not assess(nodes, masters, coreapps, shards)[0]), 0)


def parse_lags(stats: Any) -> dict[str, int]:
    """Return the number of pending {"messages", "webhooks"} in the `stats` object of GET /v1/stats/db; {} if no master has counted them."""
    names = {"messages": "db_pending_messages", "webhooks": "db_pending_callbacks"}
    found = {}
    for node in stats.values() if isinstance(stats, dict) else ():
        metrics = node.get("db", {})
        for lag, name in names.items():
            if name in metrics:
                found[lag] = sum(int(sample["value"]) for sample in metrics[name]["data"])
    return found
