"""Texts, addresses and ports that several subjects share."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

Case = tuple[str, str, Any, str, str]

LEARN = "Run ansible-doc -t role waba.cluster.{} to see the accepted values"
WABA = LEARN.format("common")
UNKNOWN = "there is no such setting"
HERE = f"{Path('/proc/self/comm').read_text(encoding='utf-8').strip()} (pid {os.getpid()})"
MODULES = list(Path("/lib/modules", os.uname().release).glob("**/nfs.ko*"))
NO_NFS = not MODULES and "nfs" not in Path("/proc/filesystems").read_text(encoding="utf-8")
MEMORY = int(Path("/proc/meminfo").read_text(encoding="utf-8").split("MemTotal:")[1].split()[0]) // 1024
CROWD = MEMORY // 1024 + 1  # coreapps of the vendor, more than fit into the memory


def free_ports(count: int) -> int:
    """Return the first of `count` ports that are free now, below the ephemeral ports."""
    listing = Path("/proc/net/tcp").read_text(encoding="ascii") + Path("/proc/net/tcp6").read_text(encoding="ascii")
    used = {int(line.split()[1].rpartition(":")[2], 16) for line in listing.splitlines() if "address" not in line}
    return next(first for first in range(15000, 32000, 100) if not used & set(range(first, first + count)))


def source_towards(address: str) -> str:
    """Return the source address of packets from this machine to another address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect((address, 9))
        return connection.getsockname()[0]


HERE_KNOWN_BY, THERE_KNOWN_BY = "192.0.2.1", "198.51.100.7"  # unused: RFC 5737
FIRST = free_ports(4 * CROWD + 40)
TAKEN_RANGE, TAKEN_PORT = FIRST + 1, FIRST + 20  # the process of the tests listens there
VENDOR = "docker.whatsapp.biz"
NAME_RULE = "Use a-z, 0-9, _ and -, a letter or digit first"
FOUR = "Give four ports in a row, as in '6300-6303'"
PIN = "Pin one of them to ports that nothing else on this host uses"
NETWORK = "Write an address or network, for example 192.0.2.0/24 or 2001:db8::1; names are not resolved"
TEXT = "Write text in quotes; or remove the variable, and a secret is generated"
ENVIRONMENT = "Use one line of text without it; letters, digits and - _ . + are always possible"
HIDDEN = "(redacted)"
SAME = "Give all hosts of a cluster the same, as in group_vars/all"
TIME_FIX = "Write a time, as in '2026-01-31T12:00:00Z', or a duration before now, as in '90m', '12h' or '3d'"


def row(case: Case) -> tuple[str, ...]:
    host, setting, value, problem, fix = case
    rendered = value if isinstance(value, str) and value.startswith("(") else repr(value)
    return (host, setting, rendered, problem, fix)
