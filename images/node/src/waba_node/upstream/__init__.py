"""The services that a coreapp can be connected to."""

from __future__ import annotations

from .base import Upstream

LOOPBACK = "loopback"


def create_upstream(address: str) -> Upstream:
    """Return the upstream that WABA_UPSTREAM names: `loopback`, or `ws://host:port` (`wss://`) for a service on the network."""
    if address == LOOPBACK:
        from .loopback import Loopback

        return Loopback()
    from .websocket import Service

    return Service(address)
