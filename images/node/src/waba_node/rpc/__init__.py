"""Calls between the nodes: JSON over HTTP, signed with the cluster's secret."""

from .address import NodeAddress, PortName
from .calls import RpcClient, RpcError, RpcServer
from .trust import ClusterTime, Trust

__all__ = ["ClusterTime", "NodeAddress", "PortName", "RpcClient", "RpcError", "RpcServer", "Trust"]
