"""The messaging services that a coreapp can connect to."""

from __future__ import annotations

from ..config import CLOUD, NodeConfig
from .base import Library, Upstream

LOOPBACK = "loopback"


def create_upstream(config: NodeConfig, library: Library | None = None) -> Upstream:
    """Return the upstream of WABA_UPSTREAM: `loopback`, `cloud`, or the address `ws://...` or `wss://...` of a service on the network.

    library: what the upstream may ask of the cluster; a node that sends no messages has none.
    """
    if config.upstream == LOOPBACK:
        from .loopback import Loopback

        return Loopback()
    if config.upstream == CLOUD and config.cloud is not None:
        from .cloud.service import CloudService

        return CloudService(config.cloud, library)
    from .websocket import WebSocketService

    return WebSocketService(config.upstream)
