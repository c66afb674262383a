# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ipaddress
import random
import struct
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import cluster, virtual_address

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ROUTES = HEADER + (
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
)
NETWORKS = virtual_address.connected_networks(ROUTES)
TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 192.0.2.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.3
           /32 host LOCAL
        |-- 192.0.2.10
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
"""
WANTED = {"address": "192.0.2.10", "interface": "eth0", "vrrp_id": 51}


def packet(source: str, vrrp_id: int, *addresses: str, version: int = 3) -> bytes:
    """Return an IPv4 packet with a VRRP advertisement."""
    body = struct.pack("!BBBBHH", version << 4 | 1, vrrp_id, 100, len(addresses), 100, 0)
    body += b"".join(ipaddress.IPv4Address(one).packed for one in addresses)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 255, 112, 0)
    return ip + ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address("224.0.0.18").packed + body


def problems(heard: Any = (), **given: Any) -> list[tuple[str, str]]:
    found = virtual_address.problems({**WANTED, **given}, NETWORKS, ["lo", "eth0", "eth1"], heard)
    return [(one.variable, one.fix) for one in found]


def test_networks_are_those_without_a_gateway() -> None:
    assert {name: [str(one) for one in found] for name, found in NETWORKS.items()} == {
        "eth0": ["192.0.2.0/24"],
        "eth1": ["10.0.0.0/16"],
    }


def test_addresses_of_a_host_are_those_of_its_local_routes() -> None:
    assert virtual_address.local_addresses(TRIE) == {"192.0.2.3", "192.0.2.10"}


def test_address_in_the_network_of_the_interface_is_accepted() -> None:
    assert problems() == []


def test_address_outside_of_the_network_of_the_host_is_refused() -> None:
    assert problems(address="198.51.100.1") == [("waba_api_proxy_address", "Give an address of that network")]


def test_fix_names_the_interface_that_has_the_network() -> None:
    assert problems(address="10.0.9.9") == [("waba_api_proxy_address", "Set waba_api_proxy_interface to eth1")]
    assert problems(interface="ens3") == [("waba_api_proxy_interface", "Name eth0")]


@pytest.mark.parametrize("version", [2, 3])
def test_advertisement_is_read(version: int) -> None:
    found = virtual_address.parse_advertisement(packet("192.0.2.3", 51, "192.0.2.9", "192.0.2.10", version=version))
    assert found == ("192.0.2.3", 51, ("192.0.2.9", "192.0.2.10"))


def test_vrrp_id_of_another_router_is_refused() -> None:
    heard = [virtual_address.Advertisement("192.0.2.3", 51, ("192.0.2.9",))] * 3
    assert [variable for variable, _fix in problems(heard)] == ["waba_api_proxy_vrrp_id"]
    assert problems(heard, vrrp_id=52) == []


def test_other_proxies_of_the_cluster_are_no_foreign_routers() -> None:
    assert problems([virtual_address.Advertisement("192.0.2.3", 51, ("192.0.2.10",))]) == []


def test_no_packet_stops_the_check() -> None:
    source = random.Random(4711)
    whole = packet("192.0.2.3", 51, "192.0.2.9")
    for length in range(len(whole)):
        virtual_address.parse_advertisement(whole[:length])
    for _round in range(2000):
        virtual_address.parse_advertisement(source.randbytes(source.randint(0, 60)))


def taken(*facts: tuple[bool, bool]) -> list[str]:
    """Return the hosts that refuse the address. facts: (held, answers) of each host."""
    known = {
        f"p{number}": {"facts": {"virtual_address": {"address": "192.0.2.10", "held": held, "answers": answers}}}
        for number, (held, answers) in enumerate(facts)
    }
    return [host for host, _problem in cluster._taken_address({**known, "node": {"facts": {}}})]


def test_address_that_a_foreign_machine_has_is_refused() -> None:
    assert taken((False, True), (False, False)) == ["p0"]


def test_address_that_a_proxy_of_the_cluster_holds_is_accepted() -> None:
    assert taken((True, False), (False, True)) == []
    assert taken((False, False), (False, False)) == []
