"""The messaging services that a coreapp can connect to."""

from __future__ import annotations

from .base import Upstream

LOOPBACK = "loopback"


def create_upstream(address: str) -> Upstream:
    """Return the upstream of WABA_UPSTREAM: `loopback`, or `ws://host:port` or `wss://host:port` for a service on the network."""
    if address == LOOPBACK:
        from .loopback import Loopback

        return Loopback()
    from .websocket import WebSocketService

    return WebSocketService(address)
