"""Calls between the nodes: JSON over HTTP, signed with the cluster's secret."""

from .address import NodeAddress, PortName
from .calls import WireClient, WireError, WireServer

__all__ = ["NodeAddress", "PortName", "WireClient", "WireError", "WireServer"]
