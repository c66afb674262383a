"""The hosts of a lab: names, groups and addresses. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Inventory = dict[str, dict[str, Any]]

# Names and groups in this order: eight hosts are those of inventories/production, fewer hosts share the groups, further hosts are spare.
SEATS = (
    ("db1", "waba_mysql"),
    ("master1", "waba_masters"),
    ("master2", "waba_masters"),
    ("coreapp1", "waba_coreapps"),
    ("coreapp2", "waba_coreapps"),
    ("webapp1", "waba_webapps"),
    ("coreapp3", "waba_coreapps"),
    ("webapp2", "waba_webapps"),
)
FIRST_ADDRESS = 11  # the addresses below are for the gateway and for containers of a scenario


@dataclass(frozen=True)
class Host:
    """One host of a lab. `groups`: of the inventory. `bare`: without Docker."""

    name: str
    address: str
    hostname: str
    bare: bool
    groups: tuple[str, ...] = field(default=())

    @property
    def has_ipv6_only(self) -> bool:
        return ":" in self.address


def hosts(lab: str, count: int, bare: int, subnet: str) -> list[Host]:
    """Return `count` hosts in `subnet`; the last `bare` hosts of the cluster have no Docker."""
    names = [name for name, _group in SEATS[:count]] + [f"spare{number + 1}" for number in range(count - len(SEATS))]
    network = ipaddress.ip_network(subnet)
    seated = min(count, len(SEATS))
    return [
        Host(
            name,
            str(network[FIRST_ADDRESS + index]),
            f"{name}.{lab}.test",
            seated - bare <= index < seated,
            tuple(
                sorted(
                    {group for seat, (_name, group) in enumerate(SEATS) if seat % seated == index and index < seated}
                )
            ),
        )
        for index, name in enumerate(names)
    ]


def private_ipv6_subnet(lab: str) -> str:
    """Return a subnet of unique local addresses (RFC 4193) for a lab, always the same one."""
    prefix = b"\xfd" + hashlib.sha256(lab.encode()).digest()[:7]
    return str(ipaddress.IPv6Network((prefix + bytes(8), 64)))


def named_hosts(lab: str, names: Sequence[str], bare: Sequence[str], subnet: str) -> list[Host]:
    """Return hosts with these names in `subnet`, for a scenario with groups of its own. bare: the names of those without Docker."""
    network = ipaddress.ip_network(subnet)
    return [
        Host(name, str(network[FIRST_ADDRESS + index]), f"{name}.{lab}.test", bare=name in bare)
        for index, name in enumerate(names)
    ]


def connections(members: list[Host], folder: Path) -> Inventory:
    """Return an inventory with the addresses of the hosts for Ansible, and the names by which they reach each other: the address, on hosts with IPv6 only.

    folder: of the SSH key of the lab and of the secrets of its cluster.
    """
    return {
        "all": {
            "hosts": {
                host.name: {
                    "ansible_host": host.address,
                    "waba_external_hostname": host.address if host.has_ipv6_only else host.hostname,
                }
                for host in members
            },
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(folder / "key"),
                "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
                "ansible_python_interpreter": "/usr/bin/python3",
                "images_source": "preloaded",
                "waba_secrets_file": str(folder / "waba_secrets.yml"),
            },
        }
    }


def inventory(members: list[Host], folder: Path) -> Inventory:
    """Return the complete inventory: connections and groups."""
    groups = sorted({group for _name, group in SEATS})
    return {
        "all": {
            **connections(members, folder)["all"],
            "children": {
                group: {"hosts": {host.name: {} for host in members if group in host.groups}} for group in groups
            },
        }
    }
