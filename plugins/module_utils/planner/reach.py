# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who must reach whom, on which ports, before and after anything runs there (source: the seed's production chapter)."""

from __future__ import annotations

import ipaddress

from ansible_collections.waba.cluster.plugins.module_utils.planner.problems import Problem

NODE_ROLES = ("master", "coreapp", "webapp")


def plan(reports, more=()):
    """Return {host: {"listen": [{"address", "port"}], "peers": [host], "connect": [{"peer", "name", "port", "runs"}]}}.

    reports: {host: a result of `preflight`: `facts` and `nodes`}; a host that has none, or one network for all
    its nodes, has nothing to do. more: list of the same shape as "connect",
    for what is no container of ours. "listen": what nobody answers on yet, so that the host must stand in for its own containers while its "peers"
    try. "runs": a container of ours answers there already. A webapp that is published on one address only is for whom that address is for.
    """
    known = {host: checks for host, checks in reports.items() if _takes_part(checks)}
    offers = {host: [offer for node in checks["nodes"] for offer in _offers(node)] for host, checks in known.items()}
    callers = [host for host, checks in known.items() if any(node["role"] in NODE_ROLES for node in checks["nodes"])]
    plans = {host: {"listen": [], "peers": [], "connect": []} for host in reports}
    for host in known:
        peers = [caller for caller in callers if caller != host]
        listen = [{"address": offer["address"], "port": offer["port"]} for offer in offers[host] if not offer["runs"]]
        connect = [
            {
                "peer": peer,
                "name": known[peer]["facts"]["external_hostname"],
                "port": offer["port"],
                "runs": offer["runs"],
            }
            for peer in known
            if peer != host and host in callers
            for offer in offers[peer]
        ]
        plans[host] = {
            "listen": listen if peers else [],
            "peers": peers,
            "connect": connect + [one for one in more if host in callers],
        }
    return plans


def _takes_part(checks):
    return "facts" in checks and bool(checks["nodes"]) and checks["facts"]["layout"] == "role"


def is_settled(plans):
    """Return whether everything that is to be reached runs already, so that the cluster itself would tell what it cannot reach."""
    return all(not one["listen"] for one in plans.values())


def _offers(node):
    if node["role"] == "webapp" and node["address"] and not ipaddress.ip_address(node["address"]).is_unspecified:
        return []
    running = set(node["running"])
    return [{"address": node["address"], "port": port, "runs": port in running} for port in node["published"]]


def faults(host, attempts):
    """Return (problems, warnings) of what a host tried to reach.

    attempts: list of {"peer", "name", "port", "error": str or None, "in_hosts_file": bool}. Ports of one peer with one fault are one problem.
    """
    found, local = {}, {}
    for attempt in attempts:
        if attempt["error"]:
            found.setdefault((attempt["peer"], attempt["name"], attempt["error"]), []).append(attempt["port"])
        elif attempt["in_hosts_file"]:
            local.setdefault(attempt["name"], attempt["peer"])
    problems = [
        Problem(
            "external_hostname",
            name,
            f"{host} cannot reach {peer} ({name}:{', '.join(map(str, sorted(ports)))}): {error}",
            f"Open these ports of {peer} to {host}, or mend the name under which {peer} is reached",
        )
        for (peer, name, error), ports in found.items()
    ]
    warnings = [
        Problem(
            "external_hostname",
            name,
            f"{host} knows {peer} by this name from its file /etc/hosts, which containers do not read",
            "Have the name in DNS, or use an address",
        )
        for name, peer in local.items()
    ]
    return problems, warnings
