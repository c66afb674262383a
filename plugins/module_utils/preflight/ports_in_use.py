# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose ports a host has already given away, and which of them our nodes want."""

from __future__ import annotations

import ipaddress

from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import published_on
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

LISTEN = "0A"  # the kernel's number for a listening TCP socket, in /proc/net/tcp


def parse_proc_net(text):
    """Return the listening sockets in the text of /proc/net/tcp or tcp6: list of {"address": str, "port": int, "inode": str}."""
    sockets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            address, port = fields[1].split(":")
            sockets.append({"address": _address(address), "port": int(port, 16), "inode": fields[9]})
    return sockets


def _address(hexadecimal):
    # The kernel prints each 32-bit word of an address in the byte order of the machine; all supported machines are little-endian.
    words = [bytes.fromhex(hexadecimal[i : i + 8])[::-1] for i in range(0, len(hexadecimal), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)


def clashes(nodes, taken, params):
    """Return (problems, warnings), lists of Problem, for the ports that nodes want and somebody else has.

    nodes: as from `nodes.plan_nodes`. taken: list of {"address", "port", "by" (text for people), "will_be_stopped" (bool)} without our own
    containers. params: the options that the nodes were planned from. Every port of every range is looked at.
    """
    problems, warnings, positions = [], [], {}
    for node in nodes:
        role = node["role"]
        index = positions[role] = positions.get(role, -1) + 1
        address = published_on(node, params)
        holders = {}
        for item in taken:
            if item["port"] in node["published"] and _same(address, item["address"]):
                holders.setdefault((item["by"], item["will_be_stopped"]), set()).add(item["port"])
        for (by, will_be_stopped), ports in holders.items():
            listed = ", ".join(str(port) for port in sorted(ports))
            are = "port {0} ({1}) is" if len(ports) == 1 else "ports {0} ({1}) are"
            holder = f"{role} {node['name']}"
            problem = f"{are.format(listed, holder)} taken by {by}"
            variable = {"mysql": "database.port", "webapp": f"webapps[{index}].port"}.get(
                role, f"{role}s[{index}].ports"
            )
            if will_be_stopped:
                fix = "Nothing to do, when this cluster replaces it"
                warnings.append(Problem(variable, listed, f"{problem}, which will be stopped", fix))
            else:
                problems.append(Problem(variable, listed, problem, "Stop it, or give this instance other ports"))
    return problems, warnings


def _same(ours, theirs):
    if not ours:
        return True
    mine, other = ipaddress.ip_address(ours), ipaddress.ip_address(theirs)
    return mine.is_unspecified or other.is_unspecified or mine == other
