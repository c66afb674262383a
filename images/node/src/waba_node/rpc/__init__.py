"""Calls between the nodes: JSON over HTTP, signed with the cluster's secret."""

from .calls import RpcClient, RpcError, RpcServer
from .trust import ClusterTime, Trust

__all__ = ["ClusterTime", "RpcClient", "RpcError", "RpcServer", "Trust"]
