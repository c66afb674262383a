"""Forwards read receipts for inbound messages to the upstream."""

from __future__ import annotations

from collections.abc import Callable

from ..address import PortName
from ..rpc import Payload, RpcError, RpcServer
from ..store import inbox
from ..store.engine import Database
from ..upstream.base import UpstreamError, UpstreamSession


def register(server: RpcServer, database: Database, session: Callable[[int], UpstreamSession]) -> None:
    """Answer `messages.read` on the messaging port. session: returns the connection for a bucket, or raises RpcError 1018."""

    async def read(payload: Payload) -> Payload:
        """Mark a message as read: message_id, bucket."""
        try:
            await session(payload["bucket"]).mark_read(payload["message_id"])
        except UpstreamError as error:
            raise RpcError(1014, "Internal error", f"the upstream did not accept the receipt: {error}") from error
        async with database.begin() as connection:
            await inbox.record_read(connection, payload["message_id"])
        return {}

    server.add(PortName.MESSAGING, "messages.read", read)
