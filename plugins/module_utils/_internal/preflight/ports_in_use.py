# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ports of a host that are in use, and those that the nodes of the cluster need."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import Publication, publications
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

LISTEN = "0A"  # the state of a listening TCP socket in /proc/net/tcp


def parse_proc_net(text: str) -> list[dict[str, Any]]:
    """Return the listening sockets in the text of /proc/net/tcp or tcp6: {"address", "port", "inode"} of each."""
    sockets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            address, port = fields[1].split(":")
            sockets.append({"address": _address(address), "port": int(port, 16), "inode": fields[9]})
    return sockets


def _address(hexadecimal: str) -> str:
    # The kernel prints each 32-bit word of an address in the byte order of the machine; all supported machines are little-endian.
    words = [bytes.fromhex(hexadecimal[i : i + 8])[::-1] for i in range(0, len(hexadecimal), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)


def clashes(
    nodes: Iterable[Mapping[str, Any]], taken: Iterable[Mapping[str, Any]], params: Mapping[str, Any]
) -> tuple[list[Problem], list[Problem]]:
    """Return (problems, warnings) about the ports that nodes need and another program uses. Every port of every range is checked.

    nodes: as from `nodes.plan_nodes`. taken: {"address", "port", "by" (text for people), "will_be_stopped" (bool)} of each port in use, without the
    containers of the cluster. params: the options that the nodes were planned from.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    positions: dict[str, int] = {}
    for node in nodes:
        role = node["role"]
        index = positions[role] = positions.get(role, -1) + 1
        # Holders by the purpose of the port and the option that sets it.
        holders: dict[tuple[str, str, str, bool], set[int]] = {}
        for one in publications(node, params):
            holder, variable = _holder(node, one, index)
            for item in taken:
                if item["port"] in one.published and _overlap(one.address, item["address"]):
                    key = (holder, variable, item["by"], item["will_be_stopped"])
                    holders.setdefault(key, set()).add(item["port"])
        for (holder, variable, by, will_be_stopped), ports in holders.items():
            listed = ", ".join(str(port) for port in sorted(ports))
            are = "port {0} ({1}) is" if len(ports) == 1 else "ports {0} ({1}) are"
            problem = f"{are.format(listed, holder)} taken by {by}"
            if will_be_stopped:
                fix = "Nothing to do, when this cluster replaces it"
                warnings.append(Problem(variable, listed, f"{problem}, which will be stopped", fix))
            else:
                problems.append(Problem(variable, listed, problem, "Stop it, or give this instance other ports"))
    return problems, warnings


def _holder(node: Mapping[str, Any], one: Publication, index: int) -> tuple[str, str]:
    """Return (the purpose of a publication, the option that sets its ports). index: of the node within its role."""
    role = node["role"]
    if one.audience == "webhooks":
        return f"webhooks of {role} {node['name']}", f"webhook_port[{index}]"
    if one.published == (node["check_port"],):
        return f"checks of {role} {node['name']}", "api_proxy.check_port"
    return f"{role} {node['name']}", _variable(role, index)


def _variable(role: str, index: int) -> str:
    variables = {
        "mysql": "database.port",
        "guard": "database.port",
        "arbitrator": "arbitrator",
        "webapp": f"webapps[{index}].port",
        "api_proxy": "api_proxy.port",
    }
    return variables.get(role, f"{role}s[{index}].ports")


def _overlap(address: str, other: str) -> bool:
    """Return whether two sockets on these addresses clash. "" and the unspecified address stand for every address."""
    if not address:
        return True
    first, second = ipaddress.ip_address(address), ipaddress.ip_address(other)
    return first.is_unspecified or second.is_unspecified or first == second
