"""Calls between the nodes: JSON over HTTP, signed with the cluster's secret (docs/adr/0006-signed-rpc-between-nodes.md)."""

from .client import RpcClient
from .protocol import Payload, RpcError
from .server import RpcServer
from .trust import ClusterTime, Trust

__all__ = ["ClusterTime", "Payload", "RpcClient", "RpcError", "RpcServer", "Trust"]
