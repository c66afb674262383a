# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The firewall rules of a cluster on one host. docs/adr/0019-firewall-rules-in-own-chains.md

A packet for the published port of a container does not pass the chain INPUT: Docker has already replaced its destination by the
container's address. It passes DOCKER-USER, where only connection tracking still knows the port that it was sent to. Packets for
a process of the host, also for docker-proxy, pass INPUT.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import is_address
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import Publication
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

LONGEST_CHAIN_NAME = 28  # characters; limit of the kernel
HUB = "WABA"  # shared by all clusters of a host: it calls all their IN chains before all their NO chains
FORWARDED = "DOCKER-USER"
RETURN_UNLESS_NEW = "-m conntrack ! --ctstate NEW -j RETURN"  # established connections are not affected
REFUSE = "-j REJECT --reject-with tcp-reset"
BRIDGES = ("docker0", "br-+")  # this host's containers may connect to its addresses


class Audience(IntEnum):
    """The sources that may reach a port, besides the cluster's hosts. The order is that of the rules."""

    CLUSTER = 0  # no other
    WEBAPP = 1  # a webapp whose clients use the API proxies
    API = 2
    WEBHOOKS = 3


class Offer(NamedTuple):
    """A range of ports that some sources may reach. address: "" for every address of the host. published: whether a container publishes them."""

    address: str
    first: int
    last: int
    published: bool
    audience: Audience


def chains(cluster: str) -> tuple[str, str, str]:
    """Return the names of a cluster's chains: (IN accepts for the host, NO refuses for the host, FW filters for containers)."""
    room = LONGEST_CHAIN_NAME - len("WABA-IN-")
    short = (
        cluster if len(cluster) <= room else f"{cluster[: room - 9]}-{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"
    )
    return f"WABA-IN-{short}", f"WABA-NO-{short}", f"WABA-FW-{short}"


def offers(published_by_nodes: Iterable[Publication], share_port: int | None) -> list[Offer]:
    """Return the offers of a host, sorted, with adjacent ports merged. Ports published on a loopback address are left out.

    published_by_nodes: from `compose.nodes.publications`. share_port: port of the NFS server on this host, or None.
    """
    single = {
        (one.address, not one.host_network, Audience[one.audience.upper()], port)
        for one in published_by_nodes
        for port in one.published
    }
    if share_port:
        single.add(("", False, Audience.CLUSTER, share_port))
    merged: list[Offer] = []
    for text, published, audience, port in sorted(single):
        parsed = ipaddress.ip_address(text) if text else None
        if parsed and parsed.is_loopback:
            continue
        address = "" if parsed is None or parsed.is_unspecified else str(parsed)
        last = merged[-1] if merged else None
        if last and (last.address, last.published, last.audience, last.last + 1) == (
            address,
            published,
            audience,
            port,
        ):
            merged[-1] = last._replace(last=port)
        else:
            merged.append(Offer(address, port, port, published, audience))
    return merged


def source_problems(variable: str, sources: Iterable[str]) -> list[Problem]:
    """Return the problems with the addresses and networks of a variable."""
    return [
        problem for index, source in enumerate(sources) for problem in _source_problem(f"{variable}[{index}]", source)
    ]


def _source_problem(name: str, source: str) -> list[Problem]:
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        fix = "Write an address or network, for example 192.0.2.0/24 or 2001:db8::1; names are not resolved"
        return [Problem(name, source, "it is neither an address nor a network", fix)]
    if str(network.network_address) == str(ipaddress.ip_interface(source).ip):
        return []
    return [Problem(name, source, "it is an address in a network, not a network", f"Write {network}")]


def address_problems(variable: str, addresses: Iterable[str]) -> list[Problem]:
    """Return the problems with the addresses of a variable."""
    fix = "Write an address, for example 192.0.2.1 or 2001:db8::1"
    return [
        Problem(f"{variable}[{index}]", address, "it is not an IP address", fix)
        for index, address in enumerate(addresses)
        if not is_address(address)
    ]


def rules(
    cluster: str,
    offered: Iterable[Offer],
    hosts: Sequence[str],
    more_sources: Mapping[Audience, Sequence[str]],
    foreign_bridges: Sequence[str],
    family: int,
) -> dict[str, list[str]]:
    """Return {chain: rules} of a cluster's chains; a rule is what `iptables-save` prints after "-A CHAIN ".

    hosts: addresses of the cluster's hosts. more_sources: addresses and networks that may reach the ports of an audience as well.
    foreign_bridges: bridges that are named like Docker's but are not Docker's. family: 4 or 6.
    """
    accept, refuse, forward = chains(cluster)
    here = [one for one in offered if not one.address or ipaddress.ip_address(one.address).version == family]
    inside = [(one, _host_match(one)) for one in here]
    outside = [(one, _container_match(one)) for one in here if one.published]
    sources = {audience: _networks([*hosts, *more_sources.get(audience, ())], family) for audience in Audience}
    return {
        accept: [
            RETURN_UNLESS_NEW,
            *_from_sources(inside, sources, "ACCEPT"),
            *(f"-i {bridge} -j RETURN" for bridge in foreign_bridges),
            *(f"-i {bridge} {match} -j ACCEPT" for _one, match in inside for bridge in BRIDGES),
        ],
        refuse: [RETURN_UNLESS_NEW, "-i lo -j RETURN", *(f"{match} {REFUSE}" for _one, match in inside)],
        forward: [
            RETURN_UNLESS_NEW,
            "-m conntrack ! --ctstate DNAT -j RETURN",  # routed through this host to another one
            *_from_sources(outside, sources, "RETURN"),
            *(f"-i {bridge} {match} {REFUSE}" for bridge in foreign_bridges for _one, match in outside),
            *(f"-i {bridge} -j RETURN" for bridge in BRIDGES),
            *(f"{match} {REFUSE}" for _one, match in outside),
        ],
    }


def _from_sources(
    matches: Iterable[tuple[Offer, str]], sources: Mapping[Audience, Sequence[str]], target: str
) -> Iterator[str]:
    for one, match in matches:
        for source in sources[one.audience]:
            yield f"{f'-s {source} ' if source else ''}{match} -j {target}"


def _networks(texts: Iterable[str], family: int) -> list[str]:
    """Return the networks of a family, merged, as iptables prints them; "" for all addresses."""
    networks: list[Any] = [ipaddress.ip_network(text) for text in texts]
    merged = ipaddress.collapse_addresses(one for one in networks if one.version == family)
    return [str(one) if one.prefixlen else "" for one in merged]


def _host_match(one: Offer) -> str:
    to = f"-d {ipaddress.ip_network(one.address)} " if one.address else ""
    return f"{to}-p tcp -m tcp --dport {_ports(one)}"


def _container_match(one: Offer) -> str:
    to = f"--ctorigdst {one.address} " if one.address else ""
    return f"-p tcp -m conntrack {to}--ctorigdstport {_ports(one)}"


def _ports(one: Offer) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}:{one.last}"
