# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts must reach which ports of others, before and after the containers run (docs/reference/vendor-contract.md#ports)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url, normalized
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    GROUP_PORT,
    GUARD_PORT,
    NODE_ROLES,
    PROXY_NAME,
    TRANSFER_PORTS,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

CALLERS = (*NODE_ROLES, "guard")  # the host of a guard has a database member, which calls the other members
WEBAPP_CALLER = "api_proxy"  # its host calls webapps, and nothing else
ARBITRATOR = "arbitrator"  # its host calls database members at ARBITRATOR_CALLS, and nothing else
ARBITRATOR_CALLS = (GROUP_PORT, GUARD_PORT)
MEMBER_ROLES = ("mysql", "guard")


def plan(reports: Mapping[str, Any], share: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Return {host: {"listen": [{"address", "port", "peers"}], "connect": [a target]}}.

    reports: {host: the result of `host_info`: `facts` and `nodes`}. A host without facts, or with one network for all its nodes, has nothing to do.
    share: {"server" (host, "" for a server outside the inventory), "name", "port", "clients" (hosts)} of the share for media, or None.
    "listen": ports without a container yet, on which the host listens while the "peers" of each probe it. A target is a dict: "peer", "name", "port"; "runs": a
    container of the cluster answers there already; "setting": the setting that the name comes from; "may_refuse": the server may not run yet, so a refused
    connection is enough; "firewalled": the peer has firewall rules of the cluster, which refuse a new host until they are updated.
    A webapp that is published on a single address is not probed, because that address may be reachable by its clients only; nor is an API proxy. A host
    with nothing but an API proxy probes webapps only, one with an arbitrator only the members that it votes with.
    """
    known = {host: checks for host, checks in reports.items() if _takes_part(checks)}
    offers = {host: [offer for node in checks["nodes"] for offer in _offers(node)] for host, checks in known.items()}
    callers = {host: _roles(checks) for host, checks in known.items()}
    plans: dict[str, dict[str, Any]] = {host: {"listen": [], "connect": []} for host in reports}
    for host in known:
        listen = [
            {"address": offer["address"], "port": offer["port"], "peers": peers}
            for offer in offers[host]
            if not offer["runs"] and (peers := [one for one in known if one != host and _calls(callers[one], offer)])
        ]
        connect = [
            _target(
                peer,
                known[peer]["facts"]["external_hostname"],
                offer["port"],
                offer["runs"],
                firewalled=known[peer]["facts"]["firewall"],
            )
            for peer in known
            if peer != host
            for offer in offers[peer]
            if _calls(callers[host], offer)
        ]
        plans[host] = {"listen": listen, "connect": connect}
    if share and share["name"]:
        clients = [host for host, roles in callers.items() if roles.intersection(CALLERS) and host in share["clients"]]
        _add_share(plans, share, clients, known)
    return plans


def _calls(roles: set[str], offer: Mapping[str, Any]) -> bool:
    """Return whether a host with containers of these roles calls an offer of another host."""
    return (
        bool(roles.intersection(CALLERS))
        or (WEBAPP_CALLER in roles and offer["role"] == "webapp")
        or (ARBITRATOR in roles and offer["role"] in MEMBER_ROLES and offer["port"] in ARBITRATOR_CALLS)
    )


def _roles(checks: Mapping[str, Any]) -> set[str]:
    return {node["role"] for node in checks["nodes"]}


def _target(
    peer: str,
    name: str,
    port: int,
    runs: bool,
    setting: str = "external_hostname",
    may_refuse: bool = False,
    firewalled: bool = False,
) -> dict[str, Any]:
    return {
        "peer": peer,
        "name": name,
        "port": port,
        "runs": runs,
        "setting": setting,
        "may_refuse": may_refuse,
        "firewalled": firewalled,
    }


def _add_share(
    plans: dict[str, dict[str, Any]], share: Mapping[str, Any], clients: list[str], known: Mapping[str, Any]
) -> None:
    """Add the probes of the NFS server by its clients. A server that exports nothing yet listens itself."""
    server, port = share["server"], share["port"]
    clients = [host for host in clients if host != server]
    serves = server in known and known[server]["facts"]["serves_share"]
    stands_in = server in known and not serves
    refusal_will_do = bool(server) and not serves and not stands_in
    firewalled = server in known and known[server]["facts"]["firewall"]
    for host in clients:
        plans[host]["connect"].append(
            _target(
                server or share["name"],
                share["name"],
                port,
                not stands_in,
                "nfs_mount_server",
                refusal_will_do,
                firewalled,
            )
        )
    if clients and stands_in:
        plans[server]["listen"].append({"address": "", "port": port, "peers": clients})


def _takes_part(checks: Mapping[str, Any]) -> bool:
    return "facts" in checks and bool(checks["nodes"]) and checks["facts"]["layout"] == "role"


def is_settled(plans: Mapping[str, Any], reports: Mapping[str, Any]) -> bool:
    """Return whether every container runs under the names of the settings, so that the cluster itself reports the nodes that it cannot reach.

    plans: as from `plan`, for these reports.
    """
    known = [checks for checks in reports.values() if _takes_part(checks)]
    databases = {
        PROXY_NAME if node["role"] == "proxy" else checks["facts"]["external_hostname"]
        for checks in known
        for node in checks["nodes"]
        if node["role"] in ("mysql", "proxy")
    }
    return (
        all(not one["listen"] for one in plans.values())
        and all(checks["facts"]["as_deployed"] for checks in known)
        and not (databases and any(set(checks["facts"]["databases"]) - databases for checks in known))
    )


def is_as_deployed(nodes: Iterable[Mapping[str, Any]], deployed: Mapping[str, Mapping[str, str]]) -> bool:
    """Return whether the running nodes of a host have the names and addresses of the settings.

    nodes: as from `nodes.plan_nodes`, with their "address". deployed: as from `compose.io.live_nodes.deployed`.
    """
    return all(
        _plain(deployed[node["name"]]["address"]) == _plain(node["address"])
        and deployed[node["name"]]["hostname"] in (node["hostname"], "")
        for node in nodes
        if node["name"] in deployed
    )


def _plain(address: str) -> str:
    return "" if not address or ipaddress.ip_address(address).is_unspecified else normalized(address)


def _offers(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    if node["role"] == WEBAPP_CALLER or (node["role"] == "webapp" and _plain(node["address"])):
        return []  # clients call it
    running = set(node["running"])
    # A running member listens on these during a transfer only, and nothing else may listen there then.
    skipped = TRANSFER_PORTS if running.intersection(TRANSFER_PORTS) else ()
    return [
        {"address": node["address"], "port": port, "runs": port in running, "role": node["role"]}
        for port in node["published"]
        if port not in skipped
    ]


def ipv6_problem() -> Problem:
    """Return the problem of a host whose containers call other hosts by IPv6, and have none."""
    problem = "other hosts have IPv6 addresses only, which containers do not reach without it"
    return Problem("waba_ipv6", False, problem, "Set it to true for all hosts, as in group_vars/all")


def probe_problems(
    host: str, attempts: Iterable[Mapping[str, Any]], ipv6: bool = True
) -> tuple[list[Problem], list[Problem]]:
    """Return (problems, warnings) about the probes of a host. Ports of one peer with the same error are one problem.

    attempts: targets (see `plan`), each with "error" (text or None), "refused" (the connection was refused), "ipv6_only" (the name has no other address) and
    "in_hosts_file". ipv6: whether the containers of the host have IPv6.
    """
    found: dict[tuple[str, str, str, str], list[int]] = {}
    closed: dict[tuple[str, str], list[int]] = {}
    local: dict[str, str] = {}
    needs_ipv6 = False
    for attempt in attempts:
        needs_ipv6 |= attempt["ipv6_only"] and attempt["setting"] == "external_hostname"
        if _awaits_the_firewall(attempt):
            closed.setdefault((attempt["peer"], attempt["name"]), []).append(attempt["port"])
        elif attempt["error"]:
            key = (attempt["setting"], attempt["peer"], attempt["name"], attempt["error"])
            found.setdefault(key, []).append(attempt["port"])
        elif attempt["in_hosts_file"] and attempt["setting"] == "external_hostname":
            local.setdefault(attempt["name"], attempt["peer"])
    problems = [
        Problem(
            setting,
            name,
            f"{host} cannot reach {peer} ({in_url(name)}:{_listed(ports)}): {error}",
            f"Open these ports of {peer} to {host}, or fix the name under which {peer} is reached",
        )
        for (setting, peer, name, error), ports in found.items()
    ] + ([ipv6_problem()] if needs_ipv6 and not ipv6 else [])
    warnings = [
        Problem(
            "external_hostname",
            name,
            f"{host} knows {peer} by this name from its file /etc/hosts, which containers do not read",
            "Have the name in DNS, or use an address",
        )
        for name, peer in local.items()
    ] + [
        Problem(
            "waba_firewall",
            f"(in force on {peer})",
            f"{peer} refuses {host} ({in_url(name)}:{_listed(ports)}), as its firewall does while it does not know {host}",
            "Run site.yml, or firewall.yml, without --limit: both make the hosts known to each other",
        )
        for (peer, name), ports in closed.items()
    ]
    return problems, warnings


def targets_to_retry(attempts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the targets to probe again once the firewalls are up to date: those of running containers. attempts: as for `probe_problems`."""
    return [
        _target(*(attempt[key] for key in ("peer", "name", "port", "runs", "setting")))
        for attempt in attempts
        if attempt["runs"] and _awaits_the_firewall(attempt)
    ]


def _awaits_the_firewall(attempt: Mapping[str, Any]) -> bool:
    return bool(attempt["error"]) and attempt["firewalled"] and attempt["refused"]


def _listed(ports: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ports)))
