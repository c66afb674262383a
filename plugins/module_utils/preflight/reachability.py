# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who must reach whom, on which ports, before and after anything runs there (source: the seed's production chapter)."""

from __future__ import annotations

import ipaddress

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

NODE_ROLES = ("master", "coreapp", "webapp")


def plan(reports, share=None):
    """Return {host: {"listen": [{"address", "port"}], "peers": [host], "connect": [a target]}}.

    reports: {host: a result of `preflight`: `facts` and `nodes`}; a host that has none, or one network for all its nodes, has nothing to do.
    share: {"server" (host, "" for one of somebody else), "name", "port", "clients" (hosts)} of the share for media, or None.
    "listen": what nobody answers on yet, so that the host must stand in for its own containers while its "peers" try. A target is a dict: "peer", "name",
    "port"; "runs": a container of ours answers there already; "setting": what the name comes from; "may_refuse": the host need not serve yet, and is
    reached when it says so; "firewalled": the collection's firewall is in force there, and refuses a host that joins until it is told of it.
    A webapp that is published on one address only is for whom that address is for.
    """
    known = {host: checks for host, checks in reports.items() if _takes_part(checks)}
    offers = {host: [offer for node in checks["nodes"] for offer in _offers(node)] for host, checks in known.items()}
    callers = [host for host, checks in known.items() if any(node["role"] in NODE_ROLES for node in checks["nodes"])]
    plans = {host: {"listen": [], "peers": [], "connect": []} for host in reports}
    for host in known:
        peers = [caller for caller in callers if caller != host]
        listen = [{"address": offer["address"], "port": offer["port"]} for offer in offers[host] if not offer["runs"]]
        connect = [
            _target(
                peer,
                known[peer]["facts"]["external_hostname"],
                offer["port"],
                offer["runs"],
                firewalled=known[peer]["facts"]["firewall"],
            )
            for peer in known
            if peer != host and host in callers
            for offer in offers[peer]
        ]
        plans[host] = {"listen": listen if peers else [], "peers": peers, "connect": connect}
    if share and share["name"]:
        _add_share(plans, share, [host for host in callers if host in share["clients"]], known)
    return plans


def _target(peer, name, port, runs, setting="external_hostname", may_refuse=False, firewalled=False):
    return {
        "peer": peer,
        "name": name,
        "port": port,
        "runs": runs,
        "setting": setting,
        "may_refuse": may_refuse,
        "firewalled": firewalled,
    }


def _add_share(plans, share, clients, known):
    """Let clients (hosts) try the NFS server. While nothing exports there yet it stands in for itself, where it may: for those who come to all its ports."""
    server, port = share["server"], share["port"]
    clients = [host for host in clients if host != server]
    serves = server in known and known[server]["facts"]["serves_share"]
    stands_in = server in known and not serves and clients == plans[server]["peers"]
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
        plans[server]["listen"].append({"address": "", "port": port})


def _takes_part(checks):
    return "facts" in checks and bool(checks["nodes"]) and checks["facts"]["layout"] == "role"


def is_settled(plans, reports):
    """Return whether all that is to be reached runs already, and is called by the names that are wanted, so that the cluster itself would tell what it
    cannot reach. plans: as from `plan`, of these reports.
    """
    known = [checks for checks in reports.values() if _takes_part(checks)]
    databases = {
        checks["facts"]["external_hostname"] for checks in known for node in checks["nodes"] if node["role"] == "mysql"
    }
    return (
        all(not one["listen"] for one in plans.values())
        and all(checks["facts"]["as_deployed"] for checks in known)
        and not (databases and any(set(checks["facts"]["databases"]) - databases for checks in known))
    )


def is_as_deployed(nodes, deployed):
    """Return whether the nodes of a host that run are reached by the names, and at the addresses, that are wanted.

    nodes: as from `nodes.plan_nodes`, with the "address" that they are to be published on. deployed: as from `compose.io.live_nodes.deployed`.
    """
    return all(
        _plain(deployed[node["name"]]["address"]) == _plain(node["address"])
        and deployed[node["name"]]["hostname"] in (node["hostname"], "")
        for node in nodes
        if node["name"] in deployed
    )


def _plain(address):
    return "" if not address or ipaddress.ip_address(address).is_unspecified else address


def _offers(node):
    if node["role"] == "webapp" and _plain(node["address"]):
        return []
    running = set(node["running"])
    return [{"address": node["address"], "port": port, "runs": port in running} for port in node["published"]]


def faults(host, attempts):
    """Return (problems, warnings) of what a host tried to reach. Ports of one peer with one fault are one of them.

    attempts: list of targets (see `plan`), each with "error" (str or None), "refused" (bool: the machine answered that nobody is let in there) and
    "in_hosts_file" (bool).
    """
    found, closed, local = {}, {}, {}
    for attempt in attempts:
        if _awaits_the_firewall(attempt):
            closed.setdefault((attempt["peer"], attempt["name"]), []).append(attempt["port"])
        elif attempt["error"]:
            told = (attempt["setting"], attempt["peer"], attempt["name"], attempt["error"])
            found.setdefault(told, []).append(attempt["port"])
        elif attempt["in_hosts_file"] and attempt["setting"] == "external_hostname":
            local.setdefault(attempt["name"], attempt["peer"])
    problems = [
        Problem(
            setting,
            name,
            f"{host} cannot reach {peer} ({name}:{_listed(ports)}): {error}",
            f"Open these ports of {peer} to {host}, or fix the name under which {peer} is reached",
        )
        for (setting, peer, name, error), ports in found.items()
    ]
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
            f"{peer} refuses {host} ({name}:{_listed(ports)}), as its firewall does while it does not know {host}",
            "Run site.yml, or firewall.yml, without --limit: both make the hosts known to each other",
        )
        for (peer, name), ports in closed.items()
    ]
    return problems, warnings


def to_try_again(attempts):
    """Return the targets (list) that must not refuse once the firewalls are as they should be: not those that a process only stood in for.

    attempts: as for `faults`.
    """
    return [
        _target(*(attempt[key] for key in ("peer", "name", "port", "runs", "setting")))
        for attempt in attempts
        if attempt["runs"] and _awaits_the_firewall(attempt)
    ]


def _awaits_the_firewall(attempt):
    return bool(attempt["error"]) and attempt["firewalled"] and attempt["refused"]


def _listed(ports):
    return ", ".join(map(str, sorted(ports)))
