# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a live host knows of the virtual address of the API proxies. Needs neither Docker nor libraries."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import virtual_address
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

VRRP = 112  # IP protocol
GROUP = "224.0.0.18"
LISTEN_SECONDS = 1.2  # routers advertise every second by default
ANSWER_SECONDS = 1.0
LARGEST_PACKET = 4096


def holds(proxy: Mapping[str, Any] | None) -> bool:
    """Return whether this host has the virtual address now. proxy: the option `api_proxy`.

    A program can listen on an address that the host does not have where net.ipv4.ip_nonlocal_bind is set, so that is no test.
    """
    if not proxy or not proxy["address"]:
        return False
    with open("/proc/net/fib_trie", encoding="ascii") as file:
        return proxy["address"]["address"] in virtual_address.local_addresses(file.read())


def check(proxy: Mapping[str, Any], is_running: bool) -> tuple[list[Problem], dict[str, Any]]:
    """Return (problems, {"address", "held", "answers"}) of a host that is to hold the virtual address.

    proxy: the option `api_proxy`, valid and with an address. is_running: whether keepalived of the cluster runs on this host, which knows the others.
    """
    wanted = proxy["address"]
    with open("/proc/net/route", encoding="ascii") as file:
        networks = virtual_address.connected_networks(file.read())
    interfaces = [name for _index, name in socket.if_nameindex()]
    heard = [] if is_running else _heard(wanted["interface"])
    held = holds(proxy)
    answers = not held and _answers(wanted["address"], proxy["port"])
    facts = {"address": wanted["address"], "held": held, "answers": answers}
    return virtual_address.problems(wanted, networks, interfaces, heard), facts


def _heard(interface: str) -> list[virtual_address.Advertisement]:
    """Return the VRRP advertisements in the network of an interface; none where the host permits no raw socket, or has no such interface."""
    found = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as listening:
        group = struct.pack("4s4si", socket.inet_aton(GROUP), bytes(4), socket.if_nametoindex(interface))
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        deadline = time.monotonic() + LISTEN_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            listening.settimeout(left)
            found.append(virtual_address.parse_advertisement(listening.recv(LARGEST_PACKET)))
    return [one for one in found if one]


def _answers(address: str, port: int) -> bool:
    """Return whether a machine has an address: it accepts or refuses a connection."""
    try:
        socket.create_connection((address, port), timeout=ANSWER_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True
