# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host can hold the virtual address of the API proxies: its network, and the VRRP routers that are there already. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

ADVERTISEMENT = 1  # the type of a VRRP packet, its only one
FIXED_PART = 8  # bytes of a VRRP packet before its addresses
NO_GATEWAY = "00000000"
UP = 0x1  # flag of a route
LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


class Advertisement(NamedTuple):
    """What a VRRP router sends: the address that it sends from, the id of the virtual router, and its virtual addresses."""

    source: str
    vrrp_id: int
    addresses: tuple[str, ...]


def connected_networks(routes: str) -> dict[str, list[ipaddress.IPv4Network]]:
    """Return {interface: networks} that a host is in. routes: the text of /proc/net/route."""
    found: dict[str, list[ipaddress.IPv4Network]] = {}
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[2] == NO_GATEWAY and int(fields[3], 16) & UP and fields[7] != NO_GATEWAY:
            network = ipaddress.IPv4Network((_number(fields[1]), _prefix_length(fields[7])))
            found.setdefault(fields[0], []).append(network)
    return found


def local_addresses(trie: str) -> set[str]:
    """Return the IPv4 addresses of a host. trie: the text of /proc/net/fib_trie."""
    return set(LOCAL.findall(trie))


def _number(hexadecimal: str) -> int:
    # The kernel prints an address in the byte order of the machine; all supported machines are little-endian.
    return int.from_bytes(bytes.fromhex(hexadecimal), "little")


def _prefix_length(hexadecimal: str) -> int:
    return bin(_number(hexadecimal)).count("1")


def parse_advertisement(packet: bytes) -> Advertisement | None:
    """Return the VRRP advertisement in an IPv4 packet, versions 2 and 3; None for any other packet."""
    if len(packet) < 20:
        return None
    body = packet[(packet[0] & 0x0F) * 4 :]
    if len(body) < FIXED_PART or body[0] >> 4 not in (2, 3) or body[0] & 0x0F != ADVERTISEMENT:
        return None
    count = min(body[3], (len(body) - FIXED_PART) // 4)
    addresses = [body[FIXED_PART + 4 * index :][:4] for index in range(count)]
    return Advertisement(_dotted(packet[12:16]), body[1], tuple(_dotted(one) for one in addresses))


def _dotted(four: bytes) -> str:
    return str(ipaddress.IPv4Address(four))


def problems(
    wanted: Mapping[str, Any],
    networks: Mapping[str, Sequence[ipaddress.IPv4Network]],
    interfaces: Iterable[str],
    heard: Iterable[Advertisement],
) -> list[Problem]:
    """Return the problems of a host that is to hold the virtual address.

    wanted: {"address", "interface", "vrrp_id"}. networks: as from `connected_networks`. interfaces: names of all interfaces of the host. heard: in the
    network of the interface, where nothing of this cluster sends on this host yet.
    """
    address, interface = ipaddress.IPv4Address(wanted["address"]), wanted["interface"]
    suitable = [name for name, found in networks.items() if any(address in network for network in found)]
    there = sorted(interfaces)
    found = []
    if interface not in there:
        fix = f"Name {suitable[0]}" if suitable else f"Name one of {', '.join(there)}"
        found.append(Problem("waba_api_proxy_interface", interface, "this host has no such network interface", fix))
    elif interface not in suitable:
        own = ", ".join(str(network) for network in networks.get(interface, ())) or "no network"
        problem = f"{interface} of this host has {own}"
        fix = f"Set waba_api_proxy_interface to {suitable[0]}" if suitable else "Give an address of that network"
        found.append(Problem("waba_api_proxy_address", wanted["address"], problem, fix))
    foreign = {
        one.source: one for one in heard if one.vrrp_id == wanted["vrrp_id"] and wanted["address"] not in one.addresses
    }
    for source, one in sorted(foreign.items()):
        problem = f"{source} uses it for {', '.join(one.addresses) or 'another address'}"
        fix = "Give a number that no other VRRP router of the network has"
        found.append(Problem("waba_api_proxy_vrrp_id", wanted["vrrp_id"], problem, fix))
    return found


def taken_problem(address: str) -> Problem:
    """Return the problem of a virtual address that another machine has."""
    problem = "another machine answers at it, and no API proxy of the cluster holds it"
    return Problem("waba_api_proxy_address", address, problem, "Give a free address, or take it from that machine")
