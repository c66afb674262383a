"""Where a node listens for the others."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class PortName(enum.IntEnum):
    """The four ports of a coreapp or master, in the order of COREAPP_EXTERNAL_PORTS (docs/reference/vendor-contract.md#ports)."""

    MESSAGING = 0
    CONTACTS = 1
    CONTROL = 2
    HEALTH = 3


@dataclass(frozen=True)
class NodeAddress:
    """The address of a node. ports: its published ports, in the order of PortName."""

    node_id: str
    role: str
    hostname: str
    ports: tuple[int, ...]

    def at(self, port: PortName) -> str:
        """Return `host:port`, with an IPv6 address in brackets."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{host}:{self.ports[port]}"
