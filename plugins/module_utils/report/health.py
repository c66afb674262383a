# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a cluster is healthy, from what GET /v1/health says. Pure (shapes: vendor facts, section 2.3)."""

from __future__ import annotations

SHARDS = (1, 2, 4, 8, 16, 32)  # the numbers that there may be (vendor fact)


def nodes_of(health):
    """Return the nodes of a health answer's `health` object: list of dict with name, container, role, gateway_status, problem.

    A single node's answer has no names; it counts as a coreapp.
    """
    if "gateway_status" in health:
        health = {"single:": {"role": "coreapp", **health}}
    nodes = []
    for key in sorted(health):
        name, _separator, container = key.rpartition(":")
        entry = health[key]
        problem = "; ".join(_told(error) for error in entry.get("errors") or [])
        nodes.append(
            {
                "name": name,
                "container": container,
                "role": entry.get("role", ""),
                "gateway_status": entry.get("gateway_status", ""),
                "problem": problem,
            }
        )
    return nodes


def judge(nodes, masters, coreapps, shards):
    """Return (reasons why the cluster is not healthy, one sentence for people). No reason: healthy.

    masters, coreapps, shards: int, what is expected; no master is what a client outside a cluster has. Before a number is registered,
    a vendor's client can connect nowhere: coreapps that all wait for it are as ready as they can be.
    """
    sound = [node for node in nodes if not node["problem"]]
    primaries = [node for node in sound if node["role"] == "primary_master"]
    secondaries = [node for node in sound if node["role"] == "secondary_master"]
    cores = [node for node in sound if node["role"] == "coreapp"]
    connected = [node for node in cores if node["gateway_status"] == "connected"]
    standing_by = [node for node in cores if node["gateway_status"] == "disconnected"]
    unregistered = bool(cores) and all(node["gateway_status"] == "unregistered" for node in cores)

    reasons = [f"{node['name']}: {node['problem']}" for node in nodes if node["problem"]]
    if len(primaries) != min(masters, 1):
        reasons.append(f"{len(primaries)} primary masters, not {min(masters, 1)}")
    if len(secondaries) != max(masters - 1, 0):
        reasons.append(f"{len(secondaries)} secondary masters, not {max(masters - 1, 0)}")
    if unregistered and len(cores) == coreapps:
        state = f"{coreapps} coreapps awaiting registration"
    else:
        state = f"{len(connected)} of {coreapps} coreapps connected, {len(standing_by)} standing by"
        if len(connected) != shards:
            reasons.append(f"{len(connected)} coreapps connected, not {shards}")
        if len(standing_by) != coreapps - shards:
            reasons.append(f"{len(standing_by)} coreapps standing by, not {coreapps - shards}")
        if len(cores) > coreapps:
            reasons.append(f"{len(cores)} coreapps are registered, not {coreapps}")
        if shards > 1 and not any(node["gateway_status"] == "connected" for node in primaries):
            reasons.append("the primary master is not connected")
    if reasons:
        return reasons, f"Not healthy: {'; '.join(reasons)}."
    return [], f"Healthy: {len(primaries)} primary and {len(secondaries)} secondary masters, {state}."


def served(nodes, masters, coreapps):
    """Return with how many shards (int) these nodes would be a healthy cluster, whatever number is wanted; 0 with none."""
    return next((shards for shards in SHARDS if not judge(nodes, masters, coreapps, shards)[0]), 0)


def lags_of(stats):
    """Return {"messages", "webhooks"}: how many wait (int), of the `stats` object of GET /v1/stats/db; {} where no master has counted."""
    names = {"messages": "db_pending_messages", "webhooks": "db_pending_callbacks"}
    found = {}
    for node in stats.values() if isinstance(stats, dict) else ():
        counted = node.get("db", {})
        for lag, name in names.items():
            if name in counted:
                found[lag] = sum(int(sample["value"]) for sample in counted[name]["data"])
    return found


def _told(error):
    """Return one error of an entry in words. Whatever its shape: a node that has one is not sound."""
    words = (error.get("details") or error.get("title")) if isinstance(error, dict) else error
    return str(words or "no reason given")
