# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules keep strangers from a host's ports, and nothing else (rules: ours; what they stand on is Docker's and iptables' own).

A packet for a published port of a container never sees INPUT: Docker has given it the container's address by then, and it passes DOCKER-USER with the port
that it came for in its connection's record alone. What comes for a process of the host, docker-proxy among them, passes INPUT.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import is_address
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

LONGEST_CHAIN = 28  # characters that the kernel takes
HUB = "WABA"  # of all clusters of a host: in it, all their IN chains come before all their NO chains
FORWARDED = "DOCKER-USER"
NEW_ALONE = "-m conntrack ! --ctstate NEW -j RETURN"  # what is established goes on; a NEW packet is always on its way to the port
REFUSE = "-j REJECT --reject-with tcp-reset"
BRIDGES = ("docker0", "br-+")  # this host's own containers, which call it by its address


class Offer(NamedTuple):
    """Ports (int, first to last) that some may reach. address: str, "" for every one of the host. published: a container's. api: the user says who else."""

    address: str
    first: int
    last: int
    published: bool
    api: bool


def chains(cluster):
    """Return the names (str) of a cluster's own chains: (who may come to the host, who may not, who may come to its containers)."""
    room = LONGEST_CHAIN - len("WABA-IN-")
    short = (
        cluster if len(cluster) <= room else f"{cluster[: room - 9]}-{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"
    )
    return tuple(f"WABA-{kind}-{short}" for kind in ("IN", "NO", "FW"))


def offers(nodes, addresses, share_port):
    """Return what a host offers (sorted list of Offer), neighbouring ports together.

    nodes: as from `nodes.plan_nodes`. addresses: {role: str, the address on which its ports are published}. share_port: int, where the host exports the
    share for media, or None. What is published to the host itself alone is nobody else's anyway.
    """
    single = {
        (addresses.get(node["role"], ""), True, node["role"] == "webapp", port)
        for node in nodes
        for port in node["published"]
    }
    if share_port:
        single.add(("", False, False, share_port))
    merged = []
    for text, published, api, port in sorted(single):
        parsed = ipaddress.ip_address(text) if text else None
        if parsed and parsed.is_loopback:
            continue
        address = "" if parsed is None or parsed.is_unspecified else str(parsed)
        last = merged[-1] if merged else None
        if last and (last.address, last.published, last.api, last.last + 1) == (address, published, api, port):
            merged[-1] = last._replace(last=port)
        else:
            merged.append(Offer(address, port, port, published, api))
    return merged


def source_problems(variable, sources):
    """Return what is wrong (list of Problem) with the addresses and networks (list of str) of a variable."""
    return [
        problem for index, source in enumerate(sources) for problem in _source_problem(f"{variable}[{index}]", source)
    ]


def _source_problem(name, source):
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        fix = "Give one as in 192.0.2.0/24 or 2001:db8::1; names are not looked up here"
        return [Problem(name, source, "it is no address and no network", fix)]
    if str(network.network_address) == str(ipaddress.ip_interface(source).ip):
        return []
    return [Problem(name, source, "it is an address within a network, and no network", f"Write {network}")]


def address_problems(variable, addresses):
    """Return what is wrong (list of Problem) with the addresses (list of str) of a variable."""
    fix = "Give one as in 192.0.2.1 or 2001:db8::1"
    return [
        Problem(f"{variable}[{index}]", address, "it is no address", fix)
        for index, address in enumerate(addresses)
        if not is_address(address)
    ]


def rules(cluster, offered, hosts, api_sources, foreign_bridges, family):
    """Return {chain: list of rules, as `iptables-save` writes them behind "-A CHAIN "} of a cluster's own chains.

    offered: list of Offer. hosts: addresses (str) of the cluster's hosts. api_sources: addresses and networks (str) that may reach the API too.
    foreign_bridges: names of bridges that look like Docker's and are not. family: 4 or 6.
    """
    enter, refuse, forward = chains(cluster)
    here = [one for one in offered if not one.address or ipaddress.ip_address(one.address).version == family]
    inside = [(one, _host_match(one)) for one in here]
    outside = [(one, _container_match(one)) for one in here if one.published]
    known = {api: _sources([*hosts, *(api_sources if api else ())], family) for api in (False, True)}
    return {
        enter: [
            NEW_ALONE,
            *_may(inside, known, "ACCEPT"),
            *(f"-i {bridge} -j RETURN" for bridge in foreign_bridges),
            *(f"-i {bridge} {match} -j ACCEPT" for _one, match in inside for bridge in BRIDGES),
        ],
        refuse: [NEW_ALONE, "-i lo -j RETURN", *(f"{match} {REFUSE}" for _one, match in inside)],
        forward: [
            NEW_ALONE,
            "-m conntrack ! --ctstate DNAT -j RETURN",  # it goes through this host to elsewhere
            *_may(outside, known, "RETURN"),
            *(f"-i {bridge} {match} {REFUSE}" for bridge in foreign_bridges for _one, match in outside),
            *(f"-i {bridge} -j RETURN" for bridge in BRIDGES),
            *(f"{match} {REFUSE}" for _one, match in outside),
        ],
    }


def _may(matches, known, verdict):
    return [
        f"{f'-s {source} ' if source else ''}{match} -j {verdict}"
        for one, match in matches
        for source in known[one.api]
    ]


def _sources(texts, family):
    """Return the networks of a family that a list of texts names, each once, as iptables writes them: "" for every address."""
    networks = [ipaddress.ip_network(text) for text in texts]
    kept = ipaddress.collapse_addresses(one for one in networks if one.version == family)
    return [str(one) if one.prefixlen else "" for one in kept]


def _host_match(one):
    to = f"-d {ipaddress.ip_network(one.address)} " if one.address else ""
    return f"{to}-p tcp -m tcp --dport {_span(one)}"


def _container_match(one):
    to = f"--ctorigdst {one.address} " if one.address else ""
    return f"-p tcp -m conntrack {to}--ctorigdstport {_span(one)}"


def _span(one):
    return str(one.first) if one.first == one.last else f"{one.first}:{one.last}"
